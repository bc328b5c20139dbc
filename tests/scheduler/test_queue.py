"""The queue: who is next, who waits for what, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.clock import EPOCH, VirtualClock
from k8snb.scheduler.changes import node_event, own_changes, pod_event
from k8snb.scheduler.framework import ASSIGNED_POD, NODE, SUCCESS, TARGET_POD, Action, ClusterEvent, Interest
from k8snb.scheduler.plugins.node_declared_features import NodeDeclaredFeatures
from k8snb.scheduler.plugins.priority_sort import PrioritySort
from k8snb.scheduler.plugins.scheduling_gates import SchedulingGates
from k8snb.scheduler.queue import NO_NODES, SchedulingQueue
from k8snb.typing import Object
from tests.scheduler.world import node, pod

FIT = "NodeResourcesFit"
GONE = ClusterEvent(ASSIGNED_POD, Action.DELETE)
NEW_NODE = ClusterEvent(NODE, Action.ADD)


class Waiting:
    """A queue, its clock, and how often it asked for a turn."""

    def __init__(self, *interests: tuple[str, Interest]) -> None:
        self.clock = VirtualClock()
        self.woken = 0
        found = [(SchedulingGates.name, each) for each in SchedulingGates.interests]
        gates = SchedulingGates()
        self.queue = SchedulingQueue(
            self.clock, gates.pre_enqueue, PrioritySort().sort_key, [*found, *interests], self._wake
        )

    def _wake(self) -> None:
        self.woken += 1

    def add(self, *pods: Object) -> None:
        for each in pods:
            self.queue.add(each)

    def next(self) -> str:
        found = self.queue.pop()
        return found.info.pod["metadata"]["name"] if found is not None else ""

    def fail(self, *plugins: str) -> None:
        found = self.queue.pop()
        assert found is not None
        self.queue.fail(found, plugins)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.now() + seconds)
        while self.clock.fire_due():
            pass


def test_the_most_important_comes_first_and_among_equals_the_first() -> None:
    waiting = Waiting()
    waiting.add(pod("a"), pod("b", priority=10), pod("c"), pod("d", priority=10))
    assert [waiting.next() for _ in range(5)] == ["b", "d", "a", "c", ""]


def test_a_gated_pod_waits_outside_until_its_gates_are_gone() -> None:
    waiting = Waiting()
    gated = pod("gated", schedulingGates=[{"name": "example.com/wait"}])
    waiting.add(gated)
    assert waiting.next() == ""
    waiting.pass_time(1000)
    assert waiting.next() == ""
    waiting.queue.update(gated, pod("gated"))
    assert waiting.next() == "gated"


def test_a_pod_that_is_kept_out_hears_only_of_what_interests_who_keeps_it_out() -> None:
    gates = ("SchedulingGates", Interest(ASSIGNED_POD, Action.DELETE, lambda pod, old, new: False))
    waiting = Waiting(gates, (FIT, Interest(ASSIGNED_POD, Action.DELETE)), (FIT, Interest(NODE, Action.ADD)))
    ungated = pod("a")
    waiting.add(ungated)
    waiting.fail(FIT)
    queued = waiting.queue.pool["uid-default-a"]
    queued.info.pod = pod("a", schedulingGates=[{"name": "x"}])
    waiting.queue.move(NEW_NODE, None, node())
    queued.info.pod = ungated
    waiting.queue.move(NEW_NODE, None, node())
    assert waiting.next() == ""
    waiting.queue.move(GONE, pod("b", node="n"), None)
    assert waiting.next() == "a"


def test_a_pod_that_is_activated_does_not_back_off() -> None:
    waiting = Waiting((FIT, Interest(NODE, Action.ADD)))
    waiting.add(pod("a"))
    waiting.fail(FIT)
    waiting.queue.activate("uid-default-a")
    assert [each.place for each in waiting.queue.standing()] == ["activeQ"]


def test_a_rejected_pod_waits_for_what_interests_the_plugin_that_rejected_it() -> None:
    waiting = Waiting((FIT, Interest(ASSIGNED_POD, Action.DELETE)), ("NodeAffinity", Interest(NODE, Action.LABEL)))
    waiting.add(pod("a"))
    waiting.fail(FIT)
    waiting.queue.move(ClusterEvent(NODE, Action.LABEL), node(), node())
    assert waiting.next() == ""
    waiting.queue.move(GONE, pod("other", node="n"), None)
    assert waiting.next() == "a"


@pytest.mark.parametrize("hopeful", [True, False])
def test_a_hint_decides_whether_a_change_is_worth_a_try(hopeful: bool) -> None:
    waiting = Waiting((FIT, Interest(NODE, Action.ADD, lambda pod, old, new: hopeful)))
    waiting.add(pod("a"))
    waiting.fail(FIT)
    waiting.queue.move(NEW_NODE, None, node())
    assert (waiting.next() == "a") is hopeful


def test_a_retry_knows_the_change_that_caused_it() -> None:
    waiting = Waiting((FIT, Interest(NODE, Action.ADD)))
    waiting.add(pod("a"))
    waiting.fail(FIT)
    new = node()
    waiting.queue.move(NEW_NODE, None, {**new, "metadata": {**new["metadata"], "resourceVersion": "77"}})
    found = waiting.queue.pop()
    assert found is not None
    assert (found.cause, found.attempts) == (77, 2)


def test_who_failed_often_backs_off_longer_but_not_when_there_is_nothing_else_to_do() -> None:
    waiting = Waiting((FIT, Interest(NODE, Action.ADD)))
    waiting.add(pod("a"))
    delays = []
    for _ in range(6):
        found = waiting.queue.pop()
        assert found is not None
        waiting.queue.fail(found, (FIT,))
        delays.append(found.backoff_until - waiting.clock.now())
        waiting.queue.move(NEW_NODE, None, node())
    assert delays == [1, 2, 4, 8, 10, 10]
    waiting.add(pod("b"))
    assert [waiting.next(), waiting.next()] == ["b", "a"]


def test_backing_off_ends_and_then_priority_counts_again() -> None:
    waiting = Waiting((FIT, Interest(NODE, Action.ADD)))
    waiting.add(pod("a", priority=5))
    waiting.fail(FIT)
    waiting.queue.move(NEW_NODE, None, node())
    waiting.add(pod("b"))
    waiting.pass_time(1)
    assert [waiting.next(), waiting.next()] == ["a", "b"]


def test_an_error_is_retried_only_after_its_backoff() -> None:
    waiting = Waiting()
    waiting.add(pod("a"))
    waiting.fail()
    assert waiting.next() == ""
    waiting.pass_time(0.9)
    assert waiting.next() == ""
    waiting.pass_time(0.1)
    assert waiting.next() == "a"


def test_errors_without_end_do_not_keep_the_cluster_from_settling() -> None:
    waiting = Waiting()
    waiting.add(pod("a"))
    for _ in range(9):
        assert waiting.clock.next_due(foreground=True) is None
        waiting.fail()
        assert waiting.clock.next_due(foreground=True) is not None or _ == 8
        waiting.pass_time(10)
    waiting.fail()
    assert waiting.clock.next_due(foreground=True) is None


def test_after_five_minutes_a_pod_is_tried_again_though_nothing_happened() -> None:
    waiting = Waiting()
    waiting.add(pod("a"))
    waiting.fail(FIT)
    waiting.pass_time(299)
    assert waiting.next() == ""
    waiting.pass_time(1)
    assert waiting.next() == "a"
    assert waiting.clock.now() == EPOCH + 300
    assert waiting.clock.next_due(foreground=True) is None


def test_without_any_node_a_pod_waits_for_the_first() -> None:
    waiting = Waiting()
    waiting.add(pod("a"))
    waiting.fail(NO_NODES)
    waiting.queue.move(NEW_NODE, None, node())
    assert waiting.next() == "a"


def test_a_deleted_pod_is_forgotten_wherever_it_waits() -> None:
    waiting = Waiting((FIT, Interest(NODE, Action.ADD)))
    waiting.add(pod("a"), pod("b"), pod("c"))
    waiting.fail(FIT)
    waiting.fail()
    for name in "abc":
        waiting.queue.remove(f"uid-default-{name}")
    waiting.pass_time(400)
    waiting.queue.move(NEW_NODE, None, node())
    assert waiting.next() == ""
    assert len(waiting.queue) == 0


def test_a_waiting_pod_is_scheduled_in_its_newest_form() -> None:
    waiting = Waiting()
    old, new = pod("a"), pod("a", labels={"new": "yes"}, priority=3)
    waiting.add(old)
    waiting.queue.update(old, new)
    found = waiting.queue.pop()
    assert found is not None
    assert found.info.pod is new
    assert (found.info.labels, found.info.pod_class.priority) == ({"new": "yes"}, 3)


def test_places_say_where_pods_wait() -> None:
    waiting = Waiting((FIT, Interest(NODE, Action.ADD)))
    waiting.add(pod("a"), pod("b"), pod("c"))
    waiting.fail(FIT)
    waiting.fail()
    waiting.add(pod("d", schedulingGates=[{"name": "example.com/wait"}]))
    told = [(each.pod["metadata"]["name"], each.place, *each[2:]) for each in waiting.queue.standing()]
    assert told == [
        ("c", "activeQ", 0, EPOCH, 0.0, (), ()),
        ("a", "unschedulablePods", 1, EPOCH, EPOCH + 300, (FIT,), ("Node/Add",)),
        ("b", "backoffQ", 1, EPOCH, EPOCH + 1, (), ()),
        ("d", "gated", 0, EPOCH, 0.0, ("SchedulingGates",), ("TargetPod/UpdatePodSchedulingGatesEliminated",)),
    ]


def test_heartbeats_are_no_event() -> None:
    ready = {"type": "Ready", "status": "True"}
    old = _reporting(conditions=[{**ready, "lastHeartbeatTime": "2026-01-01T00:00:00Z"}])
    assert node_event(old, _reporting(conditions=[{**ready, "lastHeartbeatTime": "2026-01-01T00:05:00Z"}])) is None
    assert node_event(old, _reporting(conditions=[{**ready, "status": "False"}])) == ClusterEvent(
        NODE, Action.CONDITION
    )


def _reporting(**status: Any) -> Object:
    found = node()
    return {**found, "status": {**found["status"], **status}}


def test_what_changed_on_a_node_is_one_event() -> None:
    plain, cordoned = node(), node(unschedulable=True, cpu="9")
    told = {**plain, "metadata": {**plain["metadata"], "annotations": {"a": "b"}}}
    assert node_event(plain, node(labels={"disk": "ssd"})) == ClusterEvent(NODE, Action.LABEL)
    assert node_event(plain, told) == ClusterEvent(NODE, Action.ANNOTATION)
    assert node_event(plain, _reporting(declaredFeatures=["X"])) == ClusterEvent(NODE, Action.FEATURES)
    assert node_event(plain, cordoned) == ClusterEvent(NODE, Action.ALLOCATABLE)
    assert node_event(cordoned, plain) == ClusterEvent(NODE, Action.TAINT | Action.ALLOCATABLE)


def test_a_pod_that_uses_a_feature_is_tried_again_when_a_kubelet_says_that_it_knows_it() -> None:
    waiting = Waiting(*((NodeDeclaredFeatures.name, each) for each in NodeDeclaredFeatures.interests))
    waiting.add(pod("a"))
    waiting.fail(NodeDeclaredFeatures.name)
    old = node()
    for new, expected in ((node(labels={"disk": "ssd"}), ""), (_reporting(declaredFeatures=["X"]), "a")):
        event = node_event(old, new)
        assert event is not None
        waiting.queue.move(event, old, new)
        assert waiting.next() == expected


def test_any_change_of_a_waiting_pod_is_one_but_for_its_status() -> None:
    plain = pod()
    told = {**plain, "metadata": {**plain["metadata"], "annotations": {"a": "b"}, "resourceVersion": "9"}}
    assert own_changes(plain, told) == Action.UPDATE
    assert own_changes(plain, {**told, "metadata": {**told["metadata"], "labels": {"a": "b"}}}) == Action.LABEL
    assert own_changes(plain, {**plain, "status": {"conditions": [{"type": "PodScheduled"}]}}) == Action(0)
    gated = [pod(schedulingGates=[{"name": each} for each in names]) for names in ("ab", "b")]
    assert [own_changes(*gated), own_changes(gated[1], plain)] == [Action.UPDATE, Action.GATES]


def test_a_placed_pods_status_is_no_event_but_asking_for_less_is() -> None:
    big, small = pod(cpu="2", node="n"), pod(cpu="1", node="n")
    assert pod_event(big, {**big, "status": {"phase": "Running"}}) is None
    assert pod_event(big, small) == ClusterEvent(ASSIGNED_POD, Action.SCALE_DOWN)
    assert pod_event(small, big) is None


def test_gates_say_what_they_wait_for() -> None:
    status = SchedulingGates().pre_enqueue(pod(schedulingGates=[{"name": "a"}, {"name": "b"}]))
    assert status.message == "waiting for scheduling gates: [a b]"
    assert SchedulingGates().pre_enqueue(pod()) is SUCCESS


@pytest.mark.parametrize("hint", [True, False])
def test_who_only_waits_for_something_to_be_done_does_not_back_off_when_it_is(hint: bool) -> None:
    fit = (FIT, Interest(NODE, Action.ADD))
    waiting = Waiting(fit, ("Gate", Interest(NODE, Action.ADD, lambda pod, old, new: hint)))
    waiting.add(pod("a"))
    found = waiting.queue.pop()
    assert found is not None
    waiting.queue.fail(found, (FIT, "Gate"), frozenset({"Gate"}))
    waiting.queue.move(NEW_NODE, None, node())
    assert [each.place for each in waiting.queue.standing()] == ["activeQ" if hint else "backoffQ"]


def test_what_it_waited_for_may_have_been_done_while_it_was_tried() -> None:
    waiting = Waiting((FIT, Interest(ASSIGNED_POD, Action.DELETE)), ("Gate", Interest(NODE, Action.ADD)))
    waiting.add(pod("a"))
    found = waiting.queue.pop()
    assert found is not None
    waiting.queue.flights.begin(found.info.uid)
    waiting.queue.move(GONE, pod("b", node="n"), None)
    waiting.queue.move(NEW_NODE, None, node())
    waiting.queue.fail(found, (FIT, "Gate"), frozenset({"Gate"}))
    assert [each.place for each in waiting.queue.standing()] == ["activeQ"]


def test_what_changed_in_a_pod_while_it_was_tried_is_a_reason_to_try_that_one_again() -> None:
    waiting = Waiting(("p", Interest(TARGET_POD, Action.UPDATE)))
    waiting.add(pod("a"), pod("b"))
    out = {each.info.pod["metadata"]["name"]: each for _ in "ab" if (each := waiting.queue.pop()) is not None}
    for each in out.values():
        waiting.queue.flights.begin(each.info.uid)
    old = out["b"].info.pod
    waiting.queue.update_in_flight(old, {**old, "metadata": {**old["metadata"], "annotations": {"a": "b"}}})
    for each in out.values():
        waiting.queue.fail(each, ("p",))
    assert [(each.pod["metadata"]["name"], each.place) for each in waiting.queue.standing()] == [
        ("a", "unschedulablePods"),
        ("b", "backoffQ"),
    ]
