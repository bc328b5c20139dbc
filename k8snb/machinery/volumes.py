"""Claims and volumes: classes, and which volume a claim may have. Pure functions.

The controller that binds and the scheduler that plans for it ask the same questions here. Upstream:
`component-helpers/storage/volume`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from k8snb.machinery import selectors
from k8snb.machinery.objects import annotations_of, controller_of, is_deleting, labels_of
from k8snb.machinery.quantity import compare, parse
from k8snb.typing import Object

BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"
BETA_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
DEFAULT_CLASS_MARKS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
NO_PROVISIONER = "kubernetes.io/no-provisioner"
STORAGE_CLASSES = "storageclasses.storage.k8s.io"

_NONE: Mapping[str, Any] = {}


# -- classes -----------------------------------------------------------------------------------------


def newest_default(classes: Iterable[Object], marks: Iterable[str]) -> Object | None:
    """The class that is marked as the default; of several the newest, of equally old ones the first by name."""
    marked = [each for each in classes if any(annotations_of(each).get(mark) == "true" for mark in marks)]
    newest = max((each["metadata"]["creationTimestamp"] for each in marked), default="")
    chosen = [each for each in marked if each["metadata"]["creationTimestamp"] == newest]
    return min(chosen, key=lambda each: str(each["metadata"]["name"]), default=None)


def class_of(obj: Object) -> str:
    """The storage class of a claim or a volume; empty if it has none."""
    old = annotations_of(obj).get(BETA_CLASS)
    return str(old if old is not None else (obj.get("spec") or _NONE).get("storageClassName") or "")


def waits_for_consumer(storage_class: Object | None) -> bool:
    """Whether claims of the class are bound only when a pod that uses them is scheduled."""
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


# -- claims and volumes ------------------------------------------------------------------------------


def asked_storage(claim: Object) -> str:
    """How much a claim asks for."""
    return str((claim["spec"].get("resources") or _NONE).get("requests", _NONE).get("storage", "0"))


def capacity_of(volume: Object) -> str:
    """How much a volume holds."""
    return str((volume["spec"].get("capacity") or _NONE).get("storage", "0"))


def is_bound(claim: Object) -> bool:
    """Whether a claim has its volume, and both know it."""
    return bool(claim["spec"].get("volumeName")) and BIND_COMPLETED in annotations_of(claim)


def is_for(volume: Object, claim: Object) -> bool:
    """Whether a volume is bound to the claim, or kept for it."""
    reference = volume["spec"].get("claimRef")
    if reference is None:
        return False
    meta = claim["metadata"]
    if (reference.get("namespace"), reference.get("name")) != (meta["namespace"], meta["name"]):
        return False
    return reference.get("uid", "") in ("", meta["uid"])


def misfit(volume: Object, claim: Object) -> str:
    """Why a volume that a claim names itself cannot be its volume; empty if it can."""
    spec, wanted = volume["spec"], claim["spec"]
    if compare(capacity_of(volume), asked_storage(claim)) < 0:
        return "requested PV is too small"
    if class_of(volume) != class_of(claim):
        return "storageClassName does not match"
    if (wanted.get("volumeAttributesClassName") or "") != (spec.get("volumeAttributesClassName") or ""):
        return "VolumeAttributesClassName does not match"
    if not same_mode(volume, claim):
        return "incompatible volumeMode"
    return "" if has_modes(volume, claim) else "incompatible accessMode"


def same_mode(volume: Object, claim: Object) -> bool:
    """Whether both mean a file system, or both a device."""
    modes = {part["spec"].get("volumeMode") or "Filesystem" for part in (volume, claim)}
    return len(modes) == 1


def has_modes(volume: Object, claim: Object) -> bool:
    """Whether a volume can be used in every way that the claim asks for."""
    return set(claim["spec"].get("accessModes") or ()) <= set(volume["spec"].get("accessModes") or ())


def candidates(volumes: Iterable[Object], claim: Object) -> Iterator[Object]:
    """The free volumes that fit a claim, the best first: few access modes before many, small before large."""
    selector = claim["spec"].get("selector")
    matches: Callable[[Mapping[str, str]], bool] | None = (
        selectors.of_object(selector).matches if selector is not None else None
    )
    fitting = [each for each in volumes if _is_free(each, claim) and (matches is None or matches(labels_of(each)))]
    yield from sorted(fitting, key=_rank)


def _is_free(volume: Object, claim: Object) -> bool:
    if volume["spec"].get("claimRef") is not None or (volume.get("status") or _NONE).get("phase") != "Available":
        return False
    return not is_deleting(volume) and not misfit(volume, claim)


def _rank(volume: Object) -> tuple[int, int]:
    return len(volume["spec"].get("accessModes") or ()), parse(capacity_of(volume)).nano


# -- pods --------------------------------------------------------------------------------------------


def claim_names(pod: Object) -> list[str]:
    """The claims that a pod mounts, its ephemeral volumes' among them."""
    names = []
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            names.append(volume["persistentVolumeClaim"]["claimName"])
        elif "ephemeral" in volume:
            names.append(f"{pod['metadata']['name']}-{volume['name']}")
    return names


def not_made_for(claim: Object, pod: Object) -> str:
    """Why a claim is not that of an ephemeral volume of the pod whose name it has; empty if it is, or none is."""
    meta, name = claim["metadata"], pod["metadata"]["name"]
    ephemeral = (each for each in pod["spec"].get("volumes") or () if "ephemeral" in each)
    if all(f"{name}-{each['name']}" != meta["name"] for each in ephemeral):
        return ""
    owner = controller_of(claim)
    if owner is not None and owner["uid"] == pod["metadata"].get("uid"):
        return ""
    place = meta["namespace"]
    return f"PVC {place}/{meta['name']} was not created for pod {place}/{name} (pod is not owner)"


# -- expansion -----------------------------------------------------------------------------------------

RESIZING = "Resizing"
_RESIZES = (RESIZING, "FileSystemResizePending", "ControllerResizeError", "NodeResizeError")


def has_storage(claim: Object) -> str:
    """How much a bound claim has."""
    return str(((claim.get("status") or _NONE).get("capacity") or _NONE).get("storage", "0"))


def with_resize(status: Object, condition: Object | None) -> dict[str, Any]:
    """A claim's status with this condition about its growth and no other; None when it has grown."""
    others = [each for each in status.get("conditions") or () if each["type"] not in _RESIZES]
    kept = {k: v for k, v in status.items() if k not in ("conditions", "allocatedResourceStatuses")}
    conditions = [*others, *([condition] if condition is not None else [])]
    return {**kept, **({"conditions": conditions} if conditions else {})}


# -- attaching -----------------------------------------------------------------------------------------

ATTACHMENTS = "volumeattachments.storage.k8s.io"
CSI_DRIVERS = "csidrivers.storage.k8s.io"
STORAGE_CAPACITIES = "csistoragecapacities.storage.k8s.io"
ATTRIBUTES_CLASSES = "volumeattributesclasses.storage.k8s.io"


def unique_name(volume: Object) -> str:
    """What a node calls a volume that is attached to it (`status.volumesInUse`)."""
    csi = volume["spec"]["csi"]
    return f"kubernetes.io/csi/{csi['driver']}^{csi['volumeHandle']}"


def attachment_name(volume: Object, node: str) -> str:
    """The VolumeAttachment for a volume and a node (`csi_attacher.go`, `getAttachmentName`)."""
    csi = volume["spec"]["csi"]
    return "csi-" + hashlib.sha256(f"{csi['volumeHandle']}{csi['driver']}{node}".encode()).hexdigest()


def is_exclusive(volume: Object) -> bool:
    """Whether a volume can be attached to one node only."""
    return not {"ReadWriteMany", "ReadOnlyMany"} & set(volume["spec"].get("accessModes") or ())
