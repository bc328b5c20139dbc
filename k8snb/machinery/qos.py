"""The quality-of-service class of a pod, computed from what its containers ask for.

Guaranteed: every container limits CPU and memory and asks for exactly that much. BestEffort: nobody asks
for anything. Burstable: everything else. Upstream: `pkg/apis/core/v1/helper/qos/qos.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.machinery import quantity
from k8snb.typing import Object

_COMPUTE = ("cpu", "memory")
_NONE: Mapping[str, Any] = {}


def qos_class(spec: Object) -> str:
    """`Guaranteed`, `Burstable` or `BestEffort`."""
    pod_level = spec.get("resources")
    if pod_level:
        return _classify([pod_level])
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return _classify([container.get("resources") or _NONE for container in containers])


def _classify(all_resources: Sequence[Object]) -> str:
    requests: dict[str, int] = {}
    limits: dict[str, int] = {}
    guaranteed = True
    for resources in all_resources:
        _accumulate(requests, resources.get("requests") or _NONE)
        limited = _accumulate(limits, resources.get("limits") or _NONE)
        guaranteed = guaranteed and limited == len(_COMPUTE)
    if not requests and not limits:
        return "BestEffort"
    return "Guaranteed" if guaranteed and requests == limits else "Burstable"


def _accumulate(total: dict[str, int], amounts: Mapping[str, str]) -> int:
    """Adds what is positive to the total; answers how many kinds of compute resource there were."""
    count = 0
    for name in _COMPUTE:
        amount = quantity.parse(amounts[name]).nano if name in amounts else 0
        if amount > 0:
            total[name] = total.get(name, 0) + amount
            count += 1
    return count
