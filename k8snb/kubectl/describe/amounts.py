"""How much a pod asks for in all: its containers together, or its hungriest init container.

Upstream: `kubectl/pkg/util/resource/resource.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from k8snb.machinery.quantity import add, compare
from k8snb.typing import Object

Amounts: TypeAlias = Mapping[str, str]
"""Quantities by resource name."""


def sums(parts: Iterable[Amounts]) -> Amounts:
    """The amounts added up."""
    total: dict[str, str] = {}
    for part in parts:
        for name, text in part.items():
            total[name] = add(total[name], text) if name in total else text
    return total


def _largest(a: Amounts, b: Amounts) -> Amounts:
    return {**a, **{name: text for name, text in b.items() if name not in a or compare(text, a[name]) > 0}}


def requests_of(pod: Object) -> Amounts:
    """What the pod asks for."""
    return _of(pod, "requests")


def limits_of(pod: Object) -> Amounts:
    """What the pod may use at most."""
    return _of(pod, "limits")


def _of(pod: Object, kind: str) -> Amounts:
    spec = pod["spec"]
    total = sums(_own(container, kind) for container in spec["containers"])
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = _own(container, kind)
        if container.get("restartPolicy") == "Always":
            total, sidecars = sums((total, own)), sums((sidecars, own))
            own = sidecars
        else:
            own = sums((own, sidecars))
        peak = _largest(peak, own)
    total = {**_largest(total, peak), **((spec.get("resources") or {}).get(kind) or {})}
    overhead = spec.get("overhead") or {}
    if kind == "limits":
        overhead = {name: text for name, text in overhead.items() if name in total}
    return sums((total, overhead))


def _own(container: Object, kind: str) -> Amounts:
    amounts: Amounts = (container.get("resources") or {}).get(kind) or {}
    return amounts
