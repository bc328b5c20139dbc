"""The scheduler behind a real API server: what becomes of pods, and what people are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from k8snb.client.informer import Informers
from k8snb.errors import StatusError
from k8snb.scheduler.scheduler import Scheduler
from k8snb.typing import Object
from tests.scheduler.cluster import ControlPlane
from tests.scheduler.world import node, pod

HOPELESS = (
    "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
)


def three() -> ControlPlane:
    return ControlPlane(node(f"node-{number}") for number in (1, 2, 3))


def important(plane: ControlPlane) -> None:
    meta = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}}
    plane.client.create("priorityclasses.scheduling.k8s.io", {**meta, "value": 1000})


def cordon(plane: ControlPlane, value: bool | None) -> None:
    for number in (1, 2, 3):
        plane.client.patch("nodes", f"node-{number}", {"spec": {"unschedulable": value}})


# -- success ---------------------------------------------------------------------------------------


def test_a_pod_gets_a_node_and_people_are_told() -> None:
    plane = three()
    plane.create(pod("web"))
    plane.settle()
    assert plane.node_of("web") == "node-1"
    assert plane.why("web") == "True: "
    (event,) = plane.events("web")
    assert (event["type"], event["reason"], event["action"]) == ("Normal", "Scheduled", "Binding")
    assert event["message"] == "Successfully assigned default/web to node-1"
    assert (event["reportingComponent"], event["eventTime"]) == ("default-scheduler", "2026-01-01T00:00:00.000000Z")
    assert plane.server.panics == []


def test_equal_nodes_take_turns() -> None:
    plane = three()
    for number in range(6):
        plane.create(pod(f"p{number}"))
    plane.settle()
    assert [plane.node_of(f"p{number}") for number in range(6)] == ["node-1", "node-2", "node-3"] * 2


def test_the_more_important_pod_is_placed_first() -> None:
    plane = ControlPlane([node(cpu="1")])
    important(plane)
    plane.scheduler.paused = True
    plane.create(pod("a", cpu="1"))
    plane.create(pod("b", cpu="1", priorityClassName="high"))
    plane.settle()
    plane.scheduler.paused = False
    plane.settle()
    assert (plane.node_of("a"), plane.node_of("b")) == ("", "n")


def test_a_decision_leaves_its_reasons_in_the_trace() -> None:
    plane = three()
    plane.create(pod("web"))
    plane.settle()
    (span,) = [span for span in plane.trace.spans if span.component == "scheduler"]
    assert (str(span.key), span.wanted) == ("default/web", "bind the pod to node-1")
    assert span.observed["nodes"] == span.observed["fitting"] == 3
    assert [sent.request.path for sent in span.requests] == [
        "/api/v1/namespaces/default/pods/web/binding",
        "/api/v1/namespaces/default/events",
    ]


def test_other_schedulers_pods_are_left_alone() -> None:
    plane = three()
    plane.create(pod("foreign", schedulerName="mine"))
    plane.settle()
    assert (plane.node_of("foreign"), plane.events("foreign")) == ("", [])


def test_pods_that_somebody_else_placed_use_up_their_node() -> None:
    plane = ControlPlane([node("n", cpu="1"), node("m", cpu="1")])
    plane.create(pod("theirs", cpu="1", node="n"))
    plane.create(pod("mine", cpu="1"))
    plane.settle()
    assert plane.node_of("mine") == "m"


def test_the_same_history_gives_the_same_placements() -> None:
    def placements() -> list[str]:
        plane = three()
        for number in range(20):
            plane.create(pod(f"p{number}", cpu=f"{100 + number * 37 % 400}m", labels={"n": str(number % 3)}))
            if number % 4 == 0:
                plane.settle()
        plane.settle()
        return [plane.node_of(f"p{number}") for number in range(20)]

    assert placements() == placements()


def test_a_larger_quantum_changes_nothing() -> None:
    def placements(quantum: int) -> list[str]:
        plane = ControlPlane([node(f"n{number}", cpu="2") for number in range(4)], quantum=quantum)
        for number in range(30):
            plane.create(pod(f"p{number}", cpu="300m"))
        plane.settle()
        return [plane.node_of(f"p{number}") for number in range(30)]

    assert placements(1) == placements(16)


# -- failure ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"cpu": "1000"}, "3 Insufficient cpu."),
        ({"nodeSelector": {"disk": "nvme"}}, "3 node(s) didn't match Pod's node affinity/selector."),
    ],
)
def test_a_pod_that_fits_nowhere_is_told_why(wanted: Any, reason: str) -> None:
    plane = three()
    plane.create(pod("huge", **wanted))
    plane.settle()
    message = f"0/3 nodes are available: {reason} {HOPELESS}"
    assert plane.why("huge") == f"Unschedulable: {message}"
    (event,) = plane.events("huge")
    assert (event["type"], event["reason"], event["action"]) == ("Warning", "FailedScheduling", "Scheduling")
    assert event["message"] == message


def test_different_nodes_may_have_different_reasons() -> None:
    taint = {"key": "a", "value": "b", "effect": "NoSchedule"}
    plane = ControlPlane([node("n", cpu="1"), node("m", taints=[taint]), node("o", unschedulable=True)])
    plane.create(pod("big", cpu="2"))
    plane.settle()
    assert plane.why("big") == (
        "Unschedulable: 0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), "
        f"1 node(s) were unschedulable. {HOPELESS}"
    )


def test_without_nodes_a_pod_waits_for_the_first() -> None:
    plane = ControlPlane()
    plane.create(pod("early"))
    plane.settle()
    assert plane.why("early") == "Unschedulable: no nodes available to schedule pods"
    plane.add_node(node("n"))
    plane.settle()
    assert plane.node_of("early") == "n"


def test_the_right_label_lets_a_picky_pod_in() -> None:
    plane = three()
    plane.create(pod("picky", nodeSelector={"disk": "nvme"}))
    plane.settle()
    plane.client.patch("nodes", "node-2", {"metadata": {"labels": {"disk": "nvme"}}})
    plane.settle()
    assert plane.node_of("picky") == "node-2"


def test_uncordoning_lets_pods_in_again() -> None:
    plane = three()
    cordon(plane, True)
    plane.create(pod("stuck"))
    plane.settle()
    assert plane.why("stuck") == f"Unschedulable: 0/3 nodes are available: 3 node(s) were unschedulable. {HOPELESS}"
    cordon(plane, None)
    plane.settle()
    assert plane.node_of("stuck")


def test_a_pod_that_leaves_makes_room() -> None:
    plane = ControlPlane([node(cpu="1")])
    plane.create(pod("a", cpu="1"))
    plane.create(pod("b", cpu="1"))
    plane.settle()
    assert plane.why("b").startswith("Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.")
    plane.client.delete("pods", "a", "default", grace=0)
    plane.settle()
    assert plane.node_of("b") == "n"


def test_a_pod_that_has_finished_makes_room() -> None:
    plane = ControlPlane([node(cpu="1")])
    plane.create(pod("a", cpu="1"))
    plane.settle()
    plane.create(pod("b", cpu="1"))
    plane.settle()
    plane.client.patch("pods", "a", {"status": {"phase": "Succeeded"}}, "default", subresource="status")
    plane.settle()
    assert plane.node_of("b") == "n"


def test_gates_hold_a_pod_until_the_last_is_removed() -> None:
    plane = three()
    plane.create(pod("gated", schedulingGates=[{"name": "example.com/a"}, {"name": "example.com/b"}]))
    plane.settle()
    assert plane.why("gated") == "SchedulingGated: Scheduling is blocked due to non-empty scheduling gates"
    assert plane.events("gated") == []
    plane.client.patch("pods", "gated", {"spec": {"schedulingGates": [{"name": "example.com/b"}]}}, "default")
    plane.settle()
    assert plane.node_of("gated") == ""
    plane.client.patch("pods", "gated", {"spec": {"schedulingGates": None}}, "default")
    plane.settle()
    assert plane.node_of("gated")


def test_the_same_failure_again_is_written_once() -> None:
    plane = three()
    plane.create(pod("huge", cpu="1000"))
    plane.settle()
    first = plane.pod("huge")
    plane.advance(301)
    assert plane.pod("huge") == first
    assert len(plane.events("huge")) == 2  # of two versions of the pod: the first was before its condition


def test_a_binding_that_is_refused_is_tried_again_later() -> None:
    plane = three()
    api = plane.scheduler._api
    bind, refusals = api.bind, [StatusError(500, "InternalError", "etcdserver: request timed out")]

    def flaky(pod: Object, node: str) -> None:
        if refusals:
            raise refusals.pop()
        bind(pod, node)

    api.bind = flaky  # type: ignore[method-assign]
    plane.create(pod("web"))
    plane.settle()
    assert plane.why("web") == ('SchedulerError: running Bind plugin "DefaultBinder": etcdserver: request timed out')
    assert plane.scheduler.cache.nodes()[0].pods == {}
    plane.advance(1)
    assert plane.node_of("web")


def test_a_pod_that_is_going_away_gets_no_node() -> None:
    plane = three()
    meta = {"finalizers": ["example.com/hold"]}
    plane.create({**pod("held"), "metadata": {"name": "held", "namespace": "default", **meta}})
    plane.scheduler.paused = True
    plane.client.delete("pods", "held", "default")
    plane.settle()
    plane.scheduler.paused = False
    plane.settle()
    assert plane.node_of("held") == ""
    assert plane.events("held")[0]["message"] == "skip schedule deleting pod: default/held"


# -- preemption ------------------------------------------------------------------------------------


def vip_plane() -> ControlPlane:
    plane = ControlPlane([node(cpu="1")])
    important(plane)
    plane.create(pod("low", cpu="1"))
    plane.settle()
    plane.create(pod("vip", cpu="1", priorityClassName="high"))
    plane.settle()
    return plane


def test_a_more_important_pod_makes_another_leave() -> None:
    plane = vip_plane()
    low, vip = plane.pod("low"), plane.pod("vip")
    assert "deletionTimestamp" in low["metadata"]
    target = next(c for c in low["status"]["conditions"] if c["type"] == "DisruptionTarget")
    assert (target["status"], target["reason"], target["message"]) == (
        "True",
        "PreemptionByScheduler",
        "default-scheduler: preempting to accommodate a higher priority pod",
    )
    assert vip["status"]["nominatedNodeName"] == "n"
    assert plane.why("vip") == "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu."
    (event,) = plane.events("low", "Preempted")
    assert event["message"] == f"Preempted by pod {vip['metadata']['uid']} on node n"
    assert event["related"]["name"] == "vip"


def test_when_the_victim_is_gone_the_more_important_pod_has_its_node() -> None:
    plane = vip_plane()
    plane.client.delete("pods", "low", "default", grace=0)
    plane.settle()
    assert plane.node_of("vip") == "n"
    assert "nominatedNodeName" not in plane.pod("vip")["status"]


def test_while_the_victim_is_leaving_nobody_else_gets_the_place() -> None:
    plane = vip_plane()
    plane.create(pod("late", cpu="1"))
    plane.client.delete("pods", "low", "default", grace=0)
    plane.settle()
    assert (plane.node_of("vip"), plane.node_of("late")) == ("n", "")


# -- following the cluster -------------------------------------------------------------------------


def test_a_scheduler_that_starts_late_knows_what_is_already_there() -> None:
    plane = three()
    for number in range(5):
        plane.create(pod(f"p{number}", cpu="2"))
    plane.settle()
    context = plane.scheduler._context
    late = Scheduler(replace(context, informers=Informers(context.loop, context.client)))
    late.start()
    assert {n.name: n.requested.cpu for n in late.cache.nodes()} == {
        n.name: n.requested.cpu for n in plane.scheduler.cache.nodes()
    }
    assert len(late.queue) == 0


def test_a_node_that_comes_back_still_has_its_pods() -> None:
    plane = ControlPlane([node("n", cpu="1")])
    plane.create(pod("a", cpu="1"))
    plane.settle()
    plane.client.delete("nodes", "n")
    plane.settle()
    plane.create(pod("b", cpu="1"))
    plane.settle()
    assert plane.why("b") == "Unschedulable: no nodes available to schedule pods"
    plane.add_node(node("n", cpu="1"))
    plane.settle()
    assert plane.why("b").startswith("Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.")


def test_what_was_done_before_a_pod_came_counts_for_it() -> None:
    plane = three()
    plane.settle()
    cordon(plane, True)
    plane.create(pod("stuck"))
    plane.settle()
    assert plane.node_of("stuck") == ""


def test_while_it_is_paused_pods_wait() -> None:
    plane = three()
    plane.scheduler.paused = True
    plane.create(pod("web"))
    plane.settle()
    assert plane.node_of("web") == ""
    plane.scheduler.paused = False
    plane.settle()
    assert plane.node_of("web") == "node-1"


def test_explain_answers_for_a_pod_of_the_cluster() -> None:
    plane = three()
    plane.create(pod("web", cpu="1"))
    plane.settle()
    found = plane.scheduler.explain(plane.pod("web"))
    assert found.chosen in found.totals
    assert len(found.totals) == 3
