"""Whatever happens to a DaemonSet and its nodes: never too many down, and in the end one daemon on each node."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8snb.controllers.daemonset.daemons import Placement, node_of
from k8snb.controllers.daemonset.rolling import limits_of
from k8snb.controllers.history import revision_name
from k8snb.controllers.podstate import has_ended, is_ready
from k8snb.machinery.objects import is_deleting
from k8snb.typing import Object
from tests.controllers.daemons import images, run, set_image
from tests.controllers.world import World, daemonset

ACTIONS = ("image", "choose", "label", "taint", "node", "lose", "delete", "kill", "fail", "ready", "unready", "run")
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5), st.booleans()), max_size=20)
limits = st.sampled_from(({"maxUnavailable": 1}, {"maxUnavailable": 2}, {"maxSurge": 1, "maxUnavailable": 0}))


def act(world: World, action: str, number: int) -> None:
    """One thing that people or nodes do."""
    nodes = world.client.list("nodes")
    node = nodes[number % len(nodes)]["metadata"]["name"] if nodes else ""
    if action in ("image", "choose"):
        selector = {"disk": "ssd"} if action == "choose" and number % 2 else {}
        set_image(world, f"nginx:{number % 3}", nodeSelector=selector or None)
    elif action == "node" and len(nodes) < 5:
        world.add_node(f"node-at-{world.store.revision}", {"disk": "ssd"} if number % 2 else {})
    elif action == "label" and node:
        world.client.patch("nodes", node, {"metadata": {"labels": {"disk": "ssd" if number % 2 else None}}})
    elif action == "taint" and node:
        effect = ("NoSchedule", "NoExecute")[number % 2]
        taints = [] if number < 2 else [{"key": "work", "value": "yes", "effect": effect}]
        world.client.patch("nodes", node, {"spec": {"taints": taints}})
    elif action == "lose" and node:
        world.client.delete("nodes", node)
    elif pods := world.list("pods"):
        act_on(world, action, pods[number % len(pods)])


def act_on(world: World, action: str, chosen: Object) -> None:
    name, gone = chosen["metadata"]["name"], is_deleting(chosen)
    bound = bool(chosen["spec"].get("nodeName"))
    if action in ("delete", "kill"):
        world.client.delete("pods", name, "default", grace=0 if action == "kill" else None)
    elif action == "run" and gone:
        world.client.delete("pods", name, "default", grace=0)
    elif action == "run" and not bound and world.find("nodes", node_of(chosen), "") is not None:
        world.bind(chosen, node_of(chosen))
        world.post_pod(chosen)
    elif action == "fail" and bound and not gone:
        world.post_pod(chosen, ready=False, phase="Failed")
    elif action in ("ready", "unready") and bound and not has_ended(chosen):
        world.post_pod(chosen, ready=action == "ready")


def meant(world: World) -> list[str]:
    """The nodes that should have a daemon."""
    placement = Placement(world.get("daemonsets", "web"))
    return [node["metadata"]["name"] for node in world.client.list("nodes") if placement.fit(node).should_run]


def serving(world: World) -> set[str]:
    """The nodes that are meant and have a daemon that serves."""
    return {node_of(each) for each in world.pods() if is_ready(each) and not has_ended(each)} & set(meant(world))


def check(world: World, before: set[str], changed: bool) -> None:
    """What holds after each look: at most one daemon of a kind on a node; a rollout takes down no more than it may."""
    ds = world.get("daemonsets", "web")
    budget = limits_of(ds, len(meant(world)))
    daemons = [(node_of(each), revision_name(each)) for each in world.pods()]
    most = 2 if budget.surge else 1
    assert len(set(daemons)) == len(daemons), "one daemon of each kind on a node"
    assert all(count <= most for count in Counter(node for node, _ in daemons).values())
    lost = (before & set(meant(world))) - serving(world)
    if not changed:
        down = len(meant(world)) - len(serving(world))
        assert not lost or down <= max(budget.unavailable, 0), "never more than maxUnavailable down"


def recover(world: World) -> None:
    """All taints go, every node works, whoever is broken is mended."""
    for node in world.client.list("nodes"):
        world.client.patch("nodes", node["metadata"]["name"], {"spec": {"taints": []}})
    for _ in range(40):
        world.advance(1000)
        before = world.store.revision
        for each in world.list("pods"):
            if each["spec"].get("nodeName") and not is_deleting(each) and not has_ended(each) and not is_ready(each):
                world.post_pod(each)
        run(world)
        if world.store.revision - before < 200:
            return


@given(steps, limits)
def test_daemons_follow_their_nodes_and_never_are_too_many_of_them_down(story: list[Any], update: Any) -> None:
    world = World(nodes=3)
    world.create(daemonset(updateStrategy={"type": "RollingUpdate", "rollingUpdate": update}))
    run(world)
    for action, number, work in story:
        act(world, action, number)
        before = serving(world)
        world.settle()
        check(world, before, changed=action in ("choose", "label", "taint", "lose"))
        if work:
            run(world)
    recover(world)
    wanted = meant(world)
    assert sorted(node_of(each) for each in world.pods()) == sorted(wanted), "one on each node that is meant"
    image = world.get("daemonsets", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert images(world) == dict.fromkeys(wanted, image[-1])
    status = world.get("daemonsets", "web")["status"]
    counted = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    assert {status.get(name, 0) for name in counted} == {len(wanted)}
    assert status["numberMisscheduled"] == 0
