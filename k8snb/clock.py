"""Time, handed in.

Nothing below the edge asks the operating system what time it is: everything holds a `Clock`. The
`VirtualClock` stands still until somebody moves it, which makes every run the same run; the
`WallClock` follows the machine's clock, times a factor. Both keep timers in one heap, ordered by
due time and then by the order in which they were set.

A timer is *background* when it belongs to housekeeping that never ends (heartbeats, expiry, periodic
probes): waiting for the cluster to settle does not wait for those.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime

from k8snb.i18n import _

EPOCH = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""Where virtual time begins, in seconds since the Unix epoch."""


class Seconds(float):
    """How many seconds passed, and says so where a notebook shows it."""

    def __repr__(self) -> str:
        return _("{seconds:g} s passed").format(seconds=float(self))

    __str__ = float.__repr__


class Timer:
    """A call due at `when` (seconds since the Unix epoch); `cancel()` takes it back."""

    __slots__ = ("background", "call", "when")

    def __init__(self, when: float, call: Callable[[], None], background: bool) -> None:
        self.when = when
        self.call: Callable[[], None] | None = call
        self.background = background

    def cancel(self) -> None:
        """Forget the call; safe to repeat, and after it was made."""
        self.call = None


class Clock:
    """Reads the time and keeps timers. Subclasses say where the time comes from."""

    speed = 1.0
    """How many of its seconds pass in one of those who ask from outside."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._second = -1
        self._stamp = ""
        self._micro_at = -1.0
        self._micro = ""
        self._order = 0
        self._nanoseconds = 0
        self._timers: list[tuple[float, int, Timer]] = []
        self._foreground: list[tuple[float, int, Timer]] = []

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return self._now

    def outside(self) -> float:
        """The time as those see it who are not in the cluster: what certificates have to be valid for."""
        return self.now()

    def timestamp(self) -> str:
        """The time as an API object shows it: RFC 3339, whole seconds, UTC."""
        second = int(self.now())
        if second != self._second:
            self._second, self._stamp = second, rfc3339(second)
        return self._stamp

    def micro_timestamp(self) -> str:
        """The time with microseconds, as leases and the events API show it (`MicroTime`)."""
        now = self.now()
        if now != self._micro_at:
            self._micro_at, self._micro = now, rfc3339_micro(now)
        return self._micro

    def nanoseconds(self) -> int:
        """The time as a number of nanoseconds that no other call gets, as event names need it."""
        self._nanoseconds = max(self._nanoseconds, _before(self.now())) + 1
        return self._nanoseconds

    @property
    def counted(self) -> int:
        """The last number that `nanoseconds` gave."""
        return self._nanoseconds

    def go_on(self, counted: int) -> None:
        """Give no number of nanoseconds again that another process gave."""
        self._nanoseconds = max(self._nanoseconds, counted)

    def moment(self) -> tuple[float, str, int]:
        """What an event needs of the time: seconds, `timestamp`, `nanoseconds`."""
        return self.now(), self.timestamp(), self.nanoseconds()

    def call_later(self, delay: float, call: Callable[[], None], *, background: bool = False) -> Timer:
        """Make `call` once, `delay` seconds from now."""
        return self.call_at(self.now() + delay, call, background=background)

    def call_at(self, when: float, call: Callable[[], None], *, background: bool = False) -> Timer:
        """Make `call` once the time is `when`; at the next opportunity if that has passed."""
        timer = Timer(when, call, background)
        self._order += 1
        entry = (when, self._order, timer)
        heapq.heappush(self._timers, entry)
        if not background:
            heapq.heappush(self._foreground, entry)
        return timer

    def next_due(self, *, foreground: bool = False) -> float | None:
        """When the next timer is due, or the next that is not background; None if there is none."""
        timers = self._foreground if foreground else self._timers
        while timers and timers[0][2].call is None:
            heapq.heappop(timers)
        return timers[0][0] if timers else None

    def fire_due(self) -> bool:
        """Make the earliest call that is due; False if none is."""
        while self._timers and self._timers[0][0] <= self.now():
            timer = heapq.heappop(self._timers)[2]
            if timer.call is not None:
                call, timer.call = timer.call, None
                call()
                return True
        return False


class VirtualClock(Clock):
    """Time that moves only when told to; until then what is derived from it is kept."""

    def __init__(self, now: float = EPOCH) -> None:
        super().__init__(now)
        self._nanoseconds = _before(now)

    def timestamp(self) -> str:
        return self._stamp or super().timestamp()

    def nanoseconds(self) -> int:
        self._nanoseconds += 1
        return self._nanoseconds

    def moment(self) -> tuple[float, str, int]:
        self._nanoseconds += 1
        return self._now, self._stamp or self.timestamp(), self._nanoseconds

    def advance_to(self, when: float) -> None:
        """Set the time; it never runs backwards."""
        if when > self._now:
            self._now = when
            if int(when) != self._second:
                self._stamp = ""
            self._nanoseconds = max(self._nanoseconds, _before(when))


class WallClock(Clock):
    """The machine's time, run `speed` times as fast from the moment it is made; never earlier than `since`."""

    def __init__(self, speed: float = 1.0, since: float = 0.0) -> None:
        self.speed = speed
        self._outside = time.time()
        self._started = max(self._outside, since)
        self._monotonic = time.monotonic()
        super().__init__(self._started)

    def now(self) -> float:
        return self._started + (time.monotonic() - self._monotonic) * self.speed

    def outside(self) -> float:
        return self._outside + (time.monotonic() - self._monotonic)


def _before(seconds: float) -> int:
    """The last nanosecond before a time, which counts in milliseconds."""
    return int(seconds * 1000) * 1_000_000 - 1


def stopwatch() -> float:
    """A clock of the machine that only measures: seconds since some moment. For those who show how long things took."""
    return time.perf_counter()


def day(seconds: float) -> str:
    """The day of a time, in UTC: `2026-01-01`."""
    return rfc3339(seconds)[:10]


def rfc3339(seconds: float) -> str:
    """`2026-01-01T00:00:00Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(seconds: float) -> str:
    """`2026-01-01T00:00:00.000000Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> float:
    """Seconds since the Unix epoch of an RFC 3339 time; ValueError if it is none."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
