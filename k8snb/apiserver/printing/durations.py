"""Ages and durations as tables show them: `12s`, `3m4s`, `5h`, `2d3h`.

Upstream: `apimachinery/pkg/util/duration` (`HumanDuration`). The further away, the coarser: at most two
units are shown, and the second one only while it still says something.
"""

from __future__ import annotations

from typing import Any

from k8snb.clock import parse_time

UNKNOWN = "<unknown>"
INVALID = "<invalid>"

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY

_STEPS: tuple[tuple[int, str, int, str, int], ...] = (
    (2 * _MINUTE, "s", 1, "", 0),
    (10 * _MINUTE, "m", _MINUTE, "s", 1),
    (3 * _HOUR, "m", _MINUTE, "", 0),
    (8 * _HOUR, "h", _HOUR, "m", _MINUTE),
    (2 * _DAY, "h", _HOUR, "", 0),
    (8 * _DAY, "d", _DAY, "h", _HOUR),
    (2 * _YEAR, "d", _DAY, "", 0),
    (8 * _YEAR, "y", _YEAR, "d", _DAY),
)
"""Up to how many seconds; the unit and its length; the second unit and its length (none if empty)."""


def human_duration(seconds: float) -> str:
    """A length of time for people. A small negative one, as clocks produce, counts as zero."""
    whole = int(round(seconds, 6))
    if whole < -1:
        return INVALID
    whole = max(whole, 0)
    for limit, unit, length, rest_unit, rest_length in _STEPS:
        if whole < limit:
            rest = whole % length // rest_length if rest_length else 0
            return f"{whole // length}{unit}" + (f"{rest}{rest_unit}" if rest else "")
    return f"{whole // _YEAR}y"


def since(timestamp: Any, now: float) -> str:
    """How long ago an RFC 3339 time was; `<unknown>` if there is none."""
    return human_duration(now - parse_time(timestamp)) if timestamp else UNKNOWN
