"""What the devices of a claim must have in common, or must not.

A constraint takes devices as long as it holds; once it does not, no further device makes it hold again.
Upstream: `structured/internal/incubating/constraint.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from k8snb.scheduler.devices.pools import Offer
from k8snb.scheduler.devices.wanted import AllocationFailed, Wanted, told
from k8snb.typing import Object

Value = tuple[str, Any]
"""The type of an attribute, and what it says."""


class Constraint(Protocol):
    """Watches over the devices of one claim."""

    def add(self, wanted: Wanted, offer: Offer) -> bool:
        """Take a device, if the constraint holds with it."""
        ...

    def remove(self, wanted: Wanted, offer: Offer) -> None:
        """Give up a device that was taken."""
        ...


def attribute(offer: Offer, name: str) -> Value | None:
    """An attribute of a device by its full name; the driver's domain can be left out in a slice."""
    attributes = offer.device.get("attributes") or {}
    found = attributes.get(name)
    domain, _slash, identifier = name.partition("/")
    if found is None and domain == offer.id.driver:
        found = attributes.get(identifier)
    if found is None:
        return None
    return next(
        ((kind, found[kind]) for kind in ("string", "int", "bool", "version") if found.get(kind) is not None), None
    )


class _OfSome:
    """What both constraints are: about an attribute, of the devices for some requests."""

    def __init__(self, name: str, requests: Sequence[str]) -> None:
        self._name = name
        self._requests = frozenset(requests)
        self._values: list[Value] = []

    def _concerns(self, wanted: Wanted) -> bool:
        return not self._requests or wanted.request in self._requests or wanted.full_name in self._requests

    def _holds(self, value: Value) -> bool:
        raise NotImplementedError

    def add(self, wanted: Wanted, offer: Offer) -> bool:
        if not self._concerns(wanted):
            return True
        value = attribute(offer, self._name)
        if value is None or not self._holds(value):
            return False
        self._values.append(value)
        return True

    def remove(self, wanted: Wanted, offer: Offer) -> None:
        if self._concerns(wanted):
            self._values.pop()


class MatchAttribute(_OfSome):
    """All devices say the same."""

    def _holds(self, value: Value) -> bool:
        return not self._values or value == self._values[0]


class DistinctAttribute(_OfSome):
    """All devices say something else."""

    def _holds(self, value: Value) -> bool:
        return value not in self._values


def constraints_of(claim: Object) -> list[Constraint]:
    """The constraints of a claim, with no device yet. Raises AllocationFailed."""
    found: list[Constraint] = []
    for at, each in enumerate((claim["spec"].get("devices") or {}).get("constraints") or ()):
        requests = each.get("requests") or ()
        if each.get("matchAttribute") is not None:
            found.append(MatchAttribute(each["matchAttribute"], requests))
        elif each.get("distinctAttribute") is not None:
            found.append(DistinctAttribute(each["distinctAttribute"], requests))
        else:
            why = "empty constraint (unsupported constraint type?)"
            raise AllocationFailed(f"claim {told(claim)}, constraint #{at}: {why}")
    return found
