"""What was written since a revision, and how another process begins with it: a store that outlives its process.

Nothing is noted while the cluster writes. Whoever keeps a store asks it, when something has to be kept, for the newest
event of every object that has changed; the logs of the buckets know. Only before it forgets, the store says so
(`Store.spare`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import TypeAlias

from k8snb.store.bucket import Bucket
from k8snb.store.mvcc import Store
from k8snb.wire import WatchEvent

Changes: TypeAlias = Mapping[tuple[str, str], WatchEvent]
"""By namespace and name, what became of an object: its newest event, which may be its deletion."""


def changes(bucket: Bucket, revision: int) -> Changes:
    """The objects of a bucket that were written after a revision, in the order in which they were written last."""
    found: dict[tuple[str, str], WatchEvent] = {}
    if bucket.changed > revision:
        for event in bucket.log[bisect_right(bucket.log, revision, key=_revision) :]:
            if not event.superseded:
                meta = event.object["metadata"]
                key = (meta.get("namespace", ""), meta["name"])
                found.pop(key, None)
                found[key] = event
    return found


def everything(bucket: Bucket) -> Changes:
    """All living objects of a bucket."""
    return {(space, name): event for space, names in bucket.namespaces.items() for name, event in names.items()}


def expiries(store: Store, bucket: Bucket, revision: int) -> Mapping[int, int]:
    """Of what was written to a bucket after a revision: the lease that holds it, by the revision of the write."""
    found: dict[int, int] = {}
    for slot, lease in store.leased.items():
        held = lease.get(bucket, ())
        for event in held[bisect_right(held, revision, key=_revision) :]:
            found[event.revision] = slot
    return found


def restore(store: Store, bucket: Bucket, event: WatchEvent, namespace: str, name: str, lease: int) -> None:
    """Put an object in place as another process left it, and tell those who follow from the first revision on."""
    bucket.namespaces.setdefault(namespace, {})[name] = event
    bucket.changed = max(bucket.changed, event.revision)
    if lease:
        store.leased.of(bucket, 0, lease).append(event)
    bucket.deliver(event, namespace)


def _revision(event: WatchEvent) -> int:
    return event.revision
