"""Pods that have a node and wait for somebody's leave."""

from __future__ import annotations

from itertools import groupby

import pytest

from k8snb import Cluster
from k8snb.scheduler.framework import NODE, SKIP, SUCCESS, Action, CycleState, Interest, Status
from k8snb.typing import Object

TOLD = {
    "apiVersion": "kubescheduler.config.k8s.io/v1",
    "kind": "KubeSchedulerConfiguration",
    "profiles": [{"plugins": {"multiPoint": {"enabled": [{"name": "Gate"}, {"name": "Elsewhere"}]}}}],
}


class Gate:
    """Lets pods with the label `wait` wait for ten seconds, refuses those with `never`, and notes what it is told.

    Those with `slow` have it fail before they are bound.
    """

    said: list[str]

    def __init__(self) -> None:
        self.said = []

    def reserve(self, state: CycleState, pod: Object, node: str) -> Status:
        self.said.append(f"reserve {pod['metadata']['name']} {node}")
        return SUCCESS

    def unreserve(self, state: CycleState, pod: Object, node: str) -> None:
        self.said.append(f"unreserve {pod['metadata']['name']} {node}")

    def permit(self, state: CycleState, pod: Object, node: str) -> Status:
        wish = pod["metadata"].get("labels", {}).get("gate")
        return Status.wait(10) if wish == "wait" else Status.unschedulable("never here") if wish == "never" else SUCCESS

    def pre_bind_pre_flight(self, state: CycleState, pod: Object, node: str) -> Status:
        return SUCCESS if pod["metadata"].get("labels", {}).get("gate") == "slow" else SKIP

    def pre_bind(self, state: CycleState, pod: Object, node: str) -> Status:
        return Status.error("not today")

    def post_bind(self, state: CycleState, pod: Object, node: str) -> None:
        self.said.append(f"bound {pod['metadata']['name']} {node}")


class Elsewhere:
    """Has something done elsewhere for pods that carry the label of one of these points, until it is `ready`."""

    interests = (Interest(NODE, Action.LABEL),)

    def __init__(self) -> None:
        self.ready = False

    def _status(self, pod: Object, point: str) -> Status:
        if pod["metadata"].get("labels", {}).get("gate") != point:
            return SUCCESS
        return SUCCESS if self.ready else Status.pending("waiting for a room")

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        return self._status(pod, "pre_filter")

    def reserve(self, state: CycleState, pod: Object, node: str) -> Status:
        return self._status(pod, "reserve")

    def unreserve(self, state: CycleState, pod: Object, node: str) -> None:
        """There is nothing to take back."""

    def permit(self, state: CycleState, pod: Object, node: str) -> Status:
        return self._status(pod, "permit")


class Made:
    def __init__(self, *pods: tuple[str, str]) -> None:
        self.cluster = Cluster(1, seed=1, scheduler=TOLD, plugins=[Gate, Elsewhere])
        self.framework = self.cluster.scheduler._cycles["default-scheduler"].framework
        self.began = self.cluster.revision
        for name, wish in pods:
            spec = {"containers": [{"name": "c", "image": "nginx"}]}
            meta = {"name": name, "namespace": "default", "labels": {"gate": wish}}
            self.cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        self.cluster.settle()

    @property
    def said(self) -> list[str]:
        said: list[str] = self.framework.plugins["Gate"].said
        return said

    def pod(self, name: str) -> Object:
        return self.cluster.client.get("pods", name, "default")

    def kept(self, name: str) -> str:
        return str(self.pod(name)["status"].get("nominatedNodeName", ""))

    def events(self, name: str) -> list[str]:
        found = self.cluster.client.list("events", "default")
        return [f"{each['reason']}: {each['message']}" for each in found if each["involvedObject"]["name"] == name]

    def why(self, name: str) -> str:
        found = [each for each in self.pod(name)["status"].get("conditions") or () if each["type"] == "PodScheduled"]
        return str(found[0].get("message", "")) if found else ""


def test_a_pod_waits_on_its_node_until_it_is_let_through() -> None:
    made = Made(("a", "wait"), ("b", ""))
    assert made.said == ["reserve a node-1", "reserve b node-1", "bound b node-1"]
    assert "nodeName" not in made.pod("a")["spec"]
    assert len(made.cluster.scheduler.cache.nodes()[0].pods) == 2
    room = made.framework.waiting
    assert room is not None
    room.allow(next(iter(room.pods)), "Gate")
    made.cluster.settle()
    assert made.said[-1] == "bound a node-1"
    assert made.pod("a")["spec"]["nodeName"] == "node-1"


def test_who_is_not_let_through_in_time_is_turned_away_and_told() -> None:
    made = Made(("a", "wait"))
    made.cluster.advance(9)
    assert made.why("a") == ""
    made.cluster.advance(1.5)
    reason = "rejected due to timeout after waiting 10s at plugin Gate"
    assert made.why("a") == f"0/1 nodes are available: 1 {reason}."
    assert made.said == ["reserve a node-1", "unreserve a node-1"]
    assert not made.cluster.scheduler.cache.nodes()[0].pods


def test_who_is_refused_is_told_as_if_the_node_were_the_only_one() -> None:
    assert Made(("a", "never")).why("a") == "0/1 nodes are available: 1 never here."


@pytest.mark.parametrize("point", ["pre_filter", "reserve", "permit"])
def test_a_pod_for_which_something_is_done_elsewhere_is_tried_again_when_it_is_done(point: str) -> None:
    made = Made(("a", point))
    elsewhere = made.framework.plugins["Elsewhere"]
    said = "waiting for a room" if point == "pre_filter" else "1 waiting for a room"
    assert made.why("a").startswith(f"0/1 nodes are available: {said}.")
    elsewhere.ready = True
    made.cluster.client.patch("nodes", "node-1", {"metadata": {"labels": {"new": "label"}}})
    made.cluster.settle()
    assert made.pod("a")["spec"].get("nodeName") == "node-1"


def test_a_pod_that_goes_while_it_waits_leaves_nothing_behind() -> None:
    made = Made(("a", "wait"))
    made.cluster.client.delete("pods", "a", "default")
    made.cluster.advance(60)
    assert not made.cluster.scheduler.bindings.waiting
    assert not made.cluster.scheduler.cache.nodes()[0].pods
    assert made.said == ["reserve a node-1", "unreserve a node-1"]
    assert made.events("a") == ["FailedScheduling: 0/1 nodes are available: 1 removed."]


def test_while_a_pod_waits_its_status_tells_which_node_it_gets() -> None:
    made = Made(("a", "wait"), ("b", ""))
    assert (made.kept("a"), made.kept("b")) == ("node-1", "")
    room = made.framework.waiting
    assert room is not None
    room.allow(next(iter(room.pods)), "Gate")
    made.cluster.settle()
    assert made.kept("a") == ""


def test_a_pod_that_was_promised_its_node_counts_there_once_while_it_waits() -> None:
    made = Made(("a", "wait"))
    made.cluster.client.patch("pods", "a", {"status": {"nominatedNodeName": "node-1"}}, "default", subresource="status")
    made.cluster.advance(10.5)
    made.cluster.client.patch("nodes", "node-1", {"metadata": {"labels": {"new": "label"}}})
    made.cluster.advance(0.6)
    assert [each.place for each in made.cluster.scheduler.waiting()] == ["permit"]
    assert made.framework.nominator.pods == {}


def test_what_a_failure_before_binding_leaves_in_the_status_goes_with_the_next_one() -> None:
    made = Made(("a", "slow"))
    assert (made.kept("a"), made.why("a")) == ("node-1", 'running PreBind plugin "Gate": not today')
    told = (made.cluster.at(revision) for revision in range(made.began, made.cluster.revision))
    kept = [(each.get("pods", "a", "default") or {}).get("status", {}).get("nominatedNodeName", "") for each in told]
    assert [name for name, _ in groupby(kept)][:4] == ["", "node-1", "", "node-1"]


@pytest.mark.parametrize(
    ("command", "tries"),
    [("label node node-1 new=label", 2), ("annotate pod a new=label", 2), ("annotate namespace default a=b", 1)],
)
def test_who_is_turned_away_is_tried_again_if_anything_happened_that_may_help(command: str, tries: int) -> None:
    made = Made(("a", "wait"))
    made.cluster.kubectl(command)
    made.cluster.advance(10.5)
    assert made.said.count("reserve a node-1") == tries


def test_a_more_important_pod_takes_the_place_of_one_that_is_not_bound_yet() -> None:
    made = Made()
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 9}
    made.cluster.client.create("priorityclasses", high)
    ports = [{"containerPort": 80, "hostPort": 80}]
    spec = {"containers": [{"name": "c", "image": "nginx", "ports": ports}]}
    for name, gate, more in (("low", "wait", {}), ("vip", "", {"priorityClassName": "high"})):
        meta = {"name": name, "namespace": "default", "labels": {"gate": gate}}
        made.cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec | more})
        made.cluster.settle()
    assert made.said[-3:] == ["unreserve low node-1", "reserve vip node-1", "bound vip node-1"]
    uid = made.pod("vip")["metadata"]["uid"]
    assert made.events("low")[:2] == [
        "FailedScheduling: waiting on permit for pod: preempted",
        f"Preempted: Preempted by pod {uid} on node node-1 (in kube-scheduler memory).",
    ]
