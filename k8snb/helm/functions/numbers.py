"""Arithmetic. Whole numbers are Go's int64, whatever they come from. Upstream: sprig's `numeric.go`, spf13/cast."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce
from typing import Any

from k8snb.machinery.gotemplate import FunctionError
from k8snb.machinery.gotemplate.values import Int64

_ZEROS = re.compile(r"\.0*$")
_WHOLE = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9_]*|0)")


def to_int(value: Any) -> Int64:
    """The value as a whole number; 0 where it is none."""
    if isinstance(value, (bool, int)):
        return Int64(value)
    if isinstance(value, float):
        return Int64(value) if math.isfinite(value) else Int64(0)
    if isinstance(value, str):
        text = _ZEROS.sub("", value)
        if not _WHOLE.fullmatch(text):
            return Int64(0)
        octal = re.fullmatch(r"([+-]?)0([0-7]+)", text)
        return Int64(int(octal[1] + octal[2], 8) if octal else int(text, 0))
    return Int64(0)


def to_float(value: Any) -> float:
    """The value as a number; 0 where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _int(value: Any) -> int:
    return int(to_int(value))


def _add(*values: Any) -> Int64:
    return Int64(sum(map(to_int, values)))


def _mul(first: Any, *values: Any) -> Int64:
    return Int64(math.prod(map(to_int, (first, *values))))


def _div(one: Any, other: Any) -> Int64:
    a, b = to_int(one), to_int(other)
    if b == 0:
        raise FunctionError("runtime error: integer divide by zero")
    return Int64(abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1))


def _mod(one: Any, other: Any) -> Int64:
    return Int64(to_int(one) - _div(one, other) * to_int(other))


def _exact(work: Callable[[Decimal, Decimal], Decimal], start: Any, values: Any) -> float:
    """Done with decimals, as sprig does it, so that 0.1 + 0.2 is 0.3."""
    numbers = [Decimal(repr(to_float(value))) for value in (start, *values)]
    try:
        return float(reduce(work, numbers))
    except ArithmeticError:
        raise FunctionError("decimal division by 0") from None


def _round(value: Any, places: int, threshold: Any = 0.5) -> float:
    scale = 10.0**places
    digit = scale * to_float(value)
    up = math.modf(digit)[0] >= to_float(threshold)
    return float((math.ceil(digit) if up else math.floor(digit)) / scale)


def until_step(start: int, stop: int, step: int) -> list[int]:
    """The numbers from one to another; none if the step leads away."""
    if step == 0 or (stop < start) == (step > 0):
        return []
    return list(range(start, stop, step))


def _until(count: int) -> list[int]:
    return until_step(0, count, -1 if count < 0 else 1)


def _seq(*bounds: int) -> str:
    if not 1 <= len(bounds) <= 3:
        return ""
    start, end = (1, bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[-1])
    direction = -1 if end < start else 1
    step = bounds[1] if len(bounds) == 3 else direction
    if direction < 0 < step:
        return ""
    return " ".join(map(str, until_step(start, end + direction, step)))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "add": _add,
    "add1": lambda value: Int64(to_int(value) + 1),
    "add1f": lambda value: _exact(operator.add, value, (1,)),
    "addf": lambda *values: _exact(operator.add, 0, values),
    "biggest": lambda first, *values: Int64(max(map(to_int, (first, *values)))),
    "ceil": lambda value: float(math.ceil(to_float(value))),
    "div": _div,
    "divf": lambda first, *values: _exact(operator.truediv, first, values),
    "float64": to_float,
    "floor": lambda value: float(math.floor(to_float(value))),
    "int": _int,
    "int64": to_int,
    "max": lambda first, *values: Int64(max(map(to_int, (first, *values)))),
    "maxf": lambda first, *values: max(map(to_float, (first, *values))),
    "min": lambda first, *values: Int64(min(map(to_int, (first, *values)))),
    "minf": lambda first, *values: min(map(to_float, (first, *values))),
    "mod": _mod,
    "mul": _mul,
    "mulf": lambda first, *values: _exact(operator.mul, first, values),
    "round": _round,
    "seq": _seq,
    "sub": lambda one, other: Int64(to_int(one) - to_int(other)),
    "subf": lambda first, *values: _exact(operator.sub, first, values),
    "until": _until,
    "untilStep": until_step,
}
"""By name."""
