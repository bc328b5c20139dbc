"""Fields that a write through one door of a resource cannot set, so that nobody comes to own them through it.

An ordinary write leaves `status` alone where that is a subresource; a write of `status` leaves `spec` alone.
Upstream: `GetResetFields` of each strategy.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from k8snb.machinery.managed.sets import EACH, EMPTY, FieldSet, path_set, union
from k8snb.typing import Resource

_OF_STATUS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "deployments.apps": (("spec",), ("metadata", "labels")),
    "pods": (("spec",), ("metadata", "deletionTimestamp"), ("metadata", "ownerReferences")),
    "flowschemas.flowcontrol.apiserver.k8s.io": (("spec",), ("metadata",)),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": (("spec",), ("metadata",)),
    "customresourcedefinitions.apiextensions.k8s.io": (("spec",), ("metadata",)),
    "apiservices.apiregistration.k8s.io": (("spec",), ("metadata",)),
}
_SPEC = (("spec",),)
ONLY: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ephemeralcontainers": (("f:spec", "f:ephemeralContainers"),),
    "resize": tuple(
        ("f:spec", containers, EACH, field)
        for containers in ("f:containers", "f:initContainers")
        for field in ("f:resources", "f:resizePolicy")
    ),
}
"""What alone can be set through the subresources that are for a part of the spec."""


@cache
def reset_fields(resource: Resource, subresource: str) -> FieldSet:
    """The fields that a write of the resource, or of its subresource, leaves as they are."""
    if subresource == "status":
        fields: FieldSet = EMPTY
        for path in _OF_STATUS.get(resource.storage, _SPEC):
            fields = union(fields, path_set(*path))
        return fields
    return path_set("status") if "status" in resource.subresources else EMPTY
