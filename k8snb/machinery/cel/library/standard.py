"""The standard library: arithmetic, comparison, conversion, size, time.

Upstream: `cel-go/common/stdlib`, with comparisons across number types and UTC as the default time zone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from k8snb.machinery.cel.functions import Library
from k8snb.machinery.cel.values import (
    MAX_INT,
    MAX_UINT,
    MIN_INT,
    NANOS,
    Duration,
    EvaluationError,
    MapList,
    SetList,
    Timestamp,
    TypeValue,
    UInt,
    checked_duration,
    checked_int,
    checked_timestamp,
    checked_uint,
    equal,
    type_name,
)
from k8snb.machinery.goregexp import GoRegexpError, compiled

_NUMBERS = ("int", "uint", "double")
_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": NANOS, "m": 60 * NANOS, "h": 3600 * NANOS}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)


def _divided(a: int, b: int) -> int:
    """Integer division towards zero."""
    if b == 0:
        raise EvaluationError("division by zero")
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _rest(a: int, b: int) -> int:
    if b == 0:
        raise EvaluationError("modulus by zero")
    return a - b * _divided(a, b)


def _float_divided(a: float, b: float) -> float:
    if b != 0:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)


def _matches(text: str, pattern: str) -> bool:
    try:
        return compiled(pattern).search(text) is not None
    except GoRegexpError as error:
        raise EvaluationError(str(error)) from None


def joined_lists(a: list[Any], b: list[Any]) -> list[Any]:
    """`a + b`: of sets the union, of lists with keys the items of `b` in the place of those of `a`."""
    if type(a) is SetList:
        return SetList([*a, *(each for each in b if not any(equal(each, other) for other in a))])
    if type(a) is MapList:
        keys = a.keys
        places = [tuple(each.get(key) for key in keys) for each in a]
        merged = list(a)
        for each in b:
            place = tuple(each.get(key) for key in keys)
            if place in places:
                merged[places.index(place)] = each
            else:
                merged.append(each)
        result = MapList(merged)
        result.keys = keys
        return result
    return [*a, *b]


ARITHMETIC: Library = {
    "_+_(int, int) -> int": lambda a, b: checked_int(a + b),
    "_+_(uint, uint) -> uint": lambda a, b: checked_uint(a + b),
    "_+_(double, double) -> double": lambda a, b: a + b,
    "_+_(string, string) -> string": lambda a, b: a + b,
    "_+_(bytes, bytes) -> bytes": lambda a, b: a + b,
    "_+_(list(A), list(A)) -> list(A)": joined_lists,
    "_+_(timestamp, duration) -> timestamp": lambda a, b: checked_timestamp(a.nanos + b.nanos),
    "_+_(duration, timestamp) -> timestamp": lambda a, b: checked_timestamp(a.nanos + b.nanos),
    "_+_(duration, duration) -> duration": lambda a, b: checked_duration(a.nanos + b.nanos),
    "_-_(int, int) -> int": lambda a, b: checked_int(a - b),
    "_-_(uint, uint) -> uint": lambda a, b: checked_uint(a - b),
    "_-_(double, double) -> double": lambda a, b: a - b,
    "_-_(timestamp, timestamp) -> duration": lambda a, b: checked_duration(a.nanos - b.nanos),
    "_-_(timestamp, duration) -> timestamp": lambda a, b: checked_timestamp(a.nanos - b.nanos),
    "_-_(duration, duration) -> duration": lambda a, b: checked_duration(a.nanos - b.nanos),
    "_*_(int, int) -> int": lambda a, b: checked_int(a * b),
    "_*_(uint, uint) -> uint": lambda a, b: checked_uint(a * b),
    "_*_(double, double) -> double": lambda a, b: a * b,
    "_/_(int, int) -> int": lambda a, b: checked_int(_divided(a, b)),
    "_/_(uint, uint) -> uint": lambda a, b: checked_uint(_divided(a, b)),
    "_/_(double, double) -> double": _float_divided,
    "_%_(int, int) -> int": lambda a, b: checked_int(_rest(a, b)),
    "_%_(uint, uint) -> uint": lambda a, b: checked_uint(_rest(a, b)),
    "-_(int) -> int": lambda a: checked_int(-a),
    "-_(double) -> double": lambda a: -a,
}

LOGIC: Library = {
    "_&&_(bool, bool) -> bool": lambda a, b: a and b,
    "_||_(bool, bool) -> bool": lambda a, b: a or b,
    "!_(bool) -> bool": lambda a: not a,
    "_?_:_(bool, A, A) -> A": lambda a, b, c: b if a else c,
    "_==_(A, A) -> bool": equal,
    "_!=_(A, A) -> bool": lambda a, b: not equal(a, b),
    "_[_](list(A), int) -> A": lambda a, b: a[b],
    "_[_](map(A, B), A) -> B": lambda a, b: a[b],
    "_[_](optional_type(list(V)), int) -> optional_type(V)": lambda a, b: a,
    "_[_](optional_type(map(K, V)), K) -> optional_type(V)": lambda a, b: a,
    "_[?_](list(V), int) -> optional_type(V)": lambda a, b: a,
    "_[?_](map(K, V), K) -> optional_type(V)": lambda a, b: a,
    "_[?_](optional_type(list(V)), int) -> optional_type(V)": lambda a, b: a,
    "_[?_](optional_type(map(K, V)), K) -> optional_type(V)": lambda a, b: a,
    "@in(A, list(A)) -> bool": lambda a, b: False,
    "@in(A, map(A, B)) -> bool": lambda a, b: False,
    "type(A) -> type": lambda a: TypeValue(type_name(a)),
    "dyn(A) -> dyn": lambda a: a,
}


def _comparisons() -> dict[str, Callable[[Any, Any], bool]]:
    pairs = [(each, each) for each in ("bool", "string", "bytes", "timestamp", "duration")]
    pairs += [(a, b) for a in _NUMBERS for b in _NUMBERS]
    operators: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    return {f"_{sign}_({a}, {b}) -> bool": run for sign, run in operators.items() for a, b in pairs}


COMPARISON: Library = _comparisons()


# -- conversions ---------------------------------------------------------------------------------------


def _int_of_text(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII) or not MIN_INT <= int(text) <= MAX_INT:
        raise _unconvertible("string", "int", text)
    return int(text)


def _uint_of_text(text: str) -> UInt:
    if not re.fullmatch(r"\d+", text, re.ASCII) or int(text) > MAX_UINT:
        raise _unconvertible("string", "uint", text)
    return UInt(int(text))


def _unconvertible(given: str, wanted: str, text: str) -> EvaluationError:
    function = {"int": "ParseInt", "uint": "ParseUint", "double": "ParseFloat"}[wanted]
    return EvaluationError(f'strconv.{function}: parsing "{text}": invalid syntax')


def _double_of_text(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _unconvertible("string", "double", text) from None


def _int_of_double(value: float) -> int:
    if math.isnan(value) or not -(2.0**63) < value < 2.0**63:
        raise EvaluationError("integer overflow")
    return int(value)


def _uint_of_double(value: float) -> UInt:
    if math.isnan(value) or not 0 <= value < 2.0**64:
        raise EvaluationError("unsigned integer overflow")
    return UInt(int(value))


def _bool_of_text(text: str) -> bool:
    if text in ("true", "TRUE", "True", "t", "1"):
        return True
    if text in ("false", "FALSE", "False", "f", "0"):
        return False
    raise EvaluationError("type conversion error from 'string' to 'bool'")


def double_text(value: float, largest: int = 6) -> str:
    """A number as Go's `strconv` prints it; from the exponent `largest` on it shows one."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    exponent = f"{value:.17e}".partition("e")[2]
    text = repr(value)
    digits = text.partition("e")[0].replace(".", "").lstrip("-").strip("0") or "0"
    power = int(exponent)
    if power < -4 or power >= largest:
        body = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        sign = "-" if value < 0 else ""
        return f"{sign}{body}e{'-' if power < 0 else '+'}{abs(power):02d}"
    plain = f"{value:.17f}" if "e" in text else text
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def parse_duration(text: str) -> Duration:
    """Go's `ParseDuration`."""
    body = text.lstrip("+-") if text[:1] in "+-" else text
    sign = -1 if text.startswith("-") else 1
    if body == "0":
        return Duration(0)
    total, at = 0, 0
    while at < len(body):
        match = _DURATION.match(body, at)
        if match is None:
            break
        whole, _, part = match[1].partition(".")
        unit = _UNITS[match[2]]
        total += int(whole or 0) * unit + (int(part) * unit // 10 ** len(part) if part else 0)
        at = match.end()
    if not body or at < len(body):
        raise EvaluationError(f'time: invalid duration "{text}"')
    return checked_duration(sign * total)


def duration_text(value: Duration) -> str:
    """Seconds, as CEL prints a duration."""
    seconds, part = divmod(abs(value.nanos), NANOS)
    text = f"{seconds}.{part:09d}".rstrip("0").rstrip(".")
    return f"{'-' if value.nanos < 0 else ''}{text}s"


def parse_timestamp(text: str) -> Timestamp:
    """A moment in RFC 3339."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise _no_time(text)
    try:
        year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
        base = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise _no_time(text) from None
    offset = 0
    if match[9]:
        offset = (int(match[10]) * 3600 + int(match[11]) * 60) * (1 if match[9] == "+" else -1)
    seconds = int(base.timestamp()) - offset
    return checked_timestamp(seconds * NANOS + int((match[7] or "0").ljust(9, "0")))


def _no_time(text: str) -> EvaluationError:
    layout = "2006-01-02T15:04:05Z07:00"
    return EvaluationError(f'parsing time "{text}" as "{layout}": cannot parse "{text}" as "2006"')


def timestamp_text(value: Timestamp) -> str:
    """RFC 3339 in UTC, with as many decimals as it takes."""
    moment = value.at()
    part = value.nanos % NANOS
    decimals = f".{part:09d}".rstrip("0") if part else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{decimals}Z".rjust(20, "0")


def _text_of_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None


CONVERSION: Library = {
    "int(int) -> int": lambda a: a,
    "int(uint) -> int": lambda a: checked_int(int(a)),
    "int(double) -> int": _int_of_double,
    "int(string) -> int": _int_of_text,
    "int(timestamp) -> int": lambda a: a.nanos // NANOS,
    "int(duration) -> int": lambda a: a.nanos,
    "uint(uint) -> uint": lambda a: a,
    "uint(int) -> uint": checked_uint,
    "uint(double) -> uint": _uint_of_double,
    "uint(string) -> uint": _uint_of_text,
    "double(double) -> double": lambda a: a,
    "double(int) -> double": float,
    "double(uint) -> double": float,
    "double(string) -> double": _double_of_text,
    "bool(bool) -> bool": lambda a: a,
    "bool(string) -> bool": _bool_of_text,
    "string(string) -> string": lambda a: a,
    "string(bool) -> string": lambda a: "true" if a else "false",
    "string(int) -> string": str,
    "string(uint) -> string": lambda a: str(int(a)),
    "string(double) -> string": lambda a: double_text(a),
    "string(bytes) -> string": _text_of_bytes,
    "string(timestamp) -> string": timestamp_text,
    "string(duration) -> string": duration_text,
    "bytes(bytes) -> bytes": lambda a: a,
    "bytes(string) -> bytes": lambda a: a.encode(),
    "timestamp(timestamp) -> timestamp": lambda a: a,
    "timestamp(string) -> timestamp": parse_timestamp,
    "timestamp(int) -> timestamp": lambda a: checked_timestamp(a * NANOS),
    "duration(duration) -> duration": lambda a: a,
    "duration(string) -> duration": parse_duration,
    "duration(int) -> duration": Duration,
}

_SIZED = ("string", "bytes", "list(A)", "map(A, B)")
TEXT: Library = {
    **{f"size({each}) -> int": len for each in _SIZED},
    **{f"{each}::size() -> int": len for each in _SIZED},
    "string::contains(string) -> bool": lambda a, b: b in a,
    "string::startsWith(string) -> bool": lambda a, b: a.startswith(b),
    "string::endsWith(string) -> bool": lambda a, b: a.endswith(b),
    "string::matches(string) -> bool": _matches,
    "matches(string, string) -> bool": _matches,
}

# -- time ----------------------------------------------------------------------------------------------

_PARTS: dict[str, Callable[[Any], int]] = {
    "getFullYear": lambda t: int(t.year),
    "getMonth": lambda t: int(t.month) - 1,
    "getDayOfMonth": lambda t: int(t.day) - 1,
    "getDate": lambda t: int(t.day),
    "getDayOfWeek": lambda t: int(t.isoweekday() % 7),
    "getDayOfYear": lambda t: int(t.timetuple().tm_yday) - 1,
    "getHours": lambda t: int(t.hour),
    "getMinutes": lambda t: int(t.minute),
    "getSeconds": lambda t: int(t.second),
    "getMilliseconds": lambda t: int(t.microsecond) // 1000,
}


def _timed(part: Callable[[Any], int]) -> Callable[..., int]:
    return lambda moment, zone="UTC": part(moment.at(zone))


def _towards_zero(nanos: int, unit: int) -> int:
    return nanos // unit if nanos >= 0 else -(-nanos // unit)


TIME: Library = {
    **{f"timestamp::{name}() -> int": _timed(part) for name, part in _PARTS.items()},
    **{f"timestamp::{name}(string) -> int": _timed(part) for name, part in _PARTS.items()},
    "duration::getHours() -> int": lambda a: _towards_zero(a.nanos, 3600 * NANOS),
    "duration::getMinutes() -> int": lambda a: _towards_zero(a.nanos, 60 * NANOS),
    "duration::getSeconds() -> int": lambda a: _towards_zero(a.nanos, NANOS),
    "duration::getMilliseconds() -> int": lambda a: _towards_zero(a.nanos, 10**6) % 1000,
}

LIBRARIES: tuple[Library, ...] = (ARITHMETIC, LOGIC, COMPARISON, CONVERSION, TEXT, TIME)
