"""Watch events as they come: no cache, no second look, one call for each.

This is what a program has that reacts to messages (edge-triggered). It is here to be compared with informers: what is
lost on the way it never hears of, what comes twice it hears twice, and when it starts again it is told of everything
that is there as if that were new, as by a watch that is opened without a `resourceVersion`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from k8snb.client.client import Client
from k8snb.errors import StatusError
from k8snb.loop import Loop, Task
from k8snb.machinery.objects import key_of
from k8snb.trace import Trace
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, WatchEvent

Heard = Callable[[str, Object], None]


class Ear(Task):
    """One watch, and who is called with the type and the object of each of its events."""

    def __init__(self, loop: Loop, client: Client, trace: Trace, component: str, resource: str, heard: Heard) -> None:
        super().__init__(loop)
        self._trace = trace
        self._component = component
        self._heard = heard
        request = Request(info=RequestInfo("watch", client.resource(resource)), user=client.user)
        self._stop = client.transport.subscribe(request, self._take)
        self._events = deque(WatchEvent(0, "ADDED", obj, None) for obj in client.list(resource))
        if self._events:
            self.wake()

    def _take(self, event: WatchEvent) -> None:
        if event.type != "ERROR":
            self._events.append(event)
            self.wake()

    def run(self, quantum: int) -> None:
        """Pass on at most `quantum` events; what the API refuses is noted in the trace and not tried again."""
        for _ in range(min(quantum, len(self._events))):
            event = self._events.popleft()
            span = self._trace.begin(self._component, key_of(event.object), event.revision)
            try:
                self._heard(event.type, event.object)
            except StatusError as refusal:
                span.error = refusal.message
            finally:
                self._trace.end(span)
        if self._events:
            self.wake()

    def stop(self) -> None:
        """Stop watching."""
        self._stop()
        self._events.clear()
