"""More on lists and numbers: Kubernetes' lists library, cel-go's lists, sets and math extensions.

Upstream: `apiserver/pkg/cel/library/lists.go`, `cel-go/ext/lists.go`, `sets.go` and `math.go`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

from k8snb.machinery.cel.functions import Library
from k8snb.machinery.cel.values import (
    Duration,
    EvaluationError,
    UInt,
    checked_duration,
    checked_int,
    checked_uint,
    equal,
    is_number,
    no_overload,
)

_ORDERED = ("int", "uint", "double", "bool", "string", "bytes", "duration", "timestamp")


def _index_of(items: Sequence[Any], value: Any) -> int:
    return next((index for index, each in enumerate(items) if equal(each, value)), -1)


def _last_index_of(items: Sequence[Any], value: Any) -> int:
    return next((index for index in range(len(items) - 1, -1, -1) if equal(items[index], value)), -1)


def _is_sorted(items: Sequence[Any]) -> bool:
    return all(not b < a for a, b in pairwise(items))


def _extreme(name: str, choose: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any]], Any]:
    def extreme(items: Sequence[Any]) -> Any:
        if not items:
            raise EvaluationError(f"{name} called on empty list")
        return choose(items)

    return extreme


def _sum(zero: Any, checked: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Any]:
    return lambda items: reduce(lambda a, b: checked(a + b), items, zero)


def _sum_durations(items: Sequence[Duration]) -> Duration:
    return checked_duration(sum(each.nanos for each in items))


LISTS: Library = {
    "list(T)::indexOf(T) -> int": _index_of,
    "list(T)::lastIndexOf(T) -> int": _last_index_of,
    **{f"list({each})::isSorted() -> bool": _is_sorted for each in _ORDERED},
    **{f"list({each})::min() -> {each}": _extreme("min", min) for each in _ORDERED},
    **{f"list({each})::max() -> {each}": _extreme("max", max) for each in _ORDERED},
    "list(int)::sum() -> int": _sum(0, checked_int),
    "list(uint)::sum() -> uint": _sum(UInt(0), checked_uint),
    "list(double)::sum() -> double": _sum(0.0, float),
    "list(duration)::sum() -> duration": _sum_durations,
}


def _slice(items: Sequence[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise EvaluationError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise EvaluationError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if len(items) < end:
        raise EvaluationError(f"cannot slice({start}, {end}), list is length {len(items)}")
    return list(items[start:end])


def _flatten(items: Sequence[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise EvaluationError("level must be non-negative")
    found: list[Any] = []
    for each in items:
        found += _flatten(each, depth - 1) if isinstance(each, (list, tuple)) and depth > 0 else [each]
    return found


def _distinct(items: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for each in items:
        if not any(equal(each, other) for other in found):
            found.append(each)
    return found


EXTENDED_LISTS: Library = {
    "list(T)::slice(int, int) -> list(T)": _slice,
    "list(T)::flatten() -> list(dyn)": _flatten,
    "list(T)::flatten(int) -> list(dyn)": _flatten,
    "list(T)::distinct() -> list(T)": _distinct,
    "list(T)::reverse() -> list(T)": lambda items: list(items)[::-1],
    **{f"list({each})::sort() -> list({each})": lambda items: sorted(items) for each in _ORDERED},
    "lists.range(int) -> list(int)": lambda count: list(range(count)),
}


def _contains_all(items: Sequence[Any], wanted: Sequence[Any]) -> bool:
    return all(any(equal(each, other) for other in items) for each in wanted)


SETS: Library = {
    "sets.contains(list(T), list(T)) -> bool": _contains_all,
    "sets.equivalent(list(T), list(T)) -> bool": lambda a, b: _contains_all(a, b) and _contains_all(b, a),
    "sets.intersects(list(T), list(T)) -> bool": lambda a, b: any(equal(x, y) for x in a for y in b),
}


def _choose(choose: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(*args: Any) -> Any:
        items = args[0] if len(args) == 1 and isinstance(args[0], list) else args
        if not all(is_number(each) for each in items):
            raise no_overload()
        return choose(items)

    return chosen


def _away_from_zero(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _absolute(value: Any) -> Any:
    return abs(value) if isinstance(value, float) else value if isinstance(value, UInt) else checked_int(abs(value))


def _sign(value: Any) -> Any:
    return type(value)((value > 0) - (value < 0))


def _shift(value: int, by: int, *, left: bool) -> int:
    if by < 0:
        raise EvaluationError(f"math.bitShift{'Left' if left else 'Right'}() negative offset: {by}")
    moved = (value << by if by < 64 else 0) if left else (value & (2**64 - 1)) >> by
    return (moved + 2**63) % 2**64 - 2**63


_SEVERAL = ", ".join
MATH: Library = {
    **{
        f"math.@{word}({_SEVERAL(['dyn'] * count)}) -> dyn": _choose(choose)
        for word, choose in (("greatest", max), ("least", min))
        for count in range(1, 10)
    },
    "math.ceil(double) -> double": lambda a: float(math.ceil(a)),
    "math.floor(double) -> double": lambda a: float(math.floor(a)),
    "math.round(double) -> double": _away_from_zero,
    "math.trunc(double) -> double": lambda a: float(math.trunc(a)),
    "math.isNaN(double) -> bool": math.isnan,
    "math.isInf(double) -> bool": math.isinf,
    "math.isFinite(double) -> bool": math.isfinite,
    **{f"math.abs({each}) -> {each}": _absolute for each in ("int", "uint", "double")},
    **{f"math.sign({each}) -> {each}": _sign for each in ("int", "uint", "double")},
    "math.sqrt(double) -> double": math.sqrt,
    "math.bitAnd(int, int) -> int": lambda a, b: a & b,
    "math.bitOr(int, int) -> int": lambda a, b: a | b,
    "math.bitXor(int, int) -> int": lambda a, b: a ^ b,
    "math.bitNot(int) -> int": lambda a: ~a,
    "math.bitShiftLeft(int, int) -> int": lambda a, b: _shift(a, b, left=True),
    "math.bitShiftRight(int, int) -> int": lambda a, b: _shift(a, b, left=False),
}
