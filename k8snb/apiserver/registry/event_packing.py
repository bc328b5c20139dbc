"""Events as short tuples.

A cluster keeps hundreds of thousands of events for an hour. As JSON objects they take 1.5 KB each; packed they
take a fifth of that. Fields whose value many events share go into a *frame*, of which there is one for each
combination; what is particular to an event follows in the tuple, numbers as numbers. An event of any other
shape (with labels, with a series …) is kept as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from k8snb.typing import Object

Packed: TypeAlias = tuple[Any, ...] | Object

_TIMES = ("firstTimestamp", "lastTimestamp")
_OWN = frozenset({"metadata", "involvedObject", "source", "message", *_TIMES, "count", "reportingInstance"})
_COMMON = _OWN | {"apiVersion", "kind", "reason", "type", "reportingComponent", "eventTime", "action"}
_META_OWN = frozenset({"name", "uid", "creationTimestamp", "resourceVersion"})
_ABOUT_OWN = frozenset({"name", "uid", "resourceVersion"})
_ABOUT_COMMON = _ABOUT_OWN | {"apiVersion", "kind", "namespace", "fieldPath"}
_MESSAGES = 32
"""How many messages a frame remembers to share."""


class _Frame:
    """What events have in common: the order of their fields and the values they share."""

    __slots__ = ("about", "event", "messages", "meta")

    def __init__(self, event: Object, meta: Object, about: Object) -> None:
        self.event: dict[str, Any] = {k: None if k in _OWN else v for k, v in event.items()}
        self.meta: dict[str, Any] = {k: None if k in _META_OWN else v for k, v in meta.items()}
        self.about: dict[str, Any] = {k: None if k in _ABOUT_OWN else v for k, v in about.items()}
        self.messages: dict[str, str] = {}

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
    try:
        return _packed(event)
    except (KeyError, TypeError, ValueError):
        return event


def _packed(event: Object) -> tuple[Any, ...]:
    meta, about, source = event["metadata"], event["involvedObject"], event["source"]
    if len(meta) != 5 or "namespace" not in meta or "series" in event or "related" in event:
        raise ValueError("unusual")
    key = (
        *event,
        *meta,
        *about,
        event["reason"],
        event["type"],
        event["reportingComponent"],
        event["eventTime"],
        event.get("action"),
        meta["namespace"],
        about.get("apiVersion"),
        about.get("kind"),
        about.get("namespace"),
        about.get("fieldPath"),
    )
    frame = _frames.get(key)
    if frame is None:
        if len(event) > 15 or not _is_usual(event, about):
            raise ValueError("unusual")
        frame = _frames[key] = _Frame(event, meta, about)
    first, last, count = event["firstTimestamp"], event["lastTimestamp"], event["count"]
    created = meta["creationTimestamp"]
    name = about["name"]
    own = meta["name"]
    suffix: Any = own[len(name) + 1 :]
    number = int(suffix, 16)
    if f"{name}.{number:x}" != own:
        raise ValueError("unusual")
    packed = (
        frame,
        name,
        number,
        _uid_number(meta["uid"]),
        int(meta["resourceVersion"]),
        about.get("uid"),
        _version_number(about.get("resourceVersion")),
        frame.shared(event["message"]),
        source,
        event["reportingInstance"],
        created,
    )
    return packed if first == last == created and count == 1 else (*packed, first, last, count)


def _is_usual(event: Object, about: Object) -> bool:
    return event.keys() <= _COMMON and about.keys() <= _ABOUT_COMMON


def _uid_number(uid: str) -> int:
    number = int(uid.replace("-", ""), 16)
    if _uid_text(number) != uid:
        raise ValueError("unusual")
    return number


def _uid_text(number: int) -> str:
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _version_number(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdigit() and text[0] != "0" else text


def unpack(packed: Packed) -> Object:
    """The event that was packed."""
    if isinstance(packed, Mapping):
        return packed
    frame, name, number, uid, version, about_uid, about_version, message, source, instance, created = packed[:11]
    first, last, count = packed[11:] if len(packed) > 11 else (created, created, 1)
    about = frame.about.copy()
    about["name"] = name
    if "uid" in about:
        about["uid"] = about_uid
    if "resourceVersion" in about:
        about["resourceVersion"] = str(about_version) if isinstance(about_version, int) else about_version
    meta = frame.meta.copy()
    meta["name"] = f"{name}.{number:x}"
    meta["uid"] = _uid_text(uid)
    meta["creationTimestamp"] = created
    meta["resourceVersion"] = str(version)
    event: dict[str, Any] = frame.event.copy()
    event["metadata"] = meta
    event["involvedObject"] = about
    event["source"] = source
    event["message"] = message
    event["firstTimestamp"] = first
    event["lastTimestamp"] = last
    event["count"] = count
    event["reportingInstance"] = instance
    return event
