"""What hangs on which lease, and the end of those that nobody else ends.

A lease has a number. What the API server writes for a time (Events) hangs on one that says when it ends: `slot` counts
windows of a minute, so that much is written with the same. Leases from `FIRST_GRANTED` on were granted to clients of
etcd, who say when those end (`etcd/leases.py`). An object hangs on the lease with which it was written last; nothing is
taken off when it is written again, it is just not its event any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from k8snb.clock import Clock
from k8snb.errors import StatusError
from k8snb.store.bucket import Bucket
from k8snb.wire import WatchEvent

LEASE_WINDOW = 60.0
"""Seconds within which expiries share one lease, as the API server shares etcd leases."""
AGAIN_SECONDS = 1.0
"""After how long an expiry is tried again to which nobody has agreed."""
FIRST_GRANTED = 1 << 32
"""The least number of a lease that a client of etcd was granted."""

Place: TypeAlias = tuple[Bucket, str, str]
"""Where an object is: bucket, namespace and name."""


class Leased:
    """The leases of one store. `delete` removes what has had its time, or raises StatusError."""

    def __init__(self, clock: Clock, delete: Callable[[Bucket, str, str], Any]) -> None:
        self._clock = clock
        self._delete = delete
        self._held: dict[int, dict[Bucket, list[WatchEvent]]] = {}

    def __iter__(self) -> Iterator[int]:
        return iter(self._held)

    def items(self) -> Iterator[tuple[int, Mapping[Bucket, Sequence[WatchEvent]]]]:
        """What was written with which lease, by bucket, in the order in which it was written."""
        return iter(self._held.items())

    def by_event(self) -> dict[int, int]:
        """The lease with which each version was written, by the identity of its event."""
        return {id(event): number for number, of in self.items() for events in of.values() for event in events}

    def slot(self, ttl: float) -> int:
        """The lease that ends in so many seconds."""
        return int((self._clock.now() + ttl) // LEASE_WINDOW) + 1

    def of(self, bucket: Bucket, ttl: float, number: int = 0) -> list[WatchEvent]:
        """What of a bucket hangs on a lease, or on the one of so many seconds; an event is to be added."""
        number = number or self.slot(ttl)
        lease = self._held.get(number)
        if lease is None:
            lease = self._held[number] = {}
            if number < FIRST_GRANTED:
                self._clock.call_at(number * LEASE_WINDOW, lambda: self._expire(number), background=True)
        held = lease.get(bucket)
        if held is None:
            held = lease[bucket] = []
        return held

    def places(self, number: int) -> list[Place]:
        """What hangs on a lease and has not been written without it since."""
        return [place for bucket, events in self._held.get(number, {}).items() for place in _living(bucket, events)]

    def release(self, number: int) -> None:
        """Let nothing hang on a lease any more."""
        self._held.pop(number, None)

    def replace(self, bucket: Bucket, anew: Mapping[int, WatchEvent]) -> None:
        """Events of a bucket have been made anew: the new ones, by the identity of the old."""
        for lease in self._held.values():
            if bucket in lease:
                lease[bucket] = [anew.get(id(event), event) for event in lease[bucket]]

    def _expire(self, slot: int) -> None:
        for bucket, events in self._held.pop(slot).items():
            for number, event in enumerate(events):
                if not all(self._expires(place) for place in _living(bucket, [event])):
                    self._held.setdefault(slot, {})[bucket] = events[number:]
                    break
        if slot in self._held:
            self._clock.call_later(AGAIN_SECONDS, lambda: self._expire(slot), background=True)

    def _expires(self, place: Place) -> bool:
        """Remove what has had its time; False if that cannot be agreed on now."""
        try:
            self._delete(*place)
        except StatusError:
            return False
        return True


def _living(bucket: Bucket, events: Sequence[WatchEvent]) -> Iterator[Place]:
    """The places of events that are still the newest of their objects."""
    for event in events:
        meta = event.object["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        if bucket.event(namespace, name) is event:
            yield bucket, namespace, name
