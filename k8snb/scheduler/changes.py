"""What a change of a pod or a node is to the pods that wait: which of the things changed that scheduling reads.

Any other change of a waiting pod is one for those who want to hear of all of them. Its status is left out of that:
there the scheduler itself has just said why the pod waits, and would try it again at once because of its own words.
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
        return found or _otherwise(old, new)
    if PodInfo(new).pod_class.request.less_than(PodInfo(old).pod_class.request):
        found |= Action.SCALE_DOWN
    if before.get("tolerations") != after.get("tolerations"):
        found |= Action.TOLERATION
    if before.get("schedulingGates") and not after.get("schedulingGates"):
        found |= Action.GATES
    return found or _otherwise(old, new)


def _otherwise(old: Object, new: Object) -> Action:
    """Whether anything else changed but the status."""
    same = old["spec"] == new["spec"] and _described(old) == _described(new)
    return Action(0) if same else Action.UPDATE


def _described(pod: Object) -> Any:
    return {name: value for name, value in pod["metadata"].items() if name not in ("resourceVersion", "managedFields")}


def _statuses(pod: Object) -> Any:
    """What the containers hold, which counts while they are resized."""
    return (pod.get("status") or {}).get("containerStatuses")


def _generated(pod: Object) -> Any:
    """The claims that were made for the pod."""
    status = pod.get("status") or {}
    return status.get("resourceClaimStatuses"), status.get("extendedResourceClaimStatus")


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
    if before.get("taints") != after.get("taints") or (before.get("unschedulable") and not after.get("unschedulable")):
        actions |= Action.TAINT
    for field, action in _DESCRIBED:
        if old["metadata"].get(field) != new["metadata"].get(field):
            actions |= action
    was, now = old.get("status") or {}, new.get("status") or {}
    for field, action in _REPORTED:
        if was.get(field) != now.get(field):
            actions |= action
    if was.get("conditions") is not now.get("conditions") and _conditions(was) != _conditions(now):
        actions |= Action.CONDITION
    return ClusterEvent(NODE, actions) if actions else None


_DESCRIBED = (("labels", Action.LABEL), ("annotations", Action.ANNOTATION))
_REPORTED = (("allocatable", Action.ALLOCATABLE), ("declaredFeatures", Action.FEATURES))


def _conditions(status: Object) -> Any:
    """Conditions without the times of heartbeats."""
    return {each["type"]: each.get("status") for each in status.get("conditions") or ()}
