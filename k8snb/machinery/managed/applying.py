"""Server-side apply: an object is made to agree with what somebody applies, as far as nobody else objects.

What is applied is merged into the live object. What the applier applied last time and does not any more goes, unless
somebody else owns it. Where the merge changes a field of somebody else, that is a conflict, unless forced.

Upstream: structured-merge-diff `merge/update.go`, and `lastappliedmanager.go` for objects that `kubectl apply` managed
on the client's side before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.machinery.managed.comparing import Comparison, compare, fields_of
from k8snb.machinery.managed.managers import (
    APPLY,
    BEFORE_FIRST_APPLY,
    STRIPPED,
    Entry,
    Manager,
    Owners,
    Writer,
    _robbed,
    created,
)
from k8snb.machinery.managed.merging import merged, named, removed
from k8snb.machinery.managed.sets import (
    EMPTY,
    FieldSet,
    difference,
    has,
    intersection,
    places,
    text,
    union,
    within,
    without,
)
from k8snb.machinery.managed.shapes import Shape
from k8snb.typing import Object

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL = "kubectl"


class Conflict(NamedTuple):
    """A field that somebody else owns."""

    manager: Manager
    place: tuple[str, ...]


class Conflicts(Exception):
    """Others own what was to be changed."""

    def __init__(self, found: list[Conflict]) -> None:
        self.found = sorted(found, key=lambda each: each.manager.identifier)
        super().__init__(self._message())

    def _message(self) -> str:
        if len(self.found) == 1:
            manager, place = self.found[0]
            return f"Apply failed with 1 conflict: conflict with {manager}: {text(place)}"
        lines: list[str] = []
        last: Manager | None = None
        for manager, place in self.found:
            if manager != last:
                lines.append(f"conflicts with {manager}:")
            lines.append(f"- {text(place)}")
            last = manager
        return f"Apply failed with {len(self.found)} conflicts: " + "\n".join(lines)

    @property
    def causes(self) -> list[dict[str, str]]:
        """The causes of a Status."""
        return [
            {"reason": "FieldManagerConflict", "message": f"conflict with {each.manager}", "field": text(each.place)}
            for each in self.found
        ]


class Applied(NamedTuple):
    """The object after an apply, and who owns what of it."""

    object: Object
    owners: Owners


def applied(
    live: Object,
    wanted: Object,
    shape: Shape,
    owners: Owners,
    writer: Writer,
    *,
    force: bool = False,
    reset: FieldSet = EMPTY,
    only: Sequence[tuple[str, ...]] = (),
) -> Applied:
    """Make the live object agree with the wanted one. Raises `Conflicts`.

    What is in `reset`, and what is not below one of the paths in `only` (if there are any), is not the writer's to set.
    """
    if not owners and live["metadata"].get("uid"):
        first = Writer(BEFORE_FIRST_APPLY, writer.api_version, writer.subresource, writer.time)
        owners = created(live, shape, first, reset)
    try:
        found = _apply(live, wanted, shape, owners, writer, force, reset, only)
    except Conflicts as error:
        if writer.name != _KUBECTL or not _left_by_client(error, live, shape):
            raise
        found = _apply(live, wanted, shape, owners, writer, True, reset, only)
    if writer.name == _KUBECTL and _annotation(found.object):
        return found._replace(object=_with_annotation(found.object, wanted))
    return found


def _apply(
    live: Object,
    wanted: Object,
    shape: Shape,
    owners: Owners,
    writer: Writer,
    force: bool,
    reset: FieldSet,
    only: Sequence[tuple[str, ...]],
) -> Applied:
    manager = writer.applying
    last = owners.get(manager)
    mine = without(fields_of(wanted, shape), reset)
    mine = within(mine, only) if only else mine
    time = last.time if last is not None else None
    claimed = {**owners, manager: Entry(mine, writer.api_version, time)}
    new = merged(live, wanted, shape)
    if last is not None and last.fields:
        new = _pruned(new, claimed, last.fields, shape)
    found = compare(live, new, shape).without(reset)
    found = Comparison(*(within(each, only) for each in found)) if only else found
    others = {who: entry for who, entry in claimed.items() if who != manager}
    if not force:
        _refuse(others, found.taken)
    left = _robbed(others, union(found.taken, found.removed))
    mine = difference(mine, STRIPPED)
    if mine:
        left[manager] = Entry(mine, writer.api_version, time if new == live else writer.time)
    return Applied(live if new == live else new, left)


def _refuse(others: Owners, taken: FieldSet) -> None:
    found = [
        Conflict(who, place) for who, entry in others.items() for place in places(intersection(entry.fields, taken))
    ]
    if found:
        raise Conflicts(found)


def _pruned(new: Any, owners: Owners, last: FieldSet, shape: Shape) -> Any:
    """The merged object without what was applied last time and is owned by nobody now."""
    last = named(last, shape)
    kept = removed(new, last, shape) or {}
    everything = named(fields_of(new, shape), shape)
    owned: FieldSet = EMPTY
    for entry in owners.values():
        owned = union(owned, entry.fields)
    allowed = union(named(fields_of(kept, shape), shape), named(owned, shape))
    kept = removed(new, difference(everything, allowed), shape) or {}
    gone = difference(everything, named(fields_of(kept, shape), shape))
    return removed(new, intersection(gone, last), shape) or {}


# -- what kubectl applied on the client's side ---------------------------------------------------------


def _annotation(obj: Object) -> str:
    annotations: Mapping[str, str] = obj["metadata"].get("annotations") or {}
    return annotations.get(LAST_APPLIED, "")


def _left_by_client(error: Conflicts, live: Object, shape: Shape) -> bool:
    """Whether all conflicts are with what the object's annotation says that kubectl applied itself.

    Raises `Conflicts` with the others where some are not.
    """
    known = _applied_by_client(live, shape)
    if known is None:
        return False
    others = [each for each in error.found if not has(known, *each.place)]
    if others:
        raise Conflicts(others)
    return True


def _applied_by_client(live: Object, shape: Shape) -> FieldSet | None:
    try:
        last = json.loads(_annotation(live))
    except ValueError:
        return None
    if not isinstance(last, dict) or last.get("apiVersion") != live.get("apiVersion"):
        return None
    found = compare(last, live, shape)
    return difference(difference(fields_of(last, shape), found.taken), found.removed)


def _with_annotation(obj: Object, wanted: Object) -> Object:
    meta = wanted.get("metadata") or {}
    plain = {**wanted, "metadata": meta}
    if "annotations" in meta:
        others = {name: value for name, value in meta["annotations"].items() if name != LAST_APPLIED}
        plain["metadata"] = {**meta, "annotations": others}
    said = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    for sign in "<>&":
        said = said.replace(sign, f"\\u{ord(sign):04x}")
    there = obj["metadata"]
    return {**obj, "metadata": {**there, "annotations": {**there["annotations"], LAST_APPLIED: said}}}


__all__ = ["APPLY", "LAST_APPLIED", "Applied", "Conflict", "Conflicts", "applied"]
