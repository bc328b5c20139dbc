"""What a change of a pod or a node is to the pods that wait: which of the things changed that scheduling reads.

Upstream: `pkg/scheduler/framework/events.go`.
"""

from __future__ import annotations

from typing import Any

from k8snb.scheduler.framework import ASSIGNED_POD, NODE, Action, ClusterEvent
from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object


def own_changes(old: Object, new: Object) -> Action:
    """What changed in a waiting pod that scheduling reads."""
    found = Action(0)
    if old["metadata"].get("labels") != new["metadata"].get("labels"):
        found |= Action.LABEL
    if _generated(old) != _generated(new):
        found |= Action.CLAIMS
    before, after = old["spec"], new["spec"]
    if before is after and _statuses(old) is _statuses(new):
        return found
    if PodInfo(new).pod_class.request.less_than(PodInfo(old).pod_class.request):
        found |= Action.SCALE_DOWN
    if before.get("tolerations") != after.get("tolerations"):
        found |= Action.TOLERATION
    if _count(before, "schedulingGates") > _count(after, "schedulingGates"):
        found |= Action.GATES
    return found


def _statuses(pod: Object) -> Any:
    """What the containers hold, which counts while they are resized."""
    return (pod.get("status") or {}).get("containerStatuses")


def _generated(pod: Object) -> Any:
    """The claims that were made for the pod."""
    return (pod.get("status") or {}).get("resourceClaimStatuses")


def _count(spec: Object, name: str) -> int:
    value: Any = spec.get(name) or ()
    return len(value)


def pod_event(old: Object | None, new: Object | None) -> ClusterEvent | None:
    """What a change of a placed pod is to the pods that wait; None if nothing."""
    if old is None or new is None:
        return ClusterEvent(ASSIGNED_POD, Action.ADD if old is None else Action.DELETE)
    actions = own_changes(old, new) & (Action.LABEL | Action.SCALE_DOWN)
    return ClusterEvent(ASSIGNED_POD, actions) if actions else None


def node_event(old: Object | None, new: Object | None) -> ClusterEvent | None:
    """What a change of a node is to the pods that wait; None if nothing."""
    if old is None or new is None:
        return ClusterEvent(NODE, Action.ADD if old is None else Action.DELETE)
    actions = Action(0)
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if before.get("taints") != after.get("taints") or before.get("unschedulable") != after.get("unschedulable"):
        actions |= Action.TAINT
    if old["metadata"].get("labels") != new["metadata"].get("labels"):
        actions |= Action.LABEL
    if _allocatable(old) != _allocatable(new):
        actions |= Action.ALLOCATABLE
    return ClusterEvent(NODE, actions) if actions else None


def _allocatable(node: Object) -> Any:
    return (node.get("status") or {}).get("allocatable")
