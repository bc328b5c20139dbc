"""Events of the newer kind (`events.k8s.io`), as the scheduler records them.

Such an event says which action was taken and carries microseconds. When the same thing is said again of the same
version of an object it becomes a series: the second time is written, later ones are only counted. Upstream:
`client-go/tools/events`.
"""

from __future__ import annotations

from typing import Any

from k8snb.client.client import Client
from k8snb.clock import Clock
from k8snb.errors import StatusError
from k8snb.machinery.objects import reference_to
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
        self._said: dict[_Key, _Said] = {}
        self._count = 0

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
            self._client.create("events", event)
        except StatusError:
            self._said.pop(key, None)
            return
        if len(self._said) >= KEPT:
            del self._said[next(iter(self._said))]
        self._said[key] = _Said(now, event["metadata"]["namespace"], event["metadata"]["name"])

    def _again(self, said: _Said, now: float) -> None:
        said.at = now
        said.count += 1
        if said.count == 2:
            series = {"count": said.count, "lastObservedTime": self._clock.micro_timestamp()}
            self._client.patch("events", said.name, {"series": series}, said.namespace)

    def _new(
        self, obj: Object, type: str, reason: str, action: str, note: str, related: Object | None
    ) -> dict[str, Any]:
        self._count += 1
        meta = obj["metadata"]
        namespace = meta.get("namespace", "")
        about = {"kind": obj["kind"], "namespace": namespace, "name": meta["name"], "uid": meta["uid"]}
        about["apiVersion"], about["resourceVersion"] = obj["apiVersion"], meta["resourceVersion"]
        if not namespace:
            del about["namespace"]
        stamp = int(self._clock.now() * 1000) * 1_000_000 + self._count
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{meta['name']}.{stamp:x}", "namespace": namespace or "default"},
            "involvedObject": about,
            "reason": reason,
            "message": note,
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "type": type,
            "eventTime": self._clock.micro_timestamp(),
            "action": action,
            "reportingComponent": self._controller,
            "reportingInstance": self._instance,
        }
        return event if related is None else {**event, "related": reference_to(related)}
