"""Values as Go's `%v` prints them, which is how some messages of the API server show them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def go_text(value: Any) -> str:
    """`map[a:1 b:[x y]]`, with sorted keys; null is `<nil>`."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{key}:{go_text(value[key])}' for key in sorted(value))}]"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{' '.join(map(go_text, value))}]"
    return str(value)


def go_type(value: Any) -> str:
    """The type that Go's JSON decoder gives a value."""
    if isinstance(value, Mapping):
        return "map[string]interface {}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[]interface {}"
    names = {str: "string", bool: "bool", int: "int64", float: "float64"}
    return names.get(type(value), "%!s(<nil>)")


def go_source(value: Any) -> str:
    """A value as Go would write it in a program (`%#v`): `map[string]interface {}{"a":1}`."""
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return (
            f"map[string]interface {{}}{{{', '.join(f'{go_source(k)}:{go_source(value[k])}' for k in sorted(value))}}}"
        )
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Sequence):
        return f"[]interface {{}}{{{', '.join(map(go_source, value))}}}"
    return str(value)


def json_word(value: Any) -> str:
    """What Go's JSON errors call a value: `string`, `number`, `bool`, `array`, `object`."""
    if isinstance(value, Mapping):
        return "object"
    words = {str: "string", bool: "bool", int: "number", float: "number", type(None): "null"}
    return words.get(type(value), "array")
