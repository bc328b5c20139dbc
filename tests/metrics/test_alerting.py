"""Rules become series and alerts, alerts become notifications."""

from __future__ import annotations

import pytest

from k8snb.metrics.alertmanager import AlertmanagerError, Notification, Received, Silence, configured, matcher
from k8snb.metrics.config import ConfigError, load, load_rules
from k8snb.metrics.labels import labels, shown
from k8snb.metrics.promql.engine import Engine
from k8snb.metrics.rules import Alert, Group
from k8snb.metrics.tsdb import TSDB

from .loading import MINUTE, asked, loaded

DOWN = """
groups:
- name: shop
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: TargetDown
    expr: up == 0
    for: 2m
    labels: {severity: page, tier: '{{ $labels.job | toUpper }}'}
    annotations: {summary: '{{ $labels.instance }} is down, value {{ $value }}'}
"""
UP = 'up{instance="a",job="api"} 1 0x5 1x5\nup{instance="b",job="api"} 1x11'


def _group(text: str = DOWN) -> Group:
    (group,) = load_rules(text, MINUTE, {})
    return group


def _run(store: TSDB, minutes: int, group: Group) -> list[list[Alert]]:
    found = []
    for minute in range(minutes):
        group.evaluate(Engine(store), minute * MINUTE)
        found.append([Alert(*(getattr(alert, name) for name in Alert.__slots__)) for alert in group.alerts()])
    return found


def test_a_recording_rule_keeps_what_its_expression_comes_to() -> None:
    store = loaded(UP)
    _run(store, 3, _group())
    assert asked(store, "job:up:sum[10m]", 2 * MINUTE) == {
        'job:up:sum{job="api"}': [(0, 2.0), (MINUTE, 1.0), (2 * MINUTE, 1.0)]
    }


def test_an_alert_is_pending_until_its_time_has_come_and_then_fires() -> None:
    store = loaded(UP)
    alerts = _run(store, 5, _group())
    assert [len(each) for each in alerts] == [0, 0, 0, 1, 1]
    alert = alerts[3][0]
    assert alert == Alert(
        labels({"alertname": "TargetDown", "instance": "a", "job": "api", "severity": "page", "tier": "API"}),
        labels({"summary": "a is down, value 0"}),
        0.0,
        MINUTE,
        "firing",
        3 * MINUTE,
    )
    assert asked(store, "sum by (alertstate) (ALERTS)[10m:1m]", 4 * MINUTE) == {
        '{alertstate="firing"}': [(3 * MINUTE, 1.0), (4 * MINUTE, 1.0)],
        '{alertstate="pending"}': [(MINUTE, 1.0), (2 * MINUTE, 1.0)],
    }


def test_an_alert_that_is_over_is_told_as_resolved_and_its_series_end() -> None:
    store = loaded(UP)
    last = _run(store, 9, _group())[-1]
    assert [(alert.state, alert.resolved_at) for alert in last] == [("inactive", 7 * MINUTE)]
    assert asked(store, "ALERTS", 8 * MINUTE) == {}


def test_an_alert_that_was_only_pending_leaves_nothing() -> None:
    store = loaded('up{instance="a"} 1 0 1x5')
    group = _group()
    assert _run(store, 4, group)[-1] == []
    assert group.rules[1].active == {}  # type: ignore[union-attr]


def test_an_alert_can_be_kept_firing_for_a_while() -> None:
    store = loaded('up{instance="a"} 0x4 1x9')
    text = DOWN.replace("for: 2m", "for: 1m\n    keep_firing_for: 3m")
    states = [[alert.state for alert in each] for each in _run(store, 10, _group(text))]
    assert states == [[], *[["firing"]] * 7, ["inactive"], ["inactive"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ humanize 1234567.0 }} {{ humanize 0.0012 }}", "1.235M 1.2m"),
        ("{{ humanize1024 3145728.0 }} {{ humanizePercentage 0.1234 }}", "3Mi 12.34%"),
        ("{{ humanizeDuration 93784.0 }} {{ humanizeDuration 0.25 }}", "1d 2h 3m 4s 250ms"),
        ('{{ with query "up" }}{{ . | first | value }}{{ end }}', "0"),
        ('{{ $labels.nosuch }}|{{ reReplaceAll "(.)b" "$1" "abab" }}|{{ title "all good" }}', "|aa|All Good"),
        ("{{ nosuch }}", "<error expanding template:"),
    ],
)
def test_annotations_are_templates(text: str, expected: str) -> None:
    group = _group(f"groups: [{{name: g, rules: [{{alert: A, expr: up == 0, annotations: {{text: '{text}'}}}}]}}]")
    group.evaluate(Engine(loaded("up 0")), 0)
    (alert,) = group.alerts()
    assert dict(alert.annotations)["text"].startswith(expected)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{expr: up}", "one of 'record' or 'alert' must be set"),
        ("{record: a, alert: b, expr: up}", "only one of 'record' and 'alert' must be set"),
        ("{alert: A}", "field 'expr' must be set in rule"),
        ("{record: 'a-b', expr: up}", "invalid recording rule name: a-b"),
        ("{record: a, expr: up, for: 1m}", "invalid field 'for' in recording rule"),
        ("{alert: A, expr: 'up =='}", "could not parse expression: 1:6: parse error: unexpected end of input"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_its_place(rule: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        _group(f"groups: [{{name: g, rules: [{rule}]}}]")
    assert str(refused.value).startswith('group "g", rule 1, "')
    assert str(refused.value).endswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scrape_configs: [{}]", "job_name is empty"),
        ("scrape_configs: [{job_name: a}, {job_name: a}]", 'found multiple scrape configs with job name "a"'),
        ("scrape_configs: [{job_name: a, scrape_interval: 5x}]", 'not a valid duration string: "5x"'),
        (
            "scrape_configs: [{job_name: a, scrape_interval: 5s, scrape_timeout: 10s}]",
            'scrape timeout greater than scrape interval for scrape config with job name "a"',
        ),
        ("scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: x}]}]", 'unknown Kubernetes SD role "x"'),
        ("globals: {}", "field globals not found in type config.plain"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert str(refused.value) == message


# -- Alertmanager --

ROUTES = {
    "route": {
        "receiver": "team",
        "group_by": ["alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "1h",
        "routes": [
            {"matchers": ['severity="page"'], "receiver": "pager", "continue": True},
            {"matchers": ["team=~b|c"], "receiver": "b"},
        ],
    },
    "receivers": [{"name": "team"}, {"name": "pager"}, {"name": "b"}],
    "inhibit_rules": [{"source_matchers": ["severity=page"], "target_matchers": ["severity=warn"], "equal": ["node"]}],
}
SECOND = 1000


def _alert(name: str, starts: int = 0, ends: int = 10**12, **pairs: str) -> Received:
    return Received(labels({"alertname": name, **pairs}), (), starts, ends)


def _told(notifications: list[Notification]) -> list[tuple[str, str, list[str], list[str]]]:
    return [
        (
            each.receiver,
            shown(each.group),
            [shown(a.labels) for a in each.firing],
            [shown(a.labels) for a in each.resolved],
        )
        for each in notifications
    ]


def test_alerts_of_one_group_are_told_together_after_a_wait() -> None:
    manager = configured(ROUTES)
    manager.receive([_alert("Down", node="1")], 0)
    manager.receive([_alert("Down", node="2")], 10 * SECOND)
    assert manager.due(29 * SECOND) == []
    assert _told(manager.due(30 * SECOND)) == [
        ("team", '{alertname="Down"}', ['{alertname="Down", node="1"}', '{alertname="Down", node="2"}'], [])
    ]


def test_a_group_is_told_again_when_something_joins_it_and_else_only_after_the_repeat_interval() -> None:
    manager = configured(ROUTES)
    manager.receive([_alert("Down", node="1")], 0)
    times = []
    for second in range(0, 3 * 3600, 30):
        if second == 600:
            manager.receive([_alert("Down", node="2")], second * SECOND)
        times += [second for _ in manager.due(second * SECOND)]
    assert times == [30, 630, 630 + 3600, 630 + 7200]


def test_the_end_of_an_alert_is_told_once() -> None:
    manager = configured(ROUTES)
    manager.receive([_alert("Down", node="1")], 0)
    manager.due(30 * SECOND)
    manager.receive([_alert("Down", node="1", ends=60 * SECOND)], 60 * SECOND)
    told = [_told(manager.due(second * SECOND)) for second in (330, 630, 930)]
    assert told == [[("team", '{alertname="Down"}', [], ['{alertname="Down", node="1"}'])], [], []]
    assert (manager.alerts, manager.next_due()) == ({}, None)


def test_an_alert_takes_the_deepest_route_and_the_next_where_that_goes_on() -> None:
    manager = configured(ROUTES)
    manager.receive([_alert("Down", severity="page", team="b"), _alert("Slow", team="x")], 0)
    assert sorted(each.receiver for each in manager.due(30 * SECOND)) == ["b", "pager", "team"]


def test_while_the_cause_fires_its_consequences_are_mute() -> None:
    manager = configured(ROUTES)
    alerts = [_alert("NodeDown", severity="page", node="1"), _alert("Slow", severity="warn", node="1")]
    manager.receive([*alerts, _alert("Slow", severity="warn", node="2")], 0)
    assert [manager.muted(alert, 0) for alert in alerts] == ["", "inhibited"]
    told = [alert for each in manager.due(30 * SECOND) for alert in each.firing]
    assert [dict(alert.labels)["node"] for alert in told] == ["1", "2"]


def test_a_silence_keeps_alerts_back_for_its_time() -> None:
    manager = configured(ROUTES)
    manager.silences.append(Silence((matcher("node=1"),), 0, 400 * SECOND, "maintenance"))
    manager.receive([_alert("Down", node="1")], 0)
    assert [bool(manager.due(second * SECOND)) for second in (30, 330, 630)] == [False, False, True]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "no route provided in config"),
        ({"route": {}}, "root route must specify a default receiver"),
        ({"route": {"receiver": "a"}, "receivers": []}, 'undefined receiver "a" used in route'),
        ({"route": {"receiver": "a", "matchers": ["b=c"]}, "receivers": []}, "root route must not have any matchers"),
        ({"route": {"receiver": "a", "routes": [{"matchers": ["nothing"]}]}}, "bad matcher format: nothing"),
    ],
)
def test_routes_that_make_no_sense_are_refused(config: dict[str, object], message: str) -> None:
    with pytest.raises(AlertmanagerError) as refused:
        configured(config)
    assert str(refused.value) == message
