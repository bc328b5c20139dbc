"""Events of the newer kind (`events.k8s.io`), as the scheduler records them.

Such an event says which action was taken and carries microseconds. When the same thing is said again of the same
version of an object it becomes a series: the second time is written, later ones are only counted. Upstream:
`client-go/tools/events`.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from k8snb.client.client import Client
from k8snb.clock import Clock
from k8snb.errors import StatusError
from k8snb.machinery.objects import reference_to
from k8snb.machinery.recorded import RecordedEvent, Shape, about_of
from k8snb.typing import Object

SERIES_SECONDS = 360.0
"""What was said longer ago is said anew."""
KEPT = 4096
"""How many events are remembered."""

_Key = tuple[Any, ...]


class _Said:
    __slots__ = ("at", "count", "name", "namespace")

    def __init__(self, at: float, namespace: str, name: str) -> None:
        self.at = at
        self.count = 1
        self.namespace = namespace
        self.name = name


class EventSeriesRecorder:
    """Records the events of one component."""

    def __init__(self, client: Client, clock: Clock, controller: str, instance: str = "") -> None:
        self._client = client
        self._clock = clock
        self._controller = controller
        self._instance = instance or f"{controller}-control-plane"
        self._said: OrderedDict[_Key, _Said] = OrderedDict()
        self._shapes: dict[tuple[str, ...], Shape] = {}

    def record(
        self, obj: Object, type: str, reason: str, action: str, note: str, *, related: Object | None = None
    ) -> None:
        """Say that `action` was taken on the object and how it went. A refusal of the API is ignored, as upstream."""
        meta = obj["metadata"]
        about = related["metadata"]["uid"] if related is not None else ""
        key = (meta["uid"], meta.get("resourceVersion"), type, reason, action, about)
        now = self._clock.now()
        said = self._said.get(key)
        try:
            if said is not None and now - said.at <= SERIES_SECONDS:
                self._again(said, now)
                return
            event = self._new(obj, type, reason, action, note, related)
            self._client.record(event)
        except StatusError:
            self._said.pop(key, None)
            return
        if len(self._said) >= KEPT:
            self._said.popitem(last=False)
        self._said[key] = _Said(now, event.shape.namespace, event.name)

    def record_once(self, shape: Shape, obj: Object, note: str) -> None:
        """Say what can be said of an object once only, so that there is nothing to remember."""
        clock = self._clock
        about = about_of(obj["metadata"])
        try:
            self._client.record(RecordedEvent(shape, clock.nanoseconds(), about, note, None, clock.micro_timestamp()))
        except StatusError:
            return

    def _again(self, said: _Said, now: float) -> None:
        said.at = now
        said.count += 1
        if said.count == 2:
            series = {"count": said.count, "lastObservedTime": self._clock.micro_timestamp()}
            self._client.patch("events", said.name, {"series": series}, said.namespace)

    def _new(
        self, obj: Object, type: str, reason: str, action: str, note: str, related: Object | None
    ) -> RecordedEvent:
        shape, clock = self.shape(obj, type, reason, action, related), self._clock
        about = about_of(obj["metadata"])
        return RecordedEvent(shape, clock.nanoseconds(), about, note, None, clock.micro_timestamp())

    def shape(self, obj: Object, type: str, reason: str, action: str, related: Object | None = None) -> Shape:
        """What the events of a type, reason and action about objects like this one have in common."""
        key = (type, reason, action, obj["kind"], obj["metadata"].get("namespace", ""), obj["apiVersion"])
        shape = self._shapes.get(key)
        if shape is None or related is not None:
            shape = self._shape(*key, related)
            if related is None:
                self._shapes[key] = shape
        return shape

    def _shape(
        self, type: str, reason: str, action: str, kind: str, namespace: str, api_version: str, related: Object | None
    ) -> Shape:
        about = {"kind": kind, "namespace": namespace, "apiVersion": api_version}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "reason": reason,
            "source": {},
            "type": type,
            "action": action,
            "reportingComponent": self._controller,
            "reportingInstance": self._instance,
        }
        if related is not None:
            event["related"] = reference_to(related)
        return Shape(namespace or "default", event, {k: v for k, v in about.items() if v})
