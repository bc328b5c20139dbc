"""Functions of range vectors: one number from the samples of a window, or none.

Counters only grow; where one falls it began anew, and what it had reached counts. `rate` and its like see samples only,
so they stretch what they saw to the whole window, unless its first or last sample is too far from the border.
Source: `promql/functions.go`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from k8snb.metrics.promql.values import Window

Measure = Callable[[Window], float | None]


def extrapolated(window: Window, *, counter: bool, per_second: bool, like: int) -> float | None:
    """By how much the series changed in the window. `like` is the major version whose rule for the borders is used."""
    times, values = window.times, window.values
    if len(times) < 2:
        return None
    change = values[-1] - values[0]
    if counter:
        change += sum(before for before, after in pairwise(values) if after < before)
    to_start, to_end = (times[0] - window.start) / 1000, (window.end - times[-1]) / 1000
    sampled = (times[-1] - times[0]) / 1000
    average = sampled / (len(times) - 1)
    to_start = _before(to_start, average, sampled, change if counter else 0.0, values[0], like)
    stretched = sampled + to_start + (to_end if to_end < average * 1.1 else average / 2)
    factor = stretched / sampled
    if per_second:
        factor /= (window.end - window.start) / 1000
    return change * factor


def _before(to_start: float, average: float, sampled: float, change: float, first: float, like: int) -> float:
    """How far a window is stretched to its start: a counter is not stretched to below zero."""
    to_zero = sampled * (first / change) if change > 0 and first >= 0 else math.inf
    if like < 3:
        to_start = min(to_start, to_zero)
        return to_start if to_start < average * 1.1 else average / 2
    return min(to_start if to_start < average * 1.1 else average / 2, to_zero)


def instant(window: Window, *, counter: bool) -> float | None:
    """The change between the last two samples; per second for a counter."""
    if len(window.values) < 2:
        return None
    before, last = window.values[-2:]
    change = last if counter and last < before else last - before
    elapsed = window.times[-1] - window.times[-2]
    if not elapsed:
        return None
    return change / (elapsed / 1000) if counter else change


def changes(window: Window) -> float:
    """How often the value changed."""
    pairs = pairwise(window.values)
    return float(sum(a != b and not (a != a and b != b) for a, b in pairs))


def resets(window: Window) -> float:
    """How often the value fell."""
    return float(sum(after < before for before, after in pairwise(window.values)))


def total(values: Sequence[float]) -> float:
    """The sum, compensated for lost digits (Neumaier)."""
    amount, lost = 0.0, 0.0
    for number in values:
        amount, lost = _added(number, amount, lost)
    return amount if math.isinf(amount) else amount + lost


def _added(number: float, amount: float, lost: float) -> tuple[float, float]:
    after = amount + number
    if math.isinf(after):
        return after, 0.0
    lost += (amount - after) + number if abs(amount) >= abs(number) else (number - after) + amount
    return after, lost


def mean(values: Sequence[float]) -> float:
    """The average, without an overflow on the way."""
    amount, lost = 0.0, 0.0
    for count, number in enumerate(values, 1):
        if math.isinf(amount) and ((math.isinf(number) and (amount > 0) == (number > 0)) or math.isfinite(number)):
            continue
        amount, lost = _added(number / count - amount / count, amount, lost)
    return amount if math.isinf(amount) else amount + lost


def variance(values: Sequence[float]) -> float:
    """The population's variance (Welford)."""
    centre, squares = 0.0, 0.0
    for count, number in enumerate(values, 1):
        delta = number - centre
        centre += delta / count
        squares += delta * (number - centre)
    return squares / len(values)


def least(values: Sequence[float]) -> float:
    """The smallest number; NaN only if there is nothing else."""
    return min((v for v in values if v == v), default=math.nan)


def most(values: Sequence[float]) -> float:
    """The greatest number; NaN only if there is nothing else."""
    return max((v for v in values if v == v), default=math.nan)


def quantile(share: float, values: Sequence[float]) -> float:
    """The value below which `share` of the values lie, between the two nearest. NaN counts as the smallest."""
    if not values or share != share:
        return math.nan
    if share < 0 or share > 1:
        return -math.inf if share < 0 else math.inf
    ordered = sorted(values, key=lambda v: (v == v, v if v == v else 0.0))
    rank = share * (len(ordered) - 1)
    lower = max(0, math.floor(rank))
    upper = min(len(ordered) - 1, lower + 1)
    weight = rank - math.floor(rank)
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def deviation(values: Sequence[float]) -> float:
    """The median of how far the values are from their median."""
    middle = quantile(0.5, values)
    return quantile(0.5, [abs(v - middle) for v in values])


def line(window: Window, origin: int) -> tuple[float, float]:
    """Slope per second and value at `origin` of the line through the samples (least squares)."""
    times, values = window.times, window.values
    if all(v == values[0] for v in values):
        return (math.nan, math.nan) if math.isinf(values[0]) else (0.0, values[0])
    xs = [(time - origin) / 1000 for time in times]
    count = float(len(xs))
    sum_x, sum_y = total(xs), total(values)
    sum_xy, sum_xx = total([x * y for x, y in zip(xs, values, strict=True)]), total([x * x for x in xs])
    covariance = sum_xy - sum_x * sum_y / count
    slope = _ratio(covariance, sum_xx - sum_x * sum_x / count)
    return slope, sum_y / count - slope * sum_x / count


def _ratio(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if not a or a != a else math.copysign(math.inf, a)


def derivative(window: Window) -> float | None:
    """The slope per second of the line through the samples."""
    return line(window, window.times[0])[0] if len(window.times) > 1 else None


def predicted(window: Window, seconds: float, now: int) -> float | None:
    """Where the line through the samples is `seconds` from now."""
    if len(window.times) < 2:
        return None
    slope, height = line(window, now)
    return slope * seconds + height


def smoothed(window: Window, smoothing: float, trending: float) -> float | None:
    """The last value, smoothed twice (level and trend)."""
    values = window.values
    if len(values) < 2:
        return None
    older, level, trend = 0.0, values[0], values[1] - values[0]
    for place, number in enumerate(values[1:]):
        if place:
            trend = trending * (level - older) + (1 - trending) * trend
        older, level = level, smoothing * number + (1 - smoothing) * (level + trend)
    return level


def _of(measure: Callable[[Sequence[float]], float]) -> Measure:
    return lambda window: measure(window.values)


OVER_TIME: dict[str, Measure] = {
    "avg_over_time": _of(mean),
    "changes": changes,
    "count_over_time": lambda window: float(len(window.values)),
    "delta": lambda window: extrapolated(window, counter=False, per_second=False, like=3),
    "deriv": derivative,
    "idelta": lambda window: instant(window, counter=False),
    "irate": lambda window: instant(window, counter=True),
    "last_over_time": lambda window: window.values[-1],
    "mad_over_time": _of(deviation),
    "max_over_time": _of(most),
    "min_over_time": _of(least),
    "present_over_time": lambda window: 1.0,
    "resets": resets,
    "stddev_over_time": lambda window: math.sqrt(variance(window.values)),
    "stdvar_over_time": _of(variance),
    "sum_over_time": _of(total),
}
"""One number per window. What depends on a version or on more arguments is in `functions`."""
