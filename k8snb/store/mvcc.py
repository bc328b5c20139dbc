"""Multi-version storage: one global revision, a history per object, and a log per bucket.

Every write is one `WatchEvent`. The newest event of an object is what `get` finds; its `previous` chain
is the object's history; the log of its bucket (`bucket`), ordered by revision, is what a watch replays. So a revision
costs one small event, whatever shares between two versions of an object stays shared, and a snapshot of
any revision still kept costs nothing: it is the same chains, walked a little further back.

`history` bounds how many revisions are kept; older ones are compacted in strides, and asking for them
raises `Compacted`. Objects are immutable by contract. With `debug=True` the store remembers what each
object looked like when it was written, and `verify()` names the ones that somebody changed since.

Upstream: etcd `server/storage/mvcc` and apiserver `pkg/storage/etcd3`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import orjson

from k8snb.clock import Clock
from k8snb.store.agreement import Agreement, Write
from k8snb.store.bucket import Bucket, Deliver
from k8snb.store.leased import Leased
from k8snb.typing import Object
from k8snb.wire import WatchEvent

Fresh: TypeAlias = Mapping[str, Any]
"""An object that nobody else holds yet, with metadata that nobody else holds: the store may stamp it.

One that is a `WatchEvent` itself (`machinery/recorded.py`) is stamped with its revision and kept as it is.
"""


class Compacted(Exception):
    """The revision asked for has been compacted; `compacted` is the oldest that is left."""

    def __init__(self, revision: int, compacted: int) -> None:
        super().__init__(f"required revision has been compacted: {revision} < {compacted}")
        self.revision = revision
        self.compacted = compacted


class FutureRevision(Exception):
    """The revision asked for has not happened yet."""


class Store:
    """Buckets under one revision counter. All of it lives in one thread; there is nothing to lock."""

    def __init__(self, clock: Clock, *, history: int = 50_000, debug: bool = False) -> None:
        self.revision = 1
        self.compacted = 1
        self.agreement: Agreement | None = None
        """Who has to agree to a write first; nobody where the store is alone."""
        self.spare: Callable[[], None] | None = None
        """Called before anything is forgotten: who keeps what was written (`keeping`) has to do so now."""
        self._history = history
        self._stride = max(256, history // 4)
        self._next_compaction = history + self._stride
        self._buckets: dict[str, Bucket] = {}
        self.leased = Leased(clock, self.delete)
        """What goes after a time."""
        self._digests: list[tuple[WatchEvent, bytes]] | None = [] if debug else None

    def bucket(self, name: str) -> Bucket:
        """The bucket of that name, made when first asked for."""
        found = self._buckets.get(name)
        if found is None:
            found = self._buckets[name] = Bucket(name)
        return found

    def buckets(self) -> Mapping[str, Bucket]:
        """Every bucket that was ever asked for, by name."""
        return self._buckets

    # -- reading -----------------------------------------------------------------------------------

    def get(self, bucket: Bucket, namespace: str, name: str, revision: int | None = None) -> Object | None:
        """The object as it is, or as it was at a revision; None where it does not exist."""
        event = bucket.event(namespace, name)
        if revision is None:
            return event.object if event else None
        self.require(revision)
        return _at(event or bucket.tombstones.get((namespace, name)), revision)

    def scan(self, bucket: Bucket, namespace: str = "", revision: int | None = None) -> list[Object]:
        """The objects of a namespace (or of all) in key order, as they are or as they were at a revision."""
        if revision is None or revision == self.revision:
            return [event.object for event in self._events(bucket, namespace)]
        self.require(revision)
        found: dict[tuple[str, str], Object] = {}
        chosen = [namespace] if namespace else list(bucket.namespaces)
        for space in chosen:
            for name, event in bucket.namespaces.get(space, {}).items():
                if (obj := _at(event, revision)) is not None:
                    found[space, name] = obj
        for (space, name), event in bucket.tombstones.items():
            if (not namespace or space == namespace) and (obj := _at(event, revision)) is not None:
                found[space, name] = obj
        return [found[key] for key in sorted(found)]

    @staticmethod
    def _events(bucket: Bucket, namespace: str) -> Iterator[WatchEvent]:
        for space in [namespace] if namespace else sorted(bucket.namespaces):
            names = bucket.namespaces.get(space, {})
            for name in sorted(names):
                yield names[name]

    def require(self, revision: int) -> None:
        """Raise unless the revision is still kept (`Compacted`) and has happened (`FutureRevision`)."""
        if revision < self.compacted:
            raise Compacted(revision, self.compacted)
        if revision > self.revision:
            raise FutureRevision(f"revision {revision} has not happened; the newest is {self.revision}")

    def history(self, bucket: Bucket, namespace: str, name: str) -> list[WatchEvent]:
        """The events of one object that are still kept, oldest first, across deletions and re-creations."""
        event = bucket.event(namespace, name) or bucket.tombstones.get((namespace, name))
        events: list[WatchEvent] = []
        while event is not None:
            events.append(event)
            event = event.previous
        return events[::-1]

    def since(self, bucket: Bucket, revision: int) -> list[WatchEvent]:
        """The bucket's events after a revision, oldest first."""
        if revision < self.compacted:
            raise Compacted(revision, self.compacted)
        return bucket.log[bisect_right(bucket.log, revision, key=_revision) :]

    # -- writing -----------------------------------------------------------------------------------

    def load(self, bucket: Bucket, obj: Object, by: Any = None) -> None:
        """Put an object in place that is there from the first revision on, as it is and without telling anybody."""
        meta = obj["metadata"]
        event = WatchEvent(1, "ADDED", obj, None, by)
        bucket.namespaces.setdefault(meta.get("namespace", ""), {})[meta["name"]] = event
        bucket.log.append(event)
        bucket.changed = 1
        if self._digests is not None:
            self._digests.append((event, _digest(obj)))

    def create(
        self, bucket: Bucket, namespace: str, name: str, obj: Fresh, ttl: float = 0, by: Any = None, lease: int = 0
    ) -> WatchEvent:
        """Store a new object; the caller has made sure that there is none of the name.

        `ttl`: seconds after which it vanishes unless written again; 0 keeps it. `by` is kept with the event. `lease`
        is one that a client of etcd was granted.
        """
        if self.agreement is not None:
            perform = partial(self._create, bucket, namespace, name, obj, ttl, by, lease)
            return self.agreement.write(Write("ADDED", bucket.name, namespace, name, 0, ttl, perform, lease))
        return self._create(bucket, namespace, name, obj, ttl, by, lease)

    def _create(
        self, bucket: Bucket, namespace: str, name: str, obj: Fresh, ttl: float, by: Any, lease: int
    ) -> WatchEvent:
        names = bucket.namespaces.get(namespace)
        if names is None:
            names = bucket.namespaces[namespace] = {}
        previous = bucket.tombstones.pop((namespace, name), None) if bucket.tombstones else None
        event = self._commit(bucket, namespace, "ADDED", obj, previous, by)
        names[name] = event
        if ttl or lease:
            self.leased.of(bucket, ttl, lease).append(event)
        return event

    def create_all(self, bucket: Bucket, namespace: str, objects: Mapping[str, Any], ttl: float = 0) -> None:
        """Store new objects of one namespace by name, each as `create` does it; they are their own events.

        Where nobody watches, that is no more than an entry in each book.
        """
        if not objects:
            return
        if self.agreement is not None:
            for name, obj in objects.items():
                self.create(bucket, namespace, name, obj, ttl)
            return
        names = bucket.namespaces.setdefault(namespace, {})
        held = self.leased.of(bucket, ttl) if ttl else []
        if bucket.watched or bucket.tombstones or self._digests is not None:
            for name, obj in objects.items():
                previous = bucket.tombstones.pop((namespace, name), None)
                names[name] = event = self._commit(bucket, namespace, "ADDED", obj, previous)
                held.append(event)
            return
        events, revision = objects.values(), self.revision
        for revision, event in enumerate(events, revision + 1):  # noqa: B020
            event.revision = revision
        names.update(objects)
        bucket.log.extend(events)
        held.extend(events)
        self.revision = bucket.changed = revision
        if revision >= self._next_compaction:
            self.compact(revision - self._history)

    def update(
        self,
        bucket: Bucket,
        namespace: str,
        name: str,
        obj: Fresh,
        ttl: float = 0,
        by: Any = None,
        but: Deliver | None = None,
        lease: int = 0,
    ) -> WatchEvent:
        """Store a new version of an object that exists; `but` is a watcher who knows of it already."""
        if self.agreement is not None:
            at = self._at(bucket, namespace, name)
            perform = partial(self._update, bucket, namespace, name, obj, ttl, by, but, lease)
            return self.agreement.write(Write("MODIFIED", bucket.name, namespace, name, at, ttl, perform, lease))
        return self._update(bucket, namespace, name, obj, ttl, by, but, lease)

    def _update(
        self,
        bucket: Bucket,
        namespace: str,
        name: str,
        obj: Fresh,
        ttl: float,
        by: Any,
        but: Deliver | None,
        lease: int,
    ) -> WatchEvent:
        names = bucket.namespaces[namespace]
        previous = names[name]
        event = self._commit(bucket, namespace, "MODIFIED", obj, previous, by, but)
        previous.superseded = True
        names[name] = event
        if ttl or lease:
            self.leased.of(bucket, ttl, lease).append(event)
        return event

    def delete(self, bucket: Bucket, namespace: str, name: str, obj: Fresh | None = None) -> WatchEvent:
        """Remove an object; `obj` is its last state where the deletion itself changed it."""
        if self.agreement is not None:
            at, perform = self._at(bucket, namespace, name), partial(self._delete, bucket, namespace, name, obj)
            return self.agreement.write(Write("DELETED", bucket.name, namespace, name, at, 0, perform))
        return self._delete(bucket, namespace, name, obj)

    def remove(self, bucket: Bucket, namespace: str, name: str) -> WatchEvent:
        """Remove an object on whose end has been agreed already."""
        return self._delete(bucket, namespace, name, None)

    @staticmethod
    def _at(bucket: Bucket, namespace: str, name: str) -> int:
        return bucket.namespaces[namespace][name].revision

    def _delete(self, bucket: Bucket, namespace: str, name: str, obj: Fresh | None) -> WatchEvent:
        names = bucket.namespaces[namespace]
        previous = names.pop(name)
        if not names:
            del bucket.namespaces[namespace]
        last = obj if obj is not None else previous.object
        event = self._commit(bucket, namespace, "DELETED", {**last, "metadata": {**last["metadata"]}}, previous)
        bucket.tombstones[namespace, name] = event
        return event

    def _commit(
        self,
        bucket: Bucket,
        namespace: str,
        type: str,
        obj: Fresh,
        previous: WatchEvent | None,
        by: Any = None,
        but: Deliver | None = None,
    ) -> WatchEvent:
        self.revision = revision = self.revision + 1
        event: WatchEvent
        if isinstance(obj, WatchEvent):
            event = obj
            event.revision, event.previous = revision, previous
        else:
            obj["metadata"]["resourceVersion"] = str(revision)
            event = bucket.made(revision, type, obj if bucket.pack is None else bucket.pack(obj), previous, by)
        bucket.changed = revision
        bucket.log.append(event)
        if self._digests is not None:
            self._digests.append((event, _digest(event.object)))
        if bucket.all or bucket.by_namespace or bucket.by_trigger:
            bucket.deliver(event, namespace, but)
        if revision >= self._next_compaction:
            self.compact(revision - self._history)
        return event

    def repack(self, bucket: Bucket, pack: Callable[[Object], Any]) -> None:
        """Keep the living objects packed, which so far were not; they are the same objects at the same revisions."""
        anew: dict[int, WatchEvent] = {}
        for names in bucket.namespaces.values():
            for name, event in names.items():
                fresh = bucket.made(event.revision, event.type, pack(event.object), event.previous, event.by)
                anew[id(event)] = names[name] = fresh
        bucket.log[:] = [anew.get(id(event), event) for event in bucket.log]
        self.leased.replace(bucket, anew)

    # -- watching ----------------------------------------------------------------------------------

    @staticmethod
    def watch(bucket: Bucket, deliver: Deliver, *, namespace: str = "", trigger: str = "") -> Callable[[], None]:
        """Call `deliver` with every event from now on; returns what stops it.

        `deliver` is called while the write is under way: it may take note of the event, and nothing else.
        """
        return bucket.subscribe(deliver, namespace, trigger)

    # -- forgetting --------------------------------------------------------------------------------

    def compact(self, revision: int) -> None:
        """Forget every version that no read at `revision` or later can see."""
        if revision <= self.compacted:
            return
        self.require(revision)
        if self.spare is not None:
            self.spare()
        self.compacted = revision
        self._next_compaction = self.revision + self._stride
        if self.agreement is not None:
            self.agreement.compact(revision)
        for bucket in self._buckets.values():
            if bucket.log and bucket.log[0].revision <= revision:
                self._compact(bucket, revision)
        if self._digests is not None:
            self._digests = [(e, d) for e, d in self._digests if e.revision > revision]

    @staticmethod
    def _compact(bucket: Bucket, revision: int) -> None:
        cut = bisect_right(bucket.log, revision, key=_revision)
        passed = bucket.log[:cut]
        if bucket.condense is not None:
            bucket.condense(passed)
        for event in passed:
            event.previous = None
            if event.type == "DELETED":
                meta = event.object["metadata"]
                key = (meta.get("namespace", ""), meta["name"])
                if bucket.tombstones.get(key) is event:
                    del bucket.tombstones[key]
        del bucket.log[:cut]

    def put_back(self, revision: int, forget: bool) -> None:
        """Go on counting from a revision, at which the buckets have been put back (`restoring.py`)."""
        self.revision = revision
        self.compacted = min(self.compacted, revision)
        self._next_compaction = revision + self._history + self._stride
        if forget:
            self.compact(revision)

    # -- proving -----------------------------------------------------------------------------------

    def verify(self) -> list[str]:
        """In debug mode: the objects that somebody changed after they were written. Empty if all is well."""
        if self._digests is None:
            raise RuntimeError("the store does not keep digests; make it with debug=True")
        return [repr(event) for event, digest in self._digests if _digest(event.object) != digest]


def _at(event: WatchEvent | None, revision: int) -> Object | None:
    while event is not None and event.revision > revision:
        event = event.previous
    return None if event is None or event.type == "DELETED" else event.object


def _revision(event: WatchEvent) -> int:
    return event.revision


def _digest(obj: Object) -> bytes:
    return orjson.dumps(obj, option=orjson.OPT_SORT_KEYS)
