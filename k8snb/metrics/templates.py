"""Texts of alerts: Go templates over an alert's labels and value.

Source: `template/template.go`; https://prometheus.io/docs/prometheus/latest/configuration/template_reference/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from k8snb.machinery.goregexp import compiled
from k8snb.machinery.gotemplate import FunctionError, TemplateError, Templates, sprintf
from k8snb.metrics.labels import Labels, value
from k8snb.metrics.numbers import read
from k8snb.metrics.promql.durations import milliseconds
from k8snb.metrics.promql.functions import expanded
from k8snb.metrics.promql.values import Vector

Query = Callable[[str], Vector]

_HEAD = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")


class _Texts(dict[str, str]):
    """A map of Go's from text to text: what is not in it is empty."""

    def __missing__(self, name: str) -> str:
        return ""


def filled(
    texts: Mapping[str, str], *, of: Mapping[str, str], number: float, query: Query, external: Mapping[str, str]
) -> dict[str, str]:
    """Each of the texts, said of an alert with these labels and this value."""
    data = {"Labels": _Texts(of), "ExternalLabels": _Texts(external), "ExternalURL": "", "Value": number}
    return {name: text(template, data, query) for name, template in texts.items()}


def text(template: str, data: Mapping[str, Any], query: Query) -> str:
    """What a template says of an alert; if it cannot be carried out, an error that says why, as Prometheus does."""
    templates = Templates(_functions(query), missing="zero")
    try:
        templates.add("alert", _HEAD + template)
        return templates.render("alert", data)
    except TemplateError as error:
        return f"<error expanding template: error executing template __alert_alert: {error}>"


def _number(given: Any) -> float:
    if isinstance(given, str):
        try:
            return read(given)
        except ValueError:
            raise FunctionError(f'strconv.ParseFloat: parsing "{given}": invalid syntax') from None
    return float(given)


def _short(number: float) -> str:
    return sprintf("%.4g", [number])


def humanize(given: Any) -> str:
    """Four digits with a metric prefix: `1.235k`."""
    number = _number(given)
    if not number or not math.isfinite(number):
        return _short(number)
    prefix = ""
    if abs(number) >= 1:
        for each in _LARGE:
            if abs(number) < 1000:
                break
            prefix, number = each, number / 1000
    else:
        for each in _SMALL:
            if abs(number) >= 1:
                break
            prefix, number = each, number * 1000
    return _short(number) + prefix


def humanize1024(given: Any) -> str:
    """Four digits with a binary prefix: `1.5Mi`."""
    number, prefix = _number(given), ""
    if abs(number) <= 1 or not math.isfinite(number):
        return _short(number)
    for each in _BINARY:
        if abs(number) < 1024:
            break
        prefix, number = each, number / 1024
    return _short(number) + prefix


def humanize_duration(given: Any) -> str:
    """Seconds as `1d 2h 3m 4s`."""
    number = _number(given)
    if not math.isfinite(number) or not number:
        return _short(number) if number else "0s"
    if abs(number) < 1:
        return humanize(number) + "s"
    if abs(number) < 60:
        return _short(number) + "s"
    sign, whole = "-" if number < 0 else "", int(abs(number))
    days, hours, minutes, seconds = whole // 86_400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    parts = [f"{days}d "] if days else []
    parts += [f"{hours}h "] if days or hours else []
    return f"{sign}{''.join(parts)}{minutes}m {seconds}s"


def _timestamp(given: Any) -> str:
    number = _number(given)
    if not math.isfinite(number):
        return _short(number)
    return datetime.fromtimestamp(number, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def _samples(vector: Vector) -> list[dict[str, Any]]:
    return [{"Labels": _Texts(dict(of)), "Value": number} for of, number in vector]


def _first(samples: list[dict[str, Any]]) -> dict[str, Any]:
    if not samples:
        raise FunctionError("first() called on vector with no elements")
    return samples[0]


def _replace_all(pattern: str, replacement: str, given: str) -> str:
    return compiled(pattern).sub(lambda match: expanded(replacement, match), given)


def _functions(query: Query) -> dict[str, Callable[..., Any]]:
    return {
        "query": lambda asked: _samples(query(asked)),
        "first": _first,
        "label": lambda name, sample: sample["Labels"].get(name, ""),
        "value": lambda sample: sample["Value"],
        "strvalue": lambda sample: sample["Labels"].get("__value__", ""),
        "sortByLabel": lambda name, samples: sorted(samples, key=lambda sample: sample["Labels"].get(name, "")),
        "humanize": humanize,
        "humanize1024": humanize1024,
        "humanizeDuration": humanize_duration,
        "humanizePercentage": lambda given: _short(_number(given) * 100) + "%",
        "humanizeTimestamp": _timestamp,
        "title": lambda given: re.sub(r"\b\w", lambda match: match[0].upper(), given),
        "toUpper": str.upper,
        "toLower": str.lower,
        "match": lambda pattern, given: compiled(pattern).search(given) is not None,
        "reReplaceAll": _replace_all,
        "stripPort": lambda given: given.rpartition(":")[0] if ":" in given else given,
        "parseDuration": lambda given: milliseconds(given) / 1000,
    }


def mapping(of: Labels) -> dict[str, str]:
    """Labels as templates see them, without the metric's name."""
    return {name: value(of, name) for name, _ in of if name != "__name__"}
