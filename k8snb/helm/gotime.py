"""Go's time: layouts written as the moment `Mon Jan 2 15:04:05 MST 2006`, durations, and a moment as templates see it.

Upstream: Go's `time/format.go`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

ANSI = "Mon Jan _2 15:04:05 2006"
STRING = "2006-01-02 15:04:05.999999999 -0700 MST"
RFC3339_NANO = "2006-01-02T15:04:05.999999999Z07:00"

_LAYOUT = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|Z07:00:00|Z0700|Z07:00|Z07|-07:00:00|-0700|-07:00|-07|"
    r"[.,]0+(?!\d)|[.,]9+(?!\d)|__2|002|_2|01|02|03|04|05|06|15|PM|pm|1|2|3|4|5"
)


def formatted(moment: datetime, layout: str) -> str:
    """The moment as a layout shows it."""
    return _LAYOUT.sub(lambda match: _element(moment, match[0]), layout)


def _element(moment: datetime, name: str) -> str:
    plain = {
        "January": "%B", "Jan": "%b", "Monday": "%A", "Mon": "%a", "2006": "%Y", "06": "%y", "01": "%m", "02": "%d",
        "03": "%I", "04": "%M", "05": "%S", "15": "%H", "002": "%j", "PM": "%p",
    }.get(name)  # fmt: skip
    if plain is not None:
        return moment.strftime(plain)
    if name[0] in ".,":
        digits = f"{moment.microsecond:06d}".ljust(9, "0")[: len(name) - 1]
        digits = digits.rstrip("0") if name[1] == "9" else digits
        return name[0] + digits if digits else ""
    if name == "MST":
        return moment.tzname() or "UTC"
    if "07" in name:
        return _offset(moment, name)
    if name == "pm":
        return moment.strftime("%p").lower()
    number = {"1": moment.month, "2": moment.day, "3": moment.hour % 12 or 12, "4": moment.minute, "5": moment.second}
    return f"{moment.day:2d}" if name == "_2" else f"{moment.strftime('%j'):>3}" if name == "__2" else str(number[name])


def _offset(moment: datetime, name: str) -> str:
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    if name[0] == "Z" and not seconds:
        return "Z"
    sign, minutes = "-" if seconds < 0 else "+", abs(seconds) // 60
    colon = ":" if ":" in name else ""
    return f"{sign}{minutes // 60:02d}" + ("" if name in ("Z07", "-07") else f"{colon}{minutes % 60:02d}")


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """A time zone by name; UTC where there is none of that name. The machine's own is UTC here."""
    if name in ("", "UTC", "Local"):
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return UTC


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def seconds_of(text: str) -> float:
    """How many seconds a duration such as `1h30m` is. Raises ValueError with Go's words."""
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    if not rest or _DURATION.sub("", rest):
        missing = re.fullmatch(r"[\d.]+", rest)
        raise ValueError(f'time: {"missing unit in" if missing else "invalid"} duration "{text}"')
    return sign * sum(float(match[1]) * _UNITS[match[2]] for match in _DURATION.finditer(rest))


def layout_pattern(layout: str) -> tuple[re.Pattern[str], list[str]]:
    """What reads a text by a layout: its pattern, and which parts its groups are."""
    parts: list[str] = []
    patterns = {
        "January": r"[A-Z][a-z]+", "Jan": r"[A-Z][a-z]{2}", "Monday": r"[A-Z][a-z]+", "Mon": r"[A-Z][a-z]{2}",
        "2006": r"\d{4}", "MST": r"[A-Z]{3,4}", "_2": r" ?\d{1,2}", "PM": "[AP]M", "pm": "[ap]m",
    }  # fmt: skip

    def pattern(match: re.Match[str]) -> str:
        name = match[0]
        parts.append(name)
        if "07" in name:
            return r"(Z|[+-]\d{2}:?\d{0,2})"
        if name[0] in ".,":
            return r"(\.\d+)?"
        return f"({patterns.get(name, r'[0-9]{2}' if len(name) == 2 else r'[0-9]{1,2}')})"

    pieces, at = [], 0
    for match in _LAYOUT.finditer(layout):
        pieces += [re.escape(layout[at : match.start()]), pattern(match)]
        at = match.end()
    return re.compile("".join([*pieces, re.escape(layout[at:])])), parts


_NUMBERS = {
    "2006": "year", "06": "year", "01": "month", "1": "month", "02": "day", "2": "day", "_2": "day", "15": "hour",
    "03": "hour", "3": "hour", "04": "minute", "4": "minute", "05": "second", "5": "second",
}  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parsed(text: str, layout: str) -> datetime:
    """The moment that a text is, by a layout. Raises ValueError with Go's words."""
    pattern, parts = layout_pattern(layout)
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{text}" as "{layout}"')
    given: dict[str, Any] = {"year": 0, "month": 1, "day": 1, "tzinfo": UTC}
    for part, value in zip(parts, match.groups(), strict=True):
        if part in _NUMBERS:
            given[_NUMBERS[part]] = int(value) + (2000 if part == "06" else 0)
        elif part in ("Jan", "January"):
            given["month"] = _MONTHS.index(value[:3]) + 1
        elif part in ("PM", "pm") and value.lower() == "pm":
            given["hour"] = given.get("hour", 0) % 12 + 12
        elif "07" in part and value != "Z":
            digits = value[1:].replace(":", "").ljust(4, "0")
            offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
            given["tzinfo"] = timezone(-offset if value[0] == "-" else offset)
    return datetime(**{**given, "year": given["year"] or 1})
