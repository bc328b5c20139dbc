"""JSON in a browser: what k8snb asks of orjson, answered by Python's own `json`.

orjson is compiled, and no registry of packages has it for WebAssembly. The same values give the same bytes: no blanks,
UTF-8 as it is, keys in order where that is asked for, null for numbers that JSON does not have. What orjson refuses is
refused here as well: such numbers in a text, lone surrogates, keys that are no strings.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from math import isfinite
from typing import Any

__version__ = "0"

OPT_INDENT_2 = 1
OPT_SORT_KEYS = 2
OPT_NON_STR_KEYS = 4
OPT_APPEND_NEWLINE = 8

JSONDecodeError = json.JSONDecodeError


class JSONEncodeError(TypeError):
    """A value that JSON cannot say."""


def loads(text: bytes | bytearray | memoryview | str, /) -> Any:
    """The value of a JSON text."""
    if not isinstance(text, str):
        try:
            text = bytes(text).decode()
        except UnicodeDecodeError:
            raise JSONDecodeError("str is not valid UTF-8: surrogates not allowed", "", 0) from None
    try:
        return json.loads(text, parse_constant=_refused)
    except RecursionError:
        raise JSONDecodeError("Recursion limit reached", text, 0) from None


def _refused(name: str) -> Any:
    raise JSONDecodeError(f"unexpected {name}", name, 0)


def dumps(value: Any, /, default: Callable[[Any], Any] | None = None, option: int | None = None) -> bytes:
    """The JSON text of a value, as UTF-8."""
    options = option or 0
    indented = bool(options & OPT_INDENT_2)
    try:
        written = json.dumps(
            value if _plain(value, bool(options & OPT_NON_STR_KEYS)) else _without_gaps(value),
            ensure_ascii=False,
            default=default,
            indent=2 if indented else None,
            separators=(",", ": ") if indented else (",", ":"),
            sort_keys=bool(options & OPT_SORT_KEYS),
        ).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise JSONEncodeError(str(error)) from None
    return written + b"\n" if options & OPT_APPEND_NEWLINE else written


def _plain(value: Any, any_key: bool) -> bool:
    """Whether JSON has all the numbers in a value. Keys that are no strings are refused, as `json` would not do."""
    if isinstance(value, dict):
        if not any_key and not all(type(key) is str for key in value):
            raise JSONEncodeError("Dict key must be str")
        return all(_plain(each, any_key) for each in value.values() if type(each) is not str)
    if isinstance(value, (list, tuple)):
        return all(_plain(each, any_key) for each in value if type(each) is not str)
    return not isinstance(value, float) or isfinite(value)


def _without_gaps(value: Any) -> Any:
    """The value with null in the place of numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _without_gaps(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_gaps(each) for each in value]
    return value if not isinstance(value, float) or isfinite(value) else None
