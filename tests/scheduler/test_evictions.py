"""Preemptions are carried out after the pod was told, one victim after another, and the pod waits for them."""

from __future__ import annotations

from k8snb.scheduler.evictions import Evictions
from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object
from tests.scheduler.cluster import ControlPlane
from tests.scheduler.world import Notebook, node, pod


def plane_with(*victims: str) -> ControlPlane:
    """A full node, and a pod that just came and needs all of it."""
    plane = ControlPlane([node(cpu=str(len(victims)))])
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000}
    plane.client.create("priorityclasses", high)
    for name in victims:
        plane.create(pod(name, cpu="1"))
    plane.settle()
    plane.create(pod("vip", cpu=str(len(victims)), priorityClassName="high"))
    return plane


def leaving(plane: ControlPlane) -> int:
    return sum("deletionTimestamp" in each["metadata"] for each in plane.client.list("pods", "default"))


def test_the_pod_is_told_first_and_then_the_victims_leave_one_by_one() -> None:
    plane = plane_with("a", "b")
    seen: list[tuple[str, int]] = []
    while plane.loop.turn():
        now = plane.pod("vip").get("status", {}).get("nominatedNodeName", ""), leaving(plane)
        if now not in seen:
            seen.append(now)
    assert seen == [("", 0), ("n", 0), ("n", 1), ("n", 2)]


def test_when_all_are_gone_the_pod_has_the_node() -> None:
    plane = plane_with("a", "b", "c")
    plane.settle()
    for name in "abc":
        plane.client.delete("pods", name, "default", grace=0)
    plane.settle()
    assert plane.node_of("vip") == "n"


class Found:
    """Pods as the scheduler knows them."""

    def __init__(self, *pods: Object) -> None:
        self.pods = {each["metadata"]["name"]: each for each in pods}

    def get(self, namespace: str, name: str) -> Object | None:
        return self.pods.get(name)


def test_a_pod_is_held_until_its_last_victim_has_begun_to_go() -> None:
    vip, a, b = pod("vip"), pod("a", node="n"), pod("b", node="n")
    known, uid = Found(a, b), vip["metadata"]["uid"]
    evictions = Evictions(Notebook(), known.get)
    evictions.begin(vip, "n", [PodInfo(a), PodInfo(b)], ())
    assert evictions.hold(uid)
    evictions.step()
    assert evictions.hold(uid)
    known.pods["b"] = pod("b", node="n", deleting=True)
    assert not evictions.hold(uid)
    evictions.step()
    assert not evictions.running


def test_nobody_is_asked_to_leave_twice() -> None:
    evictions = Evictions(Notebook())
    evictions.begin(pod("vip"), "n", [PodInfo(pod("a", node="n", deleting=True))], ())
    assert not evictions.running


class Refusing(Notebook):
    def preempt(self, victim: Object, preemptor: Object, node: str) -> bool:
        return False


def test_if_a_victim_may_not_leave_the_others_stay_and_the_pod_tries_again() -> None:
    active: list[str] = []
    evictions = Evictions(Refusing(), activate=active.append)
    vip = pod("vip")
    evictions.begin(vip, "n", [PodInfo(pod("a", node="n")), PodInfo(pod("b", node="n"))], ())
    evictions.step()
    assert (active, evictions.running) == ([vip["metadata"]["uid"]], {})
