"""What a pod counts with while its resources are being changed in place.

Until the kubelet has done what the spec asks for, there are three numbers: what is wanted (the spec), what the kubelet
has promised (`allocatedResources`) and what the runtime enforces (`resources` of the container's status). Whoever hands
out room counts the largest. Upstream: `determineContainerReqs` in `component-helpers/resource/helpers.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.machinery.quantity import compare
from k8snb.typing import Object

PENDING = "PodResizePending"
IN_PROGRESS = "PodResizeInProgress"
INFEASIBLE = "Infeasible"
_NONE: Mapping[str, Any] = {}
_LISTS = (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses"))


def charged_spec(pod: Object) -> Object:
    """The pod's spec with the requests that count for each container: the spec itself, if it says them already."""
    spec, status = pod["spec"], pod.get("status") or _NONE
    changed: dict[str, Any] = {}
    for containers, statuses in _LISTS:
        if status.get(statuses):
            raised = _raised(spec.get(containers) or (), status[statuses], status.get("conditions") or ())
            if raised is not None:
                changed[containers] = raised
    return {**spec, **changed} if changed else spec


def _raised(
    containers: Sequence[Object], statuses: Sequence[Object], conditions: Sequence[Object]
) -> list[Object] | None:
    """The containers with what they hold; None where the spec says as much."""
    held = {each["name"]: each for each in statuses if "allocatedResources" in each}
    result: list[Object] = []
    differ = False
    for container in containers:
        resources = container.get("resources") or _NONE
        asked, status = resources.get("requests") or _NONE, held.get(container["name"])
        counted = asked if status is None else _counted(asked, status, conditions)
        if counted is not asked and counted != asked:
            container = {**container, "resources": {**resources, "requests": counted}}
            differ = True
        result.append(container)
    return result if differ else None


def _counted(asked: Object, status: Object, conditions: Sequence[Object]) -> Object:
    allocated = status["allocatedResources"]
    actual = (status.get("resources") or _NONE).get("requests") or _NONE
    if allocated is asked and actual is asked:
        return asked
    held = _most(allocated, actual)
    hopeless = any(each["type"] == PENDING and each.get("reason") == INFEASIBLE for each in conditions)
    return held if hopeless else _most(asked, held)


def _most(one: Object, other: Object) -> Object:
    """The larger amount of each resource."""
    return {**one, **{name: text for name, text in other.items() if name not in one or compare(text, one[name]) > 0}}
