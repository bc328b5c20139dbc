"""Volumes: where the files that containers mount come from. One row per kind of source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.kubectl.describe.writer import NONE, UNSET, Page
from k8snb.machinery.gotext import go_text
from k8snb.typing import Object

Lines = list[tuple[str, Any]]
"""Titles and values of one source."""


def describe_volumes(page: Page, volumes: Sequence[Object], indent: str = "") -> None:
    """The volumes of a pod or template."""
    page.line(f"{indent}Volumes:" + ("" if volumes else "\t<none>"))
    for volume in volumes:
        page.line(f"{' ' if indent else ''}{volume['name']}:", 1)
        describe_source(page, volume)


def describe_source(page: Page, volume: Object) -> None:
    """The lines of the source that a volume (or the spec of a persistent volume) has."""
    for field, (what, lines) in SOURCES.items():
        if field in volume:
            page.line(f"Type:\t{what}", 2)
            for title, value in lines(volume[field] or {}):
                page.line(f"{title}:\t{_text(value)}" if title else str(value), 2)
            return
    page.line("<unknown>", 1)


def _text(value: Any) -> str:
    return go_text(value) if value is not None else NONE


def _fields(*names: tuple[str, str, Any]) -> Callable[[Object], Lines]:
    """Lines that show fields as they are, with a value for those that are missing."""
    return lambda source: [(title, source.get(field, default)) for title, field, default in names]


def _empty_dir(source: Object) -> Lines:
    limit = source.get("sizeLimit", "0")
    return [("Medium", source.get("medium", "")), ("SizeLimit", limit if limit != "0" else UNSET)]


def _downward(source: Object) -> Lines:
    lines: Lines = [("", "Items:")]
    for item in source.get("items") or ():
        of = item.get("fieldRef", {}).get("fieldPath") or item.get("resourceFieldRef", {}).get("resource", "")
        lines.append(("", f"  {of} -> {item['path']}"))
    return lines


def _projected(source: Object) -> Lines:
    return [line for each in source.get("sources") or () for line in _projection(each)]


def _projection(source: Object) -> Lines:
    if "secret" in source:
        secret = source["secret"]
        return [("SecretName", secret.get("name", "")), ("Optional", bool(secret.get("optional")))]
    if "downwardAPI" in source:
        return [("DownwardAPI", True)]
    if "configMap" in source:
        config = source["configMap"]
        return [("ConfigMapName", config.get("name", "")), ("Optional", bool(config.get("optional")))]
    if "serviceAccountToken" in source:
        return [("TokenExpirationSeconds", source["serviceAccountToken"].get("expirationSeconds", 0))]
    return []


def _csi(source: Object) -> Lines:
    lines: Lines = [("Driver", source.get("driver", "")), ("FSType", source.get("fsType", ""))]
    if "volumeHandle" in source:
        lines.append(("VolumeHandle", source["volumeHandle"]))
    attributes = [f"{key}={value}" for key, value in sorted((source.get("volumeAttributes") or {}).items())]
    shown = "\n    \t".join(attributes) or NONE
    return [*lines, ("ReadOnly", bool(source.get("readOnly"))), ("VolumeAttributes", shown)]


_READ_ONLY = ("ReadOnly", "readOnly", False)
_OPTIONAL = ("Optional", "optional", False)

SOURCES: Mapping[str, tuple[str, Callable[[Object], Lines]]] = {
    "hostPath": (
        "HostPath (bare host directory volume)",
        _fields(("Path", "path", ""), ("HostPathType", "type", NONE)),
    ),
    "emptyDir": ("EmptyDir (a temporary directory that shares a pod's lifetime)", _empty_dir),
    "secret": (
        "Secret (a volume populated by a Secret)",
        _fields(("SecretName", "secretName", ""), _OPTIONAL),
    ),
    "configMap": ("ConfigMap (a volume populated by a ConfigMap)", _fields(("Name", "name", ""), _OPTIONAL)),
    "nfs": (
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        _fields(("Server", "server", ""), ("Path", "path", ""), _READ_ONLY),
    ),
    "persistentVolumeClaim": (
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        _fields(("ClaimName", "claimName", ""), _READ_ONLY),
    ),
    "ephemeral": (
        "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)",
        _fields(),
    ),
    "downwardAPI": ("DownwardAPI (a volume populated by information about the pod)", _downward),
    "projected": ("Projected (a volume that contains injected data from multiple sources)", _projected),
    "csi": ("CSI (a Container Storage Interface (CSI) volume source)", _csi),
    "image": (
        "Image (a container image or OCI artifact)",
        _fields(("Reference", "reference", ""), ("PullPolicy", "pullPolicy", "")),
    ),
    "local": ("LocalVolume (a persistent volume backed by local storage on a node)", _fields(("Path", "path", ""))),
}
"""What each kind of source is, and its lines. Drivers of single vendors are shown by their CSI successors."""
