"""What an expression comes to: a number, a text, a vector of samples, or series of samples over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from k8snb.metrics.labels import Labels

Sample: TypeAlias = tuple[Labels, float]
Vector: TypeAlias = list[Sample]


@dataclass(frozen=True, slots=True)
class Window:
    """The samples of one series in a range: `times` in milliseconds, from `start` to `end` of the range."""

    labels: Labels
    times: list[int]
    values: list[float]
    start: int
    end: int


Matrix: TypeAlias = list[Window]
Value: TypeAlias = float | str | Vector | Matrix
