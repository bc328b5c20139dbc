"""The counters in the status of workloads: none negative, none greater than what it is a part of.

Upstream: `ValidateDeploymentStatus` and its neighbours in `pkg/apis/apps/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.errors import FieldError, invalid_value
from k8snb.machinery.validation import NOT_NEGATIVE
from k8snb.typing import Object

_AVAILABLE = "cannot be greater than readyReplicas"


def validate_counters(
    new: Object,
    old: Object,
    counters: Sequence[str],
    parts: Sequence[str] = (),
    *,
    available: str = _AVAILABLE,
) -> list[FieldError]:
    """The status of `new`: its `counters`, those of them that are `parts` of `replicas`, and collisions counted up."""
    status, before = new.get("status") or {}, old.get("status") or {}
    found = [
        invalid_value(f"status.{name}", status[name], NOT_NEGATIVE)
        for name in (*counters, "observedGeneration", "collisionCount")
        if (status.get(name) or 0) < 0
    ]
    total = status.get("replicas") or 0
    found += [
        invalid_value(f"status.{name}", status.get(name) or 0, "cannot be greater than status.replicas")
        for name in parts
        if (status.get(name) or 0) > total
    ]
    if "availableReplicas" in parts and (status.get("availableReplicas") or 0) > (status.get("readyReplicas") or 0):
        found.append(invalid_value("status.availableReplicas", status["availableReplicas"], available))
    collisions = status.get("collisionCount") or 0
    if collisions < (before.get("collisionCount") or 0):
        found.append(invalid_value("status.collisionCount", collisions, "cannot be decremented"))
    return found
