"""How much of its resources a node would have given away with a pod on it, and what strategies make of that.

The default strategy and CPU with memory are what nearly every cluster scores by, and plugins have a short way for them;
this is the long way for whatever a configuration asks for. Upstream: `plugins/noderesources/resource_allocation.go`,
`least_allocated.go`, `most_allocated.go`, `requested_to_capacity_ratio.go`, `balanced_allocation.go`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from k8snb.scheduler.framework import MAX_NODE_SCORE
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import PodClass
from k8snb.scheduler.requests import Resources
from k8snb.typing import Object

_STRETCH = 10
"""Scores of a shape go to 10, those of nodes to 100."""


class Share(NamedTuple):
    """One resource of a node: what there is, what is given away, and what would be with the pod."""

    capacity: int
    before: int
    after: int
    weight: int


def amount(resources: Resources, name: str) -> int:
    """How much of a resource there is."""
    fields = {"cpu": resources.cpu, "memory": resources.memory, "ephemeral-storage": resources.ephemeral}
    return fields[name] if name in fields else resources.scalars.get(name, 0)


def shares(resources: Sequence[Object], pod_class: PodClass, node: NodeInfo, *, exact: bool) -> list[Share]:
    """The resources of a node that count for a pod.

    Unless `exact`, containers without requests for CPU or memory are taken to use a little. A resource that the node
    has none of does not count, nor does an extended one that the pod does not ask for.
    """
    found = []
    for each in resources:
        name = each["name"]
        capacity, asked, before = amount(node.allocatable, name), amount(pod_class.request, name), 0
        if not exact and name == "cpu":
            asked, before = pod_class.scored_cpu, node.scored_cpu
        elif not exact and name == "memory":
            asked, before = pod_class.scored_memory, node.scored_memory
        else:
            before = amount(node.requested, name)
        native = name in ("cpu", "memory", "ephemeral-storage")
        if capacity and (asked or native):
            found.append(Share(capacity, before, before + asked, each["weight"]))
    return found


Strategy = Callable[[Sequence[Share]], int]


def _weighted(score: Callable[[Share], int]) -> Strategy:
    def strategy(found: Sequence[Share]) -> int:
        weight = sum(share.weight for share in found)
        return sum(score(share) * share.weight for share in found) // weight if weight else 0

    return strategy


def _least(share: Share) -> int:
    return max(share.capacity - share.after, 0) * MAX_NODE_SCORE // share.capacity


def _most(share: Share) -> int:
    return min(share.after, share.capacity) * MAX_NODE_SCORE // share.capacity


def _ratio(shape: Sequence[Object]) -> Strategy:
    """A line through points (utilization, score), flat outside; resources that score nothing do not count."""
    points = [(point.get("utilization", 0), point.get("score", 0) * _STRETCH) for point in shape]

    def strategy(found: Sequence[Share]) -> int:
        scored = [(on_line(points, _use(share)), share.weight) for share in found]
        counted = [(score, weight) for score, weight in scored if score > 0]
        weight = sum(weight for _, weight in counted)
        return math.floor(sum(score * weight for score, weight in counted) / weight + 0.5) if weight else 0

    return strategy


def _use(share: Share) -> int:
    return 100 if share.after > share.capacity else share.after * 100 // share.capacity


def on_line(points: Sequence[tuple[int, int]], x: int) -> int:
    """The height at `x` of the line through the points, in whole numbers as Go divides them."""
    for index, (right, upper) in enumerate(points):
        if x <= right:
            if not index:
                return upper
            left, lower = points[index - 1]
            return lower + int((upper - lower) * (x - left) / (right - left))
    return points[-1][1]


def strategy_of(given: Object) -> Strategy:
    """What a `scoringStrategy` makes of the shares of a node."""
    if given["type"] == "RequestedToCapacityRatio":
        return _ratio(given["requestedToCapacityRatio"]["shape"])
    return _weighted(_most if given["type"] == "MostAllocated" else _least)


def balance(fractions: Sequence[float]) -> int:
    """100 less the standard deviation of shares, in percent; a share above 1 counts as 1."""
    capped = [min(each, 1.0) for each in fractions]
    if len(capped) == 2:
        spread = abs((capped[0] - capped[1]) / 2)
    elif len(capped) > 2:
        mean = sum(capped) / len(capped)
        spread = math.sqrt(sum((each - mean) * (each - mean) for each in capped) / len(capped))
    else:
        spread = 0.0
    return int((1 - spread) * MAX_NODE_SCORE)
