"""NodeAffinity: `nodeSelector` and node affinity, required and preferred."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.machinery.objects import labels_of
from k8snb.scheduler.framework import NODE, SKIP, SUCCESS, Action, CycleState, Interest, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.normalizing import scaled
from k8snb.scheduler.podinfo import CLASSES
from k8snb.typing import Object

REASON = "node(s) didn't match Pod's node affinity/selector"
CONFLICT = "pod affinity terms conflict"
_REJECTED = Status.unresolvable(REASON, plugin="NodeAffinity")


def _matches(pod: Object, node: Object | None) -> bool:
    if node is None:
        return False
    return CLASSES.of(pod["spec"]).node_selection.matches(node["metadata"]["name"], labels_of(node))


def _became_a_match(pod: Object, old: Object | None, new: Object | None) -> bool:
    return _matches(pod, new) and not _matches(pod, old)


class NodeAffinity:
    name = "NodeAffinity"
    local = True
    steady = True
    interests = (Interest(NODE, Action.ADD | Action.LABEL, _became_a_match),)

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        selection = CLASSES.of(pod["spec"]).node_selection
        if not selection:
            return SKIP
        names = selection.names
        if names is not None:
            if not names:
                return Status.unresolvable(CONFLICT, plugin=self.name)
            state.narrow(self.name, names)
        return SUCCESS

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        fits = CLASSES.of(pod["spec"]).node_selection.matches(node.name, node.labels)
        return SUCCESS if fits else _REJECTED

    def pre_score(self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo]) -> Status:
        return SUCCESS if CLASSES.of(pod["spec"]).preferred_nodes else SKIP

    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int:
        """The weights of the preferences that the node meets."""
        return CLASSES.of(pod["spec"]).preferred_nodes.score(node.name, node.labels)

    def normalize(
        self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo], scores: Sequence[int]
    ) -> Sequence[int]:
        return scaled(scores)
