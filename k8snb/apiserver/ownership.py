"""Who owns which fields of a stored object, worked out when somebody looks.

A write keeps only who made it: the store's event points to a `Write`, and all updates of one part of the cluster within
a second share one. What an object's `managedFields` are follows from its chain of events: each write takes what it
changed (`History.owners`). So writing costs nothing for it, and the answer depends on nothing but the past.

Where the chain cannot tell, the event says the outcome itself (`Known`): after an apply, and where a client sent
`managedFields`. When the store forgets, what is left of the past goes into a `Past`: the parts of the object that each
run of writes by one manager replaced. What came from outside is worked out at that moment instead. Pods are many, so
their events hold a `Past` from the start (`follow`), which pods of one template share.

Only clients outside the process see `metadata.managedFields`; stored objects do not have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.resetting import reset_fields
from k8snb.machinery.managed.managers import NOBODY, Owners, Writer, created, decoded, encoded, same, updated
from k8snb.store.bucket import Bucket
from k8snb.typing import Object
from k8snb.wire import WatchEvent

REMEMBERED = 16_384
"""Of how many versions of objects the outcome is remembered."""
FIRST_REVISION = 1
MAX_RUNS = 12
"""After how many runs of writes a past is worked out."""
_META = ("labels", "annotations", "ownerReferences", "finalizers")
_ABSENT: Any = object()


class Write:
    """A write whose author is known. `asked` is the object as it was sent, where the server added to it."""

    __slots__ = ("asked", "of_status", "owners", "then", "writer")

    def __init__(self, writer: Writer, asked: Object | None = None) -> None:
        self.writer = writer
        self.asked = asked
        self.of_status = asked is None and writer.subresource == "status"
        self.owners: Owners | None = None
        self.then: dict[Any, Past] | None = None


class Known:
    """A write after which the owners are known. What another process `kept` of them is read when somebody looks."""

    __slots__ = ("_owners", "kept")

    def __init__(self, owners: Owners | None, kept: bytes = b"") -> None:
        self._owners = owners
        self.kept = kept
        """The owners as a list in JSON, where they were read from one."""

    @staticmethod
    @lru_cache(maxsize=REMEMBERED)
    def of(kept: bytes) -> Known:
        """The write after which the owners were these; objects that have them in common share it."""
        return Known(None, kept)

    @property
    def owners(self) -> Owners:
        """Who owns what."""
        if self._owners is None:
            self._owners = decoded(orjson.loads(self.kept)) or NOBODY
        return self._owners


Changed: TypeAlias = tuple[tuple[str, Any], ...]
"""Parts of an object as they were before: `spec`, or `.labels` for one of the metadata."""


class Past:
    """A run of writes by one manager whose events are forgotten, and what was before."""

    __slots__ = ("after", "changed", "depth", "earlier", "then", "write")

    def __init__(self, write: Write | None, changed: Changed, earlier: By, after: Object | None = None) -> None:
        self.write = write
        self.changed = changed
        self.earlier = earlier
        self.after = after
        self.then: dict[Any, Past] | None = None
        self.depth: int = earlier.depth + 1 if isinstance(earlier, Past) else 1


By: TypeAlias = "Write | Known | Past | None"


# -- what ----------------------------------------------------------------------------------------------


class History:
    """Works out owners from events, remembers some, and condenses what the store forgets."""

    def __init__(self) -> None:
        self._owners: dict[int, Owners] = {}
        self._shown: dict[int, tuple[Object, Object]] = {}
        self._pasts: dict[tuple[Any, ...], Past] = {}

    def shown(self, kind: Kind, obj: Object) -> Object:
        """A stored object as clients outside see it: with its managed fields."""
        known = self._shown.get(id(obj))
        return known[1] if known is not None and known[0] is obj else self._show(kind, obj)

    def all_shown(self, kind: Kind, objects: Sequence[Object]) -> list[Object]:
        """The same for many."""
        seen = self._shown
        return [
            known[1] if (known := seen.get(id(obj))) is not None and known[0] is obj else self._show(kind, obj)
            for obj in objects
        ]

    def _show(self, kind: Kind, obj: Object) -> Object:
        meta = obj["metadata"]
        revision = int(meta.get("resourceVersion") or 0)
        event = _event(kind.bucket, meta.get("namespace", ""), meta["name"], revision)
        found = obj if event is None else with_owners(obj, self.owners(kind, event))
        if not kind.converted:
            _remember(self._shown, id(obj), (obj, found))
        return found

    def live(self, kind: Kind, old: Object) -> Owners:
        """The owners of an object as it is stored now."""
        meta = old["metadata"]
        event = kind.bucket.event(meta.get("namespace", ""), meta["name"])
        return NOBODY if event is None else self.owners(kind, event)

    def moves(self, kind: Kind, old: Object, by: By) -> bool:
        """Whether owners change although the object does not."""
        return isinstance(by, Known) and not same(by.owners, self.live(kind, old))

    def previewed(self, kind: Kind, old: Object | None, new: Object, by: By) -> Object:
        """An object that is not stored, with the managed fields that it would have."""
        if old is None:
            return with_owners(new, self._created(kind, by, new))
        return with_owners(new, self._after(kind, self.live(kind, old), old, new, by))

    def owners(self, kind: Kind, event: WatchEvent) -> Owners:
        """The owners of the object as an event left it."""
        newer: list[WatchEvent] = []
        at = event
        while (state := self._start(kind, at)) is None:
            newer.append(at)
            assert at.previous is not None
            at = at.previous
        for each in reversed(newer):
            assert each.previous is not None
            state = self._after(kind, state, each.previous.object, each.object, each.by)
        if event.revision != FIRST_REVISION:  # what is there from the start has no revision of its own
            _remember(self._owners, event.revision, state)
        return state

    def _start(self, kind: Kind, event: WatchEvent) -> Owners | None:
        """The owners if they can be told without the event before."""
        known = self._owners.get(event.revision)
        if known is not None:
            return known
        by = event.by
        if isinstance(by, Known):
            return by.owners
        if isinstance(by, Past):
            return self._unrolled(kind, by, event.object)
        if event.type == "ADDED" or event.previous is None:
            return self._created(kind, by, event.object)
        return None

    def _created(self, kind: Kind, by: By, obj: Object) -> Owners:
        if isinstance(by, Known):
            return by.owners
        if not isinstance(by, Write):
            return _recorded(kind, obj)
        if by.owners is not None:
            return by.owners
        owners = created(by.asked or obj, kind.shape, by.writer, reset_fields(kind.resource, by.writer.subresource))
        if by.asked is not None:
            by.owners = owners
        return owners

    def _after(self, kind: Kind, owners: Owners, old: Object, new: Object, by: By) -> Owners:
        if isinstance(by, Known):
            return by.owners
        return self.after(kind, owners, old, by.asked or new, by.writer) if isinstance(by, Write) else owners

    @staticmethod
    def after(kind: Kind, owners: Owners, old: Object, asked: Object, writer: Writer) -> Owners:
        """The owners after an update."""
        return updated(owners, old, asked, kind.shape, writer, reset_fields(kind.resource, writer.subresource))

    # -- forgetting --------------------------------------------------------------------------------

    @staticmethod
    def follow(event: WatchEvent) -> None:
        """Give the newest event of a pod its whole past, if the pod went the usual way: created, bound, run.

        A run of writes by one manager counts as one. Pods that shared everything so far share this too (`then`).
        """
        before, by = event.previous, event.by
        assert before is not None
        earlier, old, new = before.by, before.object, event.object
        if type(earlier) is Past:
            if type(by) is not Write or not by.of_status:
                return
            key: Any = by
        elif by is None and type(earlier) is Write:
            key = id(new["status"])
        else:
            return
        one, other = old["metadata"], new["metadata"]
        if one.get("labels") is not other.get("labels") or one.get("annotations") is not other.get("annotations"):
            return
        then = earlier.then
        if then is None:
            then = earlier.then = {}
        past = then.get(key)
        if past is None or (by is None and past.after is not new["status"]):
            past = then[key] = _past(earlier, old, new, by)
        event.by = past

    def condense(self, kind: Kind, events: Sequence[WatchEvent]) -> None:
        """Prepare events, oldest first, for the loss of what was before them."""
        passed: set[WatchEvent] = set()
        for event in reversed(events):
            if event.previous is None or event.type != "MODIFIED" or type(event.by) is Past or event in passed:
                continue
            chain = [event]
            while chain[-1].type == "MODIFIED" and (before := chain[-1].previous) is not None:
                chain.append(before)
                passed.add(before)
                if type(before.by) is Past:
                    break
            event.by = self._condensed(kind, chain)

    def _condensed(self, kind: Kind, chain: Sequence[WatchEvent]) -> By:
        """The past of the first event of a chain that leads back."""
        by: By = chain[-1].by
        for newer, older in zip(chain[-2::-1], chain[:0:-1], strict=True):
            by = self._step(kind, by, older.object, newer.object, newer.by)
        return by

    def _step(self, kind: Kind, earlier: By, old: Object, new: Object, by: By) -> By:
        if isinstance(by, Known):
            return by
        changed = _changed(new, old)
        if isinstance(by, Write) and by.asked is not None:
            return Known(self._after(kind, self._of(kind, earlier, old), old, new, by))
        assert not isinstance(by, Past)
        if isinstance(earlier, Past) and _same_author(earlier.write, by):
            changed = _joined(earlier.changed, changed)
            earlier = earlier.earlier
        past = self._shared(by, changed, earlier)
        return past if past.depth <= MAX_RUNS else Known(self._of(kind, past, new))

    def _of(self, kind: Kind, by: By, obj: Object) -> Owners:
        return self._unrolled(kind, by, obj) if isinstance(by, Past) else self._created(kind, by, obj)

    def _unrolled(self, kind: Kind, past: Past, obj: Object) -> Owners:
        """The owners of an object with a past."""
        runs: list[tuple[Past, Object]] = []
        at: By = past
        while isinstance(at, Past):
            runs.append((at, obj))
            obj = _restored(obj, at.changed)
            at = at.earlier
        owners = self._created(kind, at, obj)
        for run, after in reversed(runs):
            owners = self._after(kind, owners, obj, after, run.write)
            obj = after
        return owners

    def _shared(self, write: Write | None, changed: Changed, earlier: By) -> Past:
        key = (id(write), id(earlier), *[id(value) for _, value in changed])
        found = self._pasts.get(key)
        if found is None:
            if len(self._pasts) >= REMEMBERED:
                self._pasts.clear()
            found = self._pasts[key] = Past(write, changed, earlier)
        return found


def next_past(event: WatchEvent, by: Write | None, bound: Object | None = None) -> Past | None:
    """What `follow` is going to give the next event of a pod: a status by that author or, without one, its binding.

    None where it has not done so yet for a pod that shares its past with this one.
    """
    earlier: Any = event.by
    if type(earlier) is not (Past if bound is None else Write) or earlier.then is None:
        return None
    past: Past | None = earlier.then.get(by if bound is None else id(bound))
    return past if bound is None or (past is not None and past.after is bound) else None


def with_owners(obj: Object, owners: Owners) -> Object:
    """The object with `metadata.managedFields`."""
    if not owners:
        return obj
    return {**obj, "metadata": {**obj["metadata"], "managedFields": encoded(owners)}}


def _event(bucket: Bucket, namespace: str, name: str, revision: int) -> WatchEvent | None:
    event = bucket.event(namespace, name) or bucket.tombstones.get((namespace, name))
    while event is not None and event.revision > revision:
        event = event.previous
    return event if event is not None and event.revision == revision else None


def founded(obj: Object) -> Write:
    """The write of an object that is there from the start."""
    return Write(Writer("kube-apiserver", obj["apiVersion"], "", obj["metadata"].get("creationTimestamp")))


def _recorded(kind: Kind, obj: Object) -> Owners:
    """The owners of an object that no write is kept of: an event is its recorder's."""
    if kind.resource.storage != "events":
        return NOBODY
    name = (obj.get("source") or {}).get("component") or obj.get("reportingComponent", "")
    return created(obj, kind.shape, Writer(name, "v1", "", obj["metadata"].get("creationTimestamp")))


def _remember(table: dict[Any, Any], key: Any, value: Any) -> None:
    """Keep a value for as long as there is room."""
    if len(table) >= REMEMBERED:
        del table[next(iter(table))]
    table[key] = value


def _same_author(one: Write | None, other: Write | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or one.writer[:3] == other.writer[:3]


def _past(earlier: Write | Past, old: Object, new: Object, by: Write | None) -> Past:
    """The past of a pod that has just been bound (`by` is None) or whose status was written."""
    status = ("status", old.get("status", _ABSENT))
    if by is None:
        return Past(None, (("spec", old["spec"]), status), earlier, new["status"])
    if isinstance(earlier, Past) and _same_author(earlier.write, by):
        return Past(by, earlier.changed, earlier.earlier)
    return Past(by, (status,), earlier)


def _changed(new: Object, old: Object) -> Changed:
    """The parts of the old object that the new one does not share."""
    found = [(key, old.get(key, _ABSENT)) for key in new if new[key] is not old.get(key) and key != "metadata"]
    if len(old) > len(new) - len(found):
        found += [(key, value) for key, value in old.items() if key not in new]
    after, before = new["metadata"], old["metadata"]
    for key in _META:
        if after.get(key) is not before.get(key):
            found.append((f".{key}", before.get(key, _ABSENT)))
    return tuple(found)


def _joined(older: Changed, newer: Changed) -> Changed:
    """The parts that two changes in a row replaced, as they were before both."""
    known = {key for key, _ in older}
    more = tuple([each for each in newer if each[0] not in known])
    return older + more if more else older


def _restored(obj: Object, changed: Changed) -> Object:
    """The object with parts of it as they were."""
    made = dict(obj)
    meta: dict[str, Any] = dict(obj["metadata"])
    for key, value in changed:
        place, name = (meta, key[1:]) if key[0] == "." else (made, key)
        if value is _ABSENT:
            place.pop(name, None)
        else:
            place[name] = value
    return {**made, "metadata": meta}
