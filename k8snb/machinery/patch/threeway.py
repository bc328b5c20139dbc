"""The patches that clients compute: `kubectl apply` from three documents, `kubectl edit` from two.

Upstream: `CreateThreeWayMergePatch` and `diffMaps` in `apimachinery/pkg/util/strategicpatch/patch.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from k8snb.machinery.gotext import go_text
from k8snb.machinery.patch.jsonpatch import same
from k8snb.machinery.patch.strategic import (
    DELETE_FROM,
    DIRECTIVE,
    RETAIN_KEYS,
    SET_ORDER,
    Items,
    Rule,
    identity,
    is_deletion,
    is_list,
    is_map,
    rule_of,
    sort_by,
)
from k8snb.machinery.schema.types import ANY, Type
from k8snb.typing import Object

Patch = dict[str, Any]


class _Wanted(NamedTuple):
    """Which half of a difference to compute."""

    changes: bool
    deletions: bool


_BOTH, _CHANGES, _DELETIONS = _Wanted(True, True), _Wanted(True, False), _Wanted(False, True)
_UNRULED = Rule(ANY)


def two_way_merge_patch(old: Object, new: Object, schema: Type) -> Patch:
    """The strategic merge patch that makes `new` of `old`."""
    return _diff(old, new, schema, _BOTH)


def three_way_merge_patch(original: Object, modified: Object, current: Object, schema: Type) -> Patch:
    """The patch that `kubectl apply` sends.

    `original` is what was applied last (empty if nothing was), `modified` what is applied now, `current` what
    the server has. What is in `original` and no longer in `modified` is deleted; what `modified` says and
    `current` does not is changed; what somebody else added to `current` stays.
    """
    deletions = _diff(original, modified, schema, _DELETIONS)
    changes = _diff(current, modified, schema, _CHANGES)
    return _join(deletions, changes, schema)


def _diff(old: Object, new: Object, schema: Type, wanted: _Wanted, *, retain: bool = False) -> Patch:
    patch: Patch = {}
    for key, value in new.items():
        if key not in old:
            if wanted.changes:
                patch[key] = value
        elif key == DIRECTIVE:
            if value != old[key]:
                patch[key] = value
        else:
            _diff_field(patch, key, old[key], value, schema, wanted)
    if wanted.deletions:
        patch.update({key: None for key in old if key not in new})
    kept = sorted(key for key, value in new.items() if value is not None) if retain else []
    if kept and (patch or any(value is not None and key not in new for key, value in old.items())):
        patch[RETAIN_KEYS] = kept
    return patch


def _diff_field(patch: Patch, key: str, old: Any, new: Any, schema: Type, wanted: _Wanted) -> None:
    rule = rule_of(schema, key) or _UNRULED
    if is_map(old) and is_map(new) and rule.replace:
        if wanted.changes:  # sent even when nothing changed, as upstream
            patch[key] = new
    elif is_map(old) and is_map(new):
        if inner := _diff(old, new, rule.type, wanted, retain=rule.retain):
            patch[key] = inner
    elif is_list(old) and is_list(new) and rule.merge:
        _diff_list(patch, key, old, new, rule, wanted)
    elif wanted.changes and not same(old, new):
        patch[key] = new


def _diff_list(patch: Patch, key: str, old: Items, new: Items, rule: Rule, wanted: _Wanted) -> None:
    if not old:
        if new and wanted.changes:
            patch[key] = new
        return
    if is_map(old[0]):
        found, order = _diff_maps(old, new, rule, wanted)
        deletions: list[Any] = []
    else:
        found, deletions, order = _diff_scalars(old, new, wanted)
    if found:
        patch[key] = found
    if deletions:
        patch[f"{DELETE_FROM}/{key}"] = deletions
    if order:
        patch[f"{SET_ORDER}/{key}"] = order


def _by_text(items: Items, key: str) -> list[Any]:
    """Sorted by the text of the merge key, which is how upstream walks two lists side by side."""
    return sorted(items, key=lambda item: go_text(item[key] if is_map(item) else item))


def _diff_maps(old: Items, new: Items, rule: Rule, wanted: _Wanted) -> tuple[list[Any], list[Any]]:
    before = {identity(item, rule.key): item for item in reversed(old)}
    after = {identity(item, rule.key) for item in new}
    found: list[Any] = []
    for item in _by_text(new, rule.key):
        known = before.get(identity(item, rule.key))
        if known is None:
            if wanted.changes:
                found.append(item)
        elif inner := _diff(known, item, rule.type.items, wanted, retain=rule.retain):
            found.append({**inner, rule.key: item[rule.key]})
    found = sort_by(found, new, rule.key)
    if wanted.deletions:
        gone = [item for item in _by_text(old, rule.key) if identity(item, rule.key) not in after]
        found += [{rule.key: item[rule.key], DIRECTIVE: "delete"} for item in gone]
    moved = [identity(item, rule.key) for item in old] != [identity(item, rule.key) for item in new]
    if found or (wanted.changes and moved):
        return found, [{rule.key: item[rule.key]} for item in new]
    return found, []


def _diff_scalars(old: Items, new: Items, wanted: _Wanted) -> tuple[list[Any], list[Any], list[Any]]:
    added = [item for item in new if item not in old] if wanted.changes else []
    gone = [item for item in dict.fromkeys(_by_text(old, "")) if item not in new] if wanted.deletions else []
    # Upstream sorts the old list in place and compares it then; so an unsorted one always counts as moved.
    moved = wanted.changes and _by_text(old, "") != list(new)
    return added, gone, list(new) if gone or moved else []


def _join(deletions: Patch, changes: Patch, schema: Type) -> Patch:
    """Two patches as one: deletions of what was applied before, changes to what is there now."""
    joined = dict(deletions)
    for key, value in changes.items():
        if key not in joined:
            joined[key] = value
        elif not key.startswith("$"):
            joined[key] = _join_field(joined[key], value, rule_of(schema, key) or _UNRULED)
    for key, order in changes.items():
        field = key.removeprefix(f"{SET_ORDER}/")
        if field != key and field in joined:
            joined[field] = _in_order(joined[field], order, rule_of(schema, field) or _UNRULED)
    return joined


def _in_order(items: Items, order: Items, rule: Rule) -> list[Any]:
    """The items as `$setElementOrder` has them, deletions last."""
    kept = [item for item in items if not is_deletion(item)]
    return [*sort_by(kept, order, rule.key), *(item for item in items if is_deletion(item))]


def _join_field(deletion: Any, change: Any, rule: Rule) -> Any:
    if is_map(deletion) and is_map(change):
        return _join(deletion, change, rule.type)
    if is_list(deletion) and is_list(change) and rule.merge and rule.key:
        return _join_items(deletion, change, rule)
    return change


def _join_items(deletions: Items, changes: Items, rule: Rule) -> list[Any]:
    def by_key(item: Any) -> Any:
        return identity(item, rule.key)

    changed: dict[Any, Mapping[str, Any]] = {by_key(item): item for item in changes}
    joined: dict[Any, Any] = {}
    for item in deletions:
        if not is_deletion(item):
            change = changed.get(by_key(item))
            joined[by_key(item)] = item if change is None else _join(item, dict(change), rule.type.items)
    for item in changes:
        joined.setdefault(by_key(item), item)
    places = {by_key(item): at for at, item in enumerate(changes)}
    kept = sorted(joined.values(), key=lambda item: places.get(by_key(item), -1))
    return [*kept, *(item for item in deletions if is_deletion(item))]
