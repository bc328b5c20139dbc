"""Pools of numbers that objects claim: cluster IPs and node ports.

A range has two bands. Numbers that a client asks for by name may come from anywhere; numbers that the server
picks come from the upper band while it lasts, so that the lower one stays free for those who ask
(upstream: KEP-3070 and KEP-3668). Picking and claiming are separate steps: `Draft` picks for one write and
takes nothing, so that a dry run or a write that fails validation leaves no trace; `Pool.claim` takes what
the stored object says. What is picked depends on the seed and on the number of claims before, nothing else.
"""

from __future__ import annotations

from k8snb.machinery.names import Lottery

FULL = "range is full"
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


class Pool:
    """The numbers from `first` to `last`; those below `band` are picked only when the upper band is full."""

    def __init__(self, first: int, band: int, last: int, lottery: Lottery) -> None:
        self.first = first
        self.band = band
        self.last = last
        self._seed = lottery.below(1 << 48)
        self._claims = 0
        self._used: set[int] = set()

    def __contains__(self, number: int) -> bool:
        """Whether the number is of this range, taken or not."""
        return self.first <= number <= self.last

    def is_taken(self, number: int) -> bool:
        return number in self._used

    def claim(self, number: int) -> None:
        """Take the number; claiming it again, or one outside the range, changes nothing."""
        if number in self and number not in self._used:
            self._used.add(number)
            self._claims += 1

    def release(self, number: int) -> None:
        """Give the number back."""
        self._used.discard(number)

    def pick(self, turn: int, besides: set[int]) -> int | None:
        """A free number that is not in `besides`, the `turn`-th pick since the last claim; None if there is none."""
        draw = _mixed(self._seed + (self._claims + turn) * _GOLDEN)
        for low, high in ((self.band, self.last), (self.first, self.band - 1)):
            size = high - low + 1
            for step in range(size):
                number = low + (draw + step) % size
                if number not in self._used and number not in besides:
                    return number
        return None


class Draft:
    """What one write wants from a pool. `kept` are the numbers that the object holds already."""

    def __init__(self, pool: Pool, kept: frozenset[int] = frozenset()) -> None:
        self._pool = pool
        self._kept = kept
        self._wanted: set[int] = set()

    def next(self) -> int | None:
        """Some free number, or None."""
        number = self._pool.pick(len(self._wanted), self._wanted)
        if number is not None:
            self._wanted.add(number)
        return number

    def reserve(self, number: int) -> bool:
        """This very number; False if somebody has it."""
        if number in self._wanted or (self._pool.is_taken(number) and number not in self._kept):
            return False
        self._wanted.add(number)
        return True


def _mixed(number: int) -> int:
    """A number that looks random (splitmix64)."""
    number &= _MASK
    number = ((number ^ number >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ number >> 27) * 0x94D049BB133111EB) & _MASK
    return number ^ number >> 31
