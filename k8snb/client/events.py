"""Events: what a part tells people about an object, without flooding the API.

As upstream (`client-go/tools/record/events_cache.go`): the same event again only raises `count`; more than
ten similar ones (same source, object and reason, different message) within ten minutes become one
"(combined from similar events)"; and each source may say 25 things about an object in a burst, then one
every five minutes.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from functools import lru_cache

from k8snb.client.client import Client
from k8snb.clock import Clock
from k8snb.errors import StatusError
from k8snb.machinery.recorded import About, RecordedEvent, Shape, about_of
from k8snb.typing import Object

BURST = 25
REFILL_SECONDS = 300.0
SIMILAR_LIMIT = 10
SIMILAR_SECONDS = 600.0
COMBINED = "(combined from similar events): "
SHAPES = 1024
"""How many combinations of reason and kind a recorder remembers."""
KEPT = 4096
"""How many objects are remembered; upstream keeps as many in its LRU caches."""
FIRST = 16_384
"""How many first events are remembered before they are filed under their objects."""


class _About:
    """What has been said about one object lately, and how much more may be said.

    `said` maps type, reason, message and part of the object to the namespace, name and count of the event that says it.
    """

    __slots__ = ("at", "left", "said")

    def __init__(self, now: float) -> None:
        self.left = float(BURST)
        self.at = now
        self.said: dict[tuple[str, str, str, str], tuple[str, str, int]] = {}

    def told_as(self, type: str, reason: str, message: str, now: float) -> str:
        """Under what an event counts: its own message, or `COMBINED` when there have been too many like it."""
        if now - self.at > SIMILAR_SECONDS:
            self.said.clear()
        if len(self.said) < SIMILAR_LIMIT - 1:
            return message
        similar = {key[2] for key in self.said if key[0] == type and key[1] == reason and key[2] is not COMBINED}
        return message if message in similar or len(similar) < SIMILAR_LIMIT - 1 else COMBINED

    def allows(self, now: float) -> bool:
        """Whether one more event is within the burst; if so, it counts."""
        if now > self.at:
            self.left = min(BURST, self.left + (now - self.at) / REFILL_SECONDS)
            self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Correlator:
    """What has been said lately. Simulated kubelets share one, so that its size does not grow with the cluster."""

    def __init__(self) -> None:
        self._about: OrderedDict[str, _About] = OrderedDict()
        self.firsts: deque[tuple[float, RecordedEvent]] = deque(maxlen=FIRST)
        """Events that are the first of their kind, and when that was. They are filed when somebody asks."""

    def about(self, uid: str, now: float) -> _About:
        """What has been said about an object."""
        while self.firsts:
            self._file(*self.firsts.popleft())
        return self._of(uid, now)

    def _file(self, at: float, event: RecordedEvent) -> None:
        shape = event.shape
        type, reason, field = shape.event["type"], shape.event["reason"], shape.about.get("fieldPath", "")
        about = self._of(event.about[1], at)
        told = about.told_as(type, reason, event.message, at)
        about.allows(at)
        about.said[type, reason, told, field] = (shape.namespace, event.name, 1)

    def _of(self, uid: str, now: float) -> _About:
        found = self._about.get(uid)
        if found is None:
            if len(self._about) >= KEPT:
                self._about.popitem(last=False)
            found = self._about[uid] = _About(now)
        return found


class EventRecorder:
    """Records the events of one component; `host` is the node it runs on, where that says something."""

    def __init__(
        self, client: Client, clock: Clock, component: str, host: str = "", correlator: Correlator | None = None
    ) -> None:
        self._client = client
        self._outbox, self._user = client.outbox, client.user
        self._clock = clock
        self._component = component
        self._source: Object = {"component": component, "host": host} if host else {"component": component}
        self._host = host
        self._correlator = correlator or Correlator()
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._meta: Object = {}
        self._about: About = ("", "", "")

    def normal(self, obj: Object, reason: str, message: str, *, field: str = "") -> None:
        """Something went as it should."""
        self.record(obj, "Normal", reason, message, field)

    def warning(self, obj: Object, reason: str, message: str, *, field: str = "") -> None:
        """Something went wrong, or may."""
        self.record(obj, "Warning", reason, message, field)

    def record(self, obj: Object, type: str, reason: str, message: str, field: str = "") -> None:
        """Say it, unless too much has been said already. A refusal of the API is ignored, as upstream."""
        meta = obj["metadata"]
        now = self._clock.now()
        about = self._correlator.about(meta.get("uid", ""), now)
        if about.left < 1 and about.at == now:
            return
        told = about.told_as(type, reason, message, now)
        if told is COMBINED:
            message = f"{COMBINED}{message}"
        if not about.allows(now):
            return
        key = (type, reason, told, field)
        earlier = about.said.get(key)
        try:
            if earlier is None:
                event = self._new(obj, type, reason, message, field)
                self._client.record(event)
                about.said[key] = (event.shape.namespace, event.name, 1)
            else:
                namespace, name, count = earlier
                self._again(namespace, name, count + 1, message)
                about.said[key] = (namespace, name, count + 1)
        except StatusError:
            about.said.pop(key, None)

    def first(self, shape: Shape, about: About, message: str) -> None:
        """Record an event that its recorder knows to be the first of its kind about its object.

        There is nothing then that it could repeat, so it is only noted for those that come. `shape` is one that
        `shape()` gave, `about` what `about_of` keeps of the object's metadata.
        """
        now, stamp, number = self._clock.moment()
        event = RecordedEvent(shape, number, about, message, stamp, None)
        if self._outbox is not None:
            self._outbox.put(self._user, event)
        else:
            try:
                self._client.record(event)
            except StatusError:
                return
        self._correlator.firsts.append((now, event))

    def _new(self, obj: Object, type: str, reason: str, message: str, field: str) -> RecordedEvent:
        meta = obj["metadata"]
        shape = self.shape(obj, type, reason, field)
        if meta is not self._meta:
            self._meta, self._about = meta, about_of(meta)
        return RecordedEvent(shape, self._clock.nanoseconds(), self._about, message, self._clock.timestamp(), None)

    def shape(self, obj: Object, type: str, reason: str, field: str = "") -> Shape:
        """What the events of a type and reason about (a part of) objects like this one have in common."""
        key = (type, reason, obj["kind"], obj["metadata"].get("namespace", ""), field, obj["apiVersion"])
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) >= SHAPES:
                self._shapes.clear()
            shape = self._shapes[key] = self._shape(*key)
        return shape

    def _shape(self, type: str, reason: str, kind: str, namespace: str, field: str, api_version: str) -> Shape:
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "reason": reason,
            "source": self._source,
            "type": type,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }
        return Shape(namespace or "default", event, _about(kind, namespace, api_version, field))

    def _again(self, namespace: str, name: str, count: int, message: str) -> None:
        change = {"count": count, "lastTimestamp": self._clock.timestamp(), "message": message}
        self._client.patch("events", name, change, namespace)


@lru_cache(maxsize=1024)
def _about(kind: str, namespace: str, api_version: str, field: str) -> Object:
    """What of an event's `involvedObject` does not vary; recorders share it."""
    about = {"kind": kind, "namespace": namespace, "apiVersion": api_version, "fieldPath": field}
    return {name: value for name, value in about.items() if value}
