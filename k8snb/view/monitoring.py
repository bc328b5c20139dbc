"""What a Prometheus in the cluster says: targets, answers over time, rules and alerts, and how one came to be.

All of it is asked for as a dashboard would, over Prometheus' HTTP API, by way of the API server's proxy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from k8snb.i18n import _
from k8snb.metrics.alertmanager import matcher
from k8snb.metrics.labels import Labels, labels, nameless, shown
from k8snb.metrics.numbers import shown as number_shown
from k8snb.metrics.relabel import Rule, steps
from k8snb.metrics.server import stamp
from k8snb.view.changes import Change
from k8snb.view.chart import Chart, Moment
from k8snb.view.frames import DIRECT, Act, Frame
from k8snb.view.grid import Cell, Grid
from k8snb.view.scene import Item
from k8snb.view.stepper import Stepper


class Door(Protocol):
    """The way to the programs' Services."""

    def ask(self, service: str, path: str, query: Mapping[str, str]) -> Any:
        """What a path answers, read; raises ValueError with the program's own words."""
        ...

    def post(self, service: str, path: str, body: str) -> str:
        """What sending a body to a path answers, as it is."""
        ...


_HUES = {"up": "green", "down": "red", "firing": "red", "pending": "amber", "inactive": "slate"}
_OF_TARGET = ("app", "pod", "job", "instance", "namespace")
_META = "__meta_kubernetes_"


class Monitoring:
    """A Prometheus, as its users see it. `now` says how late it is, `jobs` is its configuration by job."""

    def __init__(self, door: Door, now: Callable[[], float], jobs: Callable[[], Mapping[str, Any]]) -> None:
        self._door, self._now, self._jobs = door, now, jobs

    def _ask(self, path: str, **query: str) -> Any:
        return self._door.ask("prometheus:9090", f"api/v1/{path}", query)["data"]

    # -- as data --

    def active(self) -> list[Mapping[str, Any]]:
        """The targets that are scraped, as the API tells of them."""
        return list(self._ask("targets")["activeTargets"])

    def evaluated(self) -> list[Mapping[str, Any]]:
        """All rules, as the API tells of them."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def notified(self) -> list[Mapping[str, Any]]:
        """The alerts that Alertmanager knows, as its API tells of them."""
        return list(self._door.ask("alertmanager:9093", "api/v2/alerts", {}))

    def values(self, text: str) -> dict[Labels, float]:
        """The samples of an instant vector, by their labels without the metric's name."""
        result = self._ask("query", query=text)["result"]
        return {nameless(labels(each["metric"])): float(each["value"][1]) for each in result}

    # -- doing --

    def reload(self) -> str:
        """Have the configuration read again; what is wrong with it, if it cannot be."""
        return self._door.post("prometheus:9090", "-/reload", "")

    def silence(self, *conditions: str, minutes: float = 60, comment: str = "") -> str:
        """Have nobody told of alerts that fit: `alertname=Down`. Returns what Alertmanager answers."""
        begin = int(self._now() * 1000)
        body = {
            "matchers": [_condition(each) for each in conditions],
            "startsAt": stamp(begin),
            "endsAt": stamp(begin + round(minutes * 60_000)),
            "comment": comment,
            "createdBy": "reader",
        }
        return self._door.post("alertmanager:9093", "api/v2/silences", json.dumps(body))

    # -- tables --

    def targets(self) -> Grid:
        """What is scraped, and how that went last time."""
        rows = [
            [
                Cell(each["labels"]["job"]),
                Cell(_named(each["labels"])),
                Cell(each["health"], hue=_HUES.get(each["health"], "slate")),
                Cell(each["lastError"].rpartition('": ')[2] or each["lastError"]),
            ]
            for each in self.active()
        ]
        return Grid(_("Targets"), (_("job"), _("target"), _("health"), _("what was wrong")), rows)

    def query(self, text: str) -> Grid:
        """What an expression comes to now. Raises ValueError with Prometheus' words."""
        found = self._ask("query", query=text)
        result = found["result"]
        rows = [("", result[1])] if found["resultType"] in ("scalar", "string") else [*map(_row, result)]
        cells = [[Cell(name or "{}"), Cell(number)] for name, number in rows]
        return Grid(text, (_("labels"), _("value")), cells, [] if rows else [_("No series answers.")])

    def chart(self, text: str, *, minutes: float = 10, step: float = 15, title: str = "", unit: str = "") -> Chart:
        """What an expression came to during the last minutes. Raises ValueError with Prometheus' words."""
        end = int(self._now())
        start = end - round(minutes * 60)
        times = {"start": str(start), "end": str(end), "step": str(step)}
        matrix = self._ask("query_range", query=text, **times)["result"]
        values: dict[float, dict[str, float]] = {}
        for series in matrix:
            for at, number in series["values"]:
                values.setdefault(at - start, {})[_short(series["metric"])] = float(number)
        moments = [Moment(at, values[at]) for at in sorted(values)]
        return Chart(title or text, moments, unit=unit)

    def rules(self) -> Grid:
        """What is evaluated again and again, and what came of it."""
        rows = [
            [
                Cell(rule["name"], rule["query"]),
                Cell(rule["type"]),
                Cell(state := rule.get("state", rule["health"]), hue=_HUES.get(state, "green")),
                Cell(_for(rule)),
            ]
            for rule in self.evaluated()
        ]
        return Grid(_("Rules"), (_("rule"), _("kind"), _("state"), _("for")), rows)

    def alerts(self) -> Grid:
        """What is pending or fires."""
        rows = [
            [
                Cell(each["labels"]["alertname"]),
                Cell(each["state"], hue=_HUES[each["state"]]),
                Cell(each["annotations"].get("summary", ""), _named(each["labels"])),
            ]
            for each in self._ask("alerts")["alerts"]
        ]
        return Grid(_("Alerts"), (_("alert"), _("state"), _("summary")), rows, [] if rows else [_("None.")])

    # -- relabelling --

    def relabelling(self, name: str) -> Grid:
        """How the labels of a target came about, rule by rule. KeyError if there is no such target."""
        target = self._target(name)
        rows: list[list[Cell]] = []
        before = target["discoveredLabels"]
        for rule, after in steps(before, self._rules(target["scrapePool"])):
            changed = "; ".join(_differences(before, after))
            rows.append([Cell(rule.action), Cell(_said(rule)), Cell(changed or "–")])
            before = after or {}
        notes = [_("What is left, without labels that begin with two underscores: {labels}")]
        kept = [note.format(labels=_short(target["labels"], whole=True)) for note in notes]
        title = _("From what was discovered about {name} to its labels").format(name=name)
        return Grid(title, (_("action"), _("rule"), _("what it changes")), rows, kept)

    def _target(self, name: str) -> Mapping[str, Any]:
        for each in self.active():
            if name in (each["labels"].get("pod"), each["labels"]["instance"], each["labels"]["job"]):
                target: Mapping[str, Any] = each
                return target
        raise KeyError(name)

    def _rules(self, job: str) -> list[Rule]:
        return [Rule.of(each) for each in self._jobs().get(job, {}).get("relabel_configs") or ()]

    # -- the story --

    def story(self, name: str, alert: str, *, title: str = "") -> Stepper:
        """From the discovery of a target to the alert about it. KeyError if there is no such target or alert."""
        target, found = self._target(name), self._alert(alert, name)
        rule = next(each for each in self.evaluated() if each["name"] == alert)
        frames = [*self._discovered(name, target), *self._watched(target, rule, found)]
        frames += self._notified(found, frames[-1])
        return Stepper(title or _("From a pod to an alert"), frames, DIRECT)

    def _alert(self, alert: str, name: str) -> Mapping[str, Any]:
        for each in self._ask("alerts")["alerts"]:
            if each["labels"]["alertname"] == alert and name in each["labels"].values():
                found: Mapping[str, Any] = each
                return found
        raise KeyError(alert)

    def _discovered(self, name: str, target: Mapping[str, Any]) -> Iterator[Frame]:
        before = target["discoveredLabels"]
        pod = f"Pod/{name}"
        scene: dict[str, Item] = {pod: {"state": "ready"}}
        known = [(_plain(label), text) for label, text in before.items() if label in _INTERESTING]
        words = _("the watch tells of a pod; what is known of it becomes labels")
        act = Act(_("discover"), name, 0, 0, to=PROMETHEUS)
        yield Frame(API, name, words, 0.0, 0, observed=known, acts=[act], scene=scene, touched=[pod])
        for rule, after in steps(before, self._rules(target["scrapePool"])):
            if after is not None and after != before:
                changes = [Change(_plain(n), before.get(n, ""), after.get(n, "")) for n in _changed(before, after)]
                done = Act(rule.action, name, 0, 0, changes=changes, to=PROMETHEUS)
                yield Frame(PROMETHEUS, name, _said(rule), 0.0, 0, acts=[done], scene=scene, touched=[pod])
            before = after or {}

    def _watched(self, target: Mapping[str, Any], rule: Mapping[str, Any], alert: Mapping[str, Any]) -> Iterator[Frame]:
        name = _named(target["labels"])
        down = target["health"] != "up"
        scene: dict[str, Item] = {f"Pod/{name}": {"state": "failing" if down else "ready", "word": target["health"]}}
        get = Act("GET", target["scrapeUrl"], 0, 0, to=name)
        every = _("every {interval} it is asked").format(interval=target["scrapeInterval"])
        yield Frame(PROMETHEUS, name, every, 0.0, 0, acts=[get], scene=scene, error=target["lastError"])
        up = Act("append", f"up{{instance={target['labels']['instance']}}} {0 if down else 1}", 0, 0, to=TSDB)
        yield Frame(PROMETHEUS, name, _("every scrape leaves a sample of up"), 0.0, 0, acts=[up], scene=scene)
        seen = [(_("expression"), rule["query"]), (_("value"), f"{float(alert['value']):g}")]
        alerts, seconds = alert["labels"]["alertname"], rule["duration"]
        hold = _("a sample that answers is an alert; it has to be there for {seconds} s before it fires")
        words = hold.format(seconds=f"{seconds:g}")
        pending = Act(_("pending"), alerts, 0, 0, to=PROMETHEUS)
        yield Frame(RULES, rule["name"], words, 0.0, 0, observed=seen, acts=[pending], scene=scene)
        if alert["state"] == "firing":
            fires = Act(_("firing"), alerts, 0, 0, to=PROMETHEUS)
            words = _("it has been there all the while: it fires")
            yield Frame(RULES, rule["name"], words, seconds, 0, observed=seen, acts=[fires], scene=scene)

    def _notified(self, alert: Mapping[str, Any], last: Frame) -> Iterator[Frame]:
        known = [each for each in self.notified() if each["labels"] == alert["labels"]]
        if not known:
            return
        send = Act("POST", "/api/v2/alerts", 200, 0, to=ALERTMANAGER)
        summary = alert["annotations"].get("summary", "")
        yield replace(last, actor=PROMETHEUS, caption=summary, observed=(), acts=[send])
        receivers = ", ".join(each["name"] for each in known[0]["receivers"])
        tell = Act(_("notify"), alert["labels"]["alertname"], 0, 0, to=receivers)
        words = _("alerts with the same group labels are told together")
        state = [(_("state"), known[0]["status"]["state"])]
        yield replace(last, actor=ALERTMANAGER, subject=receivers, caption=words, observed=state, acts=[tell])


API, PROMETHEUS, TSDB, RULES, ALERTMANAGER = "API server", "Prometheus", "TSDB", "rules", "Alertmanager"
_INTERESTING = {
    "__address__", f"{_META}namespace", f"{_META}pod_name", f"{_META}pod_label_app", f"{_META}pod_node_name",
    f"{_META}pod_annotation_prometheus_io_scrape", f"{_META}pod_annotation_prometheus_io_port",
}  # fmt: skip


def _condition(text: str) -> Mapping[str, Any]:
    found = matcher(text)
    return {
        "name": found.name,
        "value": found.text,
        "isEqual": found.type in ("=", "=~"),
        "isRegex": found.type in ("=~", "!~"),
    }


_LONGEST = 14
"""How long the name of a line may be: longer ones lose their middle, because pods differ in their ends."""


def _plain(label: str) -> str:
    return label.replace(_META, "…")


def _row(series: Mapping[str, Any]) -> tuple[str, str]:
    of = shown(labels(series["metric"]))
    return (of, series["value"][1]) if "value" in series else (of, " ".join(v for _at, v in series["values"]))


def _named(of: Mapping[str, str]) -> str:
    return of.get("pod") or of.get("instance") or ""


def _short(of: Mapping[str, str], *, whole: bool = False) -> str:
    """Labels in few words: for the name of a line, values alone if there are few."""
    pairs = {name: text for name, text in of.items() if name != "__name__"}
    if not whole and len(pairs) == 1:
        (text,) = pairs.values()
        return text if len(text) <= _LONGEST else f"{text[:4]}…{text[-8:]}"
    return ", ".join(f"{name}={text}" for name, text in pairs.items()) or of.get("__name__", _("value"))


def _for(rule: Mapping[str, Any]) -> str:
    return f"{number_shown(rule['duration'])} s" if rule.get("duration") else ""


def _said(rule: Rule) -> str:
    """A rule in words."""
    source = ", ".join(map(_plain, rule.source_labels))
    match rule.action:
        case "keep" | "drop":
            return f"{source} =~ {rule.regex}"
        case "replace" if rule.source_labels:
            shape = "" if rule.regex == "(.*)" else f" =~ {rule.regex}"
            return f"{source}{shape} → {rule.target_label} = {rule.replacement}"
        case "replace":
            return f"{rule.target_label} = {rule.replacement}"
    return f"{source} {rule.regex} → {rule.target_label or rule.replacement}".strip()


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


def _differences(before: Mapping[str, str], after: Mapping[str, str] | None) -> Sequence[str]:
    if after is None:
        return [_("the target is dropped")]
    return [f"{_plain(n)}: {before.get(n) or '∅'} → {after.get(n) or '∅'}" for n in _changed(before, after)]
