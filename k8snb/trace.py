"""What every part did and why, as data.

A *span* is one reconcile: the component, the key, the revision whose event caused it, what it observed,
what it wanted, and the requests it sent with the revision each produced. Requests that come from
outside any reconcile (a reader's `kubectl`) are kept too, with no span. Views draw from this record and
from the store's history; neither is a log line.

The record is a ring: `limit` spans and requests are kept, the oldest are forgotten first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from k8snb.typing import ObjectKey
from k8snb.wire import Request

ALL = "*"
"""For a name: all objects of the kind were listed."""

MOST_READ = 60
"""Of so many objects a span remembers that it read them."""


class Sent:
    """One request that reached the API server, and what became of it."""

    __slots__ = ("code", "number", "request", "revision", "span", "time")

    def __init__(self, number: int, time: float, request: Request, code: int, revision: int, span: Span | None) -> None:
        self.number = number
        self.time = time
        self.request = request
        self.code = code
        self.revision = revision
        """The store's revision after the request: the one it produced, if it wrote."""
        self.span = span

    @property
    def user(self) -> str:
        """Who sent it."""
        return self.request.user.name if self.request.user else "system:anonymous"

    def __repr__(self) -> str:
        return f"{self.request.method} {self.request.path} → {self.code} @{self.revision}"


class Span:
    """One reconcile: observe, diff, act."""

    __slots__ = (
        "cause",
        "compared",
        "component",
        "error",
        "key",
        "number",
        "observed",
        "read",
        "requests",
        "revision",
        "time",
        "wanted",
    )

    def __init__(self, number: int, component: str, key: ObjectKey, cause: int, revision: int, time: float) -> None:
        self.number = number
        self.component = component
        self.key = key
        self.cause = cause
        """The revision of the change that caused it; 0 when a timer did."""
        self.revision = revision
        """The store's revision when it began."""
        self.time = time
        self.observed: dict[str, Any] = {}
        self.compared: dict[str, tuple[Any, Any]] = {}
        """What was held against each other: by name, what was observed and what was desired."""
        self.read: dict[tuple[str, str], None] = {}
        """The objects that it looked at in its caches, by kind and name, in order."""
        self.wanted = ""
        self.requests: list[Sent] = []
        self.error = ""

    def __repr__(self) -> str:
        return f"<{self.component} {self.key} because of @{self.cause}: {self.wanted}>"


class Measured(NamedTuple):
    """What a pod was found to use at a time, in thousandths of a core and in bytes."""

    time: float
    namespace: str
    pod: str
    cpu: int
    memory: int


class Trace:
    """The record of spans and requests; `current` is the span that runs now."""

    def __init__(self, now: Callable[[], float], revision: Callable[[], int], limit: int = 50_000) -> None:
        self._now = now
        self._revision = revision
        self._count = 0
        self.limit = limit
        self.enabled = limit > 0
        self.spans: deque[Span] = deque(maxlen=limit)
        self.requests: deque[Sent] = deque(maxlen=limit)
        self.measured: deque[Measured] = deque(maxlen=limit)
        """What pods used whenever somebody (an autoscaler, `kubectl top`) asked."""
        self.current: Span | None = None

    @property
    def number(self) -> int:
        """The number of the newest span or request."""
        return self._count

    def begin(self, component: str, key: ObjectKey, cause: int = 0) -> Span:
        """Open the span of one reconcile; `end` closes it."""
        self._count += 1
        span = Span(self._count, component, key, cause, self._revision(), self._now())
        self.current = span
        return span

    def end(self, span: Span) -> None:
        """Close the span and keep it."""
        self.current = None
        if self.enabled:
            self.spans.append(span)

    def looked(self, kind: str, name: str) -> None:
        """Note that the reconcile of the moment looked at an object; the first few are kept."""
        span = self.current
        if span is not None and len(span.read) < MOST_READ:
            span.read[kind, name] = None

    def measures(self, namespace: str, pod: str, cpu: int, memory: int) -> None:
        """Keep what a pod uses just now."""
        if self.enabled:
            self.measured.append(Measured(self._now(), namespace, pod, cpu, memory))

    def sent(self, request: Request, code: int) -> None:
        """Keep a request that the server has answered."""
        self._count += 1
        sent = Sent(self._count, self._now(), request, code, self._revision(), self.current)
        self.requests.append(sent)
        if self.current is not None:
            self.current.requests.append(sent)
            info = request.info
            if info is not None and info.resource is not None and code < 300 and info.verb in ("get", "list"):
                self.looked(info.resource.kind, info.name or ALL)
