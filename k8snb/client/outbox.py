"""Events on their way to the API server, in batches.

As in client-go, whoever records an event does not wait until it is stored. Where turns are single steps there is no
outbox and an event is sent at once, so that a reader sees it beside what caused it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from k8snb.loop import Loop, Task
from k8snb.machinery.recorded import RecordedEvent
from k8snb.wire import User


class EventTransport(Protocol):
    """What takes a batch of events, each as if its user had sent it alone."""

    def record(self, batch: Sequence[tuple[User, RecordedEvent]]) -> None:
        """Store the events; those that are refused are dropped, as upstream."""
        ...


class Outbox(Task):
    """Collects what is recorded and hands it over in its turns."""

    def __init__(self, loop: Loop, transport: EventTransport) -> None:
        super().__init__(loop)
        self._transport = transport
        self._waiting: list[tuple[User, RecordedEvent]] = []

    def put(self, user: User, event: RecordedEvent) -> None:
        """Send an event soon."""
        if not self._waiting:
            self.wake()
        self._waiting.append((user, event))

    def run(self, quantum: int) -> None:
        """Send everything that waits."""
        batch, self._waiting = self._waiting, []
        self._transport.record(batch)
