"""A time-series store in memory: series by label set, an index from each label to its series.

A series is two columns, times (milliseconds) and values, in order of time. A value `STALE` says that the series ended
there: a target that is gone leaves it, and who looks afterwards finds nothing, not its last value for five minutes.
Source: `tsdb/` and `storage/` of Prometheus; its blocks, chunks and write-ahead log are left out.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from k8snb.metrics.labels import Labels, Matcher, value

STALE = float("nan")
"""The marker of an end. Known by its identity: other NaNs are values."""


@dataclass(slots=True, eq=False)
class Series:
    """One time series."""

    labels: Labels
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def append(self, time: int, number: float) -> bool:
        """Add a sample. False, and nothing is kept, if it is not newer than what is there."""
        if self.times and time <= self.times[-1]:
            return False
        self.times.append(time)
        self.values.append(number)
        return True

    def at(self, time: int, oldest: int, *, open: bool) -> tuple[int, float] | None:
        """The last sample at `time` that is not older than `oldest` (newer, if `open`), unless it is an end."""
        place = bisect_right(self.times, time) - 1
        if place < 0 or self.times[place] < oldest + open or self.values[place] is STALE:
            return None
        return self.times[place], self.values[place]

    def between(self, first: int, last: int, *, open: bool) -> tuple[list[int], list[float]]:
        """The samples from `first` (not itself, if `open`) to `last`, ends left out."""
        start, stop = bisect_left(self.times, first + open), bisect_right(self.times, last)
        times, values = self.times[start:stop], self.values[start:stop]
        if not any(number is STALE for number in values):
            return times, values
        kept = [pair for pair in zip(times, values, strict=True) if pair[1] is not STALE]
        return [time for time, _ in kept], [number for _, number in kept]

    def forget(self, before: int) -> None:
        """Drop samples older than `before`."""
        count = bisect_left(self.times, before)
        del self.times[:count], self.values[:count]


class TSDB:
    """All series. What is older than `retention` milliseconds is forgotten when `truncate` is called."""

    def __init__(self, retention: int = 15 * 24 * 3_600_000) -> None:
        self.retention = retention
        self._series: dict[Labels, Series] = {}
        self._postings: dict[tuple[str, str], dict[Labels, Series]] = {}
        self._names: dict[str, dict[str, int]] = {}

    def __len__(self) -> int:
        return len(self._series)

    def __iter__(self) -> Iterator[Series]:
        return iter(self._series.values())

    def series(self, of: Labels) -> Series:
        """The series of a label set, made on first use."""
        known = self._series.get(of)
        if known is None:
            known = self._series[of] = Series(of)
            for pair in of:
                self._postings.setdefault(pair, {})[of] = known
                texts = self._names.setdefault(pair[0], {})
                texts[pair[1]] = texts.get(pair[1], 0) + 1
        return known

    def append(self, of: Labels, time: int, number: float) -> bool:
        """Add one sample; False if it came too late."""
        return self.series(of).append(time, number)

    def label_names(self) -> list[str]:
        """Every label there is."""
        return sorted(self._names)

    def label_values(self, name: str) -> list[str]:
        """Every text of a label, in order."""
        return sorted(self._names.get(name, ()))

    def select(self, matchers: Sequence[Matcher]) -> list[Series]:
        """The series that every matcher accepts, by label set."""
        found = self._candidates(matchers)
        chosen = [s for s in found if all(matcher.accepts(value(s.labels, matcher.name)) for matcher in matchers)]
        return sorted(chosen, key=lambda series: series.labels)

    def _candidates(self, matchers: Sequence[Matcher]) -> Iterable[Series]:
        exact = [self._postings.get((m.name, m.text), {}) for m in matchers if m.type == "=" and m.text]
        return min(exact, key=len).values() if exact else self._series.values()

    def truncate(self, now: int) -> None:
        """Forget what is older than the retention, and series that have nothing left."""
        for series in list(self._series.values()):
            series.forget(now - self.retention)
            if not series.times:
                self._drop(series)

    def _drop(self, series: Series) -> None:
        del self._series[series.labels]
        for pair in series.labels:
            del self._postings[pair][series.labels]
            texts = self._names[pair[0]]
            texts[pair[1]] -= 1
            if not texts[pair[1]]:
                del texts[pair[1]]
                if not texts:
                    del self._names[pair[0]]
