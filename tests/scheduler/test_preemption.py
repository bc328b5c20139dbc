"""Making room for the more important."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from k8snb.scheduler.cycle import Cycle
from k8snb.scheduler.diagnosis import FitError
from k8snb.scheduler.framework import CycleState
from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object
from tests.scheduler.world import World, node, pod


def running(name: str, where: str, priority: int = 0, cpu: str = "4", since: str = "", **more: Any) -> Object:
    status = {"phase": "Running", **({"startTime": since} if since else {})}
    return pod(name, cpu=cpu, node=where, priority=priority, status=status, **more)


def preempt(world: World, wanted: Object) -> tuple[str | None, str, list[str]]:
    """The node kept for the pod, the whole message, and who had to leave."""
    with pytest.raises(FitError) as failure:
        Cycle(world.framework).choose(PodInfo(wanted))
    diagnosis = failure.value.diagnosis
    state = CycleState(world.cache.nodes())
    world.framework.pre_filter(state, wanted)
    nominated = world.framework.post_filter(state, wanted, diagnosis)
    world.evict()
    return nominated, diagnosis.message(), [words[1] for words in world.api.said if words[0] == "preempt"]


def full(*pods: Object, nodes: Sequence[str] = ("n",)) -> World:
    return World([node(name, cpu="8") for name in nodes], pods)


VIP = pod("vip", cpu="4", priority=1000)


def test_the_less_important_make_room_and_the_node_is_kept() -> None:
    found = preempt(full(running("a", "n"), running("b", "n", 10)), VIP)
    assert found == ("n", "0/1 nodes are available: 1 Insufficient cpu.", ["a"])


def test_nobody_leaves_for_an_equal() -> None:
    world = full(running("a", "n", 1000), running("b", "n", 1000))
    assert preempt(world, VIP) == (
        "",
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
        "0/1 nodes are available: 1 No preemption victims found for incoming pod.",
        [],
    )


def test_what_does_not_fit_the_empty_node_is_not_helped() -> None:
    found = preempt(full(running("a", "n")), pod("huge", cpu="9", priority=1000))
    assert found == (
        "",
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
        "0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
        [],
    )


def test_if_even_that_would_not_do_the_reason_is_told() -> None:
    world = full(running("a", "n", cpu="1"), running("b", "n", 2000, cpu="7"))
    nominated, message, victims = preempt(world, VIP)
    assert (nominated, victims) == ("", [])
    assert message.endswith("preemption: 0/1 nodes are available: 1 Insufficient cpu.")


def test_a_pod_that_does_not_preempt_says_so() -> None:
    polite = pod("polite", cpu="4", priority=1000, preemptionPolicy="Never")
    nominated, message, victims = preempt(full(running("a", "n"), running("b", "n")), polite)
    assert (nominated, victims) == (None, [])
    assert message.endswith("no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.")


def test_while_victims_are_leaving_no_others_have_to() -> None:
    leaving = {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]}
    old = pod("a", cpu="8", node="n", deleting=True, status=leaving)
    waiting = {**VIP, "status": {"nominatedNodeName": "n"}}
    nominated, message, victims = preempt(full(old), waiting)
    assert (nominated, victims) == (None, [])
    assert message.endswith("preemption: not eligible due to a terminating pod on the nominated node.")


def test_the_node_with_the_least_important_victims_is_taken() -> None:
    world = full(running("a", "n", 10, "8"), running("b", "m", 5, "8"), running("c", "o", 20, "8"), nodes="nmo")
    assert preempt(world, VIP)[0] == "m"


def test_among_equals_fewer_victims_and_then_the_younger() -> None:
    many = [running("a", "n", cpu="2"), running("b", "n", cpu="2"), running("c", "n", 2000, "4")]
    assert preempt(full(*many, running("d", "m", cpu="8"), nodes="nm"), VIP)[2] == ["d"]
    old = running("a", "n", cpu="8", since="2025-01-01T00:00:00Z")
    young = running("b", "m", cpu="8", since="2025-06-01T00:00:00Z")
    assert preempt(full(old, young, nodes="nm"), VIP)[2] == ["b"]


def test_of_the_victims_the_most_important_are_spared() -> None:
    there = [running(name, "n", priority, "2") for name, priority in (("a", 5), ("b", 1), ("c", 9), ("d", 3))]
    assert preempt(full(*there), VIP)[2] == ["d", "b"]


def test_room_that_is_kept_is_not_given_to_the_less_important() -> None:
    world = full(running("a", "n", cpu="4"))
    world.nominator.put(PodInfo(VIP), "n")
    with pytest.raises(FitError, match="Insufficient cpu"):
        world.choose(pod("late", cpu="4"))
    assert world.choose(pod("vvip", cpu="4", priority=2000)) == "n"
    assert world.choose(VIP) == "n"


def test_who_loses_the_kept_node_to_a_more_important_pod_is_told() -> None:
    world = full(running("a", "n", cpu="8"))
    world.nominator.put(PodInfo({**VIP, "status": {"nominatedNodeName": "n"}}), "n")
    preempt(world, pod("boss", cpu="8", priority=5000))
    assert world.api.said == [("nominate", "vip", ""), ("preempt", "a", "boss", "n")]


def test_anti_affinity_can_be_preempted_too() -> None:
    term = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "kubernetes.io/hostname"}
    shy = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    world = full(running("a", "n", cpu="1", labels={"app": "web"}))
    assert preempt(world, pod("vip", priority=9, affinity=shy))[2] == ["a"]


# -- disruption budgets ------------------------------------------------------------------------------


def budget(app: str, allowed: int, *disrupted: str) -> Object:
    status = {"disruptionsAllowed": allowed, "disruptedPods": dict.fromkeys(disrupted, "now")}
    meta = {"name": app, "namespace": "default"}
    return {"metadata": meta, "spec": {"selector": {"matchLabels": {"app": app}}}, "status": status}


def of_app(name: str, where: str, app: str, priority: int = 0) -> Object:
    return running(name, where, priority, labels={"app": app})


def guarded(*pods: Object, budgets: Sequence[Object], nodes: Sequence[str] = ("n",)) -> World:
    return World([node(name, cpu="8") for name in nodes], pods, budgets=budgets)


def test_who_is_kept_by_a_budget_stays_before_the_more_important() -> None:
    pods = of_app("kept", "n", "db"), of_app("free", "n", "web", 10)
    assert preempt(guarded(*pods, budgets=[budget("db", 0)]), VIP)[2] == ["free"]
    assert preempt(guarded(*pods, budgets=[budget("db", 1)]), VIP)[2] == ["kept"]


def test_the_node_on_which_no_budget_is_overdrawn_is_taken_whatever_the_victims_priority() -> None:
    pods = (
        of_app("a", "one", "db"),
        of_app("b", "one", "db"),
        of_app("c", "two", "web", 9),
        of_app("d", "two", "web", 9),
    )
    world = guarded(*pods, budgets=[budget("db", 0)], nodes=("one", "two"))
    nominated, _, victims = preempt(world, VIP)
    assert (nominated, victims) == ("two", ["d"])


def test_if_there_is_no_other_way_a_budget_is_overdrawn() -> None:
    pods = of_app("a", "n", "db"), of_app("b", "n", "db")
    assert preempt(guarded(*pods, budgets=[budget("db", 0)]), VIP)[2] == ["b"]
    assert preempt(guarded(*pods, budgets=[budget("db", 0, "b")]), VIP)[2] == ["b"]
