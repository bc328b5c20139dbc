"""Seats that priority levels lend each other.

A level has its nominal share of the server's seats, may be asked to lend part of it, and may borrow up to a limit.
Every ten seconds the seats are dealt anew: each level gets a share in proportion to what it has asked for lately, but
no less than what it needed of its own, and no more than it may borrow. What a level asked for is integrated over time:
average plus deviation count at once when they grow, and are forgotten slowly when they shrink.

Nothing is dealt again while nobody has to wait for a seat anywhere: then the demand is what it was, none.
Upstream: `apiserver/pkg/util/flowcontrol/apf_controller.go` (`updateBorrowingLocked`), `conc_alloc.go`, and KEP-1040.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from k8snb.clock import Clock

if TYPE_CHECKING:
    from k8snb.apiserver.levels import Level

PERIOD = 10.0
"""How often seats are dealt anew, in seconds."""
_KEPT = 0.977
"""How much of what a level asked for counts after a period: half of it after five minutes."""
_LEAST = 0.001
"""Nobody is taken to ask for less."""
_NOTHING = 0.01
"""Demand below this is none."""


class Limits(NamedTuple):
    """How many seats a level has by its configuration, and between which numbers it may have."""

    nominal: int
    lowest: int
    highest: int


class Observed(NamedTuple):
    """What was asked for in a period: on average, how much that varied, and at most."""

    seconds: float
    average: float
    deviation: float
    most: float


class Demand:
    """How many seats the requests of a level have or wait for, over time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.now()
        self.seats = 0
        self._most = 0
        self._seconds = self._sum = self._squares = 0.0
        self.smoothed = 0.0
        self.last = Observed(0.0, 0.0, 0.0, 0.0)

    def add(self, seats: int) -> None:
        """So many more seats are asked for, or fewer."""
        self._run()
        self.seats += seats
        self._most = max(self._most, self.seats)

    def _run(self) -> None:
        now = self._clock.now()
        passed, self._since = now - self._since, now
        self._seconds += passed
        self._sum += passed * self.seats
        self._squares += passed * self.seats * self.seats

    def close(self) -> None:
        """A period is over: note what was asked for, and begin the next one."""
        self._run()
        seconds = self._seconds
        average = self._sum / seconds if seconds else 0.0
        deviation = math.sqrt(max(self._squares / seconds - average * average, 0.0)) if seconds else 0.0
        self.last = Observed(seconds, average, deviation, float(self._most))
        self._most = self.seats
        self._seconds = self._sum = self._squares = 0.0
        if seconds:
            envelope = average + deviation
            self.smoothed = max(envelope, _KEPT * self.smoothed + (1 - _KEPT) * envelope)


class Lending:
    """Deals the seats of one server among its levels. `dealt` is called whenever that is done."""

    def __init__(self, clock: Clock, dealt: Callable[[], None]) -> None:
        self._clock = clock
        self._dealt = dealt
        self._began = clock.now()
        self._levels: Mapping[str, Level] = {}
        self._limits: Mapping[str, Limits] = {}
        self._awake = False
        self.fair = 0.0
        """How much of what it asked for each level has got that no limit stopped."""

    def limits(self) -> Mapping[str, Limits]:
        """The limits of each level, by name."""
        return self._limits

    def configure(self, levels: Mapping[str, Level], limits: Mapping[str, Limits]) -> None:
        """There are these levels now."""
        self._levels, self._limits = levels, limits
        for level in levels.values():
            level.wake = self.wake
        self._deal()

    def wake(self) -> None:
        """Somebody asks for seats and may have to wait: deal anew at the end of the period."""
        if not self._awake:
            self._awake = True
            period = PERIOD * self._clock.speed
            left = period - (self._clock.now() - self._began) % period
            self._clock.call_later(left, self._again, background=True)

    def _again(self) -> None:
        self._awake = False
        self._deal()
        self._dealt()
        for level in self._levels.values():
            level.dispatch()
        if any(each.demand.seats or each.demand.smoothed > _NOTHING for each in self._levels.values()):
            self.wake()

    def _deal(self) -> None:
        shares = []
        for name, level in self._levels.items():
            level.demand.close()
            limits = self._limits[name]
            low = max(limits.lowest, min(limits.nominal, level.demand.last.most))
            shares.append(Share(max(low, level.demand.smoothed), low, limits.highest))
        total = sum(each.nominal for each in self._limits.values())
        seats, self.fair = deal(total, shares)
        for level, number in zip(self._levels.values(), seats, strict=True):
            level.give(math.floor(number + 0.5))


class Share(NamedTuple):
    """What a level asks for, and what it gets at least and at most."""

    wanted: float
    lowest: float
    highest: float


def deal(total: int, shares: Sequence[Share]) -> tuple[list[float], float]:
    """How many seats each gets, all together `total`, and the proportion to what was asked for.

    Each gets the same proportion of what it asked for, unless that is below its lowest or above its highest number.
    """
    wanted = [max(share.wanted, _LEAST) for share in shares]

    def given(proportion: float) -> list[float]:
        pairs = zip(shares, wanted, strict=True)
        return [max(share.lowest, min(share.highest, proportion * want)) for share, want in pairs]

    bounds = {bound / want for share, want in zip(shares, wanted, strict=True) for bound in share[1:]}
    for low, high in pairwise(sorted({0.0, *bounds})):
        least, most = sum(given(low)), sum(given(high))
        if most >= total:  # between two bounds the sum is a straight line
            rise = (total - least) * (high - low) / (most - least) if most > least else 0.0
            return given(low + max(rise, 0.0)), low + max(rise, 0.0)
    top = max(bounds, default=0.0)
    return given(top), top
