"""What a PersistentVolume stands for: exactly one source, checked by the rules of its type.

The types whose drivers left the tree long ago (cinder, rbd, glusterfs …) are accepted as they come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from difflib import unified_diff
from typing import Any

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.file_paths import without_backsteps
from k8snb.apiserver.registry.filling import Filler, filled, within
from k8snb.apiserver.registry.placement import validate_node_selector
from k8snb.errors import FieldError, field_forbidden, invalid_value, required, too_long
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


def diff(old: Any, new: Any) -> str:
    """What is different, as a unified diff of the two in JSON with the names of Go's fields."""
    before, after = (f"{json.dumps(_go(value), indent=2)}\n".splitlines(keepends=True) for value in (old, new))
    return "".join(list(unified_diff(before, after))[2:])


_MAPS = frozenset({"limits", "requests", "volumeAttributes", "options", "selector"})
"""Fields below which names are data, or have Go's JSON names."""
_GO_NAMES = {"apiGroup": "APIGroup", "fsType": "FSType"}


def _go(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            _GO_NAMES.get(name, name[:1].upper() + name[1:]): field if name in _MAPS else _go(field)
            for name, field in value.items()
        }
    return [_go(item) for item in value] if isinstance(value, list) else value


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


def _path(path: str, source: Object) -> list[FieldError]:
    value = source.get("path") or ""
    return list(without_backsteps(value, f"{path}.path")) if value else [required(f"{path}.path")]


def _host_path(path: str, source: Object) -> list[FieldError]:
    if not source.get("path"):
        return [required(f"{path}.path")]
    kind = source.get("type") or ""
    return _path(path, source) + checks.supported_if_set(f"{path}.type", kind, _HOST_PATH_TYPES)


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
        errors.append(too_long(path, name, 63))
    return errors + checks.each(path, name, formats.dns_subdomain(name.lower()))


_CHECKS: Mapping[str, Callable[[str, Object], list[FieldError]]] = {
    "hostPath": _host_path,
    "local": _path,
    "nfs": _nfs,
    "csi": _csi,
}


def node_affinity(path: str, affinity: Object) -> list[FieldError]:
    """From which nodes a volume can be reached."""
    selector = affinity.get("required")
    if selector is None:
        return [required(f"{path}.required", "must specify required node constraints")]
    return list(validate_node_selector(selector, f"{path}.required"))
