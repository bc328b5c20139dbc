"""StorageObjectInUseProtection and PersistentVolumeClaimResize: volumes stay while they are used, and grow if they may.

Upstream: `plugin/pkg/admission/storage/storageobjectinuseprotection`, `persistentvolume/resize`.
"""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, denied
from k8snb.machinery.quantity import compare
from k8snb.machinery.volumes import STORAGE_CLASSES, asked_storage, class_of
from k8snb.typing import Object

PROTECTION: Mapping[str, str] = {
    "persistentvolumes": "kubernetes.io/pv-protection",
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "volumeattributesclasses.storage.k8s.io": "kubernetes.io/vac-protection",
}
"""The finalizer by which each kind is kept while somebody uses it."""


class StorageObjectInUseProtection(Plugin):
    """Upstream: `StorageObjectInUseProtection`."""

    name = "StorageObjectInUseProtection"
    resources = tuple(PROTECTION)

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        new = attributes.object
        assert new is not None
        finalizer, present = PROTECTION[attributes.resource.group_resource], new["metadata"].get("finalizers") or []
        if finalizer in present:
            return None
        return {**new, "metadata": {**new["metadata"], "finalizers": [*present, finalizer]}}


class PersistentVolumeClaimResize(Plugin):
    """Upstream: `PersistentVolumeClaimResize`."""

    name = "PersistentVolumeClaimResize"
    resources = ("persistentvolumeclaims",)
    operations = ("UPDATE",)

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        new, old = attributes.object, attributes.old
        assert new is not None
        assert old is not None
        if compare(asked_storage(new), asked_storage(old)) <= 0:
            return
        if (old.get("status") or {}).get("phase") != "Bound":
            raise denied(attributes, "Only bound persistent volume claims can be expanded")
        name = class_of(new)
        found = reader.get(STORAGE_CLASSES, "", name) if name and name == class_of(old) else None
        if found is None or not found.get("allowVolumeExpansion"):
            why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc"
            raise denied(attributes, f"{why} must support resize")
