"""Events as short tuples.

A cluster keeps hundreds of thousands of events for an hour. As JSON objects they take 1.5 KB each; packed they
take a fifth of that. What many events have in common (their fields, reason, component, the kind and namespace of
their object) is one shared *frame* for each combination; what is particular to an event follows in the tuple. An
event of any other shape (with labels, with a series …) is kept as it is. What a recorder of this process made never
comes here: it is compact already (`machinery/recorded.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from k8snb.typing import Object

Packed: TypeAlias = tuple[Any, ...] | Object

_OWN = ("metadata", "involvedObject", "source", "message", "firstTimestamp", "lastTimestamp", "eventTime", "count")
_SHARED = ("apiVersion", "kind", "reason", "type", "reportingComponent", "reportingInstance", "action")
_USUAL = frozenset((*_OWN, *_SHARED))
_META = frozenset(("name", "namespace", "uid", "creationTimestamp", "resourceVersion"))
_ABOUT_OWN = ("name", "uid", "resourceVersion")
_ABOUT = frozenset((*_ABOUT_OWN, "apiVersion", "kind", "namespace", "fieldPath"))
_MESSAGES = 32
"""How many messages a frame remembers to share."""
_FRAMES = 65_536
"""How many combinations are remembered; events of any further one are kept as they are."""


class _Frame:
    """What events have in common: their fields, and the values they share."""

    __slots__ = ("about", "event", "messages", "namespace")

    def __init__(self, event: Object) -> None:
        self.namespace = event["metadata"]["namespace"]
        self.event: dict[str, Any] = {k: None if k in _OWN else v for k, v in event.items()}
        self.about: dict[str, Any] = {k: None if k in _ABOUT_OWN else v for k, v in event["involvedObject"].items()}
        self.messages: dict[str, str] = {}

    def fits(self, event: Object, about: Object) -> bool:
        """Whether the event has the fields of the frame, neither more nor fewer."""
        return event.keys() == self.event.keys() and about.keys() == self.about.keys()

    def shared(self, message: str) -> str:
        """The message, the same string for the same words while there are not too many."""
        known = self.messages.get(message)
        if known is not None:
            return known
        if len(self.messages) < _MESSAGES:
            self.messages[message] = message
        return message


_frames: dict[tuple[Any, ...], _Frame] = {}


def pack(event: Object) -> Packed:
    """The event as a tuple, or the event itself if it is unusual."""
    meta, about, get = event["metadata"], event["involvedObject"], event.get
    key = (
        get("reason"),
        get("reportingInstance"),
        about.get("kind"),
        meta["namespace"],
        get("type"),
        get("reportingComponent"),
        get("action"),
        about.get("namespace"),
        about.get("apiVersion"),
        about.get("fieldPath"),
    )
    frame = _frames.get(key)
    if frame is None:
        if len(_frames) >= _FRAMES or not (event.keys() <= _USUAL and about.keys() <= _ABOUT):
            return event
        frame = _frames[key] = _Frame(event)
    if len(meta) != len(_META) or meta.keys() != _META or not frame.fits(event, about):
        return event
    created, first, last = meta["creationTimestamp"], get("firstTimestamp"), get("lastTimestamp")
    packed = (
        frame,
        meta["name"],
        meta["uid"],
        about.get("name"),
        about.get("uid"),
        about.get("resourceVersion"),
        frame.shared(event["message"]) if "message" in event else None,
        get("source"),
        created,
    )
    if first == last == created and get("count") == 1 and get("eventTime") is None:
        return packed
    return (*packed, first, last, get("count"), get("eventTime"))


def unpack(packed: Packed, revision: int) -> Object:
    """The event that was packed, as it is stored at a revision."""
    if isinstance(packed, Mapping):
        return packed
    frame, name, uid, about_name, about_uid, about_version, message, source, created = packed[:9]
    first, last, count, at = packed[9:] if len(packed) > 9 else (created, created, 1, None)
    meta = {"name": name, "namespace": frame.namespace, "uid": uid}
    meta |= {"resourceVersion": str(revision), "creationTimestamp": created}
    about = {"name": about_name, "uid": about_uid, "resourceVersion": about_version}
    own = {"metadata": meta, "involvedObject": _filled(frame.about, about), "source": source, "message": message}
    own |= {"firstTimestamp": first, "lastTimestamp": last, "count": count, "eventTime": at}
    return _filled(frame.event, own)


def _filled(frame: Mapping[str, Any], own: Mapping[str, Any]) -> Object:
    return {key: own.get(key) if value is None else value for key, value in frame.items()}
