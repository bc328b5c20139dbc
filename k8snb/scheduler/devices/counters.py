"""What devices of a pool share: a whole GPU and its parts consume the same counters, so not all can be had at once.

Upstream: `checkAvailableCounters` in `structured/internal/incubating/allocator_incubating.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from k8snb.machinery.quantity import parse
from k8snb.scheduler.devices.pools import DeviceID, Offer, Pool
from k8snb.typing import Object

Key = tuple[str, str]
"""The names of a set and of a counter in it."""


class Counters:
    """What is left of the counters of every pool, while devices are tried."""

    def __init__(self, is_allocated: Callable[[DeviceID], bool]) -> None:
        self._is_allocated = is_allocated
        self._left: dict[Pool, dict[Key, int]] = {}

    def take(self, offer: Offer) -> bool:
        """Consume what a device needs, if there is enough."""
        left = self._of(offer.pool)
        needs = list(_needs(offer.device))
        for key, amount in needs:
            if key in left:
                left[key] -= amount
        if all(amount >= 0 for amount in left.values()):
            return True
        self.give_back(offer)
        return False

    def give_back(self, offer: Offer) -> None:
        """Undo `take`."""
        left = self._of(offer.pool)
        for key, amount in _needs(offer.device):
            if key in left:
                left[key] += amount

    def _of(self, pool: Pool) -> dict[Key, int]:
        found = self._left.get(pool)
        if found is None:
            found = self._left[pool] = dict(_there(pool))
            for offer in pool.everywhere():
                if self._is_allocated(offer.id):
                    for key, amount in _needs(offer.device):
                        if key in found:
                            found[key] -= amount
        return found


def _there(pool: Pool) -> Iterator[tuple[Key, int]]:
    for each in pool.counters():
        for name, counter in (each.get("counters") or {}).items():
            yield (each["name"], name), parse(counter["value"]).nano


def _needs(device: Object) -> Iterator[tuple[Key, int]]:
    for each in device.get("consumesCounters") or ():
        for name, counter in (each.get("counters") or {}).items():
            yield (each["counterSet"], name), parse(counter["value"]).nano
