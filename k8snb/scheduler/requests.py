"""How much a pod asks for, and how much a node has.

CPU counts in millicores, memory and ephemeral storage in bytes, everything else in whole units. Containers run
side by side and add up; init containers run one after another, so only the largest counts, on top of the sidecars
started before it. Upstream: `component-helpers/resource/helpers.go`, `pkg/scheduler/util/pod_resources.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from k8snb.machinery import quantity
from k8snb.typing import Object

DEFAULT_CPU = 100
"""Millicores that a container without a CPU request is taken to use when nodes are scored."""
DEFAULT_MEMORY = 200 * 1024 * 1024
"""Bytes that a container without a memory request is taken to use when nodes are scored."""

_POD_LEVEL = ("cpu", "memory")
_NONE: Mapping[str, int] = {}
_Amounts = dict[str, int]


class Resources:
    """Amounts of the resources that the scheduler counts."""

    __slots__ = ("cpu", "ephemeral", "memory", "pods", "scalars")

    def __init__(self, amounts: Mapping[str, int] = _NONE) -> None:
        get = amounts.get
        self.cpu = get("cpu", 0)
        self.memory = get("memory", 0)
        self.ephemeral = get("ephemeral-storage", 0)
        self.pods = get("pods", 0)
        self.scalars = {k: v for k, v in amounts.items() if k not in _COUNTED}

    def key(self) -> tuple[Any, ...]:
        """The same for equal requests."""
        return (self.cpu, self.memory, self.ephemeral, *sorted(self.scalars.items()))

    def less_than(self, other: Resources) -> bool:
        """Whether less is asked for of anything."""
        fewer = self.cpu < other.cpu or self.memory < other.memory or self.ephemeral < other.ephemeral
        return fewer or any(self.scalars.get(name, 0) < amount for name, amount in other.scalars.items())

    def add(self, other: Resources) -> None:
        """Count another pod in."""
        self.cpu += other.cpu
        self.memory += other.memory
        self.ephemeral += other.ephemeral
        if other.scalars:
            for name, amount in other.scalars.items():
                self.scalars[name] = self.scalars.get(name, 0) + amount

    def subtract(self, other: Resources) -> None:
        """Count a pod out."""
        self.cpu -= other.cpu
        self.memory -= other.memory
        self.ephemeral -= other.ephemeral
        for name, amount in other.scalars.items():
            self.scalars[name] -= amount

    def copy(self) -> Resources:
        """An independent copy."""
        other = Resources()
        other.cpu, other.memory, other.ephemeral, other.pods = self.cpu, self.memory, self.ephemeral, self.pods
        other.scalars = dict(self.scalars)
        return other


_COUNTED = ("cpu", "memory", "ephemeral-storage", "pods")


def amounts(quantities: Mapping[str, Any] | None) -> _Amounts:
    """Resource quantities as numbers in the scheduler's units."""
    return {k: quantity.milli(str(v)) if k == "cpu" else quantity.value(str(v)) for k, v in (quantities or {}).items()}


def allocatable(node: Object) -> Resources:
    """What a node has to give."""
    return Resources(amounts((node.get("status") or {}).get("allocatable")))


def pod_requests(spec: Object) -> Resources:
    """What a pod asks for, all in all."""
    return Resources(_total(spec, _requested))


def scored_requests(spec: Object) -> tuple[int, int]:
    """Millicores and bytes a pod counts with when nodes are scored: with defaults where a container asks for none."""
    total = _total(spec, lambda container: {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY, **_requested(container)})
    return total["cpu"], total["memory"]


def _requested(container: Object) -> _Amounts:
    return amounts((container.get("resources") or {}).get("requests"))


def _total(spec: Object, requested: Callable[[Object], _Amounts]) -> _Amounts:
    total = _sum(requested(container) for container in spec.get("containers") or ())
    sidecars: _Amounts = {}
    peak: _Amounts = {}
    for container in spec.get("initContainers") or ():
        amount = requested(container)
        if container.get("restartPolicy") == "Always":
            total, sidecars = _sum((total, amount)), _sum((sidecars, amount))
            amount = sidecars
        else:
            amount = _sum((sidecars, amount))
        peak = _most(peak, amount)
    total = _most(total, peak)
    total.update((k, v) for k, v in _requested(spec).items() if k in _POD_LEVEL or k.startswith("hugepages-"))
    return _sum((total, amounts(spec.get("overhead"))))


def _sum(parts: Iterable[Mapping[str, int]]) -> _Amounts:
    total: _Amounts = {}
    for part in parts:
        for name, amount in part.items():
            total[name] = total.get(name, 0) + amount
    return total


def _most(one: Mapping[str, int], other: Mapping[str, int]) -> _Amounts:
    return {**one, **{name: max(amount, one.get(name, 0)) for name, amount in other.items()}}
