"""The pod template's hash, which names and tells apart the ReplicaSets of a Deployment.

The hash is FNV-1a (32 bits) over the template's canonical JSON. Upstream hashes Go's own rendering of the
template, so the letters differ from a real cluster's; that equal templates have equal hashes does not.
"""

from __future__ import annotations

import json
from typing import Any

from k8snb.machinery.names import encode_safe
from k8snb.typing import Object

HASH_LABEL = "pod-template-hash"
_PRIME = 16777619
_BASIS = 2166136261
_MASK = 0xFFFFFFFF


def fnv32a(data: bytes) -> int:
    """The 32-bit FNV-1a hash."""
    value = _BASIS
    for byte in data:
        value = (value ^ byte) * _PRIME & _MASK
    return value


def template_hash(template: Object, collisions: int | None = None) -> str:
    """Up to ten letters that stand for a template; `collisions` gives the next letters when those are taken."""
    data = json.dumps(_bare(template), sort_keys=True, separators=(",", ":")).encode()
    if collisions is not None:
        data += collisions.to_bytes(8, "little")
    return encode_safe(str(fnv32a(data)))


def same_template(one: Object, other: Object) -> bool:
    """Whether two templates make the same pods, whatever hash they are labelled with."""
    return _bare(one) == _bare(other)


def _bare(template: Object) -> Object:
    """The template without its hash label and without the fields that say nothing."""
    meta = template.get("metadata") or {}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != HASH_LABEL}
    rest: dict[str, Any] = {k: v for k, v in meta.items() if v and k != "labels"}
    return {"metadata": {**rest, "labels": labels}, "spec": template.get("spec") or {}}


def with_hash(template: Object, hash: str) -> Object:
    """The template whose pods carry the hash."""
    meta = template.get("metadata") or {}
    labels = {**(meta.get("labels") or {}), HASH_LABEL: hash}
    return {**template, "metadata": {**meta, "labels": labels}}


def selector_with_hash(selector: Object, hash: str) -> Object:
    """The selector of exactly those pods."""
    return {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: hash}}
