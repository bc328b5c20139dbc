"""NodeAffinity: `nodeSelector` and node affinity, required and preferred.

A profile can add an affinity of its own to that of every pod (`addedAffinity`).
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.machinery.nodeselection import NodeSelection, PreferredNodes
from k8snb.machinery.objects import labels_of
from k8snb.scheduler.framework import NODE, SKIP, SUCCESS, Action, CycleState, Interest, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.normalizing import scaled
from k8snb.scheduler.podinfo import CLASSES
from k8snb.typing import Object

REASON = "node(s) didn't match Pod's node affinity/selector"
ENFORCED = "node(s) didn't match scheduler-enforced node affinity"
CONFLICT = "pod affinity terms conflict"
_REJECTED = Status.unresolvable(REASON, plugin="NodeAffinity")
_NOT_OURS = Status.unresolvable(ENFORCED, plugin="NodeAffinity")


def _matches(pod: Object, node: Object | None) -> bool:
    if node is None:
        return False
    return CLASSES.of(pod["spec"]).node_selection.matches(node["metadata"]["name"], labels_of(node))


class NodeAffinity:
    name = "NodeAffinity"
    local = True
    steady = True

    def __init__(self, added: Object | None = None) -> None:
        added = added or {}
        self._added = NodeSelection({}, added.get("requiredDuringSchedulingIgnoredDuringExecution"))
        self._preferred = PreferredNodes(added.get("preferredDuringSchedulingIgnoredDuringExecution") or ())
        self.interests = (Interest(NODE, Action.ADD | Action.LABEL, self._became_a_match),)

    def _became_a_match(self, pod: Object, old: Object | None, new: Object | None) -> bool:
        if new is None or not self._added.matches(new["metadata"]["name"], labels_of(new)):
            return False
        return _matches(pod, new) and not _matches(pod, old)

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        selection = CLASSES.of(pod["spec"]).node_selection
        if not selection and not self._added:
            return SKIP
        names = selection.names
        if names is not None:
            if not names:
                return Status.unresolvable(CONFLICT, plugin=self.name)
            state.narrow(self.name, names)
        return SUCCESS

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        if self._added and not self._added.matches(node.name, node.labels):
            return _NOT_OURS
        fits = CLASSES.of(pod["spec"]).node_selection.matches(node.name, node.labels)
        return SUCCESS if fits else _REJECTED

    def pre_score(self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo]) -> Status:
        return SUCCESS if self._preferred or CLASSES.of(pod["spec"]).preferred_nodes else SKIP

    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int:
        """The weights of the preferences that the node meets."""
        own = CLASSES.of(pod["spec"]).preferred_nodes.score(node.name, node.labels)
        return own + self._preferred.score(node.name, node.labels)

    def normalize(
        self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo], scores: Sequence[int]
    ) -> Sequence[int]:
        return scaled(scores)
