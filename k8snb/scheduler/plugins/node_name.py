"""NodeName: a pod that names its node fits only there."""

from __future__ import annotations

from k8snb.scheduler.framework import NODE, SUCCESS, Action, CycleState, Interest, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.typing import Object

REASON = "node(s) didn't match the requested node name"
_REJECTED = Status.unresolvable(REASON, plugin="NodeName")


class NodeName:
    name = "NodeName"
    local = True
    steady = True
    interests = (Interest(NODE, Action.ADD),)

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        wanted = pod["spec"].get("nodeName")
        return SUCCESS if not wanted or wanted == node.name else _REJECTED
