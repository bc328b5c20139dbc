"""The store as it lies there: keys and bytes, behind the API server's back.

This is what `etcdctl` shows to whoever has got hold of the database: keys below `/registry`, and the bytes of the
objects, encrypted or not. Nothing of the cluster looks at it this way; it is for the pages, and for whoever sets up
encryption at rest, which is set up here.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.apiserver.encryption import (
    IDENTITY,
    UNREAD,
    Draw,
    Stored,
    Vault,
    encoded,
    read_configuration,
    registry_key,
    registry_prefix,
)
from k8snb.apiserver.kinds import Kinds
from k8snb.store.bucket import Bucket, packed_of
from k8snb.store.mvcc import Store
from k8snb.typing import Object, Resource
from k8snb.wire import WatchEvent

KEYS = "keys"
"""The bucket of what lies under keys that belong to no kind: its names are the keys."""


class RawStore:
    """Keys and bytes. `draw` gives random bytes for whoever encrypts."""

    def __init__(self, store: Store, kinds: Kinds, draw: Draw) -> None:
        self._store = store
        self._kinds = kinds
        self._draw = draw
        self._vaults: dict[str, Vault] = {}
        self._prefixes: dict[str, str] = {}
        self._others = store.bucket(KEYS)
        self._others.keep_packed(_packed, _unpacked)

    def encrypt(self, config: Object) -> None:
        """Encrypt what a configuration says from now on; what is there stays as it is until it is written again."""
        stored = {each.storage: each for each in self._kinds.scheme}
        chosen = {each.storage: how for each, how in read_configuration(config, stored.values()).items()}
        for storage in chosen:
            if storage not in self._vaults:
                self._lock(stored[storage])
        for storage, vault in self._vaults.items():
            vault.use(chosen.get(storage, (IDENTITY,)))

    def _lock(self, resource: Resource) -> None:
        vault = self._vaults[resource.storage] = Vault(resource, self._draw)
        bucket = self._kinds.of(resource).bucket
        bucket.stale = vault.is_stale
        bucket.keep_packed(vault.seal, vault.open)
        self._store.repack(bucket, vault.plain)

    def key(self, bucket: str, namespace: str, name: str) -> str:
        """The key under which an object of a bucket lies."""
        if bucket == KEYS:
            return name
        prefix = self._prefixes.get(bucket)
        if prefix is None:
            stored = next((each for each in self._kinds.scheme if each.storage == bucket), None)
            if stored is None:
                return f"/registry/{bucket}/{namespace}/{name}"
            prefix = self._prefixes[bucket] = registry_prefix(stored)
        return f"{prefix}{namespace}/{name}" if namespace else prefix + name

    def get(self, key: str) -> bytes | None:
        """The bytes under a key; None if there are none."""
        return next((self.bytes_of(event) for found, event in self.items(key) if found == key), None)

    def items(self, prefix: str) -> Iterator[tuple[str, WatchEvent]]:
        """Keys that begin with a prefix, in order, with the newest event of each."""
        seen: dict[str, Resource] = {}
        for resource in self._kinds.scheme:
            seen.setdefault(resource.storage, resource)
        found = []
        for storage, resource in seen.items():
            place = registry_prefix(resource)
            if place.startswith(prefix) or prefix.startswith(place):
                found += list(self._keys(resource, self._store.bucket(storage), prefix))
        found += [item for item in self._others.names("").items() if item[0].startswith(prefix)]
        yield from sorted(found, key=lambda item: item[0])

    def ever(self, prefix: str) -> Iterator[tuple[str, WatchEvent]]:
        """Keys that begin with a prefix, also those that are deleted, with the newest event of each."""
        yield from self.items(prefix)
        for bucket in self._store.buckets().values():
            for (namespace, name), event in bucket.tombstones.items():
                key = self.key(bucket.name, namespace, name)
                if key.startswith(prefix):
                    yield key, event

    @staticmethod
    def _keys(resource: Resource, bucket: Bucket, prefix: str) -> Iterator[tuple[str, WatchEvent]]:
        for namespace, names in bucket.namespaces.items():
            for name, event in names.items():
                key = registry_key(resource, namespace, name)
                if key.startswith(prefix):
                    yield key, event

    @staticmethod
    def bytes_of(event: WatchEvent) -> bytes:
        """What is stored of an object, by the event of its version."""
        stored = packed_of(event)
        return stored.data if isinstance(stored, Stored) else encoded(event.object)


def _packed(obj: Object) -> Stored:
    """What is kept of a value under a key of no kind."""
    return Stored(obj["metadata"]["name"], obj["value"].encode("latin-1"), UNREAD)


def _unpacked(stored: Stored, revision: int) -> Object:
    meta = {"name": stored.key, "resourceVersion": str(revision)}
    return {"metadata": meta, "value": stored.data.decode("latin-1")}
