"""What extenders said, as readers see it: in the table, below it, and on a pod's way through the scheduler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from k8snb.client.client import Client
from k8snb.cluster.cluster import ADMIN
from k8snb.view.stepper import Stepper
from tests.scheduler.test_extenders import URL, Asked, refusing

BOTH = {"filterVerb": "filter", "prioritizeVerb": "prioritize", "bindVerb": "bind", "weight": 5}
NAME = URL.partition("://")[2]


def left(*nodes: str, **why: str) -> Callable[[Any], Any]:
    failed = {node.replace("_", "-"): reason for node, reason in why.items()}
    return lambda asked: {"Nodes": {"items": [{"metadata": {"name": node}} for node in nodes]}, "FailedNodes": failed}


def binding(made: list[Asked]) -> Callable[[Any], Any]:
    """Binds a pod, as an extender does that says so."""

    def bound(asked: Any) -> Any:
        server = made[0].cluster.server
        meta = {"name": asked["PodName"], "namespace": asked["PodNamespace"], "uid": asked["PodUID"]}
        Client(server, server.scheme, ADMIN).bind({"metadata": meta}, asked["Node"])
        return {}

    return bound


@pytest.fixture(scope="module")
def placed() -> Asked:
    found: list[Asked] = []
    made = Asked(
        BOTH,
        {"filterVerb": "audit", "ignorable": True},
        filter=left("node-2", "node-3", node_1="no licence"),
        prioritize=lambda asked: [{"Host": "node-3", "Score": 7}],
        bind=binding(found),
    )
    found.append(made)
    made.run("a")
    return made


@pytest.fixture(scope="module")
def waiting() -> Asked:
    made = Asked({"filterVerb": "filter"}, nodes=2, filter=refusing("no licence", for_good=True))
    made.run("a")
    return made


DIALLED = f'Post "{URL}/audit": dial tcp: lookup extender.example.com: no such host'


def test_the_table_has_a_row_for_each_and_says_who_failed_and_who_bound(placed: Asked) -> None:
    view = placed.cluster.decision("a")
    assert (
        str(view)
        == f"""\
a, profile default-scheduler, at revision {view.decision.revision}
plugin                                node-1  node-2              node-3
NodeUnschedulable                     ✓       ✓                   ✓
NodeName                              ✓       ✓                   ✓
TaintToleration ×3                    ✓       ✓ 0 → 100 ×3 = 300  ✓ 0 → 100 ×3 = 300
NodeResourcesFit ×1                   ✓       ✓ 98                ✓ 98
ImageLocality ×1                              0                   0
extender.example.com/scheduler #1 ×5  ✗       ✓ 0 ×5 = 0          ✓ 7 → 70 ×5 = 350
total                                 –       398                 748 ★
node-1: {NAME} #1: no licence
node-3 wins with 748
{NAME} #2 failed, and it went on without: {DIALLED}
{NAME} #1 bound the pod"""
    )
    html = view._repr_html_()
    assert all(words in html for words in ("no licence", "7 → 70 ×5", "and it went on without", "bound the pod"))


def test_a_pod_that_waits_has_the_answers_of_its_last_attempt_and_its_time(waiting: Asked) -> None:
    view = waiting.cluster.decision("a")
    useless = "2 Preemption is not helpful for scheduling."
    assert (
        str(view)
        == f"""\
a, profile default-scheduler, at revision {waiting.cluster.revision}
plugin                          node-1  node-2
NodeUnschedulable               ✓       ✓
NodeName                        ✓       ✓
TaintToleration                 ✓       ✓
NodeResourcesFit                ✓       ✓
{NAME}  ✗       ✗
total                           –       –
node-1: {NAME}: no licence; preemption would not help
node-2: {NAME}: no licence; preemption would not help
0/2 nodes are available: 2 no licence. no new claims to deallocate, preemption: 0/2 nodes are available: {useless}
{NAME}: as at the last attempt, 2026-01-01T00:00:00Z"""
    )
    assert (
        str(view.remedies())
        == f"""\
What would make a fit
node    now                                    change
node-1  no licence; preemption would not help  what would change {NAME}'s mind is not known
node-2  no licence; preemption would not help  what would change {NAME}'s mind is not known
{NAME}: as at the last attempt, 2026-01-01T00:00:00Z"""
    )
    assert str(view.weights()).splitlines()[0] == "No node wins, whatever the weights"


def test_who_failed_when_it_was_asked_who_leaves_is_told_with_the_victims() -> None:
    made = Asked({"preemptVerb": "preempt"}, nodes=1)
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 9}
    made.cluster.client.create("priorityclasses", high)
    made.run("low", container={"resources": {"requests": {"cpu": "7"}}})
    made.run("vip", container={"resources": {"requests": {"cpu": "7"}}}, priorityClassName="high")
    assert (
        str(made.cluster.decision("vip").victims())
        == f"""\
Who would leave for vip
node-1: an extender left it out
{NAME} failed: Post "{URL}/preempt": dial tcp: lookup extender.example.com: no such host"""
    )


def test_on_its_way_a_pod_meets_extenders_where_they_are_asked(placed: Asked, waiting: Asked) -> None:
    told = [(frame.actor, frame.caption, [act.note for act in frame.acts]) for frame in _way(placed)]
    assert [each for each in told if "Extender" in each[0] or each[0] == "Bind"] == [
        (f"Extender · {NAME} #1", f"{NAME} #1: 2 of 3 nodes remain", ["node-1: no licence"]),
        (f"Extender · {NAME} #2", DIALLED, []),
        ("Bind", f"{NAME} #1", [""]),
    ]
    scored = next(frame for frame in _way(placed) if frame.actor == f"Score · {NAME} #1")
    assert scored.observed == [("node-2", "0 ×5 = 0"), ("node-3", "7 → 70 ×5 = 350")]
    refused = [(frame.actor, [act.note for act in frame.acts]) for frame in _way(waiting)]
    why = [f"{node}: no licence; preemption would not help" for node in ("node-1", "node-2")]
    assert refused[2:] == [
        ("Filter", []),
        (f"Extender · {NAME}", why),
        ("PostFilter · DefaultPreemption", []),
        ("FailedScheduling", []),
    ]


def test_the_way_of_a_pod_ends_where_an_extender_failed() -> None:
    made = Asked({"filterVerb": "audit"})
    made.run("a")
    assert [frame.actor for frame in _way(made)][-2:] == [f"Extender · {NAME}", "FailedScheduling"]
    assert list(_way(made))[-2].caption == DIALLED


def _way(made: Asked) -> Stepper:
    return made.cluster.decision("a").stepper()
