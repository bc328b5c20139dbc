"""The table behind a decision."""

from __future__ import annotations

import pytest

from k8snb.scheduler.decision import decision
from k8snb.scheduler.explain import explain
from k8snb.scheduler.registry import DEFAULT_PROFILE
from k8snb.typing import Object
from tests.scheduler.world import World, node, pod


def test_every_plugin_that_has_something_to_say_says_it_of_every_node() -> None:
    world = World([node("n", unschedulable=True, taints=[{"key": "x", "effect": "NoSchedule"}]), node("m"), node("o")])
    found = explain(world.framework, pod(cpu="1", memory="4Gi"))
    table = [(o.plugin, o.verdict, o.raw, o.normalized, o.weight, o.points) for o in found.of("m")]
    assert table == [
        ("NodeUnschedulable", "fits", None, None, 0, 0),
        ("NodeName", "fits", None, None, 0, 0),
        ("TaintToleration", "fits", 0, 100, 3, 300),
        ("NodeResourcesFit", "fits", 87, 87, 1, 87),
        ("NodeResourcesBalancedAllocation", "", 75, 75, 1, 75),
        ("ImageLocality", "", 0, 0, 1, 0),
    ]
    assert [(o.plugin, o.verdict) for o in found.of("n")][:3] == [
        ("NodeUnschedulable", "node(s) were unschedulable"),
        ("NodeName", "fits"),
        ("TaintToleration", "node(s) had untolerated taint(s)"),
    ]
    assert found.totals == {"m": 462, "o": 462}
    assert found.chosen == "m"


def test_the_explanation_is_what_the_scheduler_does() -> None:
    there = [pod("x", cpu="2", node="n"), pod("y", cpu="1", memory="8Gi", node="m")]
    world = World([node("n"), node("m"), node("o", cpu="2")], there)
    mine = pod("p", cpu="500m", memory="1Gi")
    found = explain(world.framework, mine)
    assert found.chosen == world.choose(mine)
    assert found.totals[found.chosen] == max(found.totals.values())


def test_other_weights_may_choose_another_node() -> None:
    there = [pod("x", cpu="6", memory="24Gi", node="n"), pod("y", cpu="4", memory="1Gi", node="m")]
    world = World([node("n"), node("m")], there)
    mine = pod("p", cpu="1", memory="4Gi")
    assert explain(world.framework, mine).chosen == "m"
    assert explain(world.framework, mine, {"NodeResourcesFit": 0, "NodeResourcesBalancedAllocation": 0}).totals == {
        "n": 300,
        "m": 300,
    }


def test_nobody_scores_the_only_node_that_fits() -> None:
    world = World([node("n", unschedulable=True), node("m")])
    found = explain(world.framework, pod(cpu="1"))
    assert [each.plugin for each in found.opinions if each.normalized is not None] == []
    assert (found.chosen, found.totals) == ("m", {"m": 0})


def test_a_placed_pod_is_explained_as_if_it_were_not() -> None:
    placed = pod("p", cpu="8", node="n")
    world = World([node("n")], [placed])
    assert explain(world.framework, placed).chosen == "n"
    assert world.cache.nodes()[0].requested.cpu == 8000


def test_where_no_node_is_looked_at_the_refusal_is_told() -> None:
    fields = [{"key": "metadata.name", "operator": "In", "values": []}]
    terms = {"nodeSelectorTerms": [{"matchFields": fields}]}
    nowhere = pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})
    found = explain(World([node()]).framework, nowhere)
    assert (found.refusal, found.chosen, found.totals) == ("pod affinity terms conflict", "", {})


class Nodes:
    """A cluster with one node and nothing else."""

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        return None

    def list(self, resource: str, namespace: str = "") -> list[Object]:
        return [node("n")] if resource == "nodes" else []


WAITING, KEPT, PLACED = pod(), pod(status={"nominatedNodeName": "n"}), pod(node="n", status={"conditions": [{}]})
MADE_ROOM = pod(status={"nominatedNodeName": "n", "conditions": [{"type": "PodScheduled"}]})


@pytest.mark.parametrize(
    ("versions", "revision"),
    [([WAITING, PLACED], 1), ([WAITING, KEPT, PLACED], 1), ([WAITING, MADE_ROOM, PLACED], 2), ([PLACED], 9)],
)
def test_a_decision_is_worked_out_from_before_the_pod_was_given_its_node(versions: list[Object], revision: int) -> None:
    told = [(at + 1, each) for at, each in enumerate(versions)]
    assert decision(told, lambda revision: Nodes(), [DEFAULT_PROFILE], 9).revision == revision
