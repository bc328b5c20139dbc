"""What calls cost when they run, by the values that they got and gave.

Prices are those of the estimates (`prices`). Upstream: `apiserver/pkg/cel/library/cost.go`,
`cel-go/interpreter/runtimecost.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from k8snb.machinery.cel.functions import Overload
from k8snb.machinery.cel.prices import (
    CHECK,
    LIST,
    LONGEST_PATTERN,
    MESSAGE,
    PATTERN,
    READ,
    TEXT,
    THROUGH,
    WORDS_OF_SELECTOR,
)
from k8snb.machinery.cel.ranges import scaled

Cost: TypeAlias = Callable[[Sequence[Any], Any], int]


def actual(function: str, overloads: Sequence[Overload]) -> Cost | None:
    """What tells the cost of a call from its arguments and result; None where it is one."""
    found = _COSTS.get(function)
    return found if found is not None and any(map(_has_length, overloads)) else None


def _has_length(overload: Overload) -> bool:
    return any(each.kind in _LONG for each in (*overload.params, overload.result))


_LONG = frozenset({"string", "bytes", "list", "map", "dyn", "param", "struct", "opaque"})


def length(value: Any) -> int:
    """The size of a value; of one that has none, 1."""
    return len(value) if isinstance(value, (str, bytes, list, tuple, Mapping)) else 1


def _texts(factor: float, *, which: int = 0) -> Cost:
    return lambda args, result: scaled(length(args[which]), factor)


def _traversed(value: Any) -> int:
    if isinstance(value, str):
        return int(len(value.encode()) * TEXT)
    if isinstance(value, bytes):
        return int(len(value) * TEXT)
    if isinstance(value, Mapping):
        return sum(_traversed(key) + _traversed(each) for key, each in value.items())
    return sum(map(_traversed, value)) if isinstance(value, (list, tuple)) else 1


def _search(args: Sequence[Any], result: Any) -> int:
    return scaled(length(args[0]) + 1, TEXT) * scaled(length(args[1]), PATTERN)


def _within(args: Sequence[Any], result: Any) -> int:
    return scaled(length(args[0]), TEXT) * scaled(length(args[1]), TEXT)


def _shorter(args: Sequence[Any], result: Any) -> int:
    return scaled(min(length(args[0]), length(args[1])), TEXT)


def _sum_of(args: Sequence[Any], result: Any) -> int:
    return scaled(length(args[0]) + length(args[1]), TEXT) if isinstance(args[0], (str, bytes)) else 1


def _selection(args: Sequence[Any], result: Any) -> int:
    size = length(args[1])
    return LIST + scaled(size, TEXT) + scaled(size, WORDS_OF_SELECTOR) * (LIST + MESSAGE)


def _pairs(factor: int) -> Cost:
    return lambda args, result: 1 + length(args[0]) * length(args[1]) * factor


def _block(base: int) -> Cost:
    """Comparing a few bytes, and reading the text of what is looked for."""
    return lambda args, result: base + (scaled(len(args[1]), TEXT) if isinstance(args[1], str) else 0)


def _listed(args: Sequence[Any], result: Any) -> int:
    return 1 + LIST + length(result)


def _self_compared(args: Sequence[Any], result: Any) -> int:
    factor = 2 + (TEXT if args[0] and isinstance(args[0][0], (str, bytes)) else 0)
    return 1 + LIST + int(length(args[0]) ** 2 * factor)


_COSTS: Mapping[str, Cost] = {
    **dict.fromkeys(THROUGH, lambda args, result: _traversed(args[0])),
    **dict.fromkeys((*READ, "url", "jsonpatch.escapeKey", "lowerAscii", "upperAscii", "substring", "trim", "ip"),
                    _texts(TEXT)),
    **dict.fromkeys(("startsWith", "endsWith"), _texts(TEXT)),
    **dict.fromkeys(("string", "bytes"), _texts(TEXT)),
    **dict.fromkeys(("replace", "split", "ip.isCanonical"), _texts(2 * TEXT)),
    **dict.fromkeys(("find", "findAll", "matches"), _search),
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_"), _shorter),
    **dict.fromkeys(("fieldSelector", "labelSelector"), _selection),
    **dict.fromkeys(("slice", "lists.range", "reverse"), _listed),
    **dict.fromkeys(("sort", "distinct"), _self_compared),
    "check": lambda args, result: CHECK,
    "join": lambda args, result: scaled(length(result), 2 * TEXT),
    "validate": lambda args, result: scaled(length(args[1]) + 1, TEXT) * scaled(LONGEST_PATTERN, PATTERN),
    "_+_": _sum_of,
    "@in": lambda args, result: length(args[1]) if isinstance(args[1], (list, tuple)) else 1,
    "contains": _within,
    "containsIP": _block(1),
    "containsCIDR": _block(3),
    "sets.contains": _pairs(1),
    "sets.intersects": _pairs(1),
    "sets.equivalent": _pairs(2),
    "flatten": lambda args, result: 1 + LIST + length(args[0]) * (args[1] if len(args) > 1 else 1),
}  # fmt: skip
