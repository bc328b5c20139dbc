"""What a PersistentVolume stands for: exactly one source, checked by the rules of its type.

The types whose drivers left the tree long ago (cinder, rbd, glusterfs …) are accepted as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.filling import Filler, filled, within
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, quoted, required
from k8snb.machinery import formats
from k8snb.typing import Object

SOURCES = (
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
)
"""Every field of a PersistentVolume's spec that is a source, in the order in which they are looked at."""

_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_SHOWN_AS = {"cephfs": "cephFS"}
_NONE: Mapping[str, Any] = {}
_DEFAULTS: Mapping[str, Filler] = {
    "hostPath": lambda source: {**source, "type": ""} if source.get("type") is None else source,
    "iscsi": lambda source: filled(source, {"iscsiInterface": "default"}),
    "rbd": lambda source: filled(source, {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}),
    "scaleIO": lambda source: filled(source, {"storageMode": "ThinProvisioned", "fsType": "xfs"}),
    "azureDisk": lambda source: filled(source, {"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4"}),
}


def default_source(spec: Object) -> Object:
    """The spec with the defaults of its source."""
    for name, fill in _DEFAULTS.items():
        spec = within(spec, name, fill)
    return spec


def source_of(spec: Object) -> dict[str, Any]:
    """The sources that a spec has: one, if it is valid."""
    return {name: spec[name] for name in SOURCES if spec.get(name) is not None}


def diff(old: Object, new: Object) -> str:
    """What is different, line by line."""
    lines = []
    for name in sorted({*old, *new}):
        if old.get(name) == new.get(name):
            continue
        lines += [f"- {name}: {quoted(old[name])}"] if name in old else []
        lines += [f"+ {name}: {quoted(new[name])}"] if name in new else []
    return "\n".join(lines)


def validate_source(path: str, spec: Object) -> list[FieldError]:
    """One source, and that one right."""
    found = [name for name in SOURCES if spec.get(name) is not None]
    if not found:
        return [required(path, "must specify a volume type")]
    check = _CHECKS.get(found[0])
    errors = check(f"{path}.{found[0]}", spec[found[0]]) if check else []
    for name in found[1:]:
        where = f"{path}.{_SHOWN_AS.get(name, name)}"
        errors.append(field_forbidden(where, "may not specify more than 1 volume type"))
    if found[0] == "local" and spec.get("nodeAffinity") is None:
        errors.append(required(f"{path}.nodeAffinity", "Local volume requires node affinity"))
    return errors


def _no_backsteps(path: str, value: str) -> list[FieldError]:
    return [invalid_value(path, value, "must not contain '..'")] if ".." in value.split("/") else []


def _path(path: str, source: Object) -> list[FieldError]:
    value = source.get("path") or ""
    return _no_backsteps(f"{path}.path", value) if value else [required(f"{path}.path")]


def _host_path(path: str, source: Object) -> list[FieldError]:
    if not source.get("path"):
        return [required(f"{path}.path")]
    errors, kind = _path(path, source), source.get("type") or ""
    if kind not in _HOST_PATH_TYPES:
        errors.append(not_supported(f"{path}.type", kind, _HOST_PATH_TYPES))
    return errors


def _local(path: str, source: Object) -> list[FieldError]:
    return _path(path, source)


def _nfs(path: str, source: Object) -> list[FieldError]:
    where = source.get("path") or ""
    errors = [required(f"{path}.{field}") for field in ("server", "path") if not source.get(field)]
    if where and not where.startswith("/"):
        errors.append(invalid_value(f"{path}.path", where, "must be an absolute path"))
    return errors


def _csi(path: str, source: Object) -> list[FieldError]:
    driver = source.get("driver") or ""
    errors = _driver(f"{path}.driver", driver)
    if not source.get("volumeHandle"):
        errors.append(required(f"{path}.volumeHandle"))
    secrets = (
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    )
    for name in secrets:
        if source.get(name) is not None:
            missing = [field for field in ("name", "namespace") if not source[name].get(field)]
            errors += [required(f"{path}.{name}.{field}") for field in missing]
    return errors


def _driver(path: str, name: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    errors = []
    if len(name) > 63:
        errors.append(FieldError("FieldValueTooLong", path, name, "may not be more than 63 bytes"))
    return errors + checks.each(path, name, formats.dns_subdomain(name.lower()))


_CHECKS: Mapping[str, Callable[[str, Object], list[FieldError]]] = {
    "hostPath": _host_path,
    "local": _local,
    "nfs": _nfs,
    "csi": _csi,
}


def node_affinity(path: str, affinity: Object) -> list[FieldError]:
    """From which nodes a volume can be reached."""
    selector = affinity.get("required")
    if selector is None:
        return [required(f"{path}.required", "must specify required node constraints")]
    terms = selector.get("nodeSelectorTerms") or ()
    where = f"{path}.required.nodeSelectorTerms"
    errors = [] if terms else [required(where, "must have at least one node selector term")]
    for index, term in enumerate(terms):
        for field in ("matchExpressions", "matchFields"):
            for place, requirement in enumerate(term.get(field) or ()):
                errors += _requirement(f"{where}[{index}].{field}[{place}]", requirement, field)
    return errors


def _requirement(path: str, requirement: Object, field: str) -> list[FieldError]:
    operator: str = requirement.get("operator", "")
    values: Sequence[str] = requirement.get("values") or ()
    errors = []
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            told = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(field_forbidden(f"{path}.values", told))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            told = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            errors.append(required(f"{path}.values", told))
    else:
        errors.append(invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    errors += checks.qualified_name(f"{path}.key", requirement.get("key", ""))
    for index, value in enumerate(values):
        errors += checks.each(f"{path}.values[{index}]", value, formats.label_value(value))
    return errors
