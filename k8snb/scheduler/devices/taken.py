"""Which devices are given to claims already, and how much of those that are shared.

Administrators' access takes no device away. Upstream: `plugins/dynamicresources/allocateddevices.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from k8snb.machinery.devices.claims import allocation_of
from k8snb.machinery.quantity import parse
from k8snb.scheduler.devices.pools import DeviceID
from k8snb.typing import Object

_NOTHING: Mapping[str, int] = {}


class Taken:
    """The devices of some claims."""

    def __init__(self, claims: Iterable[Object]) -> None:
        self._whole: set[DeviceID] = set()
        self._parts: dict[DeviceID, dict[str, int]] = {}
        for claim in claims:
            allocation = allocation_of(claim)
            for result in ((allocation or {}).get("devices") or {}).get("results") or ():
                if not result.get("adminAccess"):
                    self._take(result)

    def _take(self, result: Object) -> None:
        device = DeviceID(result["driver"], result["pool"], result["device"])
        if not result.get("shareID"):
            self._whole.add(device)
            return
        parts = self._parts.setdefault(device, {})
        for name, amount in (result.get("consumedCapacity") or {}).items():
            parts[name] = parts.get(name, 0) + parse(amount).nano

    def has(self, device: DeviceID) -> bool:
        """Whether somebody has the device to themselves."""
        return device in self._whole

    def uses(self, device: DeviceID) -> bool:
        """Whether somebody has the device, or a part of it."""
        return device in self._whole or device in self._parts

    def amounts(self, device: DeviceID) -> Mapping[str, int]:
        """How much of a shared device is taken."""
        return self._parts.get(device, _NOTHING)
