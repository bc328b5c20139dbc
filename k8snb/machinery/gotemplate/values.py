"""Go's view of Python values: their types by name, what counts as true, and the value that is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class _NoValue:
    """What a missing key gives: prints as `<no value>`, counts as false."""

    def __repr__(self) -> str:
        return "<no value>"

    def __bool__(self) -> bool:
        return False


_LARGEST = 1 << 63


class Int64(int):
    """A whole number out of JSON, which Go tells from the `int` of a template."""


def from_json(value: Any) -> Any:
    """Data as Go's decoder gives them: whole numbers are `int64`, as far as they fit."""
    if isinstance(value, Mapping):
        return {key: from_json(each) for key, each in value.items()}
    if is_list(value):
        return [from_json(each) for each in value]
    if type(value) is not int:
        return value
    return Int64(value) if -_LARGEST <= value < _LARGEST else float(value)


NO_VALUE = _NoValue()
"""The value that is not there. A function gets None in its place."""


def is_list(value: Any) -> bool:
    """Whether it is a slice to Go."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def type_name(value: Any) -> str:
    """The type that Go has for a value: `map[string]interface {}`."""
    if isinstance(value, Mapping):
        return "map[string]interface {}"
    if is_list(value):
        return "[]interface {}"
    names = {str: "string", bool: "bool", int: "int", Int64: "int64", float: "float64", bytes: "[]uint8"}
    return names.get(type(value), "interface {}" if value is None or value is NO_VALUE else type(value).__name__)


def is_true(value: Any) -> bool:
    """Whether a value counts as true: not empty, not zero."""
    return bool(value)


def unwrapped(value: Any) -> Any:
    """The value as a function gets it."""
    return None if value is NO_VALUE else value


_NO_METHODS: Mapping[str, Any] = {}


def methods_of(receiver: Any) -> Mapping[str, Any]:
    """The fields and methods of a value that is more than data: its `template_fields`."""
    found: Mapping[str, Any] = getattr(receiver, "template_fields", _NO_METHODS)
    return found
