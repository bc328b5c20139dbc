"""Reading and rebuilding objects: metadata, owners, conditions.

Everything here is a pure function on immutable objects. What changes something returns a new object that
shares the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.typing import Object, ObjectKey

_EMPTY: Mapping[str, Any] = {}


def key_of(obj: Object) -> ObjectKey:
    """Namespace and name."""
    meta = obj["metadata"]
    return ObjectKey(meta.get("namespace", ""), meta["name"])


def labels_of(obj: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = obj["metadata"].get("labels") or _EMPTY
    return labels


def annotations_of(obj: Object) -> Mapping[str, str]:
    annotations: Mapping[str, str] = obj["metadata"].get("annotations") or _EMPTY
    return annotations


def revision_of(obj: Object) -> int:
    """The `resourceVersion` as the number it is in this cluster."""
    return int(obj["metadata"]["resourceVersion"])


def is_deleting(obj: Object) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def controller_of(obj: Object) -> Object | None:
    """The owner reference that says `controller: true`."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            owner: Object = reference
            return owner
    return None


def controller_reference(owner: Object) -> Object:
    """The owner reference by which `owner` controls an object (upstream `metav1.NewControllerRef`)."""
    meta = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(obj: Object, type: str) -> Object | None:
    """The status condition of that type."""
    for found in (obj.get("status") or _EMPTY).get("conditions") or ():
        if found.get("type") == type:
            result: Object = found
            return result
    return None


def is_true(obj: Object, type: str) -> bool:
    """Whether the status condition of that type is True."""
    found = condition(obj, type)
    return found is not None and found["status"] == "True"


def with_condition(conditions: Sequence[Object], new: Object) -> list[Object]:
    """The conditions with `new` in place of the one of its type; `lastTransitionTime` moves only with the status."""
    result: list[Object] = []
    replaced = False
    for old in conditions:
        if old["type"] != new["type"]:
            result.append(old)
            continue
        replaced = True
        if old["status"] == new["status"] and "lastTransitionTime" in old:
            new = {**new, "lastTransitionTime": old["lastTransitionTime"]}
        result.append(new)
    return result if replaced else [*result, new]


def with_meta(obj: Object, **changes: Any) -> Object:
    """The object with fields of its metadata replaced; a value of None removes the field."""
    meta = {**obj["metadata"], **changes}
    return {**obj, "metadata": {k: v for k, v in meta.items() if v is not None}}


def reference_to(obj: Object) -> Object:
    """An `ObjectReference` as events carry it."""
    meta = obj["metadata"]
    reference = {"kind": obj["kind"], "namespace": meta.get("namespace"), "name": meta["name"], "uid": meta["uid"]}
    reference |= {"apiVersion": obj["apiVersion"], "resourceVersion": meta.get("resourceVersion")}
    return {k: v for k, v in reference.items() if v is not None}
