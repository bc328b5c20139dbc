"""How much a pod asks for in all: its containers together, or its hungriest init container.

Upstream: `component-helpers/resource/helpers.go`, `kubectl/pkg/util/resource/resource.go`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from k8snb.machinery.quantity import add, compare, parse
from k8snb.typing import Object

Amounts: TypeAlias = Mapping[str, str]
"""Quantities by resource name."""

_NONE: Amounts = {}


def sums(parts: Iterable[Amounts]) -> Amounts:
    """The amounts added up."""
    total: dict[str, str] = {}
    for part in parts:
        for name, text in part.items():
            total[name] = add(total[name], text) if name in total else text
    return total


def only(amounts: Amounts, names: Collection[str]) -> Amounts:
    """The amounts of these resources."""
    return {name: text for name, text in amounts.items() if name in names}


def same(a: Amounts, b: Amounts) -> bool:
    """Whether both hold the same resources in equal amounts, however they are written."""
    return a.keys() == b.keys() and all(text == b[name] or not compare(text, b[name]) for name, text in a.items())


def without_zeros(amounts: Amounts) -> Amounts:
    """The amounts that are not zero."""
    return {name: text for name, text in amounts.items() if parse(text).nano}


def shown(amounts: Amounts) -> str:
    """The amounts in a message: `cpu=1,pods=2`."""
    return ",".join(f"{name}={amounts[name]}" for name in sorted(amounts))


def _largest(a: Amounts, b: Amounts) -> Amounts:
    return {**a, **{name: text for name, text in b.items() if name not in a or compare(text, a[name]) > 0}}


def requests_of(pod: Object) -> Amounts:
    """What the pod asks for, with the overhead of its runtime."""
    return sums((asked_of_containers(pod, "requests"), pod["spec"].get("overhead") or _NONE))


def limits_of(pod: Object) -> Amounts:
    """What the pod may use at most, with the overhead of its runtime."""
    total = asked_of_containers(pod, "limits")
    return sums((total, only(pod["spec"].get("overhead") or _NONE, total.keys())))


def asked_of_containers(pod: Object, kind: str) -> Amounts:
    """The `requests` or the `limits` of the containers together, or what the pod as a whole says instead."""
    spec = pod["spec"]
    total = sums(asked_of(container, kind) for container in spec["containers"])
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = asked_of(container, kind)
        if container.get("restartPolicy") == "Always":
            total, sidecars = sums((total, own)), sums((sidecars, own))
            own = sidecars
        else:
            own = sums((own, sidecars))
        peak = _largest(peak, own)
    return {**_largest(total, peak), **asked_of(spec, kind)}


def asked_of(container: Object, kind: str) -> Amounts:
    """The `requests` or the `limits` of one container."""
    amounts: Amounts = (container.get("resources") or {}).get(kind) or _NONE
    return amounts
