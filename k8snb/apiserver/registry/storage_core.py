"""PersistentVolumes and PersistentVolumeClaims: storage as it is offered and as it is asked for.

Upstream: `SetDefaults_PersistentVolume`, `ValidatePersistentVolumeSpec`, `ValidatePersistentVolumeClaim*`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apiserver.registry import checks, volume_sources
from k8snb.apiserver.registry.filling import filled, within_new
from k8snb.apiserver.registry.storage_warnings import claim_warnings, volume_warnings
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import (
    FieldError,
    field_forbidden,
    invalid_value,
    not_supported,
    required,
)
from k8snb.machinery import quantity, validation
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import annotations_of
from k8snb.machinery.volumes import BETA_CLASS
from k8snb.typing import Object

VOLUME_MODES = ("Block", "Filesystem")
_RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
_NONE: Mapping[str, Any] = {}


class PersistentVolumeStrategy(Strategy):
    """The rules of PersistentVolumes: where the data is does not change."""

    counts_generation = False
    fields: Mapping[str, Field] = {"name": lambda obj: obj["metadata"]["name"]}

    def default(self, obj: Object) -> Object:
        defaults = {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"}
        obj = within_new(obj, "spec", lambda spec: volume_sources.default_source(filled(spec, defaults)))
        return within_new(obj, "status", lambda status: filled(status, {"phase": "Pending"}))

    def prepare_create(self, obj: Object) -> Object:
        now = {"lastPhaseTransitionTime": since} if (since := obj["metadata"].get("creationTimestamp")) else {}
        return {**obj, "status": {"phase": "Pending", **now}}

    def validate(self, obj: Object) -> list[FieldError]:
        return _validate_volume(obj.get("spec") or _NONE)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        spec, before = new.get("spec") or _NONE, old.get("spec") or _NONE
        errors = []
        now, then = volume_sources.source_of(_without_expand_secret(spec, before)), volume_sources.source_of(before)
        if now != then:
            told = f"spec.persistentvolumesource is immutable after creation\n{volume_sources.diff(then, now)}"
            errors.append(field_forbidden("spec.persistentvolumesource", told))
        errors += checks.immutable("volumeMode", spec.get("volumeMode"), before.get("volumeMode"))
        if before.get("nodeAffinity") is not None:
            errors += checks.immutable("nodeAffinity", spec.get("nodeAffinity"), before["nodeAffinity"])
        return errors + _attributes_class_change(spec, before)

    def warnings(self, obj: Object) -> list[str]:
        return list(volume_warnings(obj))


def _validate_volume(spec: Object) -> list[FieldError]:
    modes = spec.get("accessModes") or ()
    errors = [] if modes else [required("spec.accessModes")]
    errors += checks.access_modes("spec.accessModes", modes) + _capacity(spec.get("capacity") or {})
    policy = spec.get("persistentVolumeReclaimPolicy")
    errors += checks.supported_if_set("spec.persistentVolumeReclaimPolicy", policy or None, _RECLAIM_POLICIES)
    affinity = spec.get("nodeAffinity")
    if affinity is not None:
        errors += volume_sources.node_affinity("spec.nodeAffinity", affinity)
    errors += volume_sources.validate_source("spec", spec)
    if posixpath.normpath(checks.get(spec, "hostPath", "path") or ".") == "/" and policy == "Recycle":
        told = "may not be 'recycle' for a hostPath mount of '/'"
        errors.append(field_forbidden("spec.persistentVolumeReclaimPolicy", told))
    if spec.get("storageClassName"):
        errors += checks.dns_subdomain("spec.storageClassName", spec["storageClassName"])
    errors += checks.supported_if_set("spec.volumeMode", spec.get("volumeMode"), VOLUME_MODES)
    return errors + _attributes_class(spec)


def _capacity(capacity: Mapping[str, str]) -> list[FieldError]:
    errors = [] if capacity else [required("spec.capacity")]
    if "storage" not in capacity or len(capacity) > 1:
        errors.append(not_supported("spec.capacity", capacity, ("storage",)))
    for name in sorted(capacity):
        path, amount = f"spec.capacity[{name}]", quantity.value(capacity[name])
        if amount < 0:
            errors.append(invalid_value(path, amount, "must be a valid resource quantity"))
        errors += checks.positive_quantity(path, capacity[name])
    return errors


def _attributes_class(spec: Object) -> list[FieldError]:
    name = spec.get("volumeAttributesClassName")
    if name is None:
        return []
    path = "spec.volumeAttributesClassName"
    errors = checks.dns_subdomain(path, name) if name else [required(path, "an empty string is disallowed")]
    if spec.get("csi") is None:
        errors.append(required("spec.csi", "has to be specified when using volumeAttributesClassName"))
    return errors


def _attributes_class_change(spec: Object, before: Object) -> list[FieldError]:
    if before.get("volumeAttributesClassName") is None or spec.get("volumeAttributesClassName") is not None:
        return []
    return [field_forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")]


def _without_expand_secret(spec: Object, before: Object) -> Object:
    """The one secret that may be added later is left out of the comparison."""
    if before.get("csi") is None or spec.get("csi") is None or "controllerExpandSecretRef" in before["csi"]:
        return spec
    return {**spec, "csi": {k: v for k, v in spec["csi"].items() if k != "controllerExpandSecretRef"}}


class PersistentVolumeClaimStrategy(Strategy):
    """The rules of PersistentVolumeClaims: once made only their size may grow."""

    counts_generation = False
    fields: Mapping[str, Field] = {"name": lambda obj: obj["metadata"]["name"]}

    def default(self, obj: Object) -> Object:
        obj = within_new(obj, "spec", _default_claim)
        return within_new(obj, "status", lambda status: filled(status, {"phase": "Pending"}))

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {"phase": "Pending"}}

    def validate(self, obj: Object) -> list[FieldError]:
        return validate_claim_spec("spec", obj.get("spec") or _NONE)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = _class_annotation(new, old) + _claim_change(new, old) + _size_change(new, old)
        modes = (checks.get(new, "spec", "volumeMode"), checks.get(old, "spec", "volumeMode"))
        return errors + checks.immutable("volumeMode", *modes) + _claim_class_change(new, old)

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        errors = []
        capacity = checks.get(new, "status", "capacity") or _NONE
        for name in sorted(capacity):
            amount = quantity.value(capacity[name])
            if amount < 0:
                path = f"status.capacity[{name}]"
                errors.append(invalid_value(path, amount, "must be a valid resource quantity"))
        return errors

    def warnings(self, obj: Object) -> list[str]:
        return list(claim_warnings(obj))


def _default_claim(spec: Object) -> Object:
    spec = filled(spec, {"volumeMode": "Filesystem"})
    spec = {**spec, "resources": {}} if spec.get("resources") is None else spec
    return _sync_data_source(spec)


def _sync_data_source(spec: Object) -> Object:
    """`dataSource` and `dataSourceRef` say the same; whoever sets one sets the other."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        return {**spec, "dataSourceRef": source}
    kinds = ("PersistentVolumeClaim", "VolumeSnapshot")
    if reference and source is None and not reference.get("namespace") and reference.get("kind") in kinds:
        return {**spec, "dataSource": reference}
    return spec


def validate_claim_spec(path: str, spec: Object) -> list[FieldError]:
    """A claim's spec, also as a template in a pod or a StatefulSet."""
    modes = spec.get("accessModes") or ()
    errors = [] if modes else [required(f"{path}.accessModes", "at least 1 access mode is required")]
    if spec.get("selector") is not None:
        errors += validation.validate_label_selector(spec["selector"], f"{path}.selector")
    errors += checks.access_modes(f"{path}.accessModes", modes) + _storage_request(path, spec)
    if spec.get("storageClassName"):
        errors += checks.dns_subdomain(f"{path}.storageClassName", spec["storageClassName"])
    errors += checks.supported_if_set(f"{path}.volumeMode", spec.get("volumeMode"), VOLUME_MODES)
    for field in ("dataSource", "dataSourceRef"):
        if spec.get(field) is not None:
            errors += _data_source(f"{path}.{field}", spec[field])
    errors += _data_sources_agree(path, spec)
    if spec.get("volumeAttributesClassName"):
        errors += checks.dns_subdomain(f"{path}.volumeAttributesClassName", spec["volumeAttributesClassName"])
    return errors


def _storage_request(path: str, spec: Object) -> list[FieldError]:
    storage = checks.get(spec, "resources", "requests", "storage")
    where = f"{path}.resources[storage]"
    return [required(where)] if storage is None else checks.positive_quantity(where, storage)


def _data_source(path: str, source: Object) -> list[FieldError]:
    errors = [required(f"{path}.{field}") for field in ("name", "kind") if not source.get(field)]
    group, kind = source.get("apiGroup") or "", source.get("kind", "")
    if not group and kind != "PersistentVolumeClaim":
        told = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        errors.append(invalid_value(path, kind, told))
    if group:
        errors += checks.dns_subdomain(f"{path}.apiGroup", group)
    if source.get("namespace"):
        errors += checks.dns_label(f"{path}.namespace", source["namespace"])
    return errors


def _data_sources_agree(path: str, spec: Object) -> list[FieldError]:
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is None or reference is None:
        return []
    if reference.get("namespace"):
        told = "may not be specified when dataSourceRef.namespace is specified"
    elif any(source.get(field) != reference.get(field) for field in ("apiGroup", "kind", "name")):
        told = "must match dataSourceRef"
    else:
        return []
    return [invalid_value(path, f"{path}.dataSource", told)]


def _class_annotation(new: Object, old: Object) -> list[FieldError]:
    now, then = annotations_of(new).get(BETA_CLASS, ""), annotations_of(old).get(BETA_CLASS, "")
    return [] if now == then else [invalid_value(f"metadata.annotations[{BETA_CLASS}]", now, validation.IMMUTABLE)]


_CLAIM_FIELDS = (
    "accessModes",
    "selector",
    "resources",
    "volumeName",
    "storageClassName",
    "volumeMode",
    "dataSource",
    "dataSourceRef",
    "volumeAttributesClassName",
)
_CLAIM_FIXED = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)


def _claim_change(new: Object, old: Object) -> list[FieldError]:
    spec, before = dict(new.get("spec") or {}), dict(old.get("spec") or {})
    if not before.get("volumeName") and spec.get("volumeName"):
        before["volumeName"] = spec["volumeName"]
    if before.get("storageClassName") is None and spec.get("storageClassName") is not None:
        spec.pop("storageClassName")
    if checks.get(new, "status", "phase") == "Bound":
        spec["resources"] = _with_storage(spec.get("resources") or {}, before.get("resources") or {})
        spec["volumeAttributesClassName"] = before.get("volumeAttributesClassName")
    now, then = _whole(spec), _whole(before)
    return [] if now == then else [field_forbidden("spec", f"{_CLAIM_FIXED}\n{volume_sources.diff(then, now)}")]


def _whole(spec: Object) -> dict[str, Any]:
    """Every field of a claim's spec in the order of Go's struct, the absent ones as Go has them."""
    whole: dict[str, Any] = {name: spec.get(name) for name in _CLAIM_FIELDS}
    resources = spec.get("resources") or _NONE
    whole["resources"] = {name: resources.get(name) or None for name in ("limits", "requests")}
    whole["volumeName"] = spec.get("volumeName") or ""
    return whole


def _with_storage(resources: Object, before: Object) -> Object:
    requests = resources.get("requests")
    storage = (before.get("requests") or {}).get("storage")
    if requests is None or storage is None:
        return resources
    return {**resources, "requests": {**requests, "storage": storage}}


def _size_change(new: Object, old: Object) -> list[FieldError]:
    now, then = (checks.get(obj, "spec", "resources", "requests", "storage") or "0" for obj in (new, old))
    have = checks.get(old, "status", "capacity", "storage") or "0"
    if quantity.compare(now, then) >= 0 or quantity.compare(now, have) > 0:
        return []
    return [field_forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")]


def _claim_class_change(new: Object, old: Object) -> list[FieldError]:
    name = checks.get(new, "spec", "volumeAttributesClassName")
    current = checks.get(old, "status", "currentVolumeAttributesClassName")
    if name or current is None or name == checks.get(old, "spec", "volumeAttributesClassName"):
        return []
    what = "nil" if name is None else "empty string"
    told = f"update to {what} is forbidden when status.currentVolumeAttributesClassName is not nil"
    return [field_forbidden("spec.volumeAttributesClassName", told)]


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "persistentvolumes": lambda _: PersistentVolumeStrategy(),
    "persistentvolumeclaims": lambda _: PersistentVolumeClaimStrategy(),
}
