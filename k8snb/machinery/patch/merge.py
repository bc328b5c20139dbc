"""JSON merge patch (RFC 7386): maps are merged, null removes, everything else replaces.

Also the other direction, which `kubectl apply` needs for kinds without a published schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.machinery.patch.jsonpatch import same
from k8snb.typing import Object


def merge_patch(document: Any, patch: Any) -> Any:
    """The document with the patch applied. Returns the document itself where nothing changes."""
    if not isinstance(patch, Mapping):
        return patch
    if not isinstance(document, Mapping):
        return merge_patch({}, patch) if _has_null(patch) else patch
    merged: dict[str, Any] | None = None
    for key, value in patch.items():
        old = document.get(key)
        new = None if value is None else merge_patch(old, value)
        if new is old and (key in document) is (value is not None):
            continue
        merged = dict(document) if merged is None else merged
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = new
    return document if merged is None else merged


def _has_null(patch: Mapping[str, Any]) -> bool:
    return any(value is None or (isinstance(value, Mapping) and _has_null(value)) for value in patch.values())


def merge_diff(old: Object, new: Object) -> dict[str, Any]:
    """The merge patch that makes `new` of `old` (upstream `jsonmergepatch` and `CreateMergePatch`)."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif isinstance(value, Mapping) and isinstance(old[key], Mapping):
            if inner := merge_diff(old[key], value):
                patch[key] = inner
        elif not same(old[key], value):
            patch[key] = value
    return patch


def three_way_json_merge_patch(original: Object, modified: Object, current: Object) -> dict[str, Any]:
    """What `kubectl apply` sends for kinds without a schema: what changed, and what was taken away since last time."""
    return _joined(_only(merge_diff(current, modified), null=False), _only(merge_diff(original, modified), null=True))


def _only(patch: Mapping[str, Any], *, null: bool) -> dict[str, Any]:
    """The deletions of a patch (`null`), or everything else in it."""
    kept: dict[str, Any] = {}
    for key, value in patch.items():
        if isinstance(value, Mapping):
            inner = _only(value, null=null)
            if inner or (not null and not value):
                kept[key] = inner
        elif (value is None) is null:
            kept[key] = value
    return kept


def _joined(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(a)
    for key, value in b.items():
        both = isinstance(value, Mapping) and isinstance(a.get(key), Mapping)
        joined[key] = _joined(a[key], value) if both else value
    return joined
