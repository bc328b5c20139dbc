"""A log that is followed: text as it is written, until the container ends."""

from __future__ import annotations

from collections.abc import Callable

from k8snb.clock import Clock, Timer
from k8snb.errors import StatusError

LOOK_SECONDS = 0.2
"""How often a log is looked at while somebody follows it, by the clock of who follows."""

_OVERLAP = 4096


class LogStream:
    """`next()` gives the text that has been written since, as bytes; None if there is none yet.

    `on_ready`, if set, is called whenever there is something to read or the stream closes.
    """

    def __init__(self, clock: Clock, first: str, read: Callable[[], str], over: Callable[[], bool]) -> None:
        self.closed = False
        self.on_ready: Callable[[], None] | None = None
        self._clock = clock
        self._read = read
        self._over = over
        self._seen = read()
        self._pieces: list[bytes] = [first.encode()] if first else []
        self._timer: Timer | None = None
        self._ended: list[Callable[[], None]] = []
        self._look()

    def __len__(self) -> int:
        return len(self._pieces)

    def next(self) -> bytes | None:
        """The next piece of text."""
        return self._pieces.pop(0) if self._pieces else None

    def close(self) -> None:
        """Look no longer."""
        if not self.closed:
            self.closed = True
            if self._timer is not None:
                self._timer.cancel()
            for call in self._ended:
                call()
            self._tell()

    def when_closed(self, call: Callable[[], None]) -> None:
        """Call when it ends."""
        self._ended.append(call)

    def _look(self) -> None:
        if self.closed:
            return
        over = self._over()
        try:
            now = self._read()
        except StatusError:
            self.close()
            return
        new = _since(self._seen, now)
        self._seen = now
        if new:
            self._pieces.append(new.encode())
        if over:
            self.close()
            return
        self._timer = self._clock.call_later(LOOK_SECONDS * self._clock.speed, self._look, background=True)
        if new:
            self._tell()

    def _tell(self) -> None:
        if self.on_ready is not None:
            self.on_ready()


def _since(before: str, now: str) -> str:
    """What has been added to a text whose beginning may have been forgotten."""
    if now.startswith(before):
        return now[len(before) :]
    known = before[-_OVERLAP:]
    at = now.rfind(known)
    return now[at + len(known) :] if at >= 0 else now
