"""InterPodAffinity: pods that want to be near other pods, or far from them.

Terms bind both ways: those of the incoming pod against the pods that are there, and those of the pods that are
there against the incoming one. Neighbourhoods are counted as (label, value) of nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.machinery.objects import labels_of
from k8snb.scheduler.affinity import AffinityTerm
from k8snb.scheduler.arguments import filled
from k8snb.scheduler.cache import Cache
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
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES, PodClass, PodInfo
from k8snb.typing import Object

NAME = "InterPodAffinity"
AFFINITY = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
_USUAL = filled(NAME, {})
_NO_AFFINITY = Status.unresolvable(AFFINITY, plugin=NAME)
_TOO_NEAR = Status.unschedulable(ANTI_AFFINITY, plugin=NAME)
_UNWELCOME = Status.unschedulable(EXISTING, plugin=NAME)
_Pair = tuple[str, str]
NamespaceLabels = Callable[[str], Mapping[str, str]]


class _Counts:
    """Matching pods per neighbourhood: existing ones that shun this pod, and those it seeks and shuns."""

    __slots__ = ("shunned", "shunners", "sought")

    def __init__(self) -> None:
        self.shunners: dict[_Pair, int] = {}
        self.sought: dict[_Pair, int] = {}
        self.shunned: dict[_Pair, int] = {}

    def clone(self) -> _Counts:
        other = _Counts()
        other.shunners, other.sought, other.shunned = dict(self.shunners), dict(self.sought), dict(self.shunned)
        return other


def _add(counts: dict[_Pair, int], key: str, node: NodeInfo, amount: int) -> None:
    value = node.labels.get(key)
    if value is not None:
        pair = (key, value)
        counts[pair] = counts.get(pair, 0) + amount
        if not counts[pair]:
            del counts[pair]


class _Pod:
    """The incoming pod, as terms see it."""

    __slots__ = ("labels", "namespace", "namespace_labels", "pod_class")

    def __init__(self, pod: Object, namespaces: NamespaceLabels) -> None:
        meta = pod["metadata"]
        self.namespace: str = meta.get("namespace") or ""
        self.labels: Any = meta.get("labels") or {}
        self.namespace_labels = namespaces(self.namespace)
        self.pod_class: PodClass = CLASSES.of(pod["spec"])

    def meant_by(self, term: AffinityTerm, owner: str) -> bool:
        """Whether a term of a pod of namespace `owner` speaks of this pod."""
        return term.matches(owner, self.namespace, self.labels, self.namespace_labels)


class InterPodAffinity:
    name = NAME
    local = False

    def __init__(self, cache: Cache, namespaces: NamespaceLabels, told: Object = _USUAL) -> None:
        self._cache = cache
        self._namespaces = namespaces
        self._hard_weight: int = told["hardPodAffinityWeight"]
        self._own_preferences_only: bool = told["ignorePreferredTermsOfExistingPods"]
        self.interests = (
            Interest(ASSIGNED_POD, Action.ADD | Action.DELETE | Action.LABEL, self._concerns),
            Interest(TARGET_POD, Action.LABEL),
            Interest(NODE, Action.ADD | Action.LABEL, _has_neighbourhood),
        )

    def _concerns(self, pod: Object, old: Object | None, new: Object | None) -> bool:
        """Whether another pod became one that this pod seeks, or is no longer one that keeps it away."""
        incoming = _Pod(pod, self._namespaces)
        own = incoming.pod_class
        if own.affinity and all(self._seen(own.affinity, incoming, new)):
            return not all(self._seen(own.affinity, incoming, old))
        before, after = (self._seen(own.anti_affinity, incoming, each) for each in (old, new))
        if any(was and not still for was, still in zip(before, after, strict=True)):
            return True
        return old is not None and new is None and self._shuns(old, incoming)

    def _seen(self, terms: Sequence[AffinityTerm], incoming: _Pod, other: Object | None) -> list[bool]:
        """Which terms speak of another pod."""
        seen = _Pod(other, self._namespaces) if other is not None else None
        return [seen is not None and seen.meant_by(term, incoming.namespace) for term in terms]

    def _shuns(self, other: Object, incoming: _Pod) -> bool:
        owner = other["metadata"].get("namespace") or ""
        return any(incoming.meant_by(term, owner) for term in CLASSES.of(other["spec"]).anti_affinity)

    # -- filtering ---------------------------------------------------------------------------------

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        own = CLASSES.of(pod["spec"])
        if not own.has_pod_terms and not self._cache.affine:
            return SKIP
        incoming, counts = _Pod(pod, self._namespaces), _Counts()
        for node in state.nodes:
            for info in node.affine.values():
                self._count_shunners(counts, incoming, info, node, 1)
            if own.affinity or own.anti_affinity:
                for info in node.pods.values():
                    self._count_own(counts, incoming, info, node, 1)
        if not (counts.shunners or own.affinity or own.anti_affinity):
            return SKIP
        state.before_filter[NAME] = counts
        return SUCCESS

    def _count_shunners(self, counts: _Counts, incoming: _Pod, info: PodInfo, node: NodeInfo, sign: int) -> None:
        for term in info.pod_class.anti_affinity:
            if incoming.meant_by(term, info.namespace):
                _add(counts.shunners, term.topology_key, node, sign)

    def _count_own(self, counts: _Counts, incoming: _Pod, info: PodInfo, node: NodeInfo, sign: int) -> None:
        own = incoming.pod_class
        if own.affinity and all(self._means(incoming, term, info) for term in own.affinity):
            for term in own.affinity:
                _add(counts.sought, term.topology_key, node, sign)
        for term in own.anti_affinity:
            if self._means(incoming, term, info):
                _add(counts.shunned, term.topology_key, node, sign)

    def _means(self, incoming: _Pod, term: AffinityTerm, info: PodInfo) -> bool:
        return term.matches(incoming.namespace, info.namespace, info.labels, self._namespaces(info.namespace))

    def add_pod(self, state: CycleState, pod: Object, other: PodInfo, node: NodeInfo) -> None:
        self._change(state, pod, other, node, 1)

    def remove_pod(self, state: CycleState, pod: Object, other: PodInfo, node: NodeInfo) -> None:
        self._change(state, pod, other, node, -1)

    def _change(self, state: CycleState, pod: Object, other: PodInfo, node: NodeInfo, sign: int) -> None:
        incoming, counts = _Pod(pod, self._namespaces), state.before_filter[NAME]
        self._count_shunners(counts, incoming, other, node, sign)
        self._count_own(counts, incoming, other, node, sign)

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        counts: _Counts = state.before_filter[NAME]
        own = CLASSES.of(pod["spec"])
        if own.affinity and not self._near(counts, pod, own, node):
            return _NO_AFFINITY
        if any((term.topology_key, node.labels.get(term.topology_key)) in counts.shunned for term in own.anti_affinity):
            return _TOO_NEAR
        if counts.shunners and any(pair in counts.shunners for pair in node.labels.items()):
            return _UNWELCOME
        return SUCCESS

    def _near(self, counts: _Counts, pod: Object, own: PodClass, node: NodeInfo) -> bool:
        pairs = [(term.topology_key, node.labels.get(term.topology_key)) for term in own.affinity]
        if any(value is None for _, value in pairs):
            return False
        if all(pair in counts.sought for pair in pairs):
            return True
        if counts.sought:
            return False
        itself = _Pod(pod, self._namespaces)  # the first of its kind may go anywhere
        return all(itself.meant_by(term, itself.namespace) for term in own.affinity)

    # -- scoring -----------------------------------------------------------------------------------

    def pre_score(self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo]) -> Status:
        own = CLASSES.of(pod["spec"])
        if not own.has_pod_terms and not self._cache.affine:
            return SKIP
        incoming = _Pod(pod, self._namespaces)
        everybody = bool(own.preferred_affinity or own.preferred_anti_affinity)
        if not everybody and self._own_preferences_only:
            return SKIP
        scores: dict[_Pair, int] = {}
        for node in state.nodes:
            for info in (node.pods if everybody else node.affine).values():
                self._weigh(scores, incoming, info, node)
        if not scores:
            return SKIP
        state.before_score[NAME] = scores
        return SUCCESS

    def _weigh(self, scores: dict[_Pair, int], incoming: _Pod, info: PodInfo, node: NodeInfo) -> None:
        own, other = incoming.pod_class, info.pod_class
        for sign, preferred in ((1, own.preferred_affinity), (-1, own.preferred_anti_affinity)):
            for each in preferred:
                if self._means(incoming, each.term, info):
                    _add(scores, each.term.topology_key, node, sign * each.weight)
        for term in other.affinity if self._hard_weight else ():
            if incoming.meant_by(term, info.namespace):
                _add(scores, term.topology_key, node, self._hard_weight)
        if self._own_preferences_only:
            return
        for sign, preferred in ((1, other.preferred_affinity), (-1, other.preferred_anti_affinity)):
            for each in preferred:
                if incoming.meant_by(each.term, info.namespace):
                    _add(scores, each.term.topology_key, node, sign * each.weight)

    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int:
        """The weights of all terms, either way, that pods in the node's neighbourhoods meet."""
        scores = state.before_score[NAME]
        return sum(scores.get(pair, 0) for pair in node.labels.items())

    def normalize(
        self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo], scores: Sequence[int]
    ) -> Sequence[int]:
        least, most = min(scores, default=0), max(scores, default=0)
        if most == least:
            return [0] * len(scores)
        return [int(MAX_NODE_SCORE * ((score - least) / (most - least))) for score in scores]


def _has_neighbourhood(pod: Object, old: Object | None, new: Object | None) -> bool:
    """Whether a node came into a topology that the pod seeks, or is out of one in which it might not be alone."""
    if new is None:
        return False
    own, after = CLASSES.of(pod["spec"]), labels_of(new)
    before = labels_of(old) if old is not None else {}
    if not own.affinity and not own.anti_affinity:
        return True  # others keep it away
    if any(term.topology_key in after and _moved(term, before, after) for term in own.affinity):
        return True
    if old is None:
        return bool(own.anti_affinity)
    return any(term.topology_key in before and _moved(term, before, after) for term in own.anti_affinity)


def _moved(term: AffinityTerm, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    return before.get(term.topology_key) != after.get(term.topology_key)
