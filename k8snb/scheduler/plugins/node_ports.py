"""NodePorts: a port of the node can be held by one pod only."""

from __future__ import annotations

from k8snb.scheduler.framework import ASSIGNED_POD, NODE, SKIP, SUCCESS, Action, CycleState, Interest, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES, PodInfo
from k8snb.typing import Object

REASON = "node(s) didn't have free ports for the requested pod ports"
_REJECTED = Status.unschedulable(REASON, plugin="NodePorts")


def _freed(pod: Object, old: Object | None, new: Object | None) -> bool:
    if old is None:
        return False
    holder = NodeInfo("")
    holder.add(PodInfo(old))
    return any(holder.port_conflict(port) for port in CLASSES.of(pod["spec"]).host_ports)


class NodePorts:
    name = "NodePorts"
    local = True
    interests = (Interest(ASSIGNED_POD, Action.DELETE, _freed), Interest(NODE, Action.ADD))

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        return SUCCESS if CLASSES.of(pod["spec"]).host_ports else SKIP

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        taken = any(node.port_conflict(port) for port in CLASSES.of(pod["spec"]).host_ports)
        return _REJECTED if taken else SUCCESS
