"""Lists. A list that is given is never changed. Upstream: sprig's `list.go`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.helm.functions.numbers import to_int
from k8snb.helm.functions.values import deep_equal, is_empty, kind_of
from k8snb.machinery.gotemplate import FunctionError
from k8snb.machinery.gotemplate.values import is_list


def _items(values: Any, complaint: str) -> Sequence[Any]:
    """The items of a list; anything else is what the function cannot work on."""
    if not is_list(values):
        kind = "nil pointer" if values is None else kind_of(values)
        raise FunctionError(f"{complaint} {kind}")
    items: Sequence[Any] = values
    return items


def _among(items: Sequence[Any], item: Any) -> bool:
    return any(deep_equal(item, each) for each in items)


def _append(values: Any, item: Any) -> list[Any]:
    return [*_items(values, "Cannot push on type"), item]


def _prepend(values: Any, item: Any) -> list[Any]:
    return [item, *_items(values, "Cannot prepend on type")]


def _first(values: Any) -> Any:
    items = _items(values, "Cannot find first on type")
    return items[0] if items else None


def _last(values: Any) -> Any:
    items = _items(values, "Cannot find last on type")
    return items[-1] if items else None


def _rest(values: Any) -> Any:
    return list(_items(values, "Cannot find rest on type")[1:])


def _initial(values: Any) -> Any:
    return list(_items(values, "Cannot find initial on type")[:-1])


def _reverse(values: Any) -> list[Any]:
    return list(reversed(_items(values, "Cannot find reverse on type")))


def _compact(values: Any) -> list[Any]:
    return [item for item in _items(values, "Cannot compact on type") if not is_empty(item)]


def _uniq(values: Any) -> list[Any]:
    kept: list[Any] = []
    for item in _items(values, "Cannot find uniq on type"):
        if not _among(kept, item):
            kept.append(item)
    return kept


def _without(values: Any, *omitted: Any) -> list[Any]:
    return [item for item in _items(values, "Cannot find without on type") if not _among(omitted, item)]


def _has(item: Any, values: Any) -> bool:
    return values is not None and _among(_items(values, "Cannot find has on type"), item)


def _slice(values: Any, *bounds: Any) -> Any:
    items = _items(values, "list should be type of slice or array but")
    if not items:
        return None
    start = to_int(bounds[0]) if bounds else 0
    end = to_int(bounds[1]) if len(bounds) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise FunctionError("reflect.Value.Slice: slice index out of bounds")
    return list(items[start:end])


def _concat(*lists: Any) -> list[Any]:
    return [item for each in lists for item in _items(each, "Cannot concat type")]


def _chunk(size: int, values: Any) -> list[Any]:
    items = _items(values, "Cannot chunk type")
    return [list(items[at : at + size]) for at in range(0, len(items), max(size, 1))]


_LISTS: Mapping[str, Callable[..., Any]] = {
    "append": _append,
    "chunk": _chunk,
    "compact": _compact,
    "first": _first,
    "has": _has,
    "initial": _initial,
    "last": _last,
    "prepend": _prepend,
    "push": _append,
    "rest": _rest,
    "reverse": _reverse,
    "slice": _slice,
    "uniq": _uniq,
    "without": _without,
}

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **_LISTS,
    **{f"must{name[0].upper()}{name[1:]}": function for name, function in _LISTS.items()},
    "concat": _concat,
    "list": lambda *items: list(items),
    "tuple": lambda *items: list(items),
}
"""By name; the ones called `must…` fail where sprig's others panic, which a template cannot tell apart."""
