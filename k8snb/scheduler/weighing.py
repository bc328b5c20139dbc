"""What weights decide: from which weight of a plugin on another node would win.

A node's total is a sum of scores, each times the weight of its plugin, so which weight makes two nodes equal is worked
out and not tried. Weights are whole numbers of at least 1; to do without a plugin it has to be disabled. What extenders
said does not depend on weights, so theirs count alike; of a node that one was not asked about it has said nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from k8snb.scheduler.explain import Explanation

MOST = 100
"""Larger weights are not looked at."""


class Flip(NamedTuple):
    """The nearest weight of a plugin, below or above today's, with which another node wins outright."""

    plugin: str
    weight: int
    less: int | None
    """The largest smaller weight with which another node wins; None if none does."""
    less_winner: str
    more: int | None
    """The smallest larger weight with which another node wins; None if none does."""
    more_winner: str


def normalized(found: Explanation) -> dict[str, dict[str, int]]:
    """Plugin → node → score, of the plugins that scored."""
    scores: dict[str, dict[str, int]] = {}
    for each in found.opinions:
        if each.normalized is not None:
            scores.setdefault(each.plugin, {})[each.node] = each.normalized
    return scores


def winner(totals: Mapping[str, int], before: str) -> str:
    """Who has the most; of equals the one that had won before, else the first."""
    most = max(totals.values())
    return before if totals.get(before) == most else next(name for name, total in totals.items() if total == most)


def flips(found: Explanation) -> Sequence[Flip]:
    """Which weights would change the winner, plugin by plugin in the order of the profile."""
    if len(found.totals) < 2 or not found.chosen:
        return ()
    weights = {each.plugin: each.weight for each in found.opinions if each.normalized is not None}
    return tuple(
        _flip(found, plugin, weights[plugin], {node: scores.get(node, 0) for node in found.totals})
        for plugin, scores in normalized(found).items()
    )


def _flip(found: Explanation, plugin: str, weight: int, scores: Mapping[str, int]) -> Flip:
    less = _first(found, scores, weight, range(weight - 1, 0, -1))
    more = _first(found, scores, weight, range(weight + 1, MOST + 1))
    return Flip(plugin, weight, *less, *more)


def _first(found: Explanation, scores: Mapping[str, int], weight: int, tried: range) -> tuple[int | None, str]:
    """The first weight of those tried, in order, with which another node wins.

    Who gains with each step away from today's weight overtakes after a number of steps that follows from the lead.
    """
    sign, chosen = tried.step, found.chosen
    steps: dict[str, int] = {}
    for node, total in found.totals.items():
        gain = sign * (scores[node] - scores[chosen])
        if gain > 0:
            steps[node] = (found.totals[chosen] - total) // gain + 1
    least = min(steps.values(), default=len(tried) + 1)
    if least > len(tried):
        return None, ""
    new = weight + sign * least
    totals = {node: total + (new - weight) * scores[node] for node, total in found.totals.items()}
    return new, winner(totals, chosen)
