"""What tells an object from others: its name, its place, its UID and its version, and what of them a client may say.

A new object gets them here; an update has to name those of the object that is stored, and cannot change them. Upstream:
`apiserver/pkg/registry/rest/create.go`, `rest/update.go` and `endpoints/handlers/rest.go` (`checkName`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8snb.apiserver.kinds import Kind
from k8snb.clock import Clock
from k8snb.errors import FieldError, bad_request, conflict, generated_name_conflict, invalid, invalid_value
from k8snb.machinery.names import Lottery, generated
from k8snb.machinery.validation import validate_metadata
from k8snb.typing import Object
from k8snb.wire import RequestInfo

_SERVER_OWNED = (
    "uid",
    "creationTimestamp",
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "generation",
    "managedFields",
)
_FROM_OLD = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName")
_SIMPLE_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
GENERATED_NAME_TRIES = 8
NO_NAME = "name must be provided"
_NAMED = frozenset({"name", "namespace", "uid", "creationTimestamp", "generation"})
"""Metadata that is no more than a name, to whoever checks it."""
CONDITIONAL_ONLY = frozenset(
    {
        "csidrivers",
        "csinodes",
        "csistoragecapacities",
        "endpointslices",
        "flowschemas",
        "leases",
        "poddisruptionbudgets",
        "priorityclasses",
        "prioritylevelconfigurations",
        "runtimeclasses",
        "volumeattachments",
    }
)
"""What an update must name the version of."""


def identified(kind: Kind, info: RequestInfo, obj: Object, lottery: Lottery, clock: Clock) -> Object:
    """A new object with its name, its place and what tells it from others."""
    given = obj.get("metadata") or {}
    if given.get("resourceVersion"):
        raise bad_request("resourceVersion should not be set on objects to be created")
    meta: dict[str, Any] = {k: v for k, v in given.items() if k not in _SERVER_OWNED}
    if kind.resource.namespaced:
        if meta.get("namespace", info.namespace) != info.namespace and meta.get("namespace"):
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        if not info.namespace:
            raise bad_request("an empty namespace may not be set during creation")
        meta["namespace"] = info.namespace
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = free_name(kind, meta.get("namespace", ""), meta["generateName"], lottery)
    meta["uid"] = lottery.uid()
    meta["creationTimestamp"] = clock.timestamp()
    return {**obj, "metadata": meta}


def free_name(kind: Kind, namespace: str, prefix: str, lottery: Lottery) -> str:
    """A free name for `generateName`; like upstream since 1.32, a taken one is drawn again, eight times."""
    for _ in range(GENERATED_NAME_TRIES):
        name = generated(prefix, lottery.suffix())
        if kind.bucket.event(namespace, name) is None:
            return name
    raise generated_name_conflict(kind.resource, name)


def metadata_errors(kind: Kind, meta: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with the metadata of a new object."""
    rule = kind.strategy.name_rule
    if rule == "dns-subdomain" and meta.keys() <= _NAMED and is_simple(meta.get("name", "")):
        return []
    return validate_metadata(meta, name_rule=rule, namespaced=kind.resource.namespaced)


def check_identity(kind: Kind, info: RequestInfo, new: Object) -> None:
    """Raise BadRequest where an object is not the one that the URL names."""
    meta = new.get("metadata") or {}
    name = meta.get("name", "")
    if not name:
        raise bad_request(f"the name of the object ({info.name} based on URL) was undeterminable: {NO_NAME}")
    if name != info.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({info.name})")
    if kind.resource.namespaced and meta.get("namespace") and meta["namespace"] != info.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def check_current(kind: Kind, old: Object, new: Object) -> None:
    """Raise Conflict where an update is meant for another object, or for another version of it."""
    given, current = new["metadata"], old["metadata"]
    uid = given.get("uid")
    if uid and uid != current["uid"]:
        raise conflict(kind.resource, current["name"], _other_uid(kind, current, uid))
    version = given.get("resourceVersion")
    if version and version != current["resourceVersion"]:
        raise conflict(kind.resource, current["name"])
    if not version and kind.resource.plural in CONDITIONAL_ONLY:
        errors = [invalid_value("metadata.resourceVersion", 0, "must be specified for an update")]
        raise invalid(kind.resource, current["name"], errors)


def _other_uid(kind: Kind, current: Mapping[str, Any], uid: str) -> str:
    """What the storage says of an update that was meant for an object of the same name."""
    place = "/".join(part for part in (kind.resource.plural, current.get("namespace", ""), current["name"]) if part)
    why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {current['uid']}"
    lead = f"StorageError: invalid object, Code: 4, Key: /registry/{place}, ResourceVersion: 0"
    return f"{lead}, AdditionalErrorMsg: {why}"


def is_simple(name: str) -> bool:
    """Whether the name is a DNS subdomain."""
    return not (".." in name or ".-" in name or "-." in name) and _SIMPLE_NAME.fullmatch(name) is not None


def carried(new: Mapping[str, Any], old: Mapping[str, Any]) -> Mapping[str, Any]:
    """The new metadata with what an update cannot change (or leave out) taken from the old."""
    meta = {k: v for k, v in new.items() if k not in ("generation", "selfLink")}
    for key in _FROM_OLD:
        if key in old and key not in meta:
            meta[key] = old[key]
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        if key not in old:
            meta.pop(key, None)
    if "generation" in old:
        meta["generation"] = old["generation"]
    if "namespace" in old:
        meta["namespace"] = old["namespace"]
    if not meta.get("resourceVersion"):
        meta["resourceVersion"] = old["resourceVersion"]
    return meta
