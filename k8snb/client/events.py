"""Events: what a part tells people about an object, without flooding the API.

As upstream (`client-go/tools/record/events_cache.go`): the same event again only raises `count`; more than
ten similar ones (same source, object and reason, different message) within ten minutes become one
"(combined from similar events)"; and each source may say 25 things about an object in a burst, then one
every five minutes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

from k8snb.client.client import Client
from k8snb.clock import Clock
from k8snb.errors import StatusError
from k8snb.machinery.objects import reference_to
from k8snb.typing import Object

BURST = 25
REFILL_SECONDS = 300.0
SIMILAR_LIMIT = 10
SIMILAR_SECONDS = 600.0
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

KEPT = 4096
"""How many objects, reasons and messages are remembered, as upstream's LRU cache."""


@dataclass(slots=True)
class _Similar:
    messages: dict[str, None]
    since: float


class Correlator:
    """What has been said lately. Simulated kubelets share one, so that its size does not grow with the cluster."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._similar: OrderedDict[tuple[str, str, str], _Similar] = OrderedDict()
        self._sent: OrderedDict[tuple[str, str, str, str], tuple[str, str, int]] = OrderedDict()

    def allowed(self, uid: str) -> bool:
        """Whether one more event about the object is within the burst."""
        now = self._clock.now()
        found = self._tokens.pop(uid, None)
        left = BURST - 1.0 if found is None else min(BURST, found[0] + (now - found[1]) / REFILL_SECONDS) - 1
        allowed = left >= 0
        _keep(self._tokens, uid, (left if allowed else left + 1, now))
        return allowed

    def combined(self, uid: str, type: str, reason: str, message: str) -> str:
        """The message to send: its own, or the combined one when there have been too many like it."""
        now = self._clock.now()
        key = (uid, type, reason)
        similar = self._similar.get(key)
        if similar is None or now - similar.since > SIMILAR_SECONDS:
            _keep(self._similar, key, _Similar({message: None}, now))
            return message
        similar.since = now
        if message in similar.messages:
            return message
        if len(similar.messages) < SIMILAR_LIMIT - 1:
            similar.messages[message] = None
            return message
        return f"(combined from similar events): {message}"

    def earlier(self, key: tuple[str, str, str, str]) -> tuple[str, str, int] | None:
        """Namespace, name and count of the event that already says this, if there is one."""
        return self._sent.get(key)

    def remember(self, key: tuple[str, str, str, str], event: Object) -> None:
        """The event that says this, as it was stored."""
        meta = event["metadata"]
        _keep(self._sent, key, (meta["namespace"], meta["name"], event["count"]))

    def forget(self, key: tuple[str, str, str, str]) -> None:
        """The event that said this is gone."""
        self._sent.pop(key, None)


def _keep(cache: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    if len(cache) >= KEPT:
        cache.popitem(last=False)
    cache[key] = value


class EventRecorder:
    """Records the events of one component; `host` is the node it runs on, where that says something."""

    def __init__(
        self, client: Client, clock: Clock, component: str, host: str = "", correlator: Correlator | None = None
    ) -> None:
        self._client = client
        self._clock = clock
        self._component = component
        self._source: Object = {"component": component, "host": host} if host else {"component": component}
        self._host = host
        self._correlator = correlator or Correlator(clock)
        self._count = 0

    def normal(self, obj: Object, reason: str, message: str, *, field: str = "") -> None:
        """Something went as it should."""
        self.record(obj, "Normal", reason, message, field)

    def warning(self, obj: Object, reason: str, message: str, *, field: str = "") -> None:
        """Something went wrong, or may."""
        self.record(obj, "Warning", reason, message, field)

    def record(self, obj: Object, type: str, reason: str, message: str, field: str = "") -> None:
        """Say it, unless too much has been said already. A refusal of the API is ignored, as upstream."""
        uid = obj["metadata"].get("uid", "")
        correlator = self._correlator
        message = correlator.combined(uid, type, reason, message)
        if not correlator.allowed(uid):
            return
        key = (uid, type, reason, message)
        earlier = correlator.earlier(key)
        try:
            if earlier is None:
                event = self._client.create("events", self._new(obj, type, reason, message, field))
            else:
                event = self._again(*earlier)
        except StatusError:
            correlator.forget(key)
        else:
            correlator.remember(key, event)

    def _new(self, obj: Object, type: str, reason: str, message: str, field: str) -> Object:
        self._count += 1
        now = self._clock.timestamp()
        meta = obj["metadata"]
        reference = reference_to(obj)
        if field:
            reference = {**reference, "fieldPath": field}
        stamp = int(self._clock.now() * 1000) * 1_000_000 + self._count
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{meta['name']}.{stamp:x}", "namespace": meta.get("namespace") or "default"},
            "involvedObject": reference,
            "reason": reason,
            "message": message,
            "source": self._source,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": type,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }

    def _again(self, namespace: str, name: str, count: int) -> Object:
        change = {"count": count + 1, "lastTimestamp": self._clock.timestamp()}
        return self._client.patch("events", name, change, namespace)
