"""Whether something is under way in a live cluster: what an embedded cluster knows of its queue, read from objects.

A controller says in `observedGeneration` which wish it has seen, and in its counts how far it is. A pod is under way
until its containers run or wait for something that only time or a person changes (a back-off, an image that is not
there).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8snb.machinery.objects import is_deleting, is_true
from k8snb.typing import Object

CONTROLLED = {
    "deployments.apps": ("updatedReplicas", "availableReplicas", "replicas"),
    "statefulsets.apps": ("readyReplicas", "replicas"),
    "replicasets.apps": ("replicas",),
}
"""Which counts of a status have come to what is wanted when a controller is done."""

_WAITING = {"ContainerCreating", "PodInitializing", ""}
"""What a container waits for that comes by itself, and soon."""


def under_way(objects: Mapping[str, Iterable[Object]]) -> list[str]:
    """What is not at rest, by resource and name: `pods/web-x`."""
    return [
        f"{resource}/{obj['metadata']['name']}"
        for resource, found in objects.items()
        for obj in found
        if not _rests(resource, obj)
    ]


def _rests(resource: str, obj: Object) -> bool:
    if is_deleting(obj):
        return bool(obj["metadata"].get("finalizers"))
    if resource == "pods":
        return _pod_rests(obj)
    status, meta = obj.get("status") or {}, obj["metadata"]
    seen = status.get("observedGeneration")
    if seen is not None and seen < meta.get("generation", seen):
        return False
    if resource not in CONTROLLED or (obj.get("spec") or {}).get("paused") or _gave_up(obj):
        return True
    wanted = (obj.get("spec") or {}).get("replicas", 1)
    return all(status.get(count, 0) == wanted for count in CONTROLLED[resource])


def _gave_up(obj: Object) -> bool:
    """Whether its pods cannot become what is wanted, so that nothing comes of waiting."""
    conditions: Iterable[Any] = (obj.get("status") or {}).get("conditions") or ()
    given_up = {("Progressing", "False"), ("ReplicaFailure", "True")}
    return any((each.get("type"), each.get("status")) in given_up for each in conditions)


def _pod_rests(pod: Object) -> bool:
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed") or is_true(pod, "Ready"):
        return True
    states = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    reasons = [((each.get("state") or {}).get("waiting") or {}).get("reason", "") for each in states]
    if any(reason not in _WAITING for reason in reasons):
        return True  # it backs off
    unschedulable = any(
        each.get("type") == "PodScheduled" and each.get("reason") in ("Unschedulable", "SchedulingGated")
        for each in status.get("conditions") or ()
    )
    running = bool(states) and not any(reasons) and status.get("phase") == "Running"
    return unschedulable or (running and _all_run(states))


def _all_run(states: Iterable[Object]) -> bool:
    """Whether every container runs, although the pod is not ready: a probe decides, and may decide so for ever."""
    return all("running" in (each.get("state") or {}) for each in states)
