"""From objects to sets of fields: which fields an object has, and which of them differ between two objects.

Upstream: structured-merge-diff `typed/tofieldset.go` and `typed/compare.go`. Parts that two objects share by
identity are not looked into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from k8snb.machinery.managed.sets import EMPTY, SELF, FieldSet, field_step, key_step, union, value_step, without
from k8snb.machinery.managed.shapes import Shape, deduced

_LEAF: FieldSet = {}
_FLAT = 256
"""How many combinations of fields a shape remembers."""


class _Missing:
    """The value of a field that is not there, as opposed to one that is null."""

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()


class Comparison(NamedTuple):
    """The fields that are new, that have another value, and that are gone."""

    added: FieldSet = EMPTY
    modified: FieldSet = EMPTY
    removed: FieldSet = EMPTY

    @property
    def taken(self) -> FieldSet:
        """What whoever made the change owns afterwards."""
        return union(self.added, self.modified)

    def without(self, fields: FieldSet) -> Comparison:
        """The comparison without some fields and everything below them."""
        return Comparison(*(without(each, fields) for each in self)) if fields else self


_SAME = Comparison()


class NoKey(ValueError):
    """An item of a list cannot be told from the others."""


def step_of(shape: Shape, item: Any) -> str:
    """The step from a list to one of its items. Raises `NoKey`."""
    if not shape.keys:
        if isinstance(item, Mapping):
            raise NoKey("associative list without keys has an element that's a map type")
        if isinstance(item, list):
            raise NoKey("not supported: associative list with lists as elements")
        if item is None:
            raise NoKey("associative list without keys has an element that's an explicit null")
        return value_step(item)
    if item is None:
        raise NoKey("associative list with keys may not have a null element")
    if not isinstance(item, Mapping):
        raise NoKey("associative list with keys may not have non-map elements")
    keys = {key: item[key] if key in item else shape.defaults.get(key, MISSING) for key in shape.keys}
    for key, value in keys.items():
        if value is MISSING:
            why = f'associative list with keys has an element that omits key field "{key}"'
            raise NoKey(f"{why} (and doesn't have default value)")
    return key_step(keys)


def items_by_step(shape: Shape, items: Any) -> dict[str, Any]:
    """The items of a list by their steps; of several alike the first, and none that has no key."""
    found: dict[str, Any] = {}
    for item in items or ():
        try:
            found.setdefault(step_of(shape, item), item)
        except NoKey:
            continue
    return found


# -- the fields of one object --------------------------------------------------------------------------


def fields_of(value: Any, shape: Shape) -> FieldSet:
    """The fields that an applied object names."""
    node = _fields(value, shape)
    return {step: below for step, below in node.items() if step != SELF} if node else EMPTY


def _fields(value: Any, shape: Shape) -> FieldSet | None:
    shape = deduced(shape, value)
    if shape.kind == "scalar" or shape.atomic:
        return _LEAF
    if shape.kind == "list":
        return _fields_of_list(value, shape)
    made: dict[str, Any] = {}
    for name, inner in (value if isinstance(value, Mapping) else EMPTY).items():
        declared = shape.declared(name)
        child = declared or shape.element
        if child is None:
            continue
        node = _fields(inner, child)
        if declared is None or inner is None or inner == {}:
            node = _with_self(node)
        if node is not None:
            made[field_step(name)] = node
    return made or None


def _fields_of_list(value: Any, shape: Shape) -> FieldSet | None:
    element = shape.element
    assert element is not None
    found = items_by_step(shape, value if isinstance(value, list) else ())
    return {step: _with_self(_fields(item, element)) for step, item in found.items()} or None


def _with_self(node: FieldSet | None) -> FieldSet:
    return {SELF: _LEAF, **node} if node else _LEAF


# -- an object that is new -----------------------------------------------------------------------------


def added_fields(value: Any, shape: Shape) -> FieldSet:
    """The fields of a new object: what `compare` finds added and modified in comparison to one that is empty."""
    return _in_place(value, shape)


def _added(value: Any, shape: Shape) -> FieldSet:
    """The fields of a value where there was none: the place itself, and what it holds."""
    if shape.kind == "scalar" or shape.atomic or not value:
        return _LEAF
    shape = deduced(shape, value)
    if shape.kind == "list":
        if not isinstance(value, list) or shape.atomic:
            return _LEAF
        element = shape.element
        assert element is not None
        return {SELF: _LEAF, **{step: _added(item, element) for step, item in items_by_step(shape, value).items()}}
    if not isinstance(value, Mapping):
        return _LEAF
    names = tuple(value)
    known = shape.flat.get(names)
    if known is None:
        known = {SELF: _LEAF}
        flat = True
        for name, inner in value.items():
            child = shape.child(name)
            if child is not None:
                known[field_step(name)] = _added(inner, child)
                flat = flat and (child.kind == "scalar" or child.atomic)
        if flat and len(shape.flat) < _FLAT:
            shape.flat[names] = known
    return known


def _in_place(value: Any, shape: Shape) -> FieldSet:
    """The fields of a value where Go has an empty one already: what it holds, without the place itself."""
    if shape.kind == "list":
        return {step: node for step, node in _added(value, shape).items() if step != SELF}
    made: dict[str, Any] = {}
    for name, inner in value.items():
        child = shape.child(name)
        if child is None:
            continue
        if name not in shape.always:
            made[field_step(name)] = _added(inner, child)
        elif child.kind == "scalar" or child.atomic or child.kind == "any":
            if inner != shape.always[name]:
                made[field_step(name)] = _added(inner, child)
        elif inner and (below := _in_place(inner, child)):
            made[field_step(name)] = below
    return made


# -- two objects ---------------------------------------------------------------------------------------


def compare(old: Any, new: Any, shape: Shape) -> Comparison:
    """What is different in the new object."""
    return _compare(old, new, shape)


def _compare(old: Any, new: Any, shape: Shape) -> Comparison:
    if old is new:
        return _SAME
    if old is MISSING:
        node = _added(new, shape)
        return Comparison(added=node or _HERE)
    shape = deduced(shape, old if new is MISSING or new is None else new)
    if shape.kind == "scalar" or shape.atomic:
        return _leaf(old, new)
    kind = list if shape.kind == "list" else Mapping
    left = old if isinstance(old, kind) else None
    right = new if isinstance(new, kind) else None
    if not left and not right:
        return _leaf(old, new)
    parts = _items(left, right, shape) if shape.kind == "list" else _entries(left, right, shape)
    added, modified, removed = parts
    if new is MISSING:
        removed[SELF] = _LEAF
    return Comparison(_closed(added), _closed(modified), _closed(removed))


def _closed(node: dict[str, Any]) -> FieldSet:
    return _HERE if len(node) == 1 and SELF in node else node or EMPTY


_HERE: FieldSet = {SELF: _LEAF}
"""The comparison of a place says with this that the place itself is meant; `_put` makes a leaf of it."""


def _leaf(old: Any, new: Any) -> Comparison:
    if new is MISSING:
        return Comparison(removed=_HERE)
    return _SAME if old == new else Comparison(modified=_HERE)


Parts = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]


def _put(parts: Parts, step: str, found: Comparison) -> None:
    for part, node in zip(parts, found, strict=True):
        if node:
            part[step] = _LEAF if node is _HERE else node


def _entries(left: Any, right: Any, shape: Shape) -> Parts:
    parts: Parts = ({}, {}, {})
    always = shape.always
    old, new = left or EMPTY, right or EMPTY
    for name in {**old, **new}:
        before, after = old.get(name, MISSING), new.get(name, MISSING)
        if before is after:
            continue
        child = shape.child(name)
        if child is None:
            continue
        if name in always:
            before = always[name] if before is MISSING and left is not None else before
            after = always[name] if after is MISSING and right is not None else after
        found = _compare(before, after, child)
        if found is not _SAME:
            _put(parts, field_step(name), found)
    return parts


def _items(left: Any, right: Any, shape: Shape) -> Parts:
    parts: Parts = ({}, {}, {})
    old, new = items_by_step(shape, left), items_by_step(shape, right)
    element = shape.element
    assert element is not None
    for step in {**old, **new}:
        _put(parts, step, _compare(old.get(step, MISSING), new.get(step, MISSING), element))
    return parts
