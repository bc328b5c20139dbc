from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.controllers.nodehealth import Heartbeats, schedule_taints, silenced, with_taints
from k8snb.controllers.nodeipam import Blocks
from k8snb.controllers.nodelifecycle import Zone
from k8snb.controllers.settings import Settings
from k8snb.controllers.tolerations import tolerated_for
from k8snb.machinery.objects import condition
from k8snb.typing import Object
from tests.controllers.world import World, deployment, pod

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
NOW = "2026-01-01T00:00:00Z"


def taints(world: World, node: str = "node-1") -> list[str]:
    found = world.client.get("nodes", node)["spec"].get("taints") or []
    return [f"{each['key'].removeprefix('node.kubernetes.io/')}:{each['effect']}" for each in found]


def ready(world: World, node: str = "node-1") -> tuple[str, str, str]:
    found = condition(world.client.get("nodes", node), "Ready")
    assert found is not None
    return found["status"], found["reason"], found["message"]


def tolerating(seconds: int) -> list[Object]:
    each = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}
    return [{**each, "key": NOT_READY}, {**each, "key": UNREACHABLE}]


def lost(pods: int = 1, nodes: int = 3) -> World:
    """A world whose first node, with a pod or two, has just fallen silent."""
    world = World(nodes=nodes)
    for number in range(pods):
        world.create(pod(f"web-{number}", tolerations=tolerating(300)))
    world.run_pods()
    world.advance(20)
    world.stop_kubelet("node-1")
    return world


def test_a_node_that_falls_silent_is_unknown_after_fifty_seconds() -> None:
    world = lost()
    world.advance(49)
    assert ready(world)[0] == "True"
    world.advance(6)
    assert ready(world) == ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    assert ready(world, "node-2")[0] == "True"
    assert taints(world) == ["unreachable:NoSchedule", "unreachable:NoExecute"]
    assert "Node node-1 status is now: NodeNotReady" in world.events("NodeNotReady")
    assert "Node is not ready" in world.events("NodeNotReady")
    found = condition(world.get("pods", "web-0"), "Ready")
    assert found is not None
    assert found["status"] == "False"


def test_its_pods_are_deleted_when_their_tolerations_end() -> None:
    world = lost()
    world.advance(60)
    world.advance(290)
    assert "deletionTimestamp" not in world.get("pods", "web-0")["metadata"]
    world.advance(20)
    going = world.get("pods", "web-0")
    assert "deletionTimestamp" in going["metadata"]
    why = condition(going, "DisruptionTarget")
    assert why is not None
    assert (why["reason"], why["message"]) == (
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
    )
    assert world.events("TaintManagerEviction") == ["Marking for deletion Pod default/web-0"]


def test_a_node_that_comes_back_keeps_its_pods() -> None:
    world = lost()
    world.advance(100)
    world.start_kubelet("node-1")
    world.settle()
    assert ready(world)[0] == "True"
    assert taints(world) == []
    world.advance(400)
    assert "deletionTimestamp" not in world.get("pods", "web-0")["metadata"]
    assert world.events("TaintManagerEviction") == ["Cancelling deletion of Pod default/web-0"]


def test_a_pod_that_does_not_tolerate_a_taint_goes_at_once_and_one_that_does_stays() -> None:
    world = World(nodes=1)
    forever = [{"key": "gpu", "operator": "Exists"}]
    world.create(pod("plain"))
    world.create(pod("tolerant", tolerations=forever))
    world.run_pods()
    world.client.patch("nodes", "node-1", {"spec": {"taints": [{"key": "gpu", "effect": "NoExecute"}]}})
    world.settle()
    assert "deletionTimestamp" in world.get("pods", "plain")["metadata"]
    assert "deletionTimestamp" not in world.get("pods", "tolerant")["metadata"]


def test_a_replacement_is_made_elsewhere() -> None:
    world = World(nodes=3)
    world.create(deployment(replicas=2))
    world.run_pods()
    world.advance(20)
    world.stop_kubelet("node-1")
    world.advance(360)
    assert len(world.pods()) == 2
    assert all("nodeName" not in each["spec"] for each in world.pods()), "new ones, for other nodes"


def test_nodes_are_tainted_one_by_one() -> None:
    world = World(nodes=5)
    world.stop_kubelet("node-1")
    world.stop_kubelet("node-2")
    world.advance(58)
    assert sorted(len(taints(world, node)) for node in ("node-1", "node-2")) == [1, 2]
    world.advance(15)
    assert taints(world, "node-1") == taints(world, "node-2") == ["unreachable:NoSchedule", "unreachable:NoExecute"]


def test_when_every_node_is_silent_no_pod_is_evicted() -> None:
    world = lost(nodes=1)
    world.advance(600)
    assert ready(world)[0] == "Unknown"
    assert taints(world) == ["unreachable:NoSchedule"]
    assert "deletionTimestamp" not in world.get("pods", "web-0")["metadata"]


def test_conditions_and_cordons_become_taints() -> None:
    world = World(nodes=2)
    world.client.patch("nodes", "node-1", {"spec": {"unschedulable": True}})
    world.settle()
    assert taints(world) == ["unschedulable:NoSchedule"]
    world.client.patch("nodes", "node-1", {"spec": {"unschedulable": None}})
    world.settle()
    assert taints(world) == []
    world.post_status("node-1", ready="False")
    assert taints(world) == ["not-ready:NoSchedule"] or taints(world) == ["not-ready:NoSchedule", "not-ready:NoExecute"]
    world.advance(10)
    assert taints(world) == ["not-ready:NoSchedule", "not-ready:NoExecute"]


def test_new_nodes_are_registered_and_get_addresses_for_their_pods() -> None:
    world = World(nodes=2)
    assert world.events("RegisteredNode") == [
        "Node node-1 event: Registered Node node-1 in Controller",
        "Node node-2 event: Registered Node node-2 in Controller",
    ]
    ranges = [world.client.get("nodes", node)["spec"]["podCIDRs"] for node in ("node-1", "node-2")]
    assert ranges == [["10.244.0.0/24"], ["10.244.1.0/24"]]
    world.delete("nodes", "node-1", "")
    world.add_node("node-3")
    assert world.client.get("nodes", "node-3")["spec"]["podCIDR"] == "10.244.0.0/24"
    assert world.events("RemovingNode") == ["Node node-1 event: Removing Node node-1 from Controller"]


def test_pods_of_a_node_that_was_deleted_are_collected_after_a_quarantine() -> None:
    world = World(nodes=2)
    world.create(pod())
    world.run_pods()
    world.delete("nodes", "node-1", "")
    world.advance(35)
    assert world.find("pods", "web") is not None
    world.advance(30)
    assert world.find("pods", "web") is None


# -- pure parts ----------------------------------------------------------------------------------------


def test_a_node_that_never_posted_anything_gets_all_conditions() -> None:
    node = {"metadata": {"creationTimestamp": NOW}, "status": {}}
    found = silenced(node, "2026-01-01T00:01:00Z")
    assert [each["type"] for each in found] == ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]
    assert {each["message"] for each in found} == {"Kubelet never posted node status."}
    assert {each["lastHeartbeatTime"] for each in found} == {NOW}


def test_taints_of_others_are_left_alone() -> None:
    theirs = {"key": "gpu", "effect": "NoSchedule"}
    old = {"key": NOT_READY, "effect": "NoSchedule", "timeAdded": NOW}
    node = {"spec": {"taints": [theirs, old]}, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
    assert schedule_taints(node) == [UNREACHABLE]
    assert with_taints(node, schedule_taints(node), "", NOW) == [
        theirs,
        {"key": UNREACHABLE, "effect": "NoSchedule", "timeAdded": NOW},
    ]


@pytest.mark.parametrize(
    ("unready", "total", "rate"),
    [(1, 3, 0.1), (2, 3, 0.1), (3, 3, 0.1), (3, 5, 0.0), (60, 100, 0.01), (50, 100, 0.1)],
)
def test_the_more_nodes_of_a_zone_are_silent_the_fewer_are_tainted(unready: int, total: int, rate: float) -> None:
    zone = Zone()
    zone.nodes = {str(number) for number in range(total)}
    zone.unready = {str(number) for number in range(unready)}
    assert zone.rate(Settings()) == rate


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 30)), max_size=40))
def test_a_node_is_overdue_exactly_when_it_was_silent_for_the_grace_period(steps: list[tuple[str, int]]) -> None:
    beats = Heartbeats(50)
    heard: dict[str, float] = {}
    told: set[str] = set()
    now = 0.0
    for node, pause in steps:
        now += pause
        told.update(beats.overdue(now))
        silent = {name for name, when in heard.items() if when + 50 <= now}
        assert silent <= told
        assert {name for name in heard if beats.is_silent(name, now)} == silent
        beats.hear(node, now)
        heard[node] = now
        told.discard(node)


@pytest.mark.parametrize(
    ("tolerations", "expected"),
    [
        ([], 0.0),
        ([{"operator": "Exists"}], None),
        ([{"key": "a", "operator": "Exists", "tolerationSeconds": 30}], 0.0),
        ([{"key": "a", "value": "1", "tolerationSeconds": 30}, {"key": "b", "operator": "Exists"}], 30.0),
        ([{"operator": "Exists", "tolerationSeconds": -5}], 0.0),
        ([{"operator": "Exists", "effect": "NoSchedule"}], 0.0),
    ],
)
def test_a_pod_may_stay_as_long_as_it_tolerates_every_taint(tolerations: list[Object], expected: float | None) -> None:
    both = [{"key": "a", "value": "1", "effect": "NoExecute"}, {"key": "b", "effect": "NoExecute"}]
    assert tolerated_for({"spec": {"tolerations": tolerations}}, both) == expected


def test_blocks_are_handed_out_in_order_and_used_again() -> None:
    blocks = Blocks("10.0.0.0/22", 24)
    blocks.occupy("10.0.1.0/24")
    assert [blocks.take() for _ in range(4)] == ["10.0.0.0/24", "10.0.2.0/24", "10.0.3.0/24", None]
    blocks.release("10.0.2.0/24")
    blocks.release("10.0.0.0/24")
    assert blocks.take() == "10.0.0.0/24"
