"""Buckets: the objects of one stored resource, by their newest events, and who is told of them.

A bucket may keep its objects packed, as small as whoever knows the kind can make them; they are rebuilt when somebody
looks. Watchers are indexed by namespace, or by a field, so that a write finds those whom it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

from k8snb.typing import Object
from k8snb.wire import WatchEvent

Deliver: TypeAlias = Callable[[WatchEvent], None]

_KEPT: Any = vars(WatchEvent)["object"]
"""The place of an event's object, where a packed event keeps what it has instead."""


class PackedEvent(WatchEvent):
    """An event whose object is kept packed and rebuilt when somebody looks (see `Bucket.keep_packed`)."""

    __slots__ = ()
    unpack: ClassVar[Callable[[Any, int], Object]]

    def __init__(self, revision: int, type: str, packed: Any, previous: WatchEvent | None, by: Any = None) -> None:
        self.by = by
        self.revision = revision
        self.type = type
        self.previous = previous
        self.superseded = False
        _KEPT.__set__(self, packed)

    @property
    def object(self) -> Object:  # type: ignore[override]
        return type(self).unpack(_KEPT.__get__(self), self.revision)


def packed_of(event: WatchEvent) -> Any:
    """What is kept of a packed event's object; None for an event that is not packed."""
    return _KEPT.__get__(event) if isinstance(event, PackedEvent) else None


_NO_NAMES: Mapping[str, WatchEvent] = {}


class Bucket:
    """All objects of one stored resource. `changed` is the revision of the last write to it.

    `trigger` names the field by which selective watchers are indexed (a pod's `spec`, `nodeName`), so that a write
    reaches the watchers it concerns and no others. `condense` is told of events, oldest first, before they lose what
    was before them.
    """

    __slots__ = (
        "all",
        "by_namespace",
        "by_trigger",
        "changed",
        "condense",
        "log",
        "made",
        "name",
        "namespaces",
        "pack",
        "stale",
        "tombstones",
        "trigger",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.changed = 0
        self.namespaces: dict[str, dict[str, WatchEvent]] = {}
        self.tombstones: dict[tuple[str, str], WatchEvent] = {}
        self.log: list[WatchEvent] = []
        self.all: tuple[Deliver, ...] = ()
        self.by_namespace: dict[str, tuple[Deliver, ...]] = {}
        self.by_trigger: dict[str, tuple[Deliver, ...]] = {}
        self.trigger: tuple[str, str] | None = None
        self.condense: Callable[[list[WatchEvent]], None] | None = None
        self.pack: Callable[[Object], Any] | None = None
        self.stale: Callable[[Any], bool] | None = None
        """Of what is packed: whether the next write should pack it anew, even if nothing changes."""
        self.made: type[WatchEvent] = WatchEvent
        """What its events are."""

    def keep_packed(self, pack: Callable[[Object], Any], unpack: Callable[[Any, int], Object]) -> None:
        """Store what `pack(object)` gives; `unpack(packed, revision)` gives the object back."""
        self.pack = pack

        class Packed(PackedEvent):
            __slots__ = ()

        Packed.unpack = staticmethod(unpack)
        self.made = Packed

    def is_stale(self, meta: Object) -> bool:
        """Whether an object, by its metadata, is to be written even if nothing about it changes."""
        if self.stale is None:
            return False
        event = self.event(meta.get("namespace", ""), meta["name"])
        return event is not None and self.stale(packed_of(event))

    def __len__(self) -> int:
        return sum(len(names) for names in self.namespaces.values())

    @property
    def watched(self) -> bool:
        """Whether anybody is told of its events."""
        return bool(self.all or self.by_namespace or self.by_trigger)

    def event(self, namespace: str, name: str) -> WatchEvent | None:
        """The newest event of a living object."""
        names = self.namespaces.get(namespace)
        return names.get(name) if names else None

    def names(self, namespace: str) -> Mapping[str, WatchEvent]:
        """The living objects of a namespace by name: their newest events."""
        return self.namespaces.get(namespace, _NO_NAMES)

    def objects(self, namespace: str = "") -> Iterator[Object]:
        """The living objects, of one namespace or of all, in no particular order."""
        chosen = [self.namespaces.get(namespace, {})] if namespace else list(self.namespaces.values())
        return (event.object for names in chosen for event in names.values())

    def deliver(self, event: WatchEvent, namespace: str, but: Deliver | None = None) -> None:
        """Tell the watchers whom the event concerns; `but` is a selective one that knows already."""
        for deliver in self.all:
            deliver(event)
        if self.by_namespace:
            for deliver in self.by_namespace.get(namespace, ()):
                deliver(event)
        if self.by_trigger and self.trigger is not None:
            part, field = self.trigger
            now, last = event.object[part], event.previous
            value = now.get(field)
            if value:
                for deliver in self.by_trigger.get(value, ()):
                    if deliver is not but:
                        deliver(event)
            before = last.object[part] if last is not None and last.type != "DELETED" else now
            if before is not now and (former := before.get(field)) and former != value:
                for deliver in self.by_trigger.get(former, ()):
                    deliver(event)

    def concerned(self, event: WatchEvent) -> Iterator[Deliver]:
        """Whom an event concerns, in the order in which they are told."""
        yield from self.all
        yield from self.by_namespace.get(event.object["metadata"].get("namespace", ""), ())
        if self.trigger is not None:
            part, field = self.trigger
            last = event.previous
            values = [each.object[part].get(field) for each in (event, last) if each is not None]
            for value in dict.fromkeys(filter(None, values)):
                yield from self.by_trigger.get(value, ())

    def subscribe(
        self, deliver: Deliver, namespace: str = "", trigger: str = "", *, first: bool = False
    ) -> Callable[[], None]:
        """Call `deliver` with every event from now on, before all others if it is `first`; returns what stops it."""
        if trigger:
            return _subscribe(self.by_trigger, trigger, deliver)
        if namespace:
            return _subscribe(self.by_namespace, namespace, deliver)
        self.all = (deliver, *self.all) if first else (*self.all, deliver)

        def stop() -> None:
            self.all = tuple(each for each in self.all if each is not deliver)

        return stop


def _subscribe(index: dict[str, tuple[Deliver, ...]], key: str, deliver: Deliver) -> Callable[[], None]:
    index[key] = (*index.get(key, ()), deliver)

    def stop() -> None:
        left = tuple(each for each in index.get(key, ()) if each is not deliver)
        if left:
            index[key] = left
        else:
            index.pop(key, None)

    return stop
