"""Events as recorders make them: an object in its most compact form.

There are more events than anything else, and those of one recorder differ in little: the name of their object,
the words, the time. A `RecordedEvent` keeps that and points to a `Shape` for everything else. It is an `Object`
like any other (a mapping that never changes, once it is stored); `whole()` is the same as a plain dictionary. It is
well-formed by construction, so the server has only its name and namespace to check, and it is stored as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snb.typing import Object


class Shape:
    """What the events of one recorder, reason and kind of object have in common."""

    __slots__ = ("about", "event", "namespace")

    def __init__(self, namespace: str, event: Object, about: Object) -> None:
        self.namespace = namespace
        self.event = event
        """The fields of the event itself that do not vary."""
        self.about = about
        """Those of its `involvedObject`."""


class RecordedEvent(Mapping[str, Any]):
    """One event. The server fills in `uid`, `created` and `version` when it stores it.

    `seen` is `firstTimestamp` and `lastTimestamp` (whole seconds); an event of the newer kind has `at` instead, its
    `eventTime` in microseconds.
    """

    __slots__ = ("about", "at", "created", "message", "name", "seen", "shape", "uid", "version")

    def __init__(self, shape: Shape, name: str, about: Object, message: str, seen: str | None, at: str | None) -> None:
        self.shape = shape
        self.name = name
        self.about = (about["name"], about.get("uid", ""), about.get("resourceVersion", ""))
        self.message = message
        self.seen = seen
        self.at = at
        self.uid = ""
        self.created = ""
        self.version = 0

    def whole(self) -> dict[str, Any]:
        """The event as a plain dictionary."""
        shape, (name, uid, version) = self.shape, self.about
        meta = {"name": self.name, "namespace": shape.namespace}
        if self.uid:
            meta |= {"uid": self.uid, "resourceVersion": str(self.version), "creationTimestamp": self.created}
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
        return self.whole()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())
