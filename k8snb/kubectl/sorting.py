"""`--sort-by`: objects in the order of one of their fields.

Numbers and quantities are compared as amounts, text the way people count, and an object without the field comes
first. Upstream: `kubectl/pkg/cmd/get/sorter.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any, TypeVar

from k8snb.kubectl.errors import CommandError
from k8snb.machinery.jsonpath import JSONPath, JSONPathError, relaxed
from k8snb.machinery.quantity import QuantityError, parse
from k8snb.typing import Object

T = TypeVar("T")

_CHUNK = re.compile(r"\d+|\D+")


class NothingToSortBy(CommandError):
    """No object has the field by which they are to be sorted."""


def sorted_by(items: Sequence[T], path: str, object_of: Callable[[T], Any]) -> list[T]:
    """The items, ordered by the field of their objects that `path` names."""
    try:
        template = relaxed(path)
        field = JSONPath(template)
        values = [_first(field, object_of(item)) for item in items]
    except JSONPathError as error:
        raise CommandError(str(error)) from None
    if items and all(value is None for value in values):
        raise nothing_to_sort_by(path)
    in_order = cmp_to_key(_compare)
    pairs = sorted(zip(values, items, strict=True), key=lambda pair: in_order(pair[0]))
    return [item for _, item in pairs]


def nothing_to_sort_by(path: str) -> NothingToSortBy:
    """What the real one says where no object has the field, and of several tables at once."""
    return NothingToSortBy(f'couldn\'t find any field with path "{relaxed(path)}" in the list of objects')


def sorted_rows(table: Object, path: str) -> Object:
    """A table with its rows in order; each row must carry its object.

    Where no row has the field, the real one shows none.
    """
    rows = table.get("rows") or ()
    try:
        return {**table, "rows": sorted_by(rows, path, lambda row: row["object"])}
    except NothingToSortBy:
        return {**table, "rows": []}


def _first(field: JSONPath, obj: Any) -> Any:
    found = field.find(obj)
    return found[0][0] if found and found[0] else None


def _compare(a: Any, b: Any) -> int:
    if a is None or b is None:
        return (a is not None) - (b is not None)
    if isinstance(a, str) and isinstance(b, str):
        return _compare_texts(a, b)
    if isinstance(a, Mapping) or isinstance(b, Mapping):
        raise CommandError("Field {} in [][]reflect.Value is an unsortable type: map")
    return int(a > b) - int(a < b)


def _compare_texts(a: str, b: str) -> int:
    try:
        x, y = parse(a).nano, parse(b).nano
        return (x > y) - (x < y)
    except QuantityError:
        return _compare_naturally(a, b)


def _compare_naturally(a: str, b: str) -> int:
    for x, y in zip(_CHUNK.findall(a), _CHUNK.findall(b), strict=False):
        if x == y:
            continue
        if x.isdigit() and y.isdigit() and int(x) != int(y):
            return -1 if int(x) < int(y) else 1
        return -1 if x < y else 1
    return len(a) - len(b)
