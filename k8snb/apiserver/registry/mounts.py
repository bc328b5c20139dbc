"""Where a container sees the pod's volumes: mounts and block devices.

Upstream: `ValidateVolumeMounts` and `ValidateVolumeDevices` in `pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from k8snb.apiserver.registry.file_paths import descending, without_backsteps
from k8snb.errors import FieldError, field_forbidden, field_not_found, invalid_value, not_supported, required
from k8snb.typing import Object

Findings = Iterator[FieldError]
Volumes = Mapping[str, Object]

_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def validate_mounts(container: Object, volumes: Volumes, path: str) -> Findings:
    """The `volumeMounts` of a container; `volumes` are the pod's volumes by name."""
    devices = {d.get("name"): d.get("devicePath") for d in container.get("volumeDevices") or ()}
    points: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        at = f"{path}[{index}]"
        name, point = mount.get("name") or "", mount.get("mountPath") or ""
        yield from _validate_place(name, point, points, volumes, at)
        points.add(point)
        if name in devices:
            yield invalid_value(f"{at}.name", name, "must not already exist in volumeDevices")
        if point in devices.values():
            yield invalid_value(f"{at}.mountPath", point, "must not already exist as a path in volumeDevices")
        yield from _validate_sub_paths(mount, at, path)
        yield from _validate_propagation(mount, container, f"{path}.mountPropagation")
        yield from _validate_recursion(mount, f"{path}.recursiveReadOnly")


def _validate_place(name: str, point: str, points: set[str], volumes: Volumes, path: str) -> Findings:
    if not name:
        yield required(f"{path}.name")
    if name not in volumes:
        yield field_not_found(f"{path}.name", name)
    if not point:
        yield required(f"{path}.mountPath")
    if point in points:
        yield invalid_value(f"{path}.mountPath", point, "must be unique")


def _validate_sub_paths(mount: Object, path: str, list_path: str) -> Findings:
    plain, expression = mount.get("subPath") or "", mount.get("subPathExpr") or ""
    if plain:
        yield from descending(plain, f"{list_path}.subPath")
    if expression:
        if plain:
            at = f"{path}.subPathExpr"
            yield invalid_value(at, expression, "subPathExpr and subPath are mutually exclusive")
        yield from descending(expression, f"{list_path}.subPathExpr")


def _validate_propagation(mount: Object, container: Object, path: str) -> Findings:
    mode = mount.get("mountPropagation")
    if mode is None:
        return
    if mode not in _PROPAGATIONS:
        yield not_supported(path, mode, _PROPAGATIONS)
    if mode == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
        yield field_forbidden(path, "Bidirectional mount propagation is available only to privileged containers")


def _validate_recursion(mount: Object, path: str) -> Findings:
    mode = mount.get("recursiveReadOnly")
    if mode is None:
        return
    if mode not in _RECURSIVE:
        yield not_supported(path, mode, _RECURSIVE)
    elif mode != "Disabled":
        if not mount.get("readOnly"):
            yield field_forbidden(path, "may only be specified when readOnly is true")
        if mount.get("mountPropagation") not in (None, "None"):
            yield field_forbidden(path, "may only be specified when mountPropagation is None or not specified")


def validate_devices(container: Object, volumes: Volumes, path: str) -> Findings:
    """The `volumeDevices` of a container: raw block devices from claims."""
    mounts = {m.get("name"): m.get("mountPath") for m in container.get("volumeMounts") or ()}
    names: set[str] = set()
    places: set[str] = set()
    for index, device in enumerate(container.get("volumeDevices") or ()):
        at = f"{path}[{index}]"
        name, place = device.get("name") or "", device.get("devicePath") or ""
        yield from _validate_device_name(name, names, volumes, f"{at}.name")
        yield from _validate_device_path(place, places, f"{at}.devicePath")
        if name in mounts:
            yield invalid_value(f"{at}.name", name, "must not already exist in volumeMounts")
        if place in mounts.values():
            yield invalid_value(f"{at}.devicePath", place, "must not already exist as a path in volumeMounts")
        names.add(name)
        places.add(place)


def _validate_device_name(name: str, names: set[str], volumes: Volumes, path: str) -> Findings:
    if not name:
        yield required(path)
    if name and name in names:
        yield invalid_value(path, name, "must be unique")
    volume = volumes.get(name)
    if volume is None:
        yield field_not_found(path, name)
    elif volume.get("persistentVolumeClaim") is None and volume.get("ephemeral") is None:
        text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
        yield invalid_value(path, name, text)


def _validate_device_path(place: str, places: set[str], path: str) -> Findings:
    if not place:
        yield required(path)
    if place in places:
        yield invalid_value(path, place, "must be unique")
    if any(without_backsteps(place, path)):
        yield invalid_value(path, place, "can not contain backsteps ('..')")
