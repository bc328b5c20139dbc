"""Cron schedules: `*/5 9-17 * * MON-FRI`, `@hourly`, `@every 90s`.

A schedule of five fields is five sets of numbers. What is wrong with a text is said in the words of the parser
that upstream uses (`robfig/cron/v3`, `ParseStandard`), because the API server passes them on.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple


class CronError(ValueError):
    """The text is no schedule."""


class Bounds(NamedTuple):
    """What a field may say: numbers, and the names of some."""

    low: int
    high: int
    names: Mapping[str, int] = {}


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
FIELDS = (
    Bounds(0, 59),
    Bounds(0, 23),
    Bounds(1, 31),
    Bounds(1, 12, {name: at for at, name in enumerate(_MONTHS, 1)}),
    Bounds(0, 6, {name: at for at, name in enumerate(_DAYS)}),
)
"""Minute, hour, day of the month, month, day of the week."""

_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_DURATION = re.compile(r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|[-+]?0", re.ASCII)
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}


YEARS = 5
"""How far ahead a time is looked for; a schedule like the 31st of February has none."""


class Schedule(NamedTuple):
    """When to run: sets of numbers for each of `FIELDS`, or every so many seconds."""

    fields: tuple[frozenset[int], ...] = ()
    starred: tuple[bool, ...] = ()
    """Which fields were left open: of two days, an open one does not count."""
    every: float = 0.0
    zone: str = ""

    def after(self, moment: float) -> float | None:
        """The first time after a moment, both in seconds since the Unix epoch; None if there is none for years.

        Wall clocks jump: a time that is skipped in spring does not come, one that comes twice in autumn counts twice.
        """
        if self.every:
            return float(int(moment)) + self.every
        zone = zoneinfo.ZoneInfo(self.zone) if self.zone else UTC
        return _search(self, float(int(moment)) + 1.0, zone)

    def _day_matches(self, wall: datetime) -> bool:
        dom, dow = wall.day in self.fields[2], wall.isoweekday() % 7 in self.fields[4]
        return (dom and dow) if self.starred[2] or self.starred[4] else (dom or dow)


def _search(schedule: Schedule, moment: float, zone: tzinfo) -> float | None:
    """The first moment from one on at which the wall clock of the zone shows what the schedule says."""
    minutes, hours, _, months, _ = schedule.fields
    wall = datetime.fromtimestamp(moment, zone)
    last = wall.year + YEARS
    if wall.second:
        wall = _later(wall, 60 - wall.second)
    while wall.year <= last:
        if wall.month not in months:
            wall = _midnight(wall.replace(day=1, hour=0, minute=0) + timedelta(days=32), 1, zone)
        elif not schedule._day_matches(wall):
            wall = _midnight(wall + timedelta(days=1), None, zone)
        elif wall.hour not in hours:
            wall = _later(wall, 3600 - wall.minute * 60)
        elif wall.minute not in minutes:
            wall = _later(wall, 60)
        else:
            return wall.timestamp()
    return None


def _later(wall: datetime, seconds: int) -> datetime:
    """The wall clock so many real seconds later."""
    return datetime.fromtimestamp(wall.timestamp() + seconds, wall.tzinfo)


def _midnight(wall: datetime, day: int | None, zone: tzinfo) -> datetime:
    """The first moment of the day that a wall clock shows (of another day of its month, if one is given)."""
    naive = datetime(wall.year, wall.month, day or wall.day)
    return datetime.fromtimestamp(naive.replace(tzinfo=zone).timestamp(), zone)


def parse(text: str) -> Schedule:
    """A schedule. Raises `CronError`."""
    if not text:
        raise CronError("empty spec string")
    zone = ""
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, _, text = text.partition("=")[2].partition(" ")
        text = text.strip()
    if text.startswith("@"):
        return _descriptor(text)._replace(zone=zone)
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise CronError(f"expected exactly {len(FIELDS)} fields, found {len(fields)}: [{' '.join(fields)}]")
    numbers = tuple(_field(field, bounds) for field, bounds in zip(fields, FIELDS, strict=True))
    starred = tuple(any(part in ("*", "?", "*/1", "?/1") for part in field.split(",")) for field in fields)
    return Schedule(numbers, starred, zone=zone)


def _descriptor(text: str) -> Schedule:
    if text in _DESCRIPTORS:
        return parse(_DESCRIPTORS[text])
    if not text.startswith(_EVERY):
        raise CronError(f"unrecognized descriptor: {text}")
    duration = text.removeprefix(_EVERY)
    if not _DURATION.fullmatch(duration):
        raise CronError(f'failed to parse duration {text}: time: invalid duration "{duration}"')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(duration))
    return Schedule(every=max(1.0, float(int(seconds))))


def _field(text: str, bounds: Bounds) -> frozenset[int]:
    numbers: set[int] = set()
    for part in text.split(","):
        if part:
            numbers.update(_range(part, bounds))
    return frozenset(numbers)


def _range(text: str, bounds: Bounds) -> range:
    """One of `*`, `5`, `1-5`, `*/2`, `1-10/3`, `5/10`."""
    span, *steps = text.split("/")
    low, *highs = span.split("-")
    if low in ("*", "?"):
        start, end = bounds.low, bounds.high
    else:
        start = end = _number_or_name(low, bounds)
        if len(highs) > 1:
            raise CronError(f"too many hyphens: {text}")
        if highs:
            end = _number_or_name(highs[0], bounds)
    if len(steps) > 1:
        raise CronError(f"too many slashes: {text}")
    step = 1
    if steps:
        step = _number(steps[0])
        end = end if highs else bounds.high
    _check(text, bounds, start, end, step)
    return range(start, end + 1, step)


def _check(text: str, bounds: Bounds, start: int, end: int, step: int) -> None:
    if start < bounds.low:
        raise CronError(f"beginning of range ({start}) below minimum ({bounds.low}): {text}")
    if end > bounds.high:
        raise CronError(f"end of range ({end}) above maximum ({bounds.high}): {text}")
    if start > end:
        raise CronError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise CronError(f"step of range should be a positive number: {text}")


def _number_or_name(text: str, bounds: Bounds) -> int:
    found = bounds.names.get(text.lower())
    return _number(text) if found is None else found


def _number(text: str) -> int:
    if not re.fullmatch(r"[-+]?\d+", text, re.ASCII):
        raise CronError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    number = int(text)
    if number < 0:
        raise CronError(f"negative number ({number}) not allowed: {text}")
    return number
