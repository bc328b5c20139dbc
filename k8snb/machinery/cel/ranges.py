"""A range of whole numbers from the least to the most: how large a value can be, or how much an expression can cost.

Arithmetic stops at 2^64 - 1, which also stands for "unknown". Upstream: `SizeEstimate` and `CostEstimate` in
`cel-go/checker/cost.go`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Range:
    """What is at least `least` and at most `most`."""

    least: int
    most: int

    def __add__(self, other: Range) -> Range:
        return Range(min(self.least + other.least, MOST), min(self.most + other.most, MOST))

    def __mul__(self, other: Range) -> Range:
        return Range(min(self.least * other.least, MOST), min(self.most * other.most, MOST))

    def __or__(self, other: Range) -> Range:
        """The range that holds both."""
        return Range(min(self.least, other.least), max(self.most, other.most))

    def scaled(self, factor: float) -> Range:
        """The range times a factor, rounded up."""
        return Range(scaled(self.least, factor), scaled(self.most, factor))


def exactly(number: int) -> Range:
    return Range(number, number)


def scaled(number: int, factor: float) -> int:
    """A number times a factor, rounded up."""
    return min(math.ceil(float(number) * factor), MOST)


UNKNOWN = Range(0, MOST)
NOTHING, ONE = exactly(0), exactly(1)
