"""A Prometheus server without a wire: it knows what is due when, and is handed the way to targets and to Alertmanagers.

`tick(now)` scrapes the targets and evaluates the rules whose time has come and says when to call again. Each target and
each group of rules has a moment of its own within its interval, so that not all work comes at once.
Source: `scrape/manager.go`, `rules/manager.go`, `notifier/notifier.go`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from k8snb.metrics.config import Config
from k8snb.metrics.labels import Labels, shown
from k8snb.metrics.promql.engine import Engine
from k8snb.metrics.rules import Alert, Group
from k8snb.metrics.scrape import Answer, Job, Target, end, ingest, targets
from k8snb.metrics.tsdb import TSDB

RESEND = 60_000
"""How often an Alertmanager is told of an alert that goes on, in milliseconds."""
DISCOVERY = 5_000
"""How long what is new waits to be discovered, at most."""
TRUNCATE = 2 * 3_600_000

Found = Iterable[Mapping[str, str]]


class World(Protocol):
    """What a server is handed."""

    def found(self, job: Job) -> Found:
        """What the job's service discovery finds now, beside what its configuration lists."""
        ...

    def fetch(self, target: Target) -> Answer:
        """Ask a target."""
        ...

    def notify(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Tell the Alertmanagers of alerts, in the form of their API."""
        ...


class _Timetable:
    """When what is due: each name has a moment of its own within its interval."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def takes(self, name: str, interval: int, now: int) -> bool:
        """Whether it is due at `now`; then it is due again an interval later."""
        if now < self.next(name, interval, now):
            return False
        self._next[name] = _moment(name, interval, now + 1)
        return True

    def next(self, name: str, interval: int, now: int) -> int:
        """When it is due; what is new, at its first moment from `now` on."""
        return self._next.setdefault(name, _moment(name, interval, now))


def _moment(name: str, interval: int, now: int) -> int:
    phase = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) % interval
    return now + (phase - now) % interval


class Prometheus:
    """Targets, series, rules and alerts of one server. Times in milliseconds since 1970."""

    def __init__(
        self,
        config: Config,
        groups: Sequence[Group],
        world: World,
        store: TSDB | None = None,
        before: Prometheus | None = None,
    ) -> None:
        self.config, self.groups, self.world = config, groups, world
        self.store = store if store is not None else TSDB()
        self.engine = Engine(self.store)
        self.targets: dict[str, list[Target]] = {job.name: [] for job in config.jobs}
        self.dropped: dict[str, list[Labels]] = {job.name: [] for job in config.jobs}
        self._known: dict[str, list[Mapping[str, str]]] = {}
        self._times = _Timetable()
        self._sent: dict[Labels, int] = {}
        self._truncated = 0
        if before is not None:
            self._take_over(before)

    def _take_over(self, before: Prometheus) -> None:
        """Go on where a server with another configuration was: targets that remain and alerts that are active stay."""
        for name in self.targets.keys() & before.targets.keys():
            self.targets[name] = before.targets[name]
        known = {group.name: group for group in before.groups}
        for group in self.groups:
            if group.name in known:
                group.take_over(known[group.name])
        self._times, self._sent, self._truncated = before._times, before._sent, before._truncated

    # -- time --

    def tick(self, now: int) -> int:
        """Do what is due at `now`; returns when something will be due next."""
        self.discover(now)
        for each in self._all():
            if self._times.takes(_name(each), each.interval, now):
                ingest(self.store, each, self.world.fetch(each), now)
        for group in self.groups:
            if self._times.takes(group.name, group.interval, now):
                group.evaluate(self.engine, now)
                self._send(group, now)
        if now - self._truncated >= TRUNCATE:
            self._truncated = now
            self.store.truncate(now)
        return self.next(now)

    def next(self, now: int) -> int:
        """When something is due after `now`; soon anyway, as discovery may find something new."""
        times = [self._times.next(_name(each), each.interval, now) for each in self._all()]
        times += [self._times.next(group.name, group.interval, now) for group in self.groups]
        return min([*times, now + DISCOVERY])

    def _all(self) -> Iterable[Target]:
        return (each for found in self.targets.values() for each in found)

    # -- targets --

    def discover(self, now: int) -> None:
        """See which targets there are; what a target that is gone had ends."""
        for job in self.config.jobs:
            found = [*job.found(), *self.world.found(job)]
            if found == self._known.get(job.name):
                continue
            self._known[job.name] = found
            before = {(each.labels, each.url): each for each in self.targets[job.name]}
            made, self.dropped[job.name] = targets(job, found)
            kept = []
            for each in made:
                same = before.pop((each.labels, each.url), each)
                same.job, same.discovered = job, each.discovered
                same.interval, same.timeout = each.interval, each.timeout
                kept.append(same)
            self.targets[job.name] = kept
            for gone in before.values():
                end(self.store, gone, now)

    # -- alerts --

    def alerts(self) -> list[Alert]:
        """All alerts that are pending or firing."""
        return [
            alert
            for group in self.groups
            for rule in group.rules
            for alert in getattr(rule, "active", {}).values()
            if alert.state != "inactive"
        ]

    def _send(self, group: Group, now: int) -> None:
        due = [alert for alert in group.alerts() if self._news(alert, now)]
        for alert in due:
            self._sent[alert.labels] = now
        if due:
            until = now + 4 * max(group.interval, RESEND)
            self.world.notify([_told(alert, alert.resolved_at or until) for alert in due])

    def _news(self, alert: Alert, now: int) -> bool:
        sent = self._sent.get(alert.labels)
        return sent is None or alert.resolved_at > sent or now - sent >= RESEND


def stamp(time: int) -> str:
    """A time as RFC 3339; one that never was is Go's zero time."""
    if not time:
        return "0001-01-01T00:00:00Z"
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _name(target: Target) -> str:
    return target.url + shown(target.labels)


def _told(alert: Alert, until: int) -> Mapping[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": stamp(alert.fired_at),
        "endsAt": stamp(until),
        "generatorURL": "",
    }
