"""A pod that asks for less of a resource, container by container.

What a pod asks for is what its containers ask for together, or what the largest init container asks for, whichever is
more. So init containers are cut to what there is, and of the others those that ask for most give up most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.machinery.quantity import of_milli
from k8snb.scheduler.allocation import amount
from k8snb.scheduler.requests import amounts, pod_requests
from k8snb.typing import Object


def lowered(spec: Object, resource: str, limit: int) -> dict[str, Any] | None:
    """The fields of a spec with which the pod asks for no more than `limit`; None if that cannot be done."""
    fixed = amounts(spec.get("overhead")).get(resource, 0)
    own = (spec.get("resources") or {}).get("requests") or {}
    if resource in own:
        fields = {"resources": _cut(spec["resources"], resource, limit - fixed)}
    else:
        fields = _containers(spec, resource, limit - fixed)
    fits = limit >= fixed and amount(pod_requests({**spec, **fields}), resource) <= limit
    return fields if fits else None


def _containers(spec: Object, resource: str, limit: int) -> dict[str, Any]:
    inits, mains = spec.get("initContainers") or (), spec.get("containers") or ()
    sidecars = [each for each in inits if each.get("restartPolicy") == "Always"]
    asked = [_asked(each, resource) for each in (*sidecars, *mains)]
    wanted = _shared(asked, limit)
    aside, beside = sum(wanted[: len(sidecars)]), iter(wanted)
    fresh = [
        _less(each, resource, next(beside) if each in sidecars else min(_asked(each, resource), limit - aside))
        for each in inits
    ]
    found: dict[str, Any] = {"containers": [_less(each, resource, next(beside)) for each in mains]}
    return {**found, "initContainers": fresh} if inits else found


def _shared(asked: Sequence[int], limit: int) -> list[int]:
    """What everybody gets of `limit`: the largest give way first."""
    found, over = list(asked), sum(asked) - limit
    while over > 0:
        largest = max(range(len(found)), key=lambda index: found[index])
        if not found[largest]:
            break
        second = max((each for each in found if each < found[largest]), default=0)
        gives = min(over, max(found[largest] - second, 1))
        found[largest] -= gives
        over -= gives
    return found


def _asked(container: Object, resource: str) -> int:
    return amounts((container.get("resources") or {}).get("requests")).get(resource, 0)


def _less(container: Object, resource: str, number: int) -> Object:
    if _asked(container, resource) <= number:
        return container
    return {**container, "resources": _cut(container["resources"], resource, number)}


def _cut(resources: Object, resource: str, number: int) -> Object:
    """Requests with less of a resource. An extended one is asked for and limited at once."""
    number = max(number, 0)
    quantity = of_milli(number) if resource == "cpu" else str(number)
    found = {**resources, "requests": {**resources["requests"], resource: quantity}}
    native = resource in ("cpu", "memory", "ephemeral-storage")
    if not native and resource in (resources.get("limits") or {}):
        found["limits"] = {**resources["limits"], resource: quantity}
    return found
