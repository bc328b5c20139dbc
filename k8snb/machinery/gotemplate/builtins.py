"""The functions that every template has. Upstream: `text/template/funcs.go`."""

from __future__ import annotations

import html
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from k8snb.machinery.gotemplate.errors import FunctionError
from k8snb.machinery.gotemplate.formatting import sprint, sprintf, sprintln
from k8snb.machinery.gotemplate.values import Int64, is_list, is_true, type_name

Function = Callable[..., Any]

# -- comparison ----------------------------------------------------------------------------------------

_KINDS = {bool: "bool", int: "int", Int64: "int", float: "float", str: "string"}


def _equal(one: Any, *others: Any) -> bool:
    if not others:
        raise FunctionError("missing argument for comparison")
    return any(_same(one, other) for other in others)


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    kinds = _KINDS.get(type(one)), _KINDS.get(type(other))
    if None in kinds:
        bad = one if kinds[0] is None else other
        raise FunctionError(f"non-comparable type {sprint([bad])}: {type_name(bad)}")
    if kinds[0] != kinds[1]:
        raise FunctionError("incompatible types for comparison")
    return bool(one == other)


def _ordered(compare: Callable[[Any, Any], bool]) -> Function:
    def function(one: Any, other: Any) -> bool:
        kinds = _KINDS.get(type(one)), _KINDS.get(type(other))
        if None in kinds or "bool" in kinds:
            raise FunctionError("invalid type for comparison")
        if kinds[0] != kinds[1]:
            raise FunctionError("incompatible types for comparison")
        return compare(one, other)

    return function


def _not_equal(one: Any, other: Any) -> bool:
    return not _same(one, other)


# -- parts of values -----------------------------------------------------------------------------------


def _index(item: Any, *keys: Any) -> Any:
    if item is None:
        raise FunctionError("index of untyped nil")
    for key in keys:
        item = _indexed(item, key)
    return item


def _indexed(item: Any, key: Any) -> Any:
    if isinstance(item, Mapping):
        if not isinstance(key, str):
            raise FunctionError(f"value has type {type_name(key)}; should be string")
        return item.get(key)
    if is_list(item) or isinstance(item, (str, bytes)):
        at = _position(key, len(item))
        if at >= len(item):
            raise FunctionError(f"index out of range: {at}")
        return ord(item[at]) if isinstance(item, str) else item[at]
    raise FunctionError("index of nil pointer" if item is None else f"can't index item of type {type_name(item)}")


def _position(key: Any, length: int) -> int:
    if key is None:
        raise FunctionError("cannot index slice/array with nil")
    if isinstance(key, bool) or not isinstance(key, int):
        raise FunctionError(f"cannot index slice/array with type {type_name(key)}")
    if not 0 <= key <= length:
        raise FunctionError(f"index out of range: {key}")
    return key


def _slice(item: Any, *bounds: Any) -> Any:
    if item is None:
        raise FunctionError("slice of untyped nil")
    if len(bounds) > 3:
        raise FunctionError(f"too many slice indexes: {len(bounds)}")
    if not (is_list(item) or isinstance(item, (str, bytes))):
        raise FunctionError(f"can't slice item of type {type_name(item)}")
    places = [_position(bound, len(item)) for bound in bounds]
    first, last = (*places, *[0, len(item)][len(places) :])[:2]
    if first > last:
        raise FunctionError(f"invalid slice index: {first} > {last}")
    return item[first:last]


def _length(item: Any) -> int:
    if item is None:
        raise FunctionError("len of nil pointer")
    if isinstance(item, str):
        return len(item.encode())
    if isinstance(item, (Mapping, bytes)) or is_list(item):
        return len(item)
    raise FunctionError(f"len of type {type_name(item)}")


def _call(function: Any, *arguments: Any) -> Any:
    if function is None:
        raise FunctionError("call of nil")
    return function(*arguments)


# -- text ----------------------------------------------------------------------------------------------


def _printf(format: str, *values: Any) -> str:
    return sprintf(format, values)


_JS = {"\\": r"\\", "'": r"\'", '"': r"\"", "<": r"\u003C", ">": r"\u003E", "&": r"\u0026", "=": r"\u003D"}


def _js(*values: Any) -> str:
    def escaped(match: re.Match[str]) -> str:
        return _JS.get(match[0], f"\\u{ord(match[0]):04X}")

    return re.sub(r"[\\'\"<>&=\x00-\x1f]", escaped, sprint(values))


def _html(*values: Any) -> str:
    text = html.escape(sprint(values), quote=True).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    return text.replace("\0", "\ufffd")


# -- logic ---------------------------------------------------------------------------------------------


def _and(*values: Any) -> Any:
    return next((value for value in values if not is_true(value)), values[-1])


def _or(*values: Any) -> Any:
    return next((value for value in values if is_true(value)), values[-1])


LAZY: Mapping[str, bool] = {"and": False, "or": True}
"""Functions whose arguments are evaluated one by one until one counts as this."""

BUILTINS: Mapping[str, Function] = {
    "and": _and,
    "call": _call,
    "eq": _equal,
    "ge": _ordered(operator.ge),
    "gt": _ordered(operator.gt),
    "html": _html,
    "index": _index,
    "js": _js,
    "le": _ordered(operator.le),
    "len": _length,
    "lt": _ordered(operator.lt),
    "ne": _not_equal,
    "not": lambda value: not is_true(value),
    "or": _or,
    "print": lambda *values: sprint(values),
    "printf": _printf,
    "println": lambda *values: sprintln(values),
    "slice": _slice,
    "urlquery": lambda *values: quote_plus(sprint(values)),
}
"""By name; `Templates` adds those of its owner."""
