"""A snapshot: every key that a member had at one moment, and the revision of that moment.

Restored, it founds a group anew. Its keys have the revisions that they had; the revision counter goes on from where it
was then, or from further up (`--bump-revision`), so that no revision is given twice.

Source: etcd `etcdutl/snapshot/v3_snapshot.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from k8snb.etcd.keyspace import KeyValue
from k8snb.wire import WatchEvent


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `etcdctl snapshot save` saves."""

    revision: int
    compacted: int
    keys: Mapping[str, KeyValue]
    size: int
    hash: int
    total: int
    """How many versions there are, of all keys together."""
    leases: Mapping[int, int]
    """The leases that clients were granted: by number, for how many seconds."""

    def living(self) -> dict[str, dict[tuple[str, str], WatchEvent]]:
        """The newest version of every object, by bucket, namespace and name."""
        found: dict[str, dict[tuple[str, str], WatchEvent]] = {}
        for value in self.keys.values():
            bucket, namespace, name = value.place
            found.setdefault(bucket, {})[namespace, name] = value.event
        return found

    def leased(self) -> list[tuple[str, WatchEvent, int]]:
        """What vanishes after a time, with its bucket and its lease."""
        return [(value.place[0], value.event, value.lease) for value in self.keys.values() if value.lease]
