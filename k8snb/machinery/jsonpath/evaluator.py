"""Walks an object along a parsed template.

Where Go would go through a map in random order (wildcards, `..`), keys are taken in sorted order.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.machinery.gotext import go_text, go_type
from k8snb.machinery.jsonpath.nodes import (
    Filter,
    Literal,
    Member,
    Node,
    Path,
    Recursive,
    Slice,
    Text,
    Union,
    Wildcard,
    Word,
)
from k8snb.machinery.jsonpath.parser import JSONPathError, parse
from k8snb.machinery.jsontext import json_text

Values = list[Any]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class JSONPath:
    """A template, ready to be applied. `missing_allowed` is kubectl's `--allow-missing-template-keys`."""

    def __init__(self, template: str, *, missing_allowed: bool = True) -> None:
        self.template = template
        self._nodes = parse(template)
        self._missing_allowed = missing_allowed

    def render(self, obj: Any) -> str:
        """The text that the template makes of an object."""
        return "".join(" ".join(map(_printed, values)) for values in self.find(obj))

    def find(self, obj: Any) -> list[Values]:
        """The values of each part of the template, in order."""
        found: list[Values] = []
        self._block(0, [obj], found)
        return found

    def _block(self, at: int, current: Values, found: list[Values] | None, depth: int = 0) -> int:
        """Evaluate nodes from `at` to the end of the template or of the range; returns where it stopped.

        With `found` None nothing is evaluated: the block is only passed over.
        """
        while at < len(self._nodes):
            node = self._nodes[at]
            word = _word(node)
            if word == "end":
                if not depth:
                    raise JSONPathError("not in range, nothing to end")
                return at
            if word == "range":
                at = self._range(at, node, current, found, depth)
            elif found is not None:
                found.append(self._walk(current, node))
            at += 1
        return at

    def _range(self, at: int, node: Node, current: Values, found: list[Values] | None, depth: int) -> int:
        assert isinstance(node, Path)
        values = [] if found is None else self._walk(current, Path(node.nodes[1:]))
        stop = self._block(at + 1, [], None, depth + 1)
        for value in values:
            self._block(at + 1, [value], found, depth + 1)
        return stop

    # -- one node ----------------------------------------------------------------------------------

    def _walk(self, values: Values, node: Node) -> Values:
        match node:
            case Path():
                for inner in node.nodes:
                    values = self._walk(values, inner)
                return values
            case Text() | Literal():
                return [node.value]
            case Member():
                return self._member(values, node)
            case Slice():
                return [item for value in values if value is not None for item in _sliced(value, node)]
            case Wildcard():
                return [item for value in values for item in _children(value)]
            case Recursive():
                return _descend(values)
            case Union():
                return [found for choice in node.choices for found in self._walk(values, choice)]
            case Filter():
                return [item for value in values for item in self._filtered(value, node)]
            case Word():
                raise JSONPathError(f"unrecognized identifier {node.name}")

    def _member(self, values: Values, node: Member) -> Values:
        if not node.name:
            return values
        found = [value[node.name] for value in values if isinstance(value, Mapping) and node.name in value]
        if not found and not self._missing_allowed:
            raise JSONPathError(f"{node.name} is not found")
        return found

    def _filtered(self, value: Any, node: Filter) -> Values:
        if not _is_list(value):
            raise JSONPathError(f"{go_text(value)} is not array or slice and cannot be filtered")
        return [item for item in value if self._passes(item, node)]

    def _passes(self, item: Any, node: Filter) -> bool:
        try:
            left = self._walk([item], node.left)
        except JSONPathError:
            if node.operator == "exists":
                return False
            raise
        if node.operator == "exists":
            return bool(left)
        right = self._walk([item], node.right)
        if not left or not right:
            return False
        if len(left) > 1 or len(right) > 1:
            raise JSONPathError("can only compare one element at a time")
        return _compared(left[0], node.operator, right[0])


def _word(node: Node) -> str:
    first = node.nodes[0] if isinstance(node, Path) and node.nodes else None
    return first.name if isinstance(first, Word) else ""


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _children(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value)]
    return value if _is_list(value) else []


def _descend(values: Values) -> Values:
    found: Values = []
    for value in values:
        below = _children(value)
        if below:
            found.append(value)
            found += _descend(list(below))
    return found


def _sliced(value: Any, node: Slice) -> Sequence[Any]:
    if not _is_list(value):
        raise JSONPathError(f"{go_type(value)} is not array or slice")
    length = len(value)
    first = node.first or 0
    first += length if first < 0 else 0
    end = length if node.end is None else node.end
    end += length if end < 0 or (end == 0 and node.derived) else 0
    if first == end:
        return []
    if not 0 <= first < length:
        raise JSONPathError(f"array index out of bounds: index {first}, length {length}")
    if not 0 <= end <= length:
        raise JSONPathError(f"array index out of bounds: index {end - 1}, length {length}")
    if first > end:
        raise JSONPathError(f"starting index {first} is greater than ending index {end}")
    if node.step is not None and node.step <= 0:
        raise JSONPathError(f"step must be > 0, got {node.step}")
    found: Sequence[Any] = value[first : end : node.step or 1]
    return found


def _compared(left: Any, name: str, right: Any) -> bool:
    compare = _COMPARE.get(name)
    if compare is None:
        raise JSONPathError(f"unrecognized filter operator {name}")
    if isinstance(left, bool) != isinstance(right, bool) or isinstance(left, str) != isinstance(right, str):
        raise JSONPathError("incompatible types for comparison")
    return compare(left, right)


def _printed(value: Any) -> str:
    if isinstance(value, Mapping) or _is_list(value):
        return json_text(value)
    return "null" if value is None else go_text(value)
