"""PodTopologySpread: keeps alike pods evenly spread over nodes, zones or whatever a label makes a neighbourhood.

A pod's own constraints either forbid (`DoNotSchedule`) or only count against a node (`ScheduleAnyway`). A pod with
none is spread by the cluster's: softly over nodes (maxSkew 3) and zones (maxSkew 5), among the pods of the same
Services and owner. A profile may have other constraints for them (`defaultingType: List`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from k8snb.machinery.objects import labels_of
from k8snb.machinery.selectors import LabelSelector, Requirement, of_object
from k8snb.scheduler.arguments import filled
from k8snb.scheduler.framework import (
    ASSIGNED_POD,
    MAX_NODE_SCORE,
    NODE,
    SKIP,
    SUCCESS,
    TARGET_POD,
    Action,
    CycleState,
    Interest,
    Status,
)
from k8snb.scheduler.nodeinfo import HOSTNAME, ZONE, NodeInfo, untolerated
from k8snb.scheduler.podinfo import CLASSES, PodInfo
from k8snb.scheduler.selectors import DefaultSelectors
from k8snb.typing import Object

NAME = "PodTopologySpread"
REASON = "node(s) didn't match pod topology spread constraints"
MISSING_LABEL = REASON + " (missing required label)"
SYSTEM_DEFAULTS = ((HOSTNAME, 3), (ZONE, 5))
"""(label, maxSkew) of the constraints of pods that have none."""

_SYSTEM = tuple(
    {"topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": "ScheduleAnyway"} for key, skew in SYSTEM_DEFAULTS
)
_USUAL = filled(NAME, {})
_NOT_COUNTED = 2**31 - 1
_SKEWED = Status.unschedulable(REASON, plugin=NAME)
_UNLABELLED = Status.unresolvable(MISSING_LABEL, plugin=NAME)


def topology_weight(size: int) -> float:
    """How much one pod counts in a topology of so many neighbourhoods, so that small ones are not drowned."""
    return math.log(size + 2)


def count_score(count: int, max_skew: int, weight: float) -> float:
    """What `count` alike pods in a node's neighbourhood count against it."""
    return count * weight + (max_skew - 1)


def rounded(score: float) -> int:
    """To the nearest whole number, halves up."""
    return math.floor(score + 0.5)


def normalized(score: int, least: int, most: int) -> int:
    """The fewer the better: 100 for the least crowded."""
    return MAX_NODE_SCORE * (most + least - score) // most if most else MAX_NODE_SCORE


class Constraint:
    """One constraint, parsed."""

    __slots__ = ("honor_affinity", "honor_taints", "key", "max_skew", "min_domains", "selector")

    def __init__(self, key: str, max_skew: int, selector: LabelSelector) -> None:
        self.key = key
        self.max_skew = max_skew
        self.selector = selector
        self.min_domains = 1
        self.honor_affinity = True
        self.honor_taints = False

    @classmethod
    def parse(cls, constraint: Object, labels: Any) -> Constraint:
        """A pod's own constraint; `labels` are the pod's, for `matchLabelKeys`."""
        keys = [key for key in constraint.get("matchLabelKeys") or () if key in labels]
        selector = of_object(constraint.get("labelSelector"))
        if keys:
            also = [Requirement(key, "=", (labels[key],)) for key in keys]
            selector = LabelSelector([*selector.requirements, *also])
        parsed = cls(constraint["topologyKey"], constraint["maxSkew"], selector)
        parsed.min_domains = constraint.get("minDomains") or 1
        parsed.honor_affinity = constraint.get("nodeAffinityPolicy", "Honor") == "Honor"
        parsed.honor_taints = constraint.get("nodeTaintsPolicy", "Ignore") == "Honor"
        return parsed

    def includes(self, pod: Object, node: NodeInfo) -> bool:
        """Whether the pods on a node count at all: not where the incoming pod could not go."""
        pod_class = CLASSES.of(pod["spec"])
        selection = pod_class.node_selection
        if self.honor_affinity and selection and not selection.matches(node.name, node.labels):
            return False
        return not self.honor_taints or untolerated(pod_class.tolerations, node.taints) is None

    def count(self, namespace: str, node: NodeInfo) -> int:
        """How many pods on the node match."""
        matches = self.selector.matches
        return sum(matches(info.labels) for info in node.spread_pods(namespace))


class _Filtering:
    """What PreFilter counts: for every constraint, matching pods per neighbourhood."""

    __slots__ = ("constraints", "counts", "least")

    def __init__(self, constraints: Sequence[Constraint]) -> None:
        self.constraints = constraints
        self.counts: list[dict[str, int]] = [{} for _ in constraints]
        self.least: list[int] | None = None

    def clone(self) -> _Filtering:
        other = _Filtering(self.constraints)
        other.counts = [dict(counts) for counts in self.counts]
        return other

    def minimum(self, index: int) -> int:
        """The number of pods in the emptiest neighbourhood; 0 while there are fewer of them than `minDomains`."""
        if self.least is None:
            self.least = [self._minimum(i) for i in range(len(self.constraints))]
        return self.least[index]

    def skew(self, index: int, pod: Object, node: NodeInfo) -> int:
        """By how many pods the node's neighbourhood would be ahead of the emptiest one, with this pod."""
        constraint = self.constraints[index]
        count = self.counts[index].get(node.labels[constraint.key], 0)
        return count + constraint.selector.matches(_labels(pod)) - self.minimum(index)

    def _minimum(self, index: int) -> int:
        counts = self.counts[index]
        if len(counts) < self.constraints[index].min_domains:
            return 0
        return min(counts.values(), default=_NOT_COUNTED)


class _Scoring:
    """What PreScore counts."""

    __slots__ = ("constraints", "counts", "ignored", "weights")

    def __init__(self, constraints: Sequence[Constraint]) -> None:
        self.constraints = constraints
        self.counts: list[dict[str, int]] = [{} for _ in constraints]
        self.ignored: set[str] = set()
        self.weights: list[float] = []


def _labels(pod: Object) -> Any:
    return pod["metadata"].get("labels") or {}


def _namespace(pod: Object) -> str:
    return str(pod["metadata"].get("namespace") or "")


def _own(pod: Object, action: str) -> list[Constraint]:
    found = CLASSES.of(pod["spec"]).constraints
    return [Constraint.parse(each, _labels(pod)) for each in found if each["whenUnsatisfiable"] == action]


class PodTopologySpread:
    name = NAME
    local = False

    def __init__(self, selectors: DefaultSelectors, told: Object = _USUAL) -> None:
        self._selectors = selectors
        listed = told["defaultingType"] == "List"
        self._system = not listed
        self._given: Sequence[Object] = told["defaultConstraints"] if listed else _SYSTEM
        self.interests = (
            Interest(ASSIGNED_POD, Action.ADD | Action.DELETE | Action.LABEL, self._concerns),
            Interest(TARGET_POD, Action.LABEL),
            Interest(NODE, Action.ADD | Action.DELETE | Action.LABEL | Action.TAINT, self._topology_changed),
        )

    def _concerns(self, pod: Object, old: Object | None, new: Object | None) -> bool:
        """Whether another pod became one that this pod is spread among, or is one no longer."""
        selectors = [constraint.selector for constraint in self._constraints(pod, "DoNotSchedule")]

        def counted(other: Object | None) -> list[bool]:
            if other is None or _namespace(other) != _namespace(pod):
                return [False] * len(selectors)
            return [selector.matches(_labels(other)) for selector in selectors]

        return counted(old) != counted(new)

    def _topology_changed(self, pod: Object, old: Object | None, new: Object | None) -> bool:
        """Whether a node came into, left or moved within one of the pod's topologies."""
        keys = [constraint.key for constraint in self._constraints(pod, "DoNotSchedule")]

        def where(node: Object | None) -> list[str | None] | None:
            found = [labels_of(node).get(key) for key in keys] if node is not None else None
            return found if found is not None and None not in found else None

        before, after = where(old), where(new)
        respecified = old is not None and new is not None and old["spec"] != new["spec"]
        return before != after or (respecified and after is not None)

    def _constraints(self, pod: Object, action: str) -> list[Constraint]:
        """The constraints of a pod: its own, or those that it has from the profile."""
        if CLASSES.of(pod["spec"]).constraints:
            return _own(pod, action)
        given = [each for each in self._given if each["whenUnsatisfiable"] == action]
        selection = self._selectors.of(PodInfo(pod)) if given else None
        if selection is None:
            return []
        return [Constraint(each["topologyKey"], each["maxSkew"], selection.selector) for each in given]

    # -- filtering ---------------------------------------------------------------------------------

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        constraints = self._constraints(pod, "DoNotSchedule")
        if not constraints:
            return SKIP
        found = _Filtering(constraints)
        for node in state.nodes:
            if all(constraint.key in node.labels for constraint in constraints):
                self._count_node(found, pod, node)
        state.before_filter[NAME] = found
        return SUCCESS

    def _count_node(self, found: _Filtering, pod: Object, node: NodeInfo) -> None:
        for counts, constraint in zip(found.counts, found.constraints, strict=True):
            if constraint.includes(pod, node):
                value = node.labels[constraint.key]
                counts[value] = counts.get(value, 0) + constraint.count(_namespace(pod), node)

    def add_pod(self, state: CycleState, pod: Object, other: PodInfo, node: NodeInfo) -> None:
        self._change(state.before_filter[NAME], pod, other, node, 1)

    def remove_pod(self, state: CycleState, pod: Object, other: PodInfo, node: NodeInfo) -> None:
        self._change(state.before_filter[NAME], pod, other, node, -1)

    def _change(self, found: _Filtering, pod: Object, other: PodInfo, node: NodeInfo, sign: int) -> None:
        if other.namespace != _namespace(pod) or any(each.key not in node.labels for each in found.constraints):
            return
        found.least = None
        for counts, constraint in zip(found.counts, found.constraints, strict=True):
            if constraint.selector.matches(other.labels) and constraint.includes(pod, node):
                value = node.labels[constraint.key]
                counts[value] = counts.get(value, 0) + sign

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        found: _Filtering = state.before_filter[NAME]
        for index, constraint in enumerate(found.constraints):
            if constraint.key not in node.labels:
                return _UNLABELLED
            if found.skew(index, pod, node) > constraint.max_skew:
                return _SKEWED
        return SUCCESS

    # -- scoring -----------------------------------------------------------------------------------

    def pre_score(self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo]) -> Status:
        own = bool(CLASSES.of(pod["spec"]).constraints)
        constraints = self._constraints(pod, "ScheduleAnyway")
        if not constraints or not state.nodes:
            return SKIP
        found = _Scoring(constraints)
        strict = own or not self._system
        self._weigh(found, nodes, require_all=strict)
        for node in state.nodes:
            if not strict or all(each.key in node.labels for each in constraints):
                self._count_scored(found, pod, node)
        state.before_score[NAME] = found
        return SUCCESS

    def _weigh(self, found: _Scoring, nodes: Sequence[NodeInfo], *, require_all: bool) -> None:
        """Which neighbourhoods there are among the nodes that are left, and so how much each topology weighs."""
        for node in nodes:
            if require_all and any(each.key not in node.labels for each in found.constraints):
                found.ignored.add(node.name)
                continue
            for counts, constraint in zip(found.counts, found.constraints, strict=True):
                if constraint.key != HOSTNAME:
                    counts.setdefault(node.labels.get(constraint.key, ""), 0)
        hosts = len(nodes) - len(found.ignored)
        sizes = [hosts if c.key == HOSTNAME else len(n) for c, n in zip(found.constraints, found.counts, strict=True)]
        found.weights = [topology_weight(size) for size in sizes]

    def _count_scored(self, found: _Scoring, pod: Object, node: NodeInfo) -> None:
        for counts, constraint in zip(found.counts, found.constraints, strict=True):
            value = node.labels.get(constraint.key, "")
            if value in counts and constraint.includes(pod, node):
                counts[value] += constraint.count(_namespace(pod), node)

    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int:
        """How crowded the node's neighbourhoods are; turned round by `normalize`."""
        found: _Scoring = state.before_score[NAME]
        if node.name in found.ignored:
            return 0
        total = 0.0
        for constraint, counts, weight in zip(found.constraints, found.counts, found.weights, strict=True):
            value = node.labels.get(constraint.key)
            if value is None:
                continue
            here = constraint.key == HOSTNAME
            count = constraint.count(_namespace(pod), node) if here else counts[value]
            total += count_score(count, constraint.max_skew, weight)
        return rounded(total)

    def normalize(
        self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo], scores: Sequence[int]
    ) -> Sequence[int]:
        ignored = state.before_score[NAME].ignored
        scored = [score for node, score in zip(nodes, scores, strict=True) if node.name not in ignored]
        least, most = min(scored, default=0), max(scored, default=0)
        return [
            0 if node.name in ignored else normalized(score, least, most)
            for node, score in zip(nodes, scores, strict=True)
        ]
