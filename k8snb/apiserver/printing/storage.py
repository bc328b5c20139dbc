"""Volumes, claims, classes and the drivers behind them."""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.printing.columns import (
    AGE,
    NAME,
    UNSET,
    Column,
    Printer,
    age,
    dig,
    is_deleting,
    joined,
    name_of,
    wide,
)
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
_DEFAULT_CLASS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_DEFAULT_ATTRIBUTES = ("volumeattributesclass.alpha.kubernetes.io/is-default-class",)


def _modes(modes: Any) -> str:
    return joined((short for mode, short in _MODES.items() if mode in modes), empty="")


def _class(obj: Object) -> Any:
    old = annotations_of(obj).get(_OLD_CLASS)
    return old if old is not None else dig(obj, "spec", "storageClassName", default="")


def _phase(obj: Object) -> Any:
    return "Terminating" if is_deleting(obj) else dig(obj, "status", "phase", default="")


def _volume(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    claim = spec.get("claimRef")
    return [
        name_of(obj),
        dig(spec, "capacity", "storage", default="0"),
        _modes(spec.get("accessModes") or ()),
        spec.get("persistentVolumeReclaimPolicy", ""),
        _phase(obj),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class(obj),
        spec.get("volumeAttributesClassName", UNSET),
        dig(obj, "status", "reason", default=""),
        age(obj, now),
        spec.get("volumeMode", UNSET),
    ]


def _claim(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    bound = bool(spec.get("volumeName"))
    return [
        name_of(obj),
        _phase(obj),
        spec.get("volumeName", ""),
        dig(obj, "status", "capacity", "storage", default="0") if bound else "",
        _modes(dig(obj, "status", "accessModes", default=())) if bound else "",
        _class(obj),
        spec.get("volumeAttributesClassName", UNSET),
        age(obj, now),
        spec.get("volumeMode", UNSET),
    ]


def _marked(obj: Object, annotations: tuple[str, ...]) -> str:
    """The name, with a mark if it is the default."""
    default = any(annotations_of(obj).get(annotation) == "true" for annotation in annotations)
    return name_of(obj) + (" (default)" if default else "")


def _storage_class(obj: Object, now: float) -> list[Any]:
    return [
        _marked(obj, _DEFAULT_CLASS),
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", "Immediate"),
        obj.get("allowVolumeExpansion", False),
        age(obj, now),
    ]


def _attributes_class(obj: Object, now: float) -> list[Any]:
    return [_marked(obj, _DEFAULT_ATTRIBUTES), obj.get("driverName", ""), age(obj, now)]


def _attachment(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    return [
        name_of(obj),
        spec.get("attacher", ""),
        dig(spec, "source", "persistentVolumeName", default=""),
        spec.get("nodeName", ""),
        dig(obj, "status", "attached", default=False),
        age(obj, now),
    ]


def _csi_node(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), len(dig(obj, "spec", "drivers", default=())), age(obj, now)]


def _csi_driver(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    requests = spec.get("tokenRequests")
    return [
        name_of(obj),
        spec.get("attachRequired", True),
        spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False),
        UNSET if requests is None else ",".join(request.get("audience", "") for request in requests),
        spec.get("requiresRepublish", False),
        joined(spec.get("volumeLifecycleModes") or ()),
        age(obj, now),
    ]


def _csi_capacity(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), obj.get("storageClassName", ""), obj.get("capacity", UNSET)]


_PV, _PV_STATUS = "api.core.v1.PersistentVolumeSpec", "api.core.v1.PersistentVolumeStatus"
_PVC, _PVC_STATUS = "api.core.v1.PersistentVolumeClaimSpec", "api.core.v1.PersistentVolumeClaimStatus"
_SC, _DRIVER = "api.storage.v1.StorageClass", "api.storage.v1.CSIDriverSpec"
_VA, _CAPACITY = "api.storage.v1.VolumeAttachment", "api.storage.v1.CSIStorageCapacity"

PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "PersistentVolume"): Printer(
        (
            NAME,
            Column("Capacity", doc=(_PV, "capacity")),
            Column("Access Modes", doc=(_PV, "accessModes")),
            Column("Reclaim Policy", doc=(_PV, "persistentVolumeReclaimPolicy")),
            Column("Status", doc=(_PV_STATUS, "phase")),
            Column("Claim", doc=(_PV, "claimRef")),
            Column("StorageClass", "StorageClass of the pv"),
            Column("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
            Column("Reason", doc=(_PV_STATUS, "reason")),
            AGE,
            wide(Column("VolumeMode", doc=(_PV, "volumeMode"))),
        ),
        _volume,
    ),
    ("", "PersistentVolumeClaim"): Printer(
        (
            NAME,
            Column("Status", doc=(_PVC_STATUS, "phase")),
            Column("Volume", doc=(_PVC, "volumeName")),
            Column("Capacity", doc=(_PVC_STATUS, "capacity")),
            Column("Access Modes", doc=(_PVC_STATUS, "accessModes")),
            Column("StorageClass", "StorageClass of the pvc"),
            Column("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
            AGE,
            wide(Column("VolumeMode", doc=(_PVC, "volumeMode"))),
        ),
        _claim,
    ),
    ("storage.k8s.io", "StorageClass"): Printer(
        (
            NAME,
            Column("Provisioner", doc=(_SC, "provisioner")),
            Column("ReclaimPolicy", doc=(_SC, "reclaimPolicy")),
            Column("VolumeBindingMode", doc=(_SC, "volumeBindingMode")),
            Column("AllowVolumeExpansion", doc=(_SC, "allowVolumeExpansion")),
            AGE,
        ),
        _storage_class,
    ),
    ("storage.k8s.io", "VolumeAttributesClass"): Printer(
        (NAME, Column("DriverName", doc=("api.storage.v1.VolumeAttributesClass", "driverName")), AGE),
        _attributes_class,
    ),
    ("storage.k8s.io", "VolumeAttachment"): Printer(
        (
            NAME,
            Column("Attacher", format="name", doc=(f"{_VA}Spec", "attacher")),
            Column("PV", doc=(f"{_VA}Source", "persistentVolumeName")),
            Column("Node", doc=(f"{_VA}Spec", "nodeName")),
            Column("Attached", type="boolean", doc=(f"{_VA}Status", "attached")),
            AGE,
        ),
        _attachment,
    ),
    ("storage.k8s.io", "CSINode"): Printer(
        (
            NAME,
            Column("Drivers", "Drivers indicates the number of CSI drivers registered on the node", type="integer"),
            AGE,
        ),
        _csi_node,
    ),
    ("storage.k8s.io", "CSIDriver"): Printer(
        (
            NAME,
            Column("AttachRequired", type="boolean", doc=(_DRIVER, "attachRequired")),
            Column("PodInfoOnMount", type="boolean", doc=(_DRIVER, "podInfoOnMount")),
            Column("StorageCapacity", type="boolean", doc=(_DRIVER, "storageCapacity")),
            Column("TokenRequests", doc=(_DRIVER, "tokenRequests")),
            Column("RequiresRepublish", type="boolean", doc=(_DRIVER, "requiresRepublish")),
            Column("Modes", doc=(_DRIVER, "volumeLifecycleModes")),
            AGE,
        ),
        _csi_driver,
    ),
    ("storage.k8s.io", "CSIStorageCapacity"): Printer(
        (
            NAME,
            Column("StorageClassName", doc=(_CAPACITY, "storageClassName")),
            Column("Capacity", doc=(_CAPACITY, "capacity")),
        ),
        _csi_capacity,
    ),
}
