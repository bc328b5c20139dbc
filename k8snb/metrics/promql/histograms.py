"""Quantiles of histograms, estimated from cumulative buckets.

Within a bucket observations are taken to be spread evenly; so an answer is only as exact as the buckets are narrow.
Source: `promql/quantile.go`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import groupby

from k8snb.metrics.labels import NAME, Labels, value, without
from k8snb.metrics.numbers import read
from k8snb.metrics.promql.values import Vector

Bucket = tuple[float, float]
"""An upper bound, and how many observations were at most that."""


def histogram_quantile(share: float, buckets: Vector) -> Vector:
    """The quantile of each histogram among the samples, which are told apart by their labels other than `le`."""
    found: dict[Labels, list[Bucket]] = {}
    for of, count in buckets:
        try:
            bound = read(value(of, "le"))
        except ValueError:
            continue
        found.setdefault(without(of, (NAME, "le")), []).append((bound, count))
    return [(of, quantile(share, parts)) for of, parts in found.items()]


def quantile(share: float, buckets: Iterable[Bucket]) -> float:
    """The value below which `share` of the observations lie. NaN where the buckets cannot say."""
    if share != share:
        return math.nan
    if share < 0 or share > 1:
        return -math.inf if share < 0 else math.inf
    rising = _rising(buckets)
    if len(rising) < 2 or rising[-1][0] != math.inf or not rising[-1][1]:
        return math.nan
    rank = share * rising[-1][1]
    place = next(n for n, (_, count) in enumerate(rising) if count >= rank) if rank == rank else len(rising) - 1
    if place == len(rising) - 1:
        return rising[-2][0]
    end, count = rising[place]
    if not place and end <= 0:
        return end
    start, before = rising[place - 1] if place else (0.0, 0.0)
    return start + (end - start) * _share(rank - before, count - before)


def _share(rank: float, count: float) -> float:
    return rank / count if count else math.nan


def _rising(buckets: Iterable[Bucket]) -> list[Bucket]:
    """By bound, equal bounds together; counts that fall, as scrapes at different moments can have it, are lifted."""
    ordered = sorted(buckets, key=lambda bucket: bucket[0])
    merged = [(bound, sum(count for _, count in same)) for bound, same in groupby(ordered, key=lambda b: b[0])]
    highest = -math.inf
    lifted = []
    for bound, count in merged:
        highest = max(highest, count)
        lifted.append((bound, highest))
    return lifted
