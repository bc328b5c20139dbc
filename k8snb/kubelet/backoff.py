"""Exponential back-off: twice as long each time, forgotten after a while of peace.

Upstream: `client-go/util/flowcontrol/backoff.go`. A delay starts at `INITIAL`, doubles up to `MAXIMUM` and
starts anew when nothing failed for twice the maximum.
"""

from __future__ import annotations

INITIAL = 10.0
MAXIMUM = 300.0


class Backoff:
    """The back-off of one thing that fails."""

    __slots__ = ("delay", "updated")

    def __init__(self) -> None:
        self.delay = 0.0
        """Seconds; 0 when it has not failed lately."""
        self.updated = 0.0

    def _expired(self, now: float) -> bool:
        return now - self.updated > 2 * MAXIMUM

    def left(self, since: float, now: float) -> float:
        """How many seconds are left to wait after a failure at `since`; 0 or less if it may be tried now."""
        if self.delay == 0.0 or self._expired(now):
            return 0.0
        return since + self.delay - now

    def next(self, now: float) -> None:
        """It is being tried again, or has failed again: the next delay is longer."""
        self.delay = INITIAL if self.delay == 0.0 or self._expired(now) else min(2 * self.delay, MAXIMUM)
        self.updated = now


def words(seconds: float) -> str:
    """A duration as Go prints it: `1.2s`, `850ms`, `1m20s`, `5m0s`."""
    milliseconds = round(seconds * 1000)
    if milliseconds == 0:
        return "0s"
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
