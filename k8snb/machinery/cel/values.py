"""Values of CEL at run time: Python's own where they fit, and a few classes where they do not.

int, float, bool, str, bytes, None, list and dict stand for themselves. Unsigned integers, durations, timestamps,
optionals and types have classes. What an operation does wrong is an `EvaluationError` with cel-go's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import total_ordering
from typing import Any
from zoneinfo import ZoneInfo

MAX_INT, MIN_INT, MAX_UINT = 2**63 - 1, -(2**63), 2**64 - 1
NANOS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIN_TIME, MAX_TIME = -62135596800 * NANOS, 253402300800 * NANOS - 1


class EvaluationError(Exception):
    """An expression could not be evaluated; the message is cel-go's."""


NO_OVERLOAD = "no such overload"


def no_overload() -> EvaluationError:
    return EvaluationError(NO_OVERLOAD)


class UInt(int):
    """An unsigned integer of 64 bits."""

    __slots__ = ()


@total_ordering
@dataclass(frozen=True, slots=True, eq=True)
class Duration:
    """A span of time in nanoseconds."""

    nanos: int

    def __lt__(self, other: Duration) -> bool:
        return self.nanos < other.nanos


@total_ordering
@dataclass(frozen=True, slots=True, eq=True)
class Timestamp:
    """A moment: nanoseconds since the Unix epoch."""

    nanos: int

    def __lt__(self, other: Timestamp) -> bool:
        return self.nanos < other.nanos

    def at(self, zone: str = "UTC") -> datetime:
        """The moment on the clock of a time zone."""
        return (_EPOCH + timedelta(microseconds=self.nanos // 1000)).astimezone(_zone(zone))


def _zone(name: str) -> Any:
    sign, rest = (-1, name[1:]) if name.startswith("-") else (1, name.lstrip("+"))
    if rest[:1].isdigit():
        hours, _, minutes = rest.partition(":")
        return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes or 0)))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise EvaluationError(f"unknown time zone {name}") from None


@dataclass(frozen=True, slots=True)
class Optional:
    """A value that may be missing."""

    value: Any = None
    present: bool = False


NOTHING = Optional()


@dataclass(frozen=True, slots=True)
class TypeValue:
    """A type as a value: what `type(x)` gives."""

    name: str


class SetList(list[Any]):
    """A list with `x-kubernetes-list-type: set`: order does not count."""


class MapList(list[Any]):
    """A list with `x-kubernetes-list-type: map`: its items are told apart by keys."""

    keys: tuple[str, ...] = ()


def type_name(value: Any) -> str:
    """The type of a value, as CEL calls it."""
    if value is None:
        return "null_type"
    found = _NAMES.get(type(value))
    if found is not None:
        return found
    if isinstance(value, Mapping):
        return "map"
    if isinstance(value, Sequence):
        return "list"
    return str(getattr(value, "cel_type", type(value).__name__))


_NAMES = {
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    Duration: "google.protobuf.Duration",
    Timestamp: "google.protobuf.Timestamp",
    Optional: "optional_type",
    TypeValue: "type",
}


def is_number(value: Any) -> bool:
    kind = type(value)
    return kind is int or kind is float or kind is UInt


def equal(a: Any, b: Any) -> bool:
    """Equality across types: numbers by value, everything else only within its kind."""
    kind = type(a)
    if kind is str or kind is bool or a is None:
        return type(b) is kind and a == b
    if is_number(a):
        return is_number(b) and bool(a == b)
    if kind is SetList and type(b) is SetList:
        return len(a) == len(b) and all(any(equal(x, y) for y in b) for x in a)
    if kind is MapList and type(b) is MapList and len(a) == len(b):
        return all(any(_same_keys(x, y, a.keys) and equal(x, y) for y in b) for x in a)
    if isinstance(a, (list, tuple)):
        return isinstance(b, (list, tuple)) and len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, Mapping):
        if not isinstance(b, Mapping) or len(a) != len(b):
            return False
        return all(key in b and equal(value, b[key]) for key, value in a.items())
    return type(a) is type(b) and bool(a == b)


def _same_keys(a: Any, b: Any, keys: tuple[str, ...]) -> bool:
    return all(equal(a.get(key), b.get(key)) for key in keys)


def checked_int(value: int) -> int:
    """The value, if it fits 64 bits."""
    if MIN_INT <= value <= MAX_INT:
        return value
    raise EvaluationError("integer overflow")


def checked_uint(value: int) -> UInt:
    if 0 <= value <= MAX_UINT:
        return UInt(value)
    raise EvaluationError("unsigned integer overflow")


def checked_duration(nanos: int) -> Duration:
    if MIN_INT <= nanos <= MAX_INT:
        return Duration(nanos)
    raise EvaluationError("duration overflow")


def checked_timestamp(nanos: int) -> Timestamp:
    if MIN_TIME <= nanos <= MAX_TIME:
        return Timestamp(nanos)
    raise EvaluationError("timestamp overflow")
