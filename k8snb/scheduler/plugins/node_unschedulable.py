"""NodeUnschedulable: nothing new goes to a cordoned node, unless it tolerates that."""

from __future__ import annotations

from k8snb.scheduler.framework import NODE, SUCCESS, TARGET_POD, Action, CycleState, Interest, Status
from k8snb.scheduler.nodeinfo import UNSCHEDULABLE_TAINT, NodeInfo, tolerates
from k8snb.scheduler.podinfo import CLASSES
from k8snb.typing import Object

REASON = "node(s) were unschedulable"
_REJECTED = Status.unresolvable(REASON, plugin="NodeUnschedulable")


def _tolerated(pod: Object) -> bool:
    return tolerates(CLASSES.of(pod["spec"]).tolerations, UNSCHEDULABLE_TAINT)


def _cordoned(node: Object | None) -> bool:
    return node is not None and bool(node.get("spec", {}).get("unschedulable"))


def _opened(pod: Object, old: Object | None, new: Object | None) -> bool:
    return not _cordoned(new) and (old is None or _cordoned(old))


class NodeUnschedulable:
    name = "NodeUnschedulable"
    local = True
    steady = True
    interests = (
        Interest(NODE, Action.ADD | Action.TAINT, _opened),
        Interest(TARGET_POD, Action.TOLERATION, lambda pod, old, new: _tolerated(new or pod)),
    )

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        return SUCCESS if not node.unschedulable or _tolerated(pod) else _REJECTED
