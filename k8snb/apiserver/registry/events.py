"""Events: what happened to an object, stored in the form of `v1` whichever API they came through.

There are more events than anything else, so a well-formed one made by a recorder passes in a few lookups, and
`pack` stores it as a short tuple: what events have in common (shape, reason, component, the object's kind and
namespace) is one shared frame, and the rest is kept in its most compact form. `unpack` gives back an equal
object. Upstream: `pkg/registry/core/event/strategy.go`, `pkg/apis/core/validation/events.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.conversion import EVENTS_API
from k8snb.apiserver.registry.event_packing import pack, unpack
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import FieldError, invalid, invalid_value, required
from k8snb.machinery.names import Lottery
from k8snb.machinery.scheme import ROWS
from k8snb.typing import Object

_DEFAULTS: Object = {
    "involvedObject": {},
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}
"""Fields that an event always has, if only empty."""

_EVENTS = next(row for row in ROWS if row.kind == "Event")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_MAX_WORD = 128
_MAX_NOTE = 1024
_IMMUTABLE = (
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "type",
    "eventTime",
    "action",
    "related",
    "reportingComponent",
    "reportingInstance",
)
_SHOWN_AS = {"reportingComponent": "reportingController"}


def _source(event: Object) -> str:
    return str(checks.get(event, "source", "component") or event.get("reportingComponent") or "")


class EventStrategy(Strategy):
    """The rules of events, for both APIs that serve them."""

    counts_generation = False
    fields: Mapping[str, Field] = {
        **{f"involvedObject.{name}": checks.text("involvedObject", name) for name in _INVOLVED},
        **{f"regarding.{name}": checks.text("involvedObject", name) for name in _INVOLVED},
        "reason": checks.text("reason"),
        "reportingComponent": checks.text("reportingComponent"),
        "reportingController": checks.text("reportingComponent"),
        "source": _source,
        "type": checks.text("type"),
    }
    pack = staticmethod(pack)
    unpack = staticmethod(unpack)

    def default(self, obj: Object) -> Object:
        for name in _DEFAULTS:
            if name not in obj:
                return {**_DEFAULTS, **obj}
        return obj

    def prepare_create(self, obj: Object) -> Object:
        if obj["apiVersion"] == EVENTS_API and (errors := _validate_common(obj) + _validate_new(obj)):
            raise invalid(_EVENTS, obj["metadata"].get("name", ""), errors)
        return obj

    def prepare_update(self, new: Object, old: Object) -> Object:
        return new

    def validate(self, obj: Object) -> list[FieldError]:
        if not obj["eventTime"] and obj["involvedObject"].get("namespace") == obj["metadata"]["namespace"]:
            return []
        return _validate_common(obj)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Through `events.k8s.io/v1` only the series may change."""
        if new["apiVersion"] != EVENTS_API:
            return []
        series = new.get("series")
        errors = _validate_series(series) if series != old.get("series") else []
        for name in _IMMUTABLE:
            errors += checks.immutable(_SHOWN_AS.get(name, name), new.get(name), old.get(name))
        return errors

    def allocate(self, new: Object, old: Object | None) -> Object:
        return {**new, "apiVersion": "v1"} if new["apiVersion"] != "v1" else new


def _validate_namespace(event: Object) -> list[FieldError]:
    """An event lives with the object it is about; those about cluster-scoped objects in `default`."""
    namespace, about = event["metadata"]["namespace"], event["involvedObject"].get("namespace") or ""
    allowed = ("default", "kube-system") if event["eventTime"] else ("default",)
    if about == namespace or (not about and namespace in allowed) or (about and event["eventTime"]):
        return []
    return [invalid_value("involvedObject.namespace", about, "does not match event.namespace")]


def _validate_common(event: Object) -> list[FieldError]:
    errors = _validate_namespace(event)
    if not event["eventTime"]:
        return errors
    controller, instance = event.get("reportingComponent") or "", event.get("reportingInstance") or ""
    if not controller:
        errors.append(required("reportingController"))
    errors += checks.qualified_name("reportingController", controller)
    for name, value in (("reportingInstance", instance), ("action", event.get("action") or "")):
        errors += _word(name, value)
    errors += _word("reason", event.get("reason") or "")
    if len((event.get("message") or "").encode()) > _MAX_NOTE:
        errors.append(invalid_value("message", "", f"can have at most {_MAX_NOTE} characters"))
    return errors


def _word(name: str, value: str) -> list[FieldError]:
    if not value:
        return [required(name)]
    if len(value.encode()) > _MAX_WORD:
        return [invalid_value(name, "", f"can have at most {_MAX_WORD} characters")]
    return []


def _validate_new(event: Object) -> list[FieldError]:
    """What only `events.k8s.io/v1` asks for."""
    errors = _validate_series(event.get("series"))
    if not event["eventTime"]:
        errors.append(required("eventTime"))
    if event.get("type") not in ("Normal", "Warning"):
        errors.append(invalid_value("type", "", f"has invalid value: {event.get('type') or ''}"))
    for name in ("firstTimestamp", "lastTimestamp", "count", "source"):
        if event.get(name):
            errors.append(invalid_value(name, "", "needs to be unset"))
    return errors


def _validate_series(series: Object | None) -> list[FieldError]:
    if series is None:
        return []
    errors = [invalid_value("series.count", "", "should be at least 2")] if series.get("count", 0) < 2 else []
    return errors if series.get("lastObservedTime") else [*errors, required("series.lastObservedTime")]


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {"events": lambda _: EventStrategy()}
