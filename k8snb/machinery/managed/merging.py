"""Merging an applied object into the one that is there, and taking fields out of an object.

Upstream: structured-merge-diff `typed/merge.go`, `typed/remove.go` and `Set.EnsureNamedFieldsAreMembers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.machinery.managed.comparing import MISSING, items_by_step
from k8snb.machinery.managed.sets import SELF, FieldSet, field_step, is_member
from k8snb.machinery.managed.shapes import Shape, deduced

_LEAF: FieldSet = {}


def merged(old: Any, new: Any, shape: Shape) -> Any:
    """The old value with everything that the new one says."""
    if new is MISSING or old is new:
        return old
    shape = deduced(shape, old if new is None and old is not MISSING else new)
    if shape.kind == "scalar" or shape.atomic:
        return new
    kind = list if shape.kind == "list" else Mapping
    left = old if isinstance(old, kind) else None
    right = new if isinstance(new, kind) else None
    if not left and not right:
        return new
    return _merged_list(left, right, shape) if shape.kind == "list" else _merged_map(left, right, shape)


def _merged_map(left: Any, right: Any, shape: Shape) -> Any:
    old, new = left or {}, right or {}
    made: dict[str, Any] = {}
    for name in {**old, **new}:
        child = shape.child(name)
        before, after = old.get(name, MISSING), new.get(name, MISSING)
        value = merged(before, after, child) if child is not None else before
        if value is not MISSING:
            made[name] = value
    return made or MISSING


def _merged_list(left: Any, right: Any, shape: Shape) -> Any:
    old, new = items_by_step(shape, left), items_by_step(shape, right)
    element = shape.element
    assert element is not None
    made: list[Any] = []
    for step in _merged_order(list(old), list(new)):
        twins = _twins(shape, left, step) if step not in new else ()
        made += twins or [merged(old.get(step, MISSING), new.get(step, MISSING), element)]
    return made or MISSING


def _twins(shape: Shape, items: Any, step: str) -> list[Any]:
    """The items that share a step: live objects may hold such, and they stay as long as nobody applies one."""
    return [item for item in items or () if step in items_by_step(shape, [item])]


def _merged_order(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The applied items in their order; those that only the old list has keep their place before what they preceded."""
    shared = [step for step in new if step in old]
    order: list[str] = []
    left, right, following = 0, 0, iter(shared)
    awaited = next(following, None)
    while left < len(old) or right < len(new):
        if left < len(old) and right < len(new):
            step = old[left]
            if step == new[right]:
                order.append(step)
                left, right, awaited = left + 1, right + 1, next(following, None)
                continue
            if step in new and awaited is not None and awaited != step:
                left += 1
                continue
        if left < len(old) and old[left] not in new:
            order.append(old[left])
            left += 1
            continue
        if right < len(new):
            if awaited == new[right]:
                awaited = next(following, None)
            order.append(new[right])
            right += 1
        else:
            left += 1
    return list(dict.fromkeys(order))


# -- taking out ----------------------------------------------------------------------------------------


def removed(value: Any, fields: FieldSet, shape: Shape) -> Any:
    """The value without the fields of a set; null where nothing is left of a list or map."""
    shape = deduced(shape, value)
    if shape.kind == "scalar":
        return value
    if shape.atomic or not value:
        return None
    if shape.kind == "list":
        return _removed_items(value, fields, shape)
    made: dict[str, Any] = {}
    for name, inner in value.items():
        node = fields.get(field_step(name))
        if node is None:
            made[name] = inner
        elif not is_member(node):
            child = shape.child(name)
            made[name] = inner if child is None else removed(inner, node, child)
    return made or None


def _removed_items(value: Sequence[Any], fields: FieldSet, shape: Shape) -> Any:
    element = shape.element
    assert element is not None
    made: list[Any] = []
    for item in value:
        step = next(iter(items_by_step(shape, [item])), "")
        node = fields.get(step)
        if node is None:
            made.append(item)
        elif not is_member(node):
            made.append(removed(item, node, element))
    return made or None


def named(fields: FieldSet, shape: Shape) -> FieldSet:
    """The set with the declared fields on the way to its members as members too."""
    made: dict[str, Any] = {}
    for step, node in fields.items():
        if step == SELF or not node:
            made[step] = node
            continue
        declared = shape.declared(step[2:]) if step[0] == "f" else None
        child = declared or shape.element
        below = named(node, child) if child is not None else node
        made[step] = {SELF: _LEAF, **below} if declared is not None else below
    return made
