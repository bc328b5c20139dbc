"""Timestamps as Go's `time.Parse` reads them and the API writes them.

Upstream: `apimachinery/pkg/apis/meta/v1/time.go` and `micro_time.go`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone

SECONDS = "2006-01-02T15:04:05Z07:00"
MICROSECONDS = "2006-01-02T15:04:05.000000Z07:00"

_PLAIN = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", re.ASCII)
_PLAIN_MICRO = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z", re.ASCII
)
_STEPS = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"\d\d"),
    ("-", "-"),
    ("02", r"\d\d"),
    ("T", "T"),
    ("15", r"\d\d?"),
    (":", ":"),
    ("04", r"\d\d"),
    (":", ":"),
    ("05", r"\d\d"),
)
_FRACTION = re.compile(r"[.,](\d+)", re.ASCII)
_ZONE = re.compile(r"Z|([-+])(\d\d):(\d\d)", re.ASCII)


class TimeError(ValueError):
    """The text is no timestamp; the message is Go's."""


def canonical(text: str) -> str:
    """A timestamp in UTC to the second, as `metav1.Time` is stored."""
    if _PLAIN.fullmatch(text):
        return text
    return _parse(text, SECONDS).strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical_micro(text: str) -> str:
    """A timestamp in UTC to the microsecond, as `metav1.MicroTime` is stored."""
    if _PLAIN_MICRO.fullmatch(text):
        return text
    return _parse(text, MICROSECONDS).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _parse(text: str, layout: str) -> datetime:
    def refuse(rest: str, wanted: str) -> TimeError:
        return TimeError(
            f"parsing time {json.dumps(text)} as {json.dumps(layout)}: cannot parse {json.dumps(rest)} as "
            f"{json.dumps(wanted)}"
        )

    at = 0
    numbers: list[int] = []
    for wanted, pattern in _STEPS:
        match = re.compile(pattern, re.ASCII).match(text, at)
        if match is None:
            raise refuse(text[at:], wanted)
        if wanted[0].isdigit():
            numbers.append(int(match[0]))
        at = match.end()
    fraction = _FRACTION.match(text, at)
    if layout == MICROSECONDS and (fraction is None or len(fraction[1]) != 6):
        raise refuse(text[at:], ".000000")
    at = fraction.end() if fraction else at
    zone = _ZONE.match(text, at)
    if zone is None:
        raise refuse(text[at:], "Z07:00")
    if zone.end() < len(text):
        raise TimeError(f"parsing time {json.dumps(text)}: extra text: {json.dumps(text[zone.end() :])}")
    micro = int((fraction[1] if fraction else "0").ljust(6, "0")[:6])
    return _moment(text, numbers, micro, zone)


def _moment(text: str, numbers: list[int], micro: int, zone: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = numbers
    limits = (("month", month, 1, 12), ("hour", hour, 0, 23), ("minute", minute, 0, 59), ("second", second, 0, 59))
    for name, number, low, high in limits:
        if not low <= number <= high:
            raise TimeError(f"parsing time {json.dumps(text)}: {name} out of range")
    minutes = int(zone[2] or 0) * 60 + int(zone[3] or 0)
    offset = timedelta(minutes=-minutes if zone[1] == "-" else minutes)
    try:
        local = datetime(year, month, day, hour, minute, second, micro, timezone(offset))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise TimeError(f"parsing time {json.dumps(text)}: day out of range") from None
