"""TaintToleration: a taint keeps away the pods that do not tolerate it, or at least makes a node less liked."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.scheduler.framework import NODE, SUCCESS, TARGET_POD, Action, CycleState, Interest, Status
from k8snb.scheduler.nodeinfo import NodeInfo, tolerates, untolerated
from k8snb.scheduler.normalizing import scaled
from k8snb.scheduler.podinfo import CLASSES
from k8snb.typing import Object

REASON = "node(s) had untolerated taint(s)"
_REJECTED = Status.unresolvable(REASON, plugin="TaintToleration")


def _accepts(pod: Object, node: Object | None) -> bool:
    return node is not None and untolerated(CLASSES.of(pod["spec"]).tolerations, NodeInfo("", node).taints) is None


def _became_tolerable(pod: Object, old: Object | None, new: Object | None) -> bool:
    return _accepts(pod, new) and not _accepts(pod, old)


class TaintToleration:
    name = "TaintToleration"
    local = True
    steady = True
    interests = (
        Interest(NODE, Action.ADD | Action.TAINT, _became_tolerable),
        Interest(TARGET_POD, Action.TOLERATION),
    )

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        if not node.taints or untolerated(CLASSES.of(pod["spec"]).tolerations, node.taints) is None:
            return SUCCESS
        return _REJECTED

    def pre_score(self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo]) -> Status:
        tolerations = CLASSES.of(pod["spec"]).tolerations
        soft = tuple(each for each in tolerations if each.get("effect") in (None, "", "PreferNoSchedule"))
        state.before_score[self.name] = soft
        return SUCCESS

    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int:
        """How many PreferNoSchedule taints the pod does not tolerate."""
        tolerations = state.before_score[self.name]
        return sum(not tolerates(tolerations, taint) for taint in node.soft_taints)

    def normalize(
        self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo], scores: Sequence[int]
    ) -> Sequence[int]:
        return scaled(scores, reverse=True)
