"""What a value is: its type, whether it is empty, and what stands in for it.

Upstream: sprig's `defaults.go`, `reflect.go`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.machinery.gotemplate import sprintf, type_name
from k8snb.machinery.gotemplate.values import is_list


def strval(value: Any) -> str:
    """The value as text."""
    if isinstance(value, str):
        return value
    return value.decode(errors="replace") if isinstance(value, bytes) else sprintf("%v", [value])


def text_list(value: Any) -> list[str]:
    """The values of a list as texts, without those that are not there; one value alone is a list of one."""
    if is_list(value):
        return [strval(item) for item in value if item is not None]
    return [] if value is None else [strval(value)]


def is_empty(value: Any) -> bool:
    """Whether a value counts as not given: nothing, zero, false, or without content."""
    return not value and not hasattr(value, "template_fields")


def kind_of(value: Any) -> str:
    """Go's kind of a value: `map`, `slice`, `string`, `float64` …"""
    if isinstance(value, Mapping):
        return "map"
    if is_list(value) or isinstance(value, bytes):
        return "slice"
    if value is None:
        return "invalid"
    return "struct" if hasattr(value, "template_fields") else type_name(value)


def _type_of(value: Any) -> str:
    return "<nil>" if value is None else type_name(value)


def _type_is_like(name: str, value: Any) -> bool:
    return _type_of(value) in (name, f"*{name}")


def _default(given: Any, *values: Any) -> Any:
    return given if not values or is_empty(values[0]) else values[0]


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if not is_empty(value)), None)


def _ternary(yes: Any, no: Any, condition: bool) -> Any:
    return yes if condition else no


def deep_equal(one: Any, other: Any) -> bool:
    """Whether two values are the same in everything, their types too."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(deep_equal(one[key], other[key]) for key in one)
    if is_list(one) and is_list(other):
        return len(one) == len(other) and all(deep_equal(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and bool(one == other)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "all": lambda *values: not any(is_empty(value) for value in values),
    "any": lambda *values: any(not is_empty(value) for value in values),
    "coalesce": _coalesce,
    "deepCopy": copy.deepcopy,
    "deepEqual": deep_equal,
    "default": _default,
    "empty": is_empty,
    "kindIs": lambda name, value: kind_of(value) == name,
    "kindOf": kind_of,
    "mustDeepCopy": copy.deepcopy,
    "ternary": _ternary,
    "typeIs": lambda name, value: _type_of(value) == name,
    "typeIsLike": _type_is_like,
    "typeOf": _type_of,
}
"""By name."""
