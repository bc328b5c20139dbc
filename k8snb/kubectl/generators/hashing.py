"""The hash that is added to the name of a ConfigMap or Secret, so that new content is a new object.

Upstream: `kubectl/pkg/util/hash/hash.go`; kustomize names its generated objects the same way.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from k8snb.machinery.jsontext import json_text
from k8snb.typing import Object

_LENGTH = 10
_FRIENDLY = str.maketrans("013ae", "ghkmt")
"""Digits that could spell something, and what stands for them."""


def content_hash(obj: Object) -> str:
    """The hash of an object's kind, name and content."""
    fields: dict[str, Any] = {"kind": obj["kind"], "name": obj["metadata"]["name"], "data": obj.get("data") or ""}
    if obj["kind"] == "Secret":
        fields["type"] = obj.get("type", "")
        if obj.get("stringData"):
            fields["stringData"] = obj["stringData"]
    elif obj.get("binaryData"):
        fields["binaryData"] = obj["binaryData"]
    if obj.get("immutable") is not None:
        fields["immutable"] = obj["immutable"]
    return sha256(json_text(fields).encode()).hexdigest()[:_LENGTH].translate(_FRIENDLY)


def with_hash(obj: Object) -> Object:
    """The object under the name that holds its hash."""
    meta = obj["metadata"]
    return {**obj, "metadata": {**meta, "name": f"{meta['name']}-{content_hash(obj)}"}}
