"""Advice about volumes and claims: what is old, and what does nothing.

Upstream: `pkg/api/persistentvolume/util.go`, `pkg/api/persistentvolumeclaim/util.go`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.apiserver.registry.pod_warnings import DEPRECATED_VOLUMES, fraction_warnings, term_warnings
from k8snb.machinery.objects import annotations_of
from k8snb.machinery.volumes import BETA_CLASS
from k8snb.typing import Object

_MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options"
_RECYCLE = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."


def volume_warnings(volume: Object) -> Iterator[str]:
    """Advice about a volume."""
    yield from _class_warnings(volume)
    if _MOUNT_OPTIONS in annotations_of(volume):
        told = 'deprecated since v1.31; use "mountOptions" attribute instead'
        yield f"metadata.annotations[{_MOUNT_OPTIONS}]: {told}"
    spec = volume.get("spec") or {}
    required = (spec.get("nodeAffinity") or {}).get("required") or {}
    for index, term in enumerate(required.get("nodeSelectorTerms") or ()):
        yield from term_warnings(term, f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]")
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        yield f"spec.persistentVolumeReclaimPolicy: {_RECYCLE}"
    for kind in sorted(DEPRECATED_VOLUMES):
        if spec.get(kind) is not None:
            yield f"spec.{kind}: {DEPRECATED_VOLUMES[kind]}"


def claim_warnings(claim: Object) -> Iterator[str]:
    """Advice about a claim."""
    yield from _class_warnings(claim)
    resources = (claim.get("spec") or {}).get("resources") or {}
    for kind in ("requests", "limits"):
        yield from fraction_warnings(resources.get(kind) or {}, "storage", f"spec.resources.{kind}")


def _class_warnings(obj: Object) -> Iterator[str]:
    if BETA_CLASS in annotations_of(obj):
        told = 'deprecated since v1.8; use "storageClassName" attribute instead'
        yield f"metadata.annotations[{BETA_CLASS}]: {told}"
