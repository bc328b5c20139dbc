"""Between the version that is served and the form that is stored.

Only one kind is served in two versions: an Event of `v1` and one of `events.k8s.io/v1` are the same stored
object under different field names. Everything else is stored as it is served. Upstream:
`pkg/apis/events/v1/conversion.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.typing import Object, Resource

EVENTS_API = "events.k8s.io/v1"
_TO_EVENTS_API: Mapping[str, str] = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
"""What a field of `v1` is called in `events.k8s.io/v1`; all others have the same name in both."""

_FROM_EVENTS_API = {new: old for old, new in _TO_EVENTS_API.items()}


def to_version(obj: Object, resource: Resource) -> Object:
    """A stored object as `resource` serves it."""
    if resource.kind != "Event" or resource.group != "events.k8s.io":
        return obj
    return {**_renamed(obj, _TO_EVENTS_API), "apiVersion": EVENTS_API}


def from_version(obj: Object) -> Object:
    """A served object in the form that is stored.

    An event that came through `events.k8s.io/v1` keeps that `apiVersion` until it is stored, because the
    rules for it are stricter; `EventStrategy.allocate` takes it away.
    """
    return _renamed(obj, _FROM_EVENTS_API) if obj.get("apiVersion") == EVENTS_API else obj


def _renamed(obj: Object, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in obj.items()}
