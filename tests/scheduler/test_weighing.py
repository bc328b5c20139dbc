"""What weights decide, and who would have to leave."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from k8snb.scheduler.explain import Explanation, Opinion, explain
from k8snb.scheduler.survey import survey
from k8snb.scheduler.weighing import MOST, Flip, flips, normalized
from k8snb.typing import Object
from tests.scheduler.test_preemption import VIP, budget, guarded, of_app, running
from tests.scheduler.world import World, node, pod


def explained(weights: list[int], scores: list[list[int]]) -> Explanation:
    """Scores by plugin and node, as an explanation."""
    names = [f"n{i}" for i in range(len(scores[0]))]
    opinions = [
        Opinion(name, f"p{p}", "", scores[p][i], scores[p][i], weight)
        for i, name in enumerate(names)
        for p, weight in enumerate(weights)
    ]
    totals = {name: sum(w * scores[p][i] for p, w in enumerate(weights)) for i, name in enumerate(names)}
    most = max(totals.values())
    tied = [name for name, total in totals.items() if total == most]
    return Explanation(opinions, totals, tied[0], tied, "")


def test_the_nearest_weights_that_change_the_winner_are_told() -> None:
    found = explained([1, 1], [[50, 90], [100, 0]])
    assert found.chosen == "n0"
    assert flips(found) == (Flip("p0", 1, None, "", 3, "n1"), Flip("p1", 1, None, "", None, ""))


@settings(max_examples=15)
@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=3).flatmap(
        lambda weights: st.tuples(
            st.just(weights),
            st.lists(
                st.lists(st.integers(0, 100), min_size=3, max_size=3), min_size=len(weights), max_size=len(weights)
            ),
        )
    )
)
def test_what_is_worked_out_is_what_trying_every_weight_finds(given: tuple[list[int], list[list[int]]]) -> None:
    weights, scores = given
    found = explained(weights, scores)
    for index, flip in enumerate(flips(found)):
        for got, tried in (
            (flip.less, range(weights[index] - 1, 0, -1)),
            (flip.more, range(weights[index] + 1, MOST + 1)),
        ):
            assert got == next((weight for weight in tried if _loses(found, weights, scores, index, weight)), None)


def _loses(found: Explanation, weights: list[int], scores: list[list[int]], index: int, weight: int) -> bool:
    other = explained([weight if i == index else each for i, each in enumerate(weights)], scores)
    return other.totals[found.chosen] < max(other.totals.values())


def test_only_plugins_that_score_are_weighed() -> None:
    world = World([node("n", cpu="4"), node("m", cpu="8")])
    found = explain(world.framework, pod(cpu="1"))
    assert list(normalized(found)) == [
        "TaintToleration",
        "NodeResourcesFit",
        "NodeResourcesBalancedAllocation",
        "ImageLocality",
    ]
    assert flips(explain(World([node()]).framework, pod())) == ()


# -- who would leave ---------------------------------------------------------------------------------


def names(world: World, mine: Object) -> list[tuple[str, list[str], int]]:
    found = survey(world.framework, mine).candidates
    return [(each.node, [info.pod["metadata"]["name"] for info in each.victims], each.overdrawn) for each in found]


def test_every_node_on_which_room_can_be_made_is_told_with_its_victims_and_budgets() -> None:
    pods = (
        of_app("a", "one", "db"),
        of_app("b", "one", "db"),
        of_app("c", "two", "web", 9),
        of_app("d", "two", "web", 9),
    )
    world = guarded(*pods, budgets=[budget("db", 0)], nodes=("one", "two"))
    assert names(world, VIP) == [("one", ["b"], 1), ("two", ["d"], 0)]
    found = survey(world.framework, VIP)
    assert found.best is not None
    assert (found.best.node, found.because) == ("two", "the fewest disruption budgets are overdrawn")
    assert world.api.said == []


def test_where_nobody_would_leave_the_reason_is_told() -> None:
    small = World([node("n", cpu="8"), node("m", cpu="1")], [running("x", "n", 2000, "8")])
    found = survey(small.framework, VIP)
    assert (found.candidates, found.best) == ([], None)
    assert found.useless == {
        "m": "Insufficient cpu",
        "n": "No preemption victims found for incoming pod",
    }
    assert survey(small.framework, {**VIP, "spec": {**VIP["spec"], "preemptionPolicy": "Never"}}).refusal == (
        "not eligible due to preemptionPolicy=Never."
    )
    assert survey(World([node()]).framework, VIP).refusal == "the pod fits without"
