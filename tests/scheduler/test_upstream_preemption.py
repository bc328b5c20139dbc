"""Who has to leave where: upstream's TestDryRunPreemption and TestSelectBestCandidate of 1.36, by their names there.

A machine has 50 of CPU; small, medium, large and very large pods ask for 10, 20, 30 and 50. `low mid high very` are
priorities, `neg` is below zero. `p1=mid/large` is a pod on the first machine, and so on; `@3` is when it started.
"""

from __future__ import annotations

import re

import pytest

from k8snb.scheduler.framework import CycleState
from k8snb.scheduler.preemption import Candidate, Search
from k8snb.typing import Object
from tests.scheduler.world import World, node, pod

PRIORITIES = {"neg": -100, "low": 0, "mid": 100, "high": 1000, "very": 10000}
SIZES = {"none": "", "small": "10", "medium": "20", "large": "30", "whole": "50"}


def running(text: str) -> Object:
    found = re.fullmatch(r"p(\d)([.\d]*)=(\w+)/(\w+)(!?)(?:@(\d))?", text)
    assert found is not None, text
    where, rest, priority, size, guarded, since = found.groups()
    status = {"phase": "Running", "startTime": f"2026-01-01T00:00:0{since or 0}Z"}
    return pod(f"p{where}{rest}", node=f"n{where}", priority=PRIORITIES[priority], cpu=SIZES[size], status=status,
               labels={"app": "foo"} if guarded else {"app": "bar"})  # fmt: skip


def search(
    wanted: str, there: str, budgets: list[Object], least: int = 100, percent: int = 10
) -> tuple[Search, list[Candidate]]:
    pods = [running(each) for each in there.split()]
    names = sorted({each["spec"]["nodeName"] for each in pods})
    world = World([node(name, cpu="50") for name in names], pods, budgets=budgets)
    priority, size = wanted.split("/")
    incoming = pod("p", priority=PRIORITIES[priority], cpu=SIZES[size])
    state = CycleState(world.cache.nodes())
    world.framework.pre_filter(state, incoming)
    found = Search(world.framework, state, incoming, least, percent)
    nodes = [world.cache.node(name) for name in names]
    return found, found.candidates([each for each in nodes if each is not None])


def budget(allowed: int, *disrupted: str) -> Object:
    status = {"disruptionsAllowed": allowed, "disruptedPods": dict.fromkeys(disrupted, "2026-01-01T00:00:00Z")}
    spec = {"selector": {"matchLabels": {"app": "foo"}}}
    return {"metadata": {"name": "b", "namespace": "default"}, "spec": spec, "status": status}


def told(candidates: list[Candidate]) -> str:
    """`n1: p1.1 p1.2 (1)`: node, victims by name, budgets overdrawn."""
    parts = []
    for each in candidates:
        victims = " ".join(sorted(info.pod["metadata"]["name"] for info in each.victims))
        parts.append(f"{each.node}: {victims}" + (f" ({each.overdrawn})" if each.overdrawn else ""))
    return ", ".join(parts)


@pytest.mark.parametrize(
    ("name", "wanted", "there", "expected"),
    [
        ("a pod that fits on both nodes when lower priority pods are preempted", "high/large",
         "p1=mid/large p2=mid/large", "n1: p1, n2: p2"),
        ("other pods running are higher priority, no preemption would happen", "low/large",
         "p1=mid/large p2=mid/large", ""),
        ("medium priority pod is preempted, but lower priority one stays as it is small", "high/large",
         "p1.1=low/small p1.2=mid/large p2=mid/large", "n1: p1.2, n2: p2"),
        ("mixed priority pods are preempted", "high/large",
         "p1.1=mid/small p1.2=low/small p1.3=mid/medium p1.4=high/small p2=high/large", "n1: p1.2 p1.3"),
        ("mixed priority pods are preempted, pick later StartTime one when priorities are equal", "high/large",
         "p1.1=low/small@5 p1.2=low/small@4 p1.3=mid/medium@3 p1.4=high/small@2 p2=high/large@1", "n1: p1.1 p1.3"),
    ],
)  # fmt: skip
def test_victims(name: str, wanted: str, there: str, expected: str) -> None:
    assert told(search(wanted, there, [])[1]) == expected


@pytest.mark.parametrize(
    ("name", "allowed", "disrupted", "there", "expected"),
    [
        ("preemption with violation of same pdb", 1, "", "p1.1=mid/medium! p1.2=mid/medium!", "n1: p1.1 p1.2 (1)"),
        ("the victim doesn't belong to DisruptedPods", 1, "p2", "p1.1=mid/medium! p1.2=mid/medium!",
         "n1: p1.1 p1.2 (1)"),
        ("the victim belongs to DisruptedPods", 1, "p1.2", "p1.1=mid/medium! p1.2=mid/medium!", "n1: p1.1 p1.2"),
        ("the victim which belongs to DisruptedPods is treated as 'nonViolating'", 1, "p1.3",
         "p1.1=mid/medium! p1.2=mid/medium! p1.3=mid/small!", "n1: p1.1 p1.2 p1.3 (1)"),
        ("a budget with room for all is not overdrawn", 2, "", "p1.1=mid/medium! p1.2=mid/medium!", "n1: p1.1 p1.2"),
    ],
)  # fmt: skip
def test_budgets(name: str, allowed: int, disrupted: str, there: str, expected: str) -> None:
    assert told(search("high/whole", there, [budget(allowed, *disrupted.split())])[1]) == expected


@pytest.mark.parametrize(
    ("name", "there", "least", "expected"),
    [
        ("all nodes are possible candidates, but DefaultPreemptionArgs limits to 2",
         "p1=mid/large p2=mid/large p3=mid/large p4=mid/large p5=mid/large", 1, "n1: p1, n2: p2"),
        ("some nodes are not possible candidates, DefaultPreemptionArgs limits to 2",
         "p1=mid/large p2=very/large p3=mid/large p4=mid/large p5=very/large", 1, "n1: p1, n3: p3"),
        ("preemption looks past numCandidates until a non-PDB violating node is found",
         "p1=mid/large! p2=mid/large! p3=mid/large p4=mid/large p5=mid/large!", 2, "n1: p1 (1), n2: p2 (1), n3: p3"),
    ],
)  # fmt: skip
def test_how_far_the_search_goes(name: str, there: str, least: int, expected: str) -> None:
    assert told(search("high/large", there, [budget(0)], least, 40)[1]) == expected


@pytest.mark.parametrize(
    ("name", "wanted", "there", "expected"),
    [
        ("a pod that fits on both nodes when lower priority pods are preempted", "high/large",
         "p1=mid/large p2=mid/large", "n1"),
        ("node with min highest priority pod is picked", "high/whole",
         "p1.1=mid/medium p1.2=mid/large p2.1=mid/medium p2.2=low/medium p3.1=low/medium p3.2=low/medium", "n3"),
        ("when highest priorities are the same, minimum sum of priorities is picked", "high/whole",
         "p1.1=mid/medium p1.2=mid/large p2.1=mid/large p2.2=low/medium p3.1=mid/medium p3.2=mid/medium", "n2"),
        ("when highest priority and sum are the same, minimum number of pods is picked", "high/whole",
         "p1.1=mid/small p1.2=neg/small p1.3=mid/small p1.4=neg/small p2.1=mid/large p2.2=neg/medium "
         "p3.1=mid/medium p3.2=neg/small p3.3=low/small", "n2"),
        ("sum of adjusted priorities is considered", "high/whole",
         "p1.1=mid/small p1.2=neg/small p1.3=neg/small p2.1=mid/large p2.2=neg/medium "
         "p3.1=mid/medium p3.2=neg/small p3.3=low/small", "n2"),
        ("non-overlapping lowest high priority, sum priorities, and number of pods", "very/whole",
         "p1.1=mid/small p1.2=low/small p1.3=low/small p2.1=high/large p3.1=mid/medium p3.2=low/small p3.3=low/small "
         "p3.4=low/small p4.1=mid/medium p4.2=mid/small p4.3=mid/small p4.4=neg/small", "n1"),
        ("same priority, same number of victims, different start time for each node's pod", "high/whole",
         "p1.1=mid/medium@2 p1.2=mid/medium@2 p2.1=mid/medium@3 p2.2=mid/medium@3 p3.1=mid/medium@1 p3.2=mid/medium@1",
         "n2"),
        ("same priority, same number of victims, different start time for all pods", "high/whole",
         "p1.1=mid/medium@4 p1.2=mid/medium@2 p2.1=mid/medium@5 p2.2=mid/medium@1 p3.1=mid/medium@3 p3.2=mid/medium@6",
         "n3"),
        ("different priority, same number of victims, different start time for all pods", "high/whole",
         "p1.1=low/medium@4 p1.2=mid/medium@2 p2.1=mid/medium@6 p2.2=low/medium@1 p3.1=low/medium@3 p3.2=mid/medium@5",
         "n2"),
    ],
)  # fmt: skip
def test_the_node_that_hurts_least(name: str, wanted: str, there: str, expected: str) -> None:
    found, candidates = search(wanted, there, [])
    assert found.best(candidates).node == expected
