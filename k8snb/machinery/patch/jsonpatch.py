"""JSON patch (RFC 6902): a list of operations, all of which succeed or none.

Upstream applies them with `evanphx/json-patch` and hides its reasons: whatever an operation fails at, the
server says the same sentence. What cannot be read as a patch at all is a bad request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.errors import StatusError, bad_request, too_large
from k8snb.machinery.gotext import json_word

MAX_OPERATIONS = 10_000

_MISSING = object()
Change = Callable[[Any], Any]


class _Failed(Exception):
    """An operation cannot be done."""


def json_patch(document: Any, operations: Any) -> Any:
    """The document with the operations applied.

    Raises Invalid (422) when one fails, BadRequest when they are no list of operations and
    RequestEntityTooLarge when there are more than 10,000.
    """
    if not isinstance(operations, Sequence) or isinstance(operations, str):
        word = json_word(operations)
        raise bad_request(f"json: cannot unmarshal {word} into Go value of type jsonpatch.Patch")
    if len(operations) > MAX_OPERATIONS:
        limit = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        raise too_large(limit)
    for operation in operations:
        if not isinstance(operation, Mapping):
            word = json_word(operation)
            raise bad_request(f"json: cannot unmarshal {word} into Go value of type jsonpatch.Operation")
    try:
        for operation in operations:
            document = _apply(document, operation)
    except _Failed:
        message = "the server rejected our request due to an error in our request"
        raise StatusError(422, "Invalid", message, {}) from None
    return document


def _apply(document: Any, operation: Mapping[str, Any]) -> Any:
    act = _OPERATIONS.get(_text(operation, "op"))
    if act is None:
        raise _Failed
    return act(document, operation)


def _text(operation: Mapping[str, Any], field: str) -> str:
    value = operation.get(field)
    if not isinstance(value, str):
        raise _Failed
    return value


def _path(text: str) -> list[str]:
    """The parts of a JSON pointer. The whole document cannot be pointed at, as upstream."""
    head, *parts = text.split("/")
    if head or not parts:
        raise _Failed
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def _index(part: str, length: int) -> int:
    """A position in a list; negative ones count from its end."""
    digits = part[1:] if part.startswith("-") else part
    if not (digits.isascii() and digits.isdigit()):
        raise _Failed
    index = int(part)
    if not -length <= index < length:
        raise _Failed
    return index + length if index < 0 else index


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _child(container: Any, part: str) -> Any:
    """What is at one step of a path; `_MISSING` where an object has no such key."""
    if isinstance(container, Mapping):
        return container.get(part, _MISSING)
    if _is_list(container):
        return container[_index(part, len(container))]
    raise _Failed


def _look(document: Any, path: Sequence[str]) -> Any:
    for part in path:
        document = _child(document, part)
    return document


def _changed(document: Any, path: Sequence[str], change: Change) -> Any:
    """The document with the container that holds the end of the path changed."""
    if len(path) == 1:
        return change(document)
    part, *rest = path
    inner = _changed(_child(document, part), rest, change)
    if isinstance(document, Mapping):
        return {**document, part: inner}
    index = _index(part, len(document))
    return [*document[:index], inner, *document[index + 1 :]]


def _added(document: Any, path: Sequence[str], value: Any) -> Any:
    key = path[-1]

    def insert(container: Any) -> Any:
        if isinstance(container, Mapping):
            return {**container, key: value}
        if not _is_list(container):
            raise _Failed
        if key == "-":
            return [*container, value]
        index = _index(key, len(container) + 1)
        return [*container[:index], value, *container[index:]]

    return _changed(document, path, insert)


def _removed(document: Any, path: Sequence[str]) -> Any:
    key = path[-1]

    def drop(container: Any) -> Any:
        if _child(container, key) is _MISSING:
            raise _Failed
        if isinstance(container, Mapping):
            return {k: v for k, v in container.items() if k != key}
        index = _index(key, len(container))
        return [*container[:index], *container[index + 1 :]]

    return _changed(document, path, drop)


def _replaced(document: Any, path: Sequence[str], value: Any) -> Any:
    key = path[-1]

    def put(container: Any) -> Any:
        if _child(container, key) is _MISSING:
            raise _Failed
        if isinstance(container, Mapping):
            return {**container, key: value}
        index = _index(key, len(container))
        return [*container[:index], value, *container[index + 1 :]]

    return _changed(document, path, put)


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal; unlike Python, JSON tells `true` from `1`."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return len(a) == len(b) and all(key in b and same(value, b[key]) for key, value in a.items())
    if _is_list(a) and _is_list(b):
        return len(a) == len(b) and all(map(same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _add(document: Any, operation: Mapping[str, Any]) -> Any:
    return _added(document, _path(_text(operation, "path")), operation.get("value"))


def _remove(document: Any, operation: Mapping[str, Any]) -> Any:
    return _removed(document, _path(_text(operation, "path")))


def _replace(document: Any, operation: Mapping[str, Any]) -> Any:
    return _replaced(document, _path(_text(operation, "path")), operation.get("value"))


def _source(document: Any, operation: Mapping[str, Any]) -> Any:
    value = _look(document, _path(_text(operation, "from")))
    if value is _MISSING:
        raise _Failed
    return value


def _move(document: Any, operation: Mapping[str, Any]) -> Any:
    value = _source(document, operation)
    without = _removed(document, _path(_text(operation, "from")))
    return _added(without, _path(_text(operation, "path")), value)


def _copy(document: Any, operation: Mapping[str, Any]) -> Any:
    return _added(document, _path(_text(operation, "path")), _source(document, operation))


def _test(document: Any, operation: Mapping[str, Any]) -> Any:
    found = _look(document, _path(_text(operation, "path")))
    if not same(None if found is _MISSING else found, operation.get("value")):
        raise _Failed
    return document


_OPERATIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
