"""Series as a small shop would have them, with what makes queries hard: resets, gaps, NaN and infinity."""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random

from k8snb.metrics.labels import NAME, labels
from k8snb.metrics.tsdb import TSDB

START = 1_700_000_000_000
STEP = 15_000
COUNT = 120
_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, math.inf)


def _counter(chance: Random, most: float, *, reset: bool) -> list[float]:
    found, here = [], 0.0
    for place in range(COUNT):
        here = chance.random() if reset and place == 50 else here + chance.random() * most
        found.append(round(here, 4))
    return found


def _buckets(chance: Random) -> list[list[float]]:
    counts = [0.0] * len(_BOUNDS)
    columns: list[list[float]] = [[] for _ in _BOUNDS]
    for _ in range(COUNT):
        for _ in range(chance.randint(1, 9)):
            seconds = chance.expovariate(4)
            counts = [count + (seconds <= bound) for count, bound in zip(counts, _BOUNDS, strict=True)]
        for column, count in zip(columns, counts, strict=True):
            column.append(count)
    return columns


def shop() -> TSDB:
    """Half an hour, a sample every 15 seconds."""
    chance, store = Random(7), TSDB()

    def add(name: str, numbers: Iterable[float | None], **pairs: str) -> None:
        of = labels({NAME: name, **pairs})
        for place, number in enumerate(numbers):
            if number is not None:
                store.append(of, START + place * STEP, number)

    for instance in ("a:80", "b:80", "c:80"):
        for job in ("api", "web"):
            common = {"instance": instance, "job": job}
            for code, most in (("200", 40), ("404", 5), ("500", 2)):
                add("http_requests_total", _counter(chance, most, reset=instance == "b:80"), code=code, **common)
            add("up", (float(not (instance == "c:80" and 30 < n < 45)) for n in range(COUNT)), **common)
            waves = (round(1e8 + 1e7 * math.sin(n / 7) + chance.random() * 1e6, 1) for n in range(COUNT))
            add("memory_bytes", waves, mode="rss", **common)
            columns = _buckets(chance)
            for bound, column in zip(_BOUNDS, columns, strict=True):
                add("latency_seconds_bucket", column, le="+Inf" if math.isinf(bound) else f"{bound:g}", **common)
            add("latency_seconds_count", columns[-1], **common)
    for instance, version in (("a:80", "1.0"), ("b:80", "1.1"), ("c:80", "1.1")):
        add("build_info", [1.0] * COUNT, instance=instance, version=version)
    add("gappy", (float(n) if n % 17 < 9 else None for n in range(COUNT)), x="1")
    add("gappy", (float(n * n % 37) if n >= 60 else None for n in range(COUNT)), x="2")
    for kind, number in (("nan", math.nan), ("inf", math.inf), ("neg", -1.5), ("zero", 0.0)):
        add("weird", [number] * COUNT, k=kind)
    add("date_seconds", (1_709_210_096.0 + 86_400 * n for n in range(COUNT)))
    return store
