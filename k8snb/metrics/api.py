"""The HTTP API of a Prometheus server: a path and its parameters become the JSON that dashboards read.

Source: `web/api/v1/api.go`; https://prometheus.io/docs/prometheus/latest/querying/api/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from k8snb.metrics.labels import Matcher, value
from k8snb.metrics.numbers import read, shown
from k8snb.metrics.promql.durations import milliseconds, written
from k8snb.metrics.promql.lexer import PromQLError
from k8snb.metrics.promql.parser import parse_selector
from k8snb.metrics.promql.values import Value, Window
from k8snb.metrics.rules import Alert, AlertingRule, Rule
from k8snb.metrics.server import Prometheus, stamp
from k8snb.metrics.tsdb import Series

Parameters = Mapping[str, Sequence[str]]
Handler = Callable[[Prometheus, Parameters, int], Any]
_LABEL_VALUES = re.compile(r"label/([^/]+)/values")


class BadRequest(Exception):
    """A parameter that cannot be; the message is Prometheus'."""


def answer(server: Prometheus, path: str, given: Parameters, now: int) -> tuple[int, Any]:
    """Status and body for a path below `/api/v1/`."""
    handler = _handler(path)
    if handler is None:
        return 404, "404 page not found\n"
    try:
        data = handler(server, given, now)
    except BadRequest as refusal:
        return 400, {"status": "error", "errorType": "bad_data", "error": str(refusal)}
    except PromQLError as error:
        return 422, {"status": "error", "errorType": "execution", "error": str(error)}
    return 200, {"status": "success", "data": data}


# -- parameters --


def moment(text: str) -> int:
    """A time as the API takes it: seconds since 1970, or RFC 3339. Raises ValueError."""
    try:
        return round(read(text) * 1000)
    except ValueError:
        return round(datetime.fromisoformat(text).timestamp() * 1000)


def _time(given: Parameters, name: str, otherwise: int | None = None) -> int:
    text = given.get(name, ("",))[0]
    if not text and otherwise is not None:
        return otherwise
    try:
        return moment(text)
    except (ValueError, OverflowError):
        raise BadRequest(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp') from None


def _step(given: Parameters) -> int:
    text = given.get("step", ("",))[0]
    try:
        return round(read(text) * 1000)
    except ValueError:
        pass
    try:
        return milliseconds(text)
    except ValueError:
        raise BadRequest(f'invalid parameter "step": cannot parse "{text}" to a valid duration') from None


def _matchers(given: Parameters, *, needed: bool) -> list[tuple[Matcher, ...]]:
    texts = given.get("match[]", ())
    if not texts and needed:
        raise BadRequest("no match[] parameter provided")
    try:
        return [parse_selector(text) for text in texts]
    except PromQLError as error:
        raise BadRequest(f'invalid parameter "match[]": {error}') from None


# -- answers --


def _query(server: Prometheus, given: Parameters, now: int) -> Any:
    at = _time(given, "time", now)
    return result(_parsed(lambda text: server.engine.query(text, at), given), at)


def _query_range(server: Prometheus, given: Parameters, now: int) -> Any:
    start, end = _time(given, "start"), _time(given, "end")
    if end < start:
        raise BadRequest('invalid parameter "end": end timestamp must not be before start time')
    step = _step(given)
    if step <= 0:
        raise BadRequest(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer"
        )
    windows = _parsed(lambda text: server.engine.query_range(text, start, end, step), given)
    return {"resultType": "matrix", "result": [_window(window) for window in windows]}


def _parsed(ask: Callable[[str], Any], given: Parameters) -> Any:
    """What an expression comes to; one that cannot be read is the asker's mistake."""
    try:
        return ask(given.get("query", ("",))[0])
    except PromQLError as error:
        if error.position is not None:
            raise BadRequest(f'invalid parameter "query": {error}') from None
        raise


def result(found: Value, at: int) -> Any:
    """A value as the API tells it."""
    if isinstance(found, str | float):
        kind = "string" if isinstance(found, str) else "scalar"
        return {"resultType": kind, "result": [at / 1000, found if isinstance(found, str) else shown(found)]}
    if found and isinstance(found[0], Window):
        return {"resultType": "matrix", "result": [_window(each) for each in found if isinstance(each, Window)]}
    samples = (each for each in found if not isinstance(each, Window))
    rows = [{"metric": dict(labels), "value": [at / 1000, shown(number)]} for labels, number in samples]
    return {"resultType": "vector", "result": rows}


def _window(window: Window) -> Any:
    samples = [[at / 1000, shown(number)] for at, number in zip(window.times, window.values, strict=True)]
    return {"metric": dict(window.labels), "values": samples}


def _chosen(server: Prometheus, given: Parameters, *, needed: bool) -> list[Series]:
    chosen = _matchers(given, needed=needed)
    if not chosen:
        return list(server.store)
    found = {series.labels: series for matchers in chosen for series in server.store.select(matchers)}
    return [found[of] for of in sorted(found)]


def _series(server: Prometheus, given: Parameters, now: int) -> Any:
    return [dict(series.labels) for series in _chosen(server, given, needed=True)]


def _labels(server: Prometheus, given: Parameters, now: int) -> Any:
    return sorted({name for series in _chosen(server, given, needed=False) for name, _ in series.labels})


def _label_values(name: str, server: Prometheus, given: Parameters, _now: int) -> Any:
    return sorted({text for series in _chosen(server, given, needed=False) if (text := value(series.labels, name))})


def _targets(server: Prometheus, given: Parameters, now: int) -> Any:
    active = [
        {
            "discoveredLabels": dict(each.discovered),
            "labels": dict(each.labels),
            "scrapePool": name,
            "scrapeUrl": each.url,
            "globalUrl": each.url,
            "lastError": each.last_error,
            "lastScrape": stamp(each.last_scrape),
            "lastScrapeDuration": each.last_duration,
            "health": each.health,
            "scrapeInterval": written(each.interval),
            "scrapeTimeout": written(each.timeout),
        }
        for name, found in server.targets.items()
        for each in found
    ]
    dropped = [{"discoveredLabels": dict(of)} for found in server.dropped.values() for of in found]
    return {"activeTargets": active, "droppedTargets": dropped}


def alert(of: Alert) -> Any:
    """One alert as the API tells it."""
    return {
        "labels": dict(of.labels),
        "annotations": dict(of.annotations),
        "state": of.state,
        "activeAt": stamp(of.active_at),
        "value": _scientific(of.value),
    }


def _scientific(number: float) -> str:
    """Go's 'e' with the fewest digits: `1e+00`."""
    if not math.isfinite(number):
        return shown(number)
    return next(text for n in range(18) if float(text := f"{number:.{n}e}") == number)


def _alerts(server: Prometheus, given: Parameters, now: int) -> Any:
    return {"alerts": [alert(each) for each in server.alerts()]}


def _rules(server: Prometheus, given: Parameters, now: int) -> Any:
    kind = given.get("type", ("",))[0]
    if kind not in ("", "alert", "record"):
        raise BadRequest(f'not supported value "{kind}"')
    groups = []
    for group in server.groups:
        told = [_rule(rule) for rule in group.rules if kind in ("", "alert" if _alerting(rule) else "record")]
        groups.append({"name": group.name, "interval": group.interval / 1000, "rules": told})
    return {"groups": groups}


def _alerting(rule: Rule) -> bool:
    return isinstance(rule, AlertingRule)


def _rule(rule: Rule) -> Any:
    common = {
        "name": rule.name,
        "query": str(rule.expression),
        "labels": dict(rule.labels),
        "health": "err" if rule.error else "ok",
        "lastError": rule.error,
    }
    if not isinstance(rule, AlertingRule):
        return {**common, "type": "recording"}
    return {
        **common,
        "type": "alerting",
        "state": rule.state,
        "duration": rule.hold / 1000,
        "keepFiringFor": rule.keep_firing / 1000,
        "annotations": dict(rule.annotations),
        "alerts": [alert(each) for each in rule.active.values() if each.state != "inactive"],
    }


def _handler(path: str) -> Handler | None:
    """Who answers at a path; None if nobody does."""
    found = _LABEL_VALUES.fullmatch(path)
    return partial(_label_values, found[1]) if found else _HANDLERS.get(path)


_HANDLERS: Mapping[str, Handler] = {
    "query": _query,
    "query_range": _query_range,
    "series": _series,
    "labels": _labels,
    "targets": _targets,
    "alerts": _alerts,
    "rules": _rules,
}
