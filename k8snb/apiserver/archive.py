"""Stored objects as records that outlive the process, and back.

A record has the object as it is stored, in JSON, or as the bytes that encryption made of it: what is ciphertext in the
store is ciphertext in the file, and who opens that needs the same EncryptionConfiguration. Beside it lies who owns its
fields. In memory that follows from the object's past (`ownership`); the past is not kept, so the outcome is, as etcd
would have it. It is worked out when a version is kept, and read back when somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from k8snb.apiserver.encryption import PREFIX, UNREAD, Stored, registry_key
from k8snb.apiserver.kinds import Kind, Kinds
from k8snb.apiserver.ownership import History, Known
from k8snb.errors import StatusError, internal
from k8snb.i18n import _
from k8snb.machinery.managed.managers import encoded
from k8snb.store.bucket import Bucket, packed_of
from k8snb.store.keeping import Changes, changes, everything, expiries, restore
from k8snb.store.ledger import Key, Record
from k8snb.store.mvcc import Store
from k8snb.typing import Resource
from k8snb.wire import WatchEvent

_OWN_AUTHOR = "events"
"""What tells itself who made it."""


class CannotRead(Exception):
    """Why a record cannot be made an object of."""


class Archive:
    """The records of one API server."""

    def __init__(self, store: Store, kinds: Kinds, history: History) -> None:
        self._store = store
        self._kinds = kinds
        self._history = history
        self._rows: dict[str, Resource] = {}
        kinds.named(_OWN_AUTHOR)  # events are few bytes from the beginning
        kinds.named("pods")

    # -- keeping -----------------------------------------------------------------------------------

    def written(self, revision: int) -> Iterator[tuple[Key, Record | None]]:
        """What has changed since a revision: the newest record of each object, None for one that is gone."""
        for bucket in [*self._store.buckets().values()]:
            yield from self._records(bucket, changes(bucket, revision), revision)

    def all(self) -> Iterator[tuple[Key, Record | None]]:
        """Every object there is."""
        for bucket in [*self._store.buckets().values()]:
            yield from self._records(bucket, everything(bucket), 0)

    def _records(self, bucket: Bucket, found: Changes, revision: int) -> Iterator[tuple[Key, Record | None]]:
        if not found:
            return
        leases = expiries(self._store, bucket, revision)
        for (namespace, name), event in found.items():
            key = (bucket.name, namespace, name)
            gone = event.type == "DELETED"
            yield key, None if gone else self.record(key, event, leases.get(event.revision, 0))

    def record(self, key: Key, event: WatchEvent, lease: int) -> Record:
        """The record of one version of an object, and of the lease that it ends with."""
        bucket, packed = self._store.bucket(key[0]), packed_of(event)
        sealed = isinstance(packed, Stored) and packed.data.startswith(PREFIX) and bucket.stale is not None
        body = packed.data if sealed else orjson.dumps(event.object)
        return Record(*key, event.revision, lease, self._owners(bucket, event), body)

    def _owners(self, bucket: Bucket, event: WatchEvent) -> bytes:
        kind = self._kind(bucket)
        if kind is None or (event.by is None and bucket.name == _OWN_AUTHOR):
            return b""
        if isinstance(event.by, Known) and event.by.kept:
            return event.by.kept
        return orjson.dumps(encoded(self._history.owners(kind, event)))

    def _kind(self, bucket: Bucket) -> Kind | None:
        """Any of the kinds whose objects are in a bucket; None once there is none."""
        row = self._rows.get(bucket.name)
        if row is None or row.definition is not None:  # definitions come, change and go
            self._rows = {each.storage: each for each in [*self._kinds.scheme][::-1]}  # the first is the stored one
            row = self._rows.get(bucket.name)
        return None if row is None else self._kinds.of(row)

    # -- coming back -------------------------------------------------------------------------------

    def restore(self, record: Record) -> None:
        """Put an object back as it was; raises CannotRead."""
        bucket, event = self._store.bucket(record.bucket), self.event(record)
        restore(self._store, bucket, event, record.namespace, record.name, record.expires)
        kind = self._kind(bucket)
        if kind is not None:
            kind.strategy.take_back(event.object)

    def event(self, record: Record) -> WatchEvent:
        """The version of an object that a record is of; raises CannotRead."""
        bucket = self._store.bucket(record.bucket)
        by = Known.of(record.owners) if record.owners else None
        try:
            event = bucket.made(record.revision, "ADDED", self._packed(bucket, record), None, by)
            assert event.object  # what is encrypted is read now
        except StatusError as error:
            told = _("{bucket} {namespace}/{name} is encrypted: {why}")
            why = error.message.rpartition(": ")[2]
            raise CannotRead(told.format(**record._asdict(), why=why)) from None
        return event

    def _packed(self, bucket: Bucket, record: Record) -> Any:
        if not record.body.startswith(PREFIX):
            obj = orjson.loads(record.body)
            return obj if bucket.pack is None else bucket.pack(obj)
        kind = self._kind(bucket)
        if kind is None or bucket.stale is None:
            raise internal(_("there is no configuration for it"))
        return Stored(registry_key(kind.resource, record.namespace, record.name), record.body, UNREAD)
