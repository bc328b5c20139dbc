"""The status of a Deployment: a pure function of its ReplicaSets.

Upstream: `calculateStatus` in `deployment/sync.go` and the conditions of `util/deployment_util.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.controllers.deployment.replicasets import terminating, total, total_size
from k8snb.controllers.deployment.rolling import min_available, replicas_of
from k8snb.typing import Object

AVAILABLE, PROGRESSING, FAILURE = "Available", "Progressing", "ReplicaFailure"
_COUNTERS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


def status_of(deployment: Object, new: Object | None, olds: Sequence[Object], now: str) -> Object:
    """The counters and the condition Available, the other conditions as they were. `now` as objects show time."""
    sets = [*olds, new] if new is not None else list(olds)
    available = total(sets, "availableReplicas")
    numbers = (
        total(sets, "replicas"),
        total([new], "replicas") if new is not None else 0,
        total(sets, "readyReplicas"),
        available,
        max(total_size(sets) - available, 0),
    )
    status: dict[str, Any] = {"observedGeneration": deployment["metadata"].get("generation", 0)}
    status.update((name, number) for name, number in zip(_COUNTERS, numbers, strict=True) if number)
    if (leaving := terminating(sets)) is not None:
        status["terminatingReplicas"] = leaving
    old = deployment.get("status") or {}
    status["conditions"] = set_condition(old.get("conditions") or (), _availability(deployment, available, now))
    if "collisionCount" in old:
        status["collisionCount"] = old["collisionCount"]
    return status


def _availability(deployment: Object, available: int, now: str) -> Object:
    if available >= min_available(deployment):
        message = "Deployment has minimum availability."
        return condition(AVAILABLE, "True", "MinimumReplicasAvailable", message, now)
    message = "Deployment does not have minimum availability."
    return condition(AVAILABLE, "False", "MinimumReplicasUnavailable", message, now)


def condition(type: str, status: str, reason: str, message: str, now: str) -> Object:
    """A condition that starts now."""
    return {
        "type": type,
        "status": status,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }


def find_condition(status: Object, type: str) -> Object | None:
    """The condition of that type in a status."""
    for each in status.get("conditions") or ():
        if each["type"] == type:
            found: Object = each
            return found
    return None


def set_condition(conditions: Sequence[Object], new: Object) -> list[Object]:
    """The conditions with `new`, unless the one of its type already has that status and reason.

    `lastTransitionTime` moves only with the status. A changed condition goes to the end, as upstream.
    """
    old = next((each for each in conditions if each["type"] == new["type"]), None)
    if old is not None and (old["status"], old.get("reason")) == (new["status"], new["reason"]):
        return list(conditions)
    if old is not None and old["status"] == new["status"]:
        new = {**new, "lastTransitionTime": old["lastTransitionTime"]}
    return [*without_condition(conditions, new["type"]), new]


def without_condition(conditions: Sequence[Object], type: str) -> list[Object]:
    """The conditions of every other type."""
    return [each for each in conditions if each["type"] != type]


def is_complete(deployment: Object, status: Object) -> bool:
    """Every wanted pod is of the present template and available, and no other pod is left."""
    wanted = replicas_of(deployment)
    counts = [status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas")]
    observed: int = status.get("observedGeneration", 0)
    return counts == [wanted] * 3 and observed >= int(deployment["metadata"].get("generation", 0))
