"""Sets of fields, in the form in which `fieldsV1` writes them.

A set is a tree: each key is one step (`f:spec`, `k:{"name":"web"}`, `v:"a"`), each value the set below it. A leaf
`{}` belongs to the set; a step with something below it belongs to it if the key `.` is there. So a set needs no
encoding, and sets share what they have in common. Like objects, sets are never changed in place.

Upstream: structured-merge-diff `fieldpath` (`set.go`, `serialize.go`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import orjson

FieldSet: TypeAlias = Mapping[str, Any]

SELF = "."
EMPTY: FieldSet = {}
_HERE: FieldSet = {}
_ORDER = {"f": 0, "k": 1, "v": 2, "i": 3}


def field_step(name: str) -> str:
    """The step to a field of a map."""
    return f"f:{name}"


def key_step(keys: Mapping[str, Any]) -> str:
    """The step to the item of a list that has these keys."""
    return "k:" + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()


def value_step(value: Any) -> str:
    """The step to a value in a list that is a set."""
    return "v:" + orjson.dumps(value).decode()


def path_set(*names: str) -> FieldSet:
    """The set of one field, named from the top."""
    found: FieldSet = {}
    for name in reversed(names):
        found = {field_step(name): found}
    return found


def is_member(node: FieldSet | None) -> bool:
    """Whether the place of a node belongs to the set itself."""
    return node is not None and (not node or SELF in node)


def has(fields: FieldSet, *steps: str) -> bool:
    """Whether a place belongs to the set."""
    node: FieldSet | None = fields
    for step in steps:
        if node is None:
            return False
        node = node.get(step)
    return is_member(node)


def _below(node: FieldSet) -> dict[str, Any]:
    return {step: below for step, below in node.items() if step != SELF}


def _node(member: bool, below: Mapping[str, Any]) -> FieldSet | None:
    """The node of a place: whether it belongs to the set, and what lies below; None if neither is anything."""
    if not below:
        return _HERE if member else None
    return {SELF: _HERE, **below} if member else below


def union(one: FieldSet, other: FieldSet) -> FieldSet:
    """What belongs to either set."""
    if one is other or not other:
        return one
    if not one:
        return other
    made = dict(one)
    for step, below in other.items():
        mine = made.get(step)
        made[step] = below if mine is None else _joined(mine, below)
    return made


def _joined(one: FieldSet, other: FieldSet) -> FieldSet:
    if one is other:
        return one
    member = is_member(one) or is_member(other)
    return _node(member, union(_below(one), _below(other))) or _HERE


def difference(one: FieldSet, other: FieldSet) -> FieldSet:
    """What belongs to the first set and not to the second. Whoever loses a place keeps what lies below it."""
    if not one or not other:
        return one
    made: dict[str, Any] = {}
    for step, mine in one.items():
        theirs = other.get(step)
        left = mine if theirs is None or step == SELF else _left(mine, theirs)
        if left is not None:
            made[step] = left
    return made


def _left(mine: FieldSet, theirs: FieldSet) -> FieldSet | None:
    member = is_member(mine) and not is_member(theirs)
    return _node(member, difference(_below(mine), _below(theirs)))


def without(one: FieldSet, other: FieldSet) -> FieldSet:
    """The first set without the places of the second and everything below them."""
    if not one or not other:
        return one
    made: dict[str, Any] = {}
    for step, mine in one.items():
        theirs = other.get(step)
        if theirs is None or step == SELF:
            made[step] = mine
        elif not is_member(theirs):
            left = _node(is_member(mine), without(_below(mine), _below(theirs)))
            if left is not None:
                made[step] = left
    return made


EACH = "*"
"""Any step, in a path."""


def within(fields: FieldSet, paths: Sequence[tuple[str, ...]]) -> FieldSet:
    """What of a set lies at one of the paths or below it."""
    made: dict[str, Any] = {}
    for step, below in fields.items():
        rest = [path[1:] for path in paths if path[0] in (step, EACH) and step != SELF]
        left = below if () in rest else within(below, rest)
        if left or () in rest:
            made[step] = left
    return made


def intersection(one: FieldSet, other: FieldSet) -> FieldSet:
    """What belongs to both sets."""
    made: dict[str, Any] = {}
    for step, mine in one.items():
        theirs = other.get(step)
        if theirs is None or step == SELF:
            continue
        both = _node(is_member(mine) and is_member(theirs), intersection(_below(mine), _below(theirs)))
        if both is not None:
            made[step] = both
    return made


def places(fields: FieldSet, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places that belong to a set, as upstream walks them: of each level the members, then what lies below."""
    steps = sorted((step for step in fields if step != SELF), key=_rank)
    for step in steps:
        if is_member(fields[step]):
            yield (*prefix, step)
    for step in steps:
        yield from places(fields[step], (*prefix, step))


def _rank(step: str) -> tuple[int, Any]:
    return _ORDER.get(step[0], 9), step[2:]


def ordered(fields: FieldSet) -> FieldSet:
    """The set with its steps in the order in which they are written."""
    made: dict[str, Any] = {SELF: _HERE} if SELF in fields else {}
    for step in _in_order(fields):
        below = fields[step]
        made[step] = ordered(below) if below else _HERE
    return made


def _in_order(fields: FieldSet) -> list[str]:
    """The steps of a level but for the place itself; those of one kind are in the order of their texts."""
    steps = [step for step in fields if step != SELF]
    if len(steps) < 2:
        return steps
    kinds = {step[:2] for step in steps}
    steps.sort(key=None if len(kinds) == 1 else _rank)
    return steps


def text(place: tuple[str, ...]) -> str:
    """A place as messages name it: `.spec.containers[name="web"].image`."""
    return "".join(_text(step) for step in place)


def _text(step: str) -> str:
    kind, rest = step[0], step[2:]
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        pairs = orjson.loads(rest).items()
        return f"[{','.join(f'{name}={_value(value)}' for name, value in sorted(pairs))}]"
    return f"[={rest}]" if kind == "v" else f"[{rest}]"


def _value(value: Any) -> str:
    return orjson.dumps(value).decode()


def readable(value: Any) -> bool:
    """Whether a value that somebody sent is a set: maps all the way down, under steps of a known kind."""
    if not isinstance(value, Mapping):
        return False
    return all(step == SELF or (_is_step(step) and readable(below)) for step, below in value.items())


def _is_step(step: str) -> bool:
    kind, rest = step[:2], step[2:]
    if kind == "f:":
        return True
    try:
        value = orjson.loads(rest)
    except ValueError:
        return False
    if kind == "k:":
        return isinstance(value, dict)
    return kind == "v:" or (kind == "i:" and isinstance(value, int))
