"""Who belongs to whom: the index of dependents, adoption and release.

A controller owns an object when the object's owner reference with `controller: true` bears the controller's
uid. It adopts what nobody controls and its selector matches, and releases what it controls and its selector
no longer matches. Upstream: `pkg/controller/controller_ref_manager.go`.
"""

from __future__ import annotations

from collections.abc import Collection

from k8snb.client.client import Client
from k8snb.client.informer import Informer
from k8snb.errors import StatusError
from k8snb.machinery.objects import controller_of, controller_reference
from k8snb.typing import Object

OWNER_INDEX = "owner"
ORPHAN_INDEX = "orphan"


def owner_uids(obj: Object) -> list[str]:
    """The uids of all owners of an object."""
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences") or ()]


def dependents(informer: Informer, uid: str) -> list[Object]:
    """The objects that name `uid` as an owner. The index is made when it is first asked for."""
    informer.add_index(OWNER_INDEX, owner_uids)
    return informer.by_index(OWNER_INDEX, uid)


def controlled(informer: Informer, owner: Object) -> list[Object]:
    """The objects that `owner` controls."""
    return [obj for obj in dependents(informer, owner["metadata"]["uid"]) if controls(owner, obj)]


def orphans(informer: Informer, namespace: str) -> list[Object]:
    """The objects of a namespace that nobody controls. The index is made when it is first asked for."""
    informer.add_index(ORPHAN_INDEX, _orphan_namespace)
    return informer.by_index(ORPHAN_INDEX, namespace)


def _orphan_namespace(obj: Object) -> tuple[str, ...]:
    return () if controller_of(obj) is not None else (obj["metadata"]["namespace"],)


def controls(owner: Object, obj: Object) -> bool:
    """Whether `owner` controls the object."""
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


def adopt(client: Client, resource: str, owner: Object, obj: Object) -> Object | None:
    """Make `owner` control the object; None if the object is gone or somebody else was faster."""
    meta = obj["metadata"]
    change = {"metadata": {"ownerReferences": [controller_reference(owner)], "uid": meta["uid"]}}
    return _patch(client, resource, obj, change, tolerated=(404,))


def release(client: Client, resource: str, owner: Object, obj: Object) -> Object | None:
    """Take away `owner`'s reference; None if the object is gone or is another one by now."""
    return drop_references(client, resource, obj, [owner["metadata"]["uid"]])


def drop_references(client: Client, resource: str, obj: Object, uids: Collection[str]) -> Object | None:
    """Take away the references to these owners; None if the object is gone or is another one by now."""
    meta = obj["metadata"]
    removals = [{"$patch": "delete", "uid": uid} for uid in uids]
    change = {"metadata": {"uid": meta["uid"], "ownerReferences": removals}}
    try:
        return _patch(client, resource, obj, change, tolerated=(404, 422))
    except StatusError as error:
        if error.code != 415:
            raise
    left = [each for each in meta.get("ownerReferences") or () if each["uid"] not in uids]
    change = {"metadata": {"resourceVersion": meta["resourceVersion"], "ownerReferences": left or None}}
    return client.patch(resource, meta["name"], change, meta.get("namespace", ""))


def _patch(client: Client, resource: str, obj: Object, change: Object, tolerated: tuple[int, ...]) -> Object | None:
    meta = obj["metadata"]
    try:
        return client.patch(resource, meta["name"], change, meta.get("namespace", ""), kind="strategic")
    except StatusError as error:
        if error.code in tolerated:
            return None
        raise
