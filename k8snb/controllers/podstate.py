"""What a controller asks of a pod: whether it counts, serves, ends.

Pure functions on the pod's phase, conditions and deletion mark. Upstream: `pkg/controller/controller_utils.go`
and `pkg/api/v1/pod/util.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.clock import parse_time
from k8snb.typing import Object

ENDED_PHASES = ("Succeeded", "Failed")
"""The phases of a pod whose containers have all stopped for good."""

_NO_STATUS: Object = {}


def phase_of(pod: Object) -> str:
    """Pending, Running, Succeeded, Failed or Unknown; empty before the server has set it."""
    phase: str = (pod.get("status") or _NO_STATUS).get("phase", "")
    return phase


def has_ended(pod: Object) -> bool:
    """All its containers have stopped for good."""
    return (pod.get("status") or _NO_STATUS).get("phase") in ENDED_PHASES


def is_terminating(pod: Object) -> bool:
    """It has been asked to go and has not ended yet."""
    return "deletionTimestamp" in pod["metadata"] and not has_ended(pod)


def is_active(pod: Object) -> bool:
    """It counts as a replica: it has not ended and nobody has asked it to go."""
    return "deletionTimestamp" not in pod["metadata"] and not has_ended(pod)


def ready_condition(pod: Object) -> Object | None:
    """The condition that says whether the pod takes requests."""
    conditions = (pod.get("status") or _NO_STATUS).get("conditions")
    if not conditions:
        return None
    known = _READY.get(id(conditions))
    if known is None or known[0] is not conditions:
        if len(_READY) >= _KEPT:
            _READY.clear()
        known = _READY[id(conditions)] = (conditions, next((c for c in conditions if c["type"] == "Ready"), None))
    return known[1]


_READY: dict[int, tuple[Sequence[Object], Object | None]] = {}
"""Lists of conditions by their identity, each with the one that says Ready: many pods share a list."""
_KEPT = 4096


def is_ready(pod: Object) -> bool:
    """Every container is ready and every readiness gate is open."""
    found = ready_condition(pod)
    return found is not None and found["status"] == "True"


def ready_since(pod: Object) -> float | None:
    """When it became ready, in seconds since the Unix epoch; None while it is not."""
    found = ready_condition(pod)
    if found is None or found["status"] != "True" or not found.get("lastTransitionTime"):
        return None
    return parse_time(found["lastTransitionTime"])


def available_at(pod: Object, min_ready_seconds: int) -> float | None:
    """When it counts as available: once it has been ready for so long. None while it is not ready."""
    if not min_ready_seconds:
        return 0.0 if is_ready(pod) else None
    since = ready_since(pod)
    return None if since is None else since + min_ready_seconds


def is_available(pod: Object, min_ready_seconds: int, now: float) -> bool:
    """It has been ready for at least `min_ready_seconds`."""
    when = available_at(pod, min_ready_seconds)
    return when is not None and when <= now


def restarts(pod: Object) -> tuple[int, int]:
    """The highest restart count among its containers and among its sidecars."""
    status = pod.get("status") or _NO_STATUS
    sidecars = {
        each["name"] for each in pod["spec"].get("initContainers") or () if each.get("restartPolicy") == "Always"
    }
    regular = [each.get("restartCount", 0) for each in status.get("containerStatuses") or ()]
    initial = status.get("initContainerStatuses") or () if sidecars else ()
    sidecar = [each.get("restartCount", 0) for each in initial if each["name"] in sidecars]
    return max(regular, default=0), max(sidecar, default=0)
