"""Series written in one line each, in the notation of `promtool test rules`: `up{job="a"} 1x3 _ 0+2x4 stale`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from k8snb.metrics.exposition import parsed
from k8snb.metrics.labels import shown
from k8snb.metrics.promql.engine import Engine
from k8snb.metrics.promql.values import Window
from k8snb.metrics.tsdb import STALE, TSDB

MINUTE = 60_000
_RUN = re.compile(r"(-?[\d.]+|NaN|[+-]?Inf)(?:([+-][\d.]+))?(?:x(\d+))?")


def values(text: str) -> Iterator[float | None]:
    """The values of a line; None where there is no sample."""
    for word in text.split():
        if word.startswith("_"):
            yield from [None] * int(word[2:] or 1)
        elif word == "stale":
            yield STALE
        else:
            first, step, times = _RUN.fullmatch(word).groups()  # type: ignore[union-attr]
            yield from (float(first) + n * float(step or 0) for n in range(int(times or 0) + 1))


def loaded(text: str, step: int = MINUTE) -> TSDB:
    """A store with a sample every `step` milliseconds from 0 on."""
    store = TSDB()
    for line in filter(None, map(str.strip, text.splitlines())):
        name, rest = re.fullmatch(r"(\S+?(?:\{.*?\})?) (.*)", line).groups()  # type: ignore[union-attr]
        of = parsed(f"{name} 0").samples[0].labels
        for place, number in enumerate(values(rest)):
            if number is not None:
                store.append(of, place * step, number)
    return store


def asked(store: TSDB, text: str, at: int = 5 * MINUTE, like: int = 3) -> object:
    """What a query comes to: a number, a text, or values by what PromQL would call the series."""
    found = Engine(store, like=like).query(text, at)
    if not isinstance(found, list):
        return found
    return {
        shown(each.labels): list(zip(each.times, each.values, strict=True)) if isinstance(each, Window) else each[1]
        for each in found
        if isinstance(each, Window)
    } or {shown(each[0]): each[1] for each in found}  # type: ignore[index]
