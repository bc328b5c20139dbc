"""Pods that have a node and wait for somebody's leave."""

from __future__ import annotations

from k8snb import Cluster
from k8snb.scheduler.framework import SUCCESS, CycleState, Status
from k8snb.typing import Object

TOLD = {
    "apiVersion": "kubescheduler.config.k8s.io/v1",
    "kind": "KubeSchedulerConfiguration",
    "profiles": [{"plugins": {"multiPoint": {"enabled": [{"name": "Gate"}]}}}],
}


class Gate:
    """Lets pods with the label `wait` wait for ten seconds, refuses those with `never`, and notes what it is told."""

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

    def post_bind(self, state: CycleState, pod: Object, node: str) -> None:
        self.said.append(f"bound {pod['metadata']['name']} {node}")


class Made:
    def __init__(self, *pods: tuple[str, str]) -> None:
        self.cluster = Cluster(1, seed=1, scheduler=TOLD, plugins=[Gate])
        self.framework = self.cluster.scheduler._cycles["default-scheduler"].framework
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


def test_a_pod_that_goes_while_it_waits_leaves_nothing_behind() -> None:
    made = Made(("a", "wait"))
    made.cluster.client.delete("pods", "a", "default")
    made.cluster.advance(60)
    assert not made.cluster.scheduler.permits.pods
    assert not made.cluster.scheduler.cache.nodes()[0].pods
    assert made.said == ["reserve a node-1", "unreserve a node-1"]
