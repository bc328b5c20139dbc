"""What happened while a pod was out of the queue: it may be what lets the pod fit.

A pod whose attempt takes longer than a turn (it waits at Permit) misses what the queue tells those in its pool. So that
is written down from the moment on when its attempt began to wait, as long as it may still be turned away; if it is, it
goes back to the queue as if it had heard all of it in the pool. One list serves all, and its beginning is forgotten
with the oldest. Upstream: `inFlightEvents` in `backend/queue/active_queue.go`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from k8snb.scheduler.framework import ClusterEvent
from k8snb.typing import Object


class Happened(NamedTuple):
    """One change that somebody is interested in."""

    event: ClusterEvent
    old: Object | None
    new: Object | None


class Flights:
    """The pods whose attempt is not over yet."""

    def __init__(self) -> None:
        self.pods: dict[str, int] = {}
        """By uid, the oldest first: how much had happened when the attempt began to wait."""
        self._forgotten = 0
        self.written: deque[Happened] = deque()
        """What has happened since the oldest of them began to wait."""

    def begin(self, uid: str) -> None:
        """Write down for a pod what happens from now on."""
        self.pods[uid] = self._forgotten + len(self.written)

    def note(self, happened: Happened) -> None:
        """Something happened."""
        if self.pods:
            self.written.append(happened)

    def seen(self, uid: str) -> Iterator[Happened]:
        """What has happened since the pod's attempt began to wait; nothing for one that did not."""
        began = self.pods.get(uid)
        return iter(()) if began is None else islice(self.written, began - self._forgotten, None)

    def end(self, uid: str) -> None:
        """The pod can not be turned away any more, or is back in the queue."""
        if self.pods.pop(uid, None) is None:
            return
        oldest = next(iter(self.pods.values()), self._forgotten + len(self.written))
        while self._forgotten < oldest:
            self.written.popleft()
            self._forgotten += 1
