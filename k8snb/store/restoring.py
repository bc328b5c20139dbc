"""Putting a store back to what it held at a revision, as from a backup.

The objects are the very events that were the newest then, so their history comes back with them as far as it was kept.
Watchers are told how what is there now differs from that, so caches follow as after a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from k8snb.store.bucket import Bucket
from k8snb.store.leased import FIRST_GRANTED
from k8snb.store.mvcc import Store
from k8snb.wire import WatchEvent

RESTORED_TTL = 3600.0
"""How long something lives on that was put back and had a lease."""

Place = tuple[str, str]
"""Namespace and name."""
Change = tuple[str, WatchEvent]
"""A namespace, and what is different in it."""


def restore(
    store: Store,
    revision: int,
    living: Mapping[str, Mapping[Place, WatchEvent]],
    leased: Iterable[tuple[str, WatchEvent, int]] = (),
    *,
    bump: int = 0,
    forget: bool = False,
) -> None:
    """Put back what was there at a revision: by bucket, namespace and name the newest events of then.

    `bump` raises the revision afterwards, and with `forget` everything before counts as compacted. What is leased has
    its whole time again.
    """
    changes = {name: _put_back(bucket, revision, living.get(name, {})) for name, bucket in store.buckets().items()}
    store.put_back(revision + bump, forget)
    for name, event, lease in leased:
        number = lease if lease >= FIRST_GRANTED else 0
        store.leased.of(store.bucket(name), RESTORED_TTL, number).append(event)
    for name, found in changes.items():
        bucket = store.bucket(name)
        for namespace, event in found:
            event.revision = bucket.changed = store.revision
            bucket.deliver(event, namespace)


def _put_back(bucket: Bucket, revision: int, living: Mapping[Place, WatchEvent]) -> list[Change]:
    """Let a bucket be as at a revision, when these were its newest events; what is different then."""
    now = {(space, name): event for space, names in bucket.namespaces.items() for name, event in names.items()}
    changes = _changes(now, living)
    ends = {**bucket.tombstones, **{place: event for place, event in now.items() if place not in living}}
    bucket.namespaces.clear()
    bucket.tombstones.clear()
    for (space, name), event in living.items():
        event.superseded = False
        bucket.namespaces.setdefault(space, {})[name] = event
    for place, last in ends.items():
        end: WatchEvent | None = last
        while end is not None and end.revision > revision:
            end = end.previous
        if end is not None and end.type == "DELETED" and place not in living:
            bucket.tombstones[place] = end
    bucket.log[:] = [event for event in bucket.log if event.revision <= revision]
    return changes


def _changes(now: Mapping[Place, WatchEvent], then: Mapping[Place, WatchEvent]) -> list[Change]:
    """From what is now to what was then, as events."""
    changes: list[Change] = []
    for (space, name), event in now.items():
        former = then.get((space, name))
        if former is None:
            changes.append((space, WatchEvent(0, "DELETED", event.object, event)))
        elif former is not event:
            changes.append((space, WatchEvent(0, "MODIFIED", former.object, event)))
    back = (place for place in then if place not in now)
    return [*changes, *((place[0], WatchEvent(0, "ADDED", then[place].object, None)) for place in back)]
