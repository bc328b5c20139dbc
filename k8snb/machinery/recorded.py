"""Events as recorders make them: an object in its most compact form.

There are more events than anything else, and those of one recorder differ in little: the name of their object,
the words, the time. A `RecordedEvent` keeps that and points to a `Shape` for everything else. It is an `Object`
like any other (a mapping that never changes); `whole()` is the same as a plain dictionary. It is
well-formed by construction, so the server has only its name and namespace to check, and it is stored as it is: the
store stamps its revision on it, and it is the `WatchEvent` of its own coming.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from k8snb.typing import Object
from k8snb.wire import WatchEvent

About: TypeAlias = tuple[str, str, str]
"""Name, UID and resource version of the object that an event is about."""


class Shape:
    """What the events of one recorder, reason and kind of object have in common."""

    __slots__ = ("about", "event", "namespace")

    def __init__(self, namespace: str, event: Object, about: Object) -> None:
        self.namespace = namespace
        self.event = event
        """The fields of the event itself that do not vary."""
        self.about = about
        """Those of its `involvedObject`."""


class RecordedEvent(WatchEvent, Mapping[str, Any]):
    """One event, and what the store keeps of its coming: it is its own watch event.

    What the server adds when it stores it follows from the revision (`whole`), which is 0 until then.

    It is named after its object and a number that no other event of the cluster has, as upstream. `seen` is
    `firstTimestamp` and `lastTimestamp` (whole seconds); an event of the newer kind has `at` instead, its `eventTime`
    in microseconds. `about` is name, UID and resource version of the object it is about.
    """

    __slots__ = ("about", "at", "message", "name", "seen", "shape")

    def __init__(self, shape: Shape, number: int, about: About, message: str, seen: str | None, at: str | None) -> None:
        self.shape = shape
        self.name = f"{about[0]}.{number:x}"
        self.about = about
        self.message = message
        self.seen = seen
        self.at = at
        self.by = None
        self.revision = 0
        self.type = "ADDED"
        self.previous = None
        self.superseded = False

    __eq__ = WatchEvent.__eq__
    __hash__ = WatchEvent.__hash__

    @property
    def object(self) -> Object:  # type: ignore[override]
        """The event as it is stored."""
        return self.whole(self.revision)

    def whole(self, revision: int = 0) -> dict[str, Any]:
        """The event as a plain dictionary, as it is stored at a revision (as it is sent, without one)."""
        shape, (name, uid, version) = self.shape, self.about
        meta = {"name": self.name, "namespace": shape.namespace}
        if revision:
            meta |= {"uid": uid_of(self.name, revision), "resourceVersion": str(revision)}
            meta["creationTimestamp"] = self.seen or f"{(self.at or '')[:19]}Z"
        event = {
            **shape.event,
            "metadata": meta,
            "involvedObject": {**shape.about, "name": name, "uid": uid, "resourceVersion": version},
            "message": self.message,
            "firstTimestamp": self.seen,
            "lastTimestamp": self.seen,
            "eventTime": self.at,
        }
        return event if self.seen is None else {**event, "count": 1}

    def __getitem__(self, key: str) -> Any:
        return self.object[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.object)

    def __len__(self) -> int:
        return len(self.object)


def uid_of(name: str, revision: int) -> str:
    """The UID of a recorded event: worked out from its name and revision when somebody looks."""
    digits = hashlib.blake2b(f"{name}@{revision}".encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def about_of(meta: Mapping[str, Any]) -> About:
    """What an event keeps of the metadata of the object it is about."""
    return meta["name"], meta.get("uid", ""), meta.get("resourceVersion", "")
