"""Rules: expressions that are evaluated again and again. A recording rule keeps the result as a new series; an alerting
rule turns each sample of the result into an alert, which fires once it has been there for long enough.

Source: `rules/recording.go`, `alerting.go`, `group.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from k8snb.metrics import templates
from k8snb.metrics.labels import NAME, Labels, changed, labels
from k8snb.metrics.promql.engine import Engine
from k8snb.metrics.promql.lexer import PromQLError
from k8snb.metrics.promql.nodes import Node
from k8snb.metrics.promql.values import Vector, Window
from k8snb.metrics.tsdb import STALE

State = Literal["inactive", "pending", "firing"]
RESOLVED_RETENTION = 15 * 60_000
"""How long an alert that is over is still told to the Alertmanager, in milliseconds."""


@dataclass(slots=True)
class Alert:
    """One alert. Times in milliseconds; `resolved_at` is 0 while it is active."""

    labels: Labels
    annotations: Labels
    value: float
    active_at: int
    state: State = "pending"
    fired_at: int = 0
    resolved_at: int = 0
    keep_firing_since: int = 0


@dataclass(slots=True)
class RecordingRule:
    """Keeps what an expression comes to under a new name."""

    name: str
    expression: Node
    labels: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    def samples(self, engine: Engine, now: int) -> Vector:
        """The new series' samples. Raises PromQLError."""
        found = [(changed(of, {NAME: self.name, **self.labels}), v) for of, v in engine.vector(self.expression, now)]
        if len({of for of, _ in found}) < len(found):
            raise PromQLError("vector contains metrics with the same labelset after applying rule labels")
        return found


@dataclass(slots=True)
class AlertingRule:
    """Alerts where an expression has a result. `hold`: for how long, in milliseconds, before an alert fires."""

    name: str
    expression: Node
    hold: int = 0
    keep_firing: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    external: Mapping[str, str] = field(default_factory=dict)
    active: dict[Labels, Alert] = field(default_factory=dict)
    error: str = ""

    @property
    def state(self) -> State:
        """The worst state of its alerts."""
        states = {alert.state for alert in self.active.values()}
        return "firing" if "firing" in states else "pending" if "pending" in states else "inactive"

    def samples(self, engine: Engine, now: int) -> Vector:
        """See what is active, and tell it as the series ALERTS and ALERTS_FOR_STATE. Raises PromQLError."""
        seen = self._seen(engine, now)
        for key, alert in seen.items():
            known = self.active.get(key)
            if known is not None and known.state != "inactive":
                known.value, known.annotations = alert.value, alert.annotations
            else:
                self.active[key] = alert
        for key in list(self.active):
            self._age(key, key in seen, now)
        return [sample for alert in self.active.values() if alert.state != "inactive" for sample in self._told(alert)]

    def _seen(self, engine: Engine, now: int) -> dict[Labels, Alert]:
        found: dict[Labels, Alert] = {}

        def query(text: str) -> Vector:
            result = engine.query(text, now)
            return [each for each in result if not isinstance(each, Window)] if isinstance(result, list) else []

        for of, number in engine.vector(self.expression, now):
            known = templates.mapping(of)
            fill = partial(templates.filled, of=known, number=number, query=query, external=self.external)
            shape = labels({**known, **fill(self.labels), "alertname": self.name})
            if shape in found:
                raise PromQLError("vector contains metrics with the same labelset after applying alert labels")
            found[shape] = Alert(shape, labels(fill(self.annotations)), number, now)
        return found

    def _age(self, key: Labels, seen: bool, now: int) -> None:
        alert = self.active[key]
        if not seen:
            self._calm(key, alert, now)
            return
        alert.keep_firing_since = 0
        if alert.state == "pending" and now - alert.active_at >= self.hold:
            alert.state, alert.fired_at = "firing", now

    def _calm(self, key: Labels, alert: Alert, now: int) -> None:
        """An alert without a sample: it goes on firing for a while, is over, or was never more than pending."""
        if alert.state == "firing" and self.keep_firing:
            alert.keep_firing_since = alert.keep_firing_since or now
            if now - alert.keep_firing_since < self.keep_firing:
                return
        if alert.state == "pending" or (alert.resolved_at and now - alert.resolved_at > RESOLVED_RETENTION):
            del self.active[key]
        elif alert.state != "inactive":
            alert.state, alert.resolved_at = "inactive", now

    def _told(self, alert: Alert) -> Vector:
        return [
            (changed(alert.labels, {NAME: "ALERTS", "alertstate": alert.state}), 1.0),
            (changed(alert.labels, {NAME: "ALERTS_FOR_STATE"}), alert.active_at / 1000),
        ]


Rule = RecordingRule | AlertingRule


@dataclass(slots=True)
class Group:
    """Rules that are evaluated one after the other, every `interval` milliseconds."""

    name: str
    rules: Sequence[Rule]
    interval: int = 60_000
    _series: dict[int, set[Labels]] = field(default_factory=dict)

    def take_over(self, before: Group) -> None:
        """Go on where the group was before its file was read again: rules are known by their names."""
        places = {rule.name: place for place, rule in enumerate(before.rules)}
        for place, rule in enumerate(self.rules):
            former = places.get(rule.name)
            if former is None:
                continue
            self._series[place] = before._series.get(former, set())
            same = before.rules[former]
            if isinstance(rule, AlertingRule) and isinstance(same, AlertingRule):
                rule.active = same.active

    def evaluate(self, engine: Engine, now: int) -> None:
        """Evaluate every rule at a moment; what a rule no longer tells of has ended."""
        for place, rule in enumerate(self.rules):
            try:
                samples = rule.samples(engine, now)
            except PromQLError as error:
                rule.error = str(error)
                continue
            rule.error = ""
            for of, number in samples:
                engine.store.append(of, now, number)
            told = {of for of, _ in samples}
            for gone in self._series.get(place, set()) - told:
                engine.store.append(gone, now, STALE)
            self._series[place] = told

    def alerts(self) -> list[Alert]:
        """All alerts of the group that fire or have just ceased to."""
        found = [alert for rule in self.rules if isinstance(rule, AlertingRule) for alert in rule.active.values()]
        return [alert for alert in found if alert.state == "firing" or alert.resolved_at]
