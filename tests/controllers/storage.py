"""Volumes, claims and classes in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from k8snb.typing import Object

NO_LABELS: Mapping[str, str] = MappingProxyType({})


def volume(
    name: str,
    size: str = "1Gi",
    *,
    modes: Sequence[str] = ("ReadWriteOnce",),
    labels: Mapping[str, str] = NO_LABELS,
    **spec: Any,
) -> Object:
    source = {} if "nfs" in spec or "csi" in spec else {"hostPath": {"path": f"/tmp/{name}"}}
    body = {"capacity": {"storage": size}, "accessModes": list(modes), **source, **spec}
    meta = {"name": name, **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": body}


def claim(name: str, size: str = "1Gi", *, modes: Sequence[str] = ("ReadWriteOnce",), **spec: Any) -> Object:
    body = {"accessModes": list(modes), "resources": {"requests": {"storage": size}}, **spec}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": body}


def mounting(*claims: str) -> list[Object]:
    """The volumes of a pod that mounts these claims."""
    return [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
