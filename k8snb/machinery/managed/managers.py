"""Who owns which fields of an object: `metadata.managedFields`, as a value that is worked with.

A `Manager` is a name with an operation, and for updates also a version and a subresource: each has an entry of its
own. `Owners` maps managers to their entries; it is never changed in place. An update takes what it changed from
everybody else (`updated`); applying is in `applying`.

Upstream: `apimachinery/pkg/util/managedfields/internal` (`managedfields.go`, `managedfieldsupdater.go`,
`capmanagers.go`, `stripmeta.go`, `skipnonapplied.go`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson

from k8snb.machinery.managed.comparing import Comparison, added_fields, compare
from k8snb.machinery.managed.sets import EMPTY, FieldSet, difference, ordered, path_set, readable, union
from k8snb.machinery.managed.shapes import Shape

APPLY = "Apply"
UPDATE = "Update"
BEFORE_FIRST_APPLY = "before-first-apply"
ANCIENT = "ancient-changes"
MAX_UPDATERS = 10
"""More managers that update than this are put together, the oldest first."""

_STRIPPED_METADATA = (
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
)
STRIPPED: FieldSet = {
    "f:apiVersion": EMPTY,
    "f:kind": EMPTY,
    "f:metadata": {".": EMPTY, **{f"f:{name}": EMPTY for name in _STRIPPED_METADATA}},
}
"""What nobody owns."""


class Manager(NamedTuple):
    """Whose entry it is. An applier has one entry, whatever version it applies."""

    name: str
    operation: str
    api_version: str = ""
    subresource: str = ""

    @property
    def identifier(self) -> str:
        """How upstream names a manager inside, which decides orders."""
        words = {"manager": self.name, "operation": self.operation, "apiVersion": self.api_version}
        said = {key: value for key, value in {**words, "subresource": self.subresource}.items() if value}
        return json.dumps(said, separators=(",", ":"), ensure_ascii=False)

    def __str__(self) -> str:
        said = json.dumps(self.name, ensure_ascii=False)
        if self.subresource:
            said += f' with subresource "{self.subresource}"'
        return f"{said} using {self.api_version}" if self.operation == UPDATE else said


class Entry(NamedTuple):
    """The fields of one manager, in which version they are named, and when they last changed."""

    fields: FieldSet
    api_version: str
    time: str | None = None


Owners: TypeAlias = Mapping[Manager, Entry]
NOBODY: Owners = {}


class Writer(NamedTuple):
    """Who writes: what becomes of it is an entry."""

    name: str
    api_version: str
    subresource: str = ""
    time: str | None = None

    @property
    def updating(self) -> Manager:
        """Whose entry an update goes to."""
        return Manager(self.name, UPDATE, self.api_version, self.subresource)

    @property
    def applying(self) -> Manager:
        """Whose entry an apply goes to."""
        return Manager(self.name, APPLY, "", self.subresource)


# -- updates -------------------------------------------------------------------------------------------


def created(new: Any, shape: Shape, writer: Writer, reset: FieldSet = EMPTY) -> Owners:
    """Who owns what of a new object."""
    mine = _fields_of_new(new, shape, reset)
    return {writer.updating: Entry(mine, writer.api_version, writer.time)} if mine else NOBODY


_new: dict[tuple[int, int, bytes], tuple[Shape, FieldSet, FieldSet]] = {}
_INDIFFERENT = re.compile(rb'"(image|value|cpu|memory)":"[^"\\]+"')
_BUILT_IN = frozenset({"v1", "apps/v1", "batch/v1"})
_NEW = 1024
_NEW_BYTES = 8192


def _fields_of_new(new: Any, shape: Shape, reset: FieldSet) -> FieldSet:
    """The fields of a new object that somebody owns.

    Objects have the same that differ in nothing but their name, the values of their labels and annotations, and, where
    the kind is known to identify nothing by them, in the values of `_INDIFFERENT` fields.
    """
    meta = {name: value for name, value in (new.get("metadata") or {}).items() if name not in _STRIPPED_METADATA}
    for name in ("labels", "annotations"):
        if meta.get(name):
            meta[name] = [*meta[name]]
    content = orjson.dumps({**new, "metadata": meta})
    if new.get("apiVersion") in _BUILT_IN:
        content = _INDIFFERENT.sub(rb'"\1":0', content)
    key = (id(shape), id(reset), content)
    known = _new.get(key)
    if known is None or known[0] is not shape or known[1] is not reset:
        mine = difference(Comparison(added_fields(new, shape)).without(reset).taken, STRIPPED)
        if len(content) > _NEW_BYTES:
            return mine
        if len(_new) >= _NEW:
            _new.clear()
        known = _new[key] = (shape, reset, mine)
    return known[2]


def updated(owners: Owners, old: Any, new: Any, shape: Shape, writer: Writer, reset: FieldSet = EMPTY) -> Owners:
    """Who owns what after an update. An object that nobody owns anything of stays so until somebody applies."""
    return _taken(owners, compare(old, new, shape).without(reset), writer) if owners else owners


def _taken(owners: Owners, found: Comparison, writer: Writer) -> Owners:
    taken = found.taken
    left = _robbed(owners, union(taken, found.removed))
    mine = difference(taken, STRIPPED)
    if not mine:
        return left
    manager = writer.updating
    before = left.get(manager)
    entry = Entry(union(mine, before.fields) if before else mine, writer.api_version, writer.time)
    return _capped({**left, manager: entry})


def _robbed(owners: Owners, fields: FieldSet) -> dict[Manager, Entry]:
    """The owners after losing fields; whoever has nothing left is gone."""
    left = {who: entry._replace(fields=difference(entry.fields, fields)) for who, entry in owners.items()}
    return {who: entry for who, entry in left.items() if entry.fields}


def _capped(owners: Owners) -> Owners:
    updaters = [who for who in owners if who.operation == UPDATE]
    if len(updaters) <= MAX_UPDATERS:
        return owners
    made = dict(owners)
    first: dict[str, Manager] = {}
    excess = len(updaters) - MAX_UPDATERS
    for who in sorted(updaters, key=lambda each: (owners[each].time or "", each.identifier)):
        if not excess:
            break
        version = owners[who].api_version
        if version not in first:
            first[version] = who
            continue
        bucket = Manager(ANCIENT, UPDATE, version)
        if bucket not in made:
            made[bucket] = made.pop(first[version])
        entry = made.pop(who) if who != bucket else made[who]
        made[bucket] = Entry(union(entry.fields, made[bucket].fields), version, entry.time)
        excess -= 1
    return made


# -- as they are written -------------------------------------------------------------------------------


_lists: dict[int, tuple[Owners, Sequence[Mapping[str, Any]]]] = {}
_ordered: dict[int, tuple[FieldSet, FieldSet]] = {}
_KEPT = 4096


def encoded(owners: Owners) -> Sequence[Mapping[str, Any]]:
    """The list in `metadata.managedFields`; objects that have their owners in common share it."""
    known = _lists.get(id(owners))
    if known is None or known[0] is not owners:
        if len(_lists) >= _KEPT:
            _lists.clear()
        entries = [_encoded(who, entry) for who, entry in owners.items()]
        known = _lists[id(owners)] = (owners, sorted(entries, key=_order))
    return known[1]


def _in_order(fields: FieldSet) -> FieldSet:
    """The set in the order in which it is written; sets that many objects share are put in order once."""
    known = _ordered.get(id(fields))
    if known is None or known[0] is not fields:
        if len(_ordered) >= _KEPT:
            _ordered.clear()
        known = _ordered[id(fields)] = (fields, ordered(fields))
    return known[1]


def _encoded(who: Manager, entry: Entry) -> dict[str, Any]:
    made: dict[str, Any] = {"manager": who.name} if who.name else {}
    made |= {"operation": who.operation, "apiVersion": entry.api_version}
    if entry.time:
        made["time"] = entry.time
    made |= {"fieldsType": "FieldsV1", "fieldsV1": _in_order(entry.fields)}
    return {**made, "subresource": who.subresource} if who.subresource else made


def _order(entry: Mapping[str, Any]) -> tuple[str, ...]:
    words = ("operation", "time", "manager", "apiVersion", "subresource")
    return tuple(entry.get(word) or "" for word in words)


def is_reset(given: Any) -> bool:
    """Whether a list that somebody sent asks to forget who owns what: an empty one, or one empty entry."""
    return given is not None and (not given or (len(given) == 1 and not given[0]))


def decoded(given: Sequence[Any]) -> Owners | None:
    """The owners that a list names; None if it cannot be read."""
    owners: dict[Manager, Entry] = {}
    for each in given:
        operation, version = each.get("operation"), each.get("apiVersion")
        fields = each.get("fieldsV1") or EMPTY
        if operation not in (APPLY, UPDATE) or not version or each.get("fieldsType") != "FieldsV1":
            return None
        if not readable(fields):
            return None
        own = "" if operation == APPLY else version
        who = Manager(each.get("manager", ""), operation, own, each.get("subresource", ""))
        owners[who] = Entry(fields, version, each.get("time"))
    return owners


def same(one: Owners, other: Owners) -> bool:
    """Whether the same managers own the same fields, whenever they came to."""
    if one is other:
        return True
    return one.keys() == other.keys() and all(
        entry.fields == other[who].fields and entry.api_version == other[who].api_version for who, entry in one.items()
    )


# -- scale ---------------------------------------------------------------------------------------------

REPLICAS = path_set("spec", "replicas")


def of_scale(owners: Owners) -> Owners:
    """What of the owners is seen on the subresource `scale`: those of `spec.replicas`."""
    holds = {who: entry for who, entry in owners.items() if not difference(REPLICAS, entry.fields)}
    return {who: Entry(REPLICAS, "autoscaling/v1", entry.time) for who, entry in holds.items()}


def from_scale(owners: Owners, scaled: Owners, api_version: str) -> Owners:
    """The owners of an object after `scale` was written: who lost `spec.replicas` there loses it here."""
    made: dict[Manager, Entry] = {}
    for who, entry in owners.items():
        fields = entry.fields if who in scaled else difference(entry.fields, REPLICAS)
        if fields:
            made[who] = entry._replace(fields=fields)
    for who in scaled:
        if who not in made:
            own = who if who.operation == APPLY else who._replace(api_version=api_version)
            time = owners[who].time if who in owners else None
            made[own] = Entry(REPLICAS, api_version, time)
    return made
