"""Alertmanager: alerts become notifications. A tree of routes says to whom; alerts of one route that share some labels
are told together; an inhibition or a silence keeps them back; what was told is not told again before its time.

All of it is a function of the alerts received and the moment: `due` says which notifications go out now.
Source: `dispatch/dispatch.go`, `notify/notify.go` and `inhibit/inhibit.go` of github.com/prometheus/alertmanager.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from k8snb.machinery.goregexp import GoRegexpError
from k8snb.metrics.labels import MATCHES, Labels, Matcher, only, value
from k8snb.metrics.promql.durations import milliseconds
from k8snb.metrics.promql.lexer import unquoted

ALL = "..."
"""`group_by: ['...']`: every label, so every alert by itself."""
_MATCHER = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.ASCII)


class AlertmanagerError(ValueError):
    """A configuration that cannot be."""


@dataclass(slots=True)
class Received:
    """An alert as the Alertmanager knows it. Times in milliseconds; it is over once `ends` has come."""

    labels: Labels
    annotations: Labels
    starts: int
    ends: int

    def resolved(self, now: int) -> bool:
        """Whether it is over."""
        return self.ends <= now


@dataclass(frozen=True, slots=True)
class Route:
    """Where alerts go. What a route does not say it has from the one above it."""

    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] = ()
    wait: int = 30_000
    interval: int = 300_000
    repeat: int = 4 * 3_600_000
    goes_on: bool = False
    routes: tuple[Route, ...] = ()

    def matching(self, of: Labels) -> Iterator[Route]:
        """The routes that an alert takes: the deepest that match, and their next siblings where one goes on."""
        if not _match(self.matchers, of):
            return
        found = False
        for child in self.routes:
            below = list(child.matching(of))
            yield from below
            found = found or bool(below)
            if below and not child.goes_on:
                break
        if not found:
            yield self


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that matches `source` fires, those that match `target` and share the labels `equal` are mute."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """From `starts` to `ends`, alerts that match are mute."""

    matchers: tuple[Matcher, ...]
    starts: int
    ends: int
    comment: str = ""
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class Notification:
    """What a receiver is told at `time`: the alerts of one group, firing and resolved."""

    time: int
    receiver: str
    group: Labels
    firing: tuple[Received, ...]
    resolved: tuple[Received, ...]

    @property
    def status(self) -> str:
        """`firing` as long as one alert is."""
        return "firing" if self.firing else "resolved"


@dataclass(slots=True)
class _Group:
    route: Route
    labels: Labels
    next: int
    alerts: dict[Labels, Received] = field(default_factory=dict)
    flushed: bool = False
    told: int | None = None
    told_firing: frozenset[Labels] = frozenset()
    told_resolved: frozenset[Labels] = frozenset()


class Alertmanager:
    """Alerts in, notifications out."""

    def __init__(
        self, route: Route, inhibitions: Sequence[Inhibition] = (), *, quiet: frozenset[str] = frozenset()
    ) -> None:
        self.route, self.inhibitions = route, inhibitions
        self.quiet = quiet
        """Receivers that are not told when alerts are over (`send_resolved: false`)."""
        self.alerts: dict[Labels, Received] = {}
        self.silences: list[Silence] = []
        self._groups: dict[tuple[int, Labels], _Group] = {}
        self._routes: list[Route] = []

    def receive(self, alerts: Sequence[Received], now: int) -> None:
        """Take alerts in; one that is known is told anew."""
        for alert in alerts:
            known = self.alerts.get(alert.labels)
            self.alerts[alert.labels] = replace(alert, starts=min(known.starts, alert.starts)) if known else alert
            for route in self.route.matching(alert.labels):
                self._group(route, alert, now).alerts[alert.labels] = self.alerts[alert.labels]

    def _group(self, route: Route, alert: Received, now: int) -> _Group:
        labels = alert.labels if ALL in route.group_by else only(alert.labels, route.group_by)
        key = (id(route), labels)
        if key not in self._groups:
            first = now if alert.starts + route.wait < now else now + route.wait
            self._groups[key] = _Group(route, labels, first)
        return self._groups[key]

    def muted(self, alert: Received, now: int) -> str:
        """Why an alert is kept back: `silenced`, `inhibited`, or empty."""
        if any(s.starts <= now < s.ends and _match(s.matchers, alert.labels) for s in self.silences):
            return "silenced"
        return "inhibited" if any(self._inhibits(rule, alert, now) for rule in self.inhibitions) else ""

    def _inhibits(self, rule: Inhibition, alert: Received, now: int) -> bool:
        if not _match(rule.target, alert.labels):
            return False
        both = _match(rule.source, alert.labels)
        for other in self.alerts.values():
            if other.resolved(now) or not _match(rule.source, other.labels):
                continue
            if both and _match(rule.target, other.labels):
                continue
            if all(value(alert.labels, name) == value(other.labels, name) for name in rule.equal):
                return True
        return False

    def next_due(self) -> int | None:
        """When a group is looked at next."""
        return min((group.next for group in self._groups.values()), default=None)

    def due(self, now: int) -> list[Notification]:
        """The notifications that go out by now."""
        found: list[Notification] = []
        for key, group in list(self._groups.items()):
            if group.next > now:
                continue
            group.next = now + group.route.interval
            notification = self._flush(group, now)
            if notification is not None:
                found.append(notification)
            for labels in [labels for labels, alert in group.alerts.items() if alert.resolved(now)]:
                del group.alerts[labels]
            if not group.alerts:
                del self._groups[key]
        self._forget(now)
        return found

    def _forget(self, now: int) -> None:
        waiting = {labels for group in self._groups.values() for labels in group.alerts}
        for labels in [labels for labels, a in self.alerts.items() if a.resolved(now) and labels not in waiting]:
            del self.alerts[labels]

    def _flush(self, group: _Group, now: int) -> Notification | None:
        loud = [alert for alert in group.alerts.values() if not self.muted(alert, now)]
        firing = tuple(alert for alert in loud if not alert.resolved(now))
        resolved = tuple(alert for alert in loud if alert.resolved(now))
        names = frozenset(alert.labels for alert in firing), frozenset(alert.labels for alert in resolved)
        if not self._news(group, *names, now):
            return None
        group.told, group.told_firing, group.told_resolved = now, *names
        told = () if group.route.receiver in self.quiet else resolved
        return Notification(now, group.route.receiver, group.labels, firing, told) if firing or told else None

    def _news(self, group: _Group, firing: frozenset[Labels], resolved: frozenset[Labels], now: int) -> bool:
        if group.told is None:
            return bool(firing)
        if not firing <= group.told_firing:
            return True
        if not firing:
            return bool(group.told_firing)
        if group.route.receiver not in self.quiet and not resolved <= group.told_resolved:
            return True
        return group.told <= now - group.route.repeat


def _match(matchers: Sequence[Matcher], of: Labels) -> bool:
    return all(matcher.accepts(value(of, matcher.name)) for matcher in matchers)


# -- configuration --


def matcher(text: str) -> Matcher:
    """A condition as configurations write it: `severity="critical"`, quotes optional. Raises AlertmanagerError."""
    found = _MATCHER.fullmatch(text)
    if not found:
        raise AlertmanagerError(f"bad matcher format: {text}")
    name, operator, given = found.groups()
    quoted = len(given) > 1 and given[0] == given[-1] == '"'
    try:
        return Matcher(name, MATCHES[operator], unquoted(given) if quoted else given)
    except GoRegexpError as error:
        raise AlertmanagerError(str(error)) from None


def _matchers(config: Mapping[str, Any], prefix: str = "") -> tuple[Matcher, ...]:
    """Matchers of a route or rule, the old `match` and `match_re` too."""
    equal = config.get(f"{prefix}match") or {}
    regular = config.get(f"{prefix}match_re") or {}
    return (
        *(matcher(text) for text in config.get(f"{prefix}matchers") or ()),
        *(Matcher(name, "=", str(text)) for name, text in equal.items()),
        *(Matcher(name, "=~", str(text)) for name, text in regular.items()),
    )


def route(config: Mapping[str, Any], above: Route | None = None) -> Route:
    """The tree of routes that a configuration says. Raises AlertmanagerError."""
    above = above or Route("")
    if not config.get("receiver", above.receiver):
        raise AlertmanagerError("root route must specify a default receiver")
    here = Route(
        config.get("receiver", above.receiver),
        _matchers(config),
        tuple(config.get("group_by", above.group_by)),
        _time(config, "group_wait", above.wait),
        _time(config, "group_interval", above.interval),
        _time(config, "repeat_interval", above.repeat),
        bool(config.get("continue")),
    )
    return replace(here, routes=tuple(route(child, here) for child in config.get("routes") or ()))


def _time(config: Mapping[str, Any], name: str, above: int) -> int:
    return milliseconds(str(config[name])) if name in config else above


def configured(config: Mapping[str, Any]) -> Alertmanager:
    """The Alertmanager of a configuration. Raises AlertmanagerError with Alertmanager's words."""
    if config.get("route") is None:
        raise AlertmanagerError("no route provided in config")
    root = route(config["route"])
    if root.matchers:
        raise AlertmanagerError("root route must not have any matchers")
    known = [receiver["name"] for receiver in config.get("receivers") or ()]
    if twice := next((name for name in known if known.count(name) > 1), None):
        raise AlertmanagerError(f'notification config name "{twice}" is not unique')
    for each in _all(root):
        if each.receiver not in known:
            raise AlertmanagerError(f'undefined receiver "{each.receiver}" used in route')
    inhibitions = [
        Inhibition(_matchers(rule, "source_"), _matchers(rule, "target_"), tuple(rule.get("equal") or ()))
        for rule in config.get("inhibit_rules") or ()
    ]
    return Alertmanager(root, inhibitions, quiet=frozenset(_quiet(config.get("receivers") or ())))


def _all(root: Route) -> Iterator[Route]:
    yield root
    for child in root.routes:
        yield from _all(child)


def _quiet(receivers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Receivers of which no way tells of what is over: e-mail and Slack do not unless they are told to."""
    for receiver in receivers:
        ways = [
            bool(way.get("send_resolved", kind not in ("email_configs", "slack_configs")))
            for kind, configs in receiver.items()
            if kind.endswith("_configs")
            for way in configs
        ]
        if ways and not any(ways):
            yield receiver["name"]
