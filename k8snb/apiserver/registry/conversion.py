"""Between the version that is served and the form that is stored.

Two kinds are served in two versions. An Event of `v1` and one of `events.k8s.io/v1` are the same stored object under
different field names; a HorizontalPodAutoscaler is stored as version 2 (`autoscaler_versions`). Everything else is
stored as it is served. Upstream: `pkg/apis/events/v1/conversion.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apiserver.registry.autoscaler_versions import from_v1, to_v1
from k8snb.typing import Object, Resource

CONVERTED = frozenset({"events", "horizontalpodautoscalers.autoscaling"})
"""The buckets whose objects are served in more than one version."""

AUTOSCALING_V1 = "autoscaling/v1"
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
    if resource.api_version == AUTOSCALING_V1:
        return to_v1(obj)
    if resource.kind != "Event" or resource.group != "events.k8s.io":
        return obj
    return {**_renamed(obj, _TO_EVENTS_API), "apiVersion": EVENTS_API}


def from_version(obj: Object) -> Object:
    """A served object in the form that is stored.

    An event that came through `events.k8s.io/v1` keeps that `apiVersion` until it is stored, because the
    rules for it are stricter; `EventStrategy.allocate` takes it away.
    """
    version = obj.get("apiVersion")
    if version == AUTOSCALING_V1:
        return from_v1(obj)
    return _renamed(obj, _FROM_EVENTS_API) if version == EVENTS_API else obj


def _renamed(obj: Object, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in obj.items()}
