"""Filling in what an object leaves open, without copying what it does not.

Defaults run on every write, mostly on objects that have them already. So each function here hands back
the very object it was given when there was nothing to fill in; what is shared between objects (the pod
spec of a ReplicaSet's pods) stays shared. `None` and the empty string count as left open, as they do
for a Go field that is omitted when empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from k8snb.typing import Object

Filler = Callable[[Object], Object]


def filled(obj: Object, defaults: Object) -> Object:
    """The object with `defaults` where it leaves a field open."""
    missing = {name: value for name, value in defaults.items() if obj.get(name) in (None, "")}
    return {**obj, **missing} if missing else obj


def filled_numbers(obj: Object, defaults: Object) -> Object:
    """Like `filled`, for numbers that upstream cannot tell from unset when they are zero."""
    missing = {name: value for name, value in defaults.items() if not obj.get(name)}
    return {**obj, **missing} if missing else obj


def within(obj: Object, name: str, fill: Filler) -> Object:
    """The object with `fill` applied to the mapping in field `name`, where there is one."""
    inner = obj.get(name)
    if inner is None:
        return obj
    result = fill(inner)
    return obj if result is inner else {**obj, name: result}


def within_new(obj: Object, name: str, fill: Filler) -> Object:
    """Like `within`, but an absent field is filled as if it were there and empty."""
    inner = obj.get(name)
    result = fill({} if inner is None else inner)
    return obj if result is inner else {**obj, name: result}


def within_each(obj: Object, name: str, fill: Filler) -> Object:
    """The object with `fill` applied to every mapping of the list in field `name`."""
    items: Sequence[Object] | None = obj.get(name)
    if not items:
        return obj
    results = [fill(item) for item in items]
    if all(result is item for result, item in zip(results, items, strict=True)):
        return obj
    return {**obj, name: results}


def within_path(obj: Object, path: Sequence[str], fill: Filler) -> Object:
    """`within`, several fields deep."""
    if not path:
        return fill(obj)
    return within(obj, path[0], lambda inner: within_path(inner, path[1:], fill))


def without(obj: Object, *names: str) -> Object:
    """The object without those fields."""
    if not any(name in obj for name in names):
        return obj
    return {name: value for name, value in obj.items() if name not in names}
