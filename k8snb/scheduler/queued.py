"""A pod that waits in the scheduling queue, and the lines in which pods wait."""

from __future__ import annotations

import heapq
from collections import OrderedDict

from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object


class QueuedPod:
    """A pod that waits. `plugins` turned it away the last time."""

    __slots__ = (
        "_backoff",
        "attempts",
        "cause",
        "errors",
        "failures",
        "gate",
        "info",
        "key",
        "line",
        "pending",
        "plugins",
        "timestamp",
    )

    def __init__(self, info: PodInfo, now: float, cause: int, backoff: tuple[float, float]) -> None:
        self.info = info
        self._backoff = backoff
        self.timestamp = now
        self.attempts = 0
        self.failures = 0
        """How often no node was found."""
        self.errors = 0
        """How often in a row the attempt failed with an error."""
        self.plugins: tuple[str, ...] = ()
        self.pending: frozenset[str] = frozenset()
        """Those of them that only wait for something to be done: when it is, there is no back-off."""
        self.gate = ""
        """The plugin that keeps it from entering."""
        self.cause = cause
        """The revision of the change because of which it is tried."""
        self.line: Line | None = None
        self.key: tuple[float, ...] = ()

    @property
    def backoff_until(self) -> float:
        """Before this it should not be tried again."""
        times = self.failures if self.plugins else self.errors
        first, most = self._backoff
        return self.timestamp + (min(first * 2 ** (times - 1), most) if times else 0.0)

    def refresh(self, pod: Object) -> None:
        """The pod as it is now."""
        old = self.info.pod
        if pod["spec"] is old["spec"] and pod["metadata"].get("labels") is old["metadata"].get("labels"):
            self.info.pod = pod
        else:
            self.info = PodInfo(pod)


class Line:
    """Pods in an order; those with the same key first come, first served, however long the line."""

    __slots__ = ("_heap", "_places", "count")

    def __init__(self) -> None:
        self._heap: list[tuple[float, ...]] = []
        self._places: dict[tuple[float, ...], OrderedDict[QueuedPod, None]] = {}
        self.count = 0

    def push(self, queued: QueuedPod, key: tuple[float, ...]) -> None:
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = OrderedDict()
            heapq.heappush(self._heap, key)
        place[queued] = None
        queued.line, queued.key = self, key
        self.count += 1

    def drop(self, queued: QueuedPod) -> None:
        del self._places[queued.key][queued]
        queued.line = None
        self.count -= 1

    def _front(self) -> OrderedDict[QueuedPod, None]:
        """The first place that somebody has taken; there has to be one."""
        while not (place := self._places[self._heap[0]]):
            del self._places[heapq.heappop(self._heap)]
        return place

    def first(self) -> QueuedPod | None:
        return next(iter(self._front())) if self.count else None

    def pop(self) -> QueuedPod | None:
        if not self.count:
            return None
        found, _ = self._front().popitem(last=False)
        found.line = None
        self.count -= 1
        return found
