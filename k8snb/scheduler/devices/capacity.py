"""How much of a device a request consumes, and whether that much is left.

Several claims can have a device that allows it, each a part of its capacity. Without a request it is the default of the
capacity's policy, or all there is; with one it is rounded up to what the policy allows.
Upstream: `structured/internal/incubating/consumable_capacity.go`.
"""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.machinery.quantity import Quantity, parse
from k8snb.typing import Object

Amounts = Mapping[str, int]
"""Nanounits by the name of a capacity."""


def is_shared(device: Object) -> bool:
    """Whether several claims can have the device."""
    return bool(device.get("allowMultipleAllocations"))


def consumed(device: Object, spec: Object) -> Mapping[str, Quantity] | None:
    """What a request consumes of each capacity; None if it can not be had from this device at all."""
    capacities: Mapping[str, Object] = device.get("capacity") or {}
    requests = (spec.get("capacity") or {}).get("requests") or {}
    if any(name not in capacities for name in requests):
        return None
    found: dict[str, Quantity] = {}
    for name, capacity in capacities.items():
        amount = _rounded(requests.get(name), capacity)
        if _violates(amount, capacity.get("requestPolicy")):
            return None
        found[name] = amount
    return found


def fits(device: Object, amounts: Mapping[str, Quantity], taken: Amounts) -> bool:
    """Whether so much is left of every capacity."""
    capacities = device.get("capacity") or {}
    return all(
        taken.get(name, 0) + amount.nano <= parse(capacities[name]["value"]).nano for name, amount in amounts.items()
    )


def shown(amounts: Mapping[str, Quantity]) -> Object:
    """Amounts as the API has them."""
    return {name: str(amount) for name, amount in amounts.items()}


def _rounded(request: str | None, capacity: Object) -> Quantity:
    policy = capacity.get("requestPolicy") or {}
    if request is None:
        return parse(policy.get("default") or capacity["value"])
    asked, span, values = parse(request), policy.get("validRange") or {}, policy.get("validValues") or ()
    if span.get("min") is not None:
        return _within(asked, span)
    return next((each for each in map(parse, values) if each.nano >= asked.nano), asked)


def _within(asked: Quantity, span: Object) -> Quantity:
    least = parse(span["min"])
    if asked.nano < least.nano:
        return least
    if span.get("step") is None:
        return asked
    step = parse(span["step"]).nano
    steps = -(-(asked.nano - least.nano) // step)
    return asked._replace(nano=least.nano + steps * step)


def _violates(amount: Quantity, policy: Object | None) -> bool:
    if policy is None or (policy.get("default") is not None and parse(policy["default"]).nano == amount.nano):
        return False
    span, values = policy.get("validRange"), policy.get("validValues") or ()
    if span is not None:
        return span.get("max") is not None and amount.nano > parse(span["max"]).nano
    return bool(values) and all(parse(each).nano != amount.nano for each in values)
