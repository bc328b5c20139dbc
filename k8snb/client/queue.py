"""The work queue: keys, each at most once, reconciled one per turn.

A key that changes ten times before its turn is reconciled once. A reconcile that the API refuses is tried
again after 5 ms, doubling up to 1,000 s, as client-go's default rate limiter does. Each reconcile runs inside
a span of the trace. Upstream: `client-go/util/workqueue`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from k8snb.clock import Timer
from k8snb.errors import StatusError
from k8snb.loop import Loop, Task
from k8snb.trace import Trace
from k8snb.typing import ObjectKey

BASE_DELAY = 0.005
MAX_DELAY = 1000.0
FOREGROUND_FAILURES = 8
"""After so many failures in a row a retry no longer keeps the cluster from counting as settled."""

Reconcile = Callable[[ObjectKey], float | None]


class WorkQueue(Task):
    """The keys that one component has to look at."""

    def __init__(self, loop: Loop, trace: Trace, component: str, reconcile: Reconcile) -> None:
        super().__init__(loop)
        self.component = component
        self.paused = False
        self._trace = trace
        self._reconcile = reconcile
        self._keys: dict[ObjectKey, int] = {}
        self._order: deque[ObjectKey] = deque()
        self._failures: dict[ObjectKey, int] = {}
        self._timers: dict[ObjectKey, Timer] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: ObjectKey, cause: int = 0) -> None:
        """Look at the key in one of the next turns; `cause` is the revision that makes it necessary."""
        if key not in self._keys:
            self._keys[key] = cause
            self._order.append(key)
            if not self._awake:
                self.wake()

    def add_after(self, key: ObjectKey, delay: float, *, cause: int = 0, background: bool = False) -> None:
        """Look at the key `delay` seconds from now. Of several appointments the earliest counts."""
        clock = self._loop.clock
        pending = self._timers.get(key)
        if pending is not None and pending.call is not None:
            if pending.when <= clock.now() + delay and (background or not pending.background):
                return
            pending.cancel()
        self._timers[key] = clock.call_later(delay, lambda: self._due(key, cause), background=background)

    def _due(self, key: ObjectKey, cause: int) -> None:
        self._timers.pop(key, None)
        self.add(key, cause)

    def run(self, quantum: int) -> None:
        """Reconcile at most `quantum` keys."""
        keys = self._keys
        while keys and quantum > 0 and not self.paused:
            quantum -= 1
            key = self._order.popleft()
            self._one(key, keys.pop(key))
        if keys and not self.paused:
            self.wake()

    def _one(self, key: ObjectKey, cause: int) -> None:
        span = self._trace.begin(self.component, key, cause)
        try:
            again = self._reconcile(key)
        except StatusError as error:
            span.error = error.message
            self._retry(key)
        else:
            self._failures.pop(key, None)
            if again is not None:
                self.add_after(key, again)
        finally:
            self._trace.end(span)

    def _retry(self, key: ObjectKey) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(BASE_DELAY * 2**failures, MAX_DELAY)
        self.add_after(key, delay, background=failures >= FOREGROUND_FAILURES)
