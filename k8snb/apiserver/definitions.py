"""The published schema definitions of the Kubernetes API, loaded once and only when somebody asks.

They come from the `kubernetes-validate` package: every type by its full name
(`io.k8s.api.apps.v1.Deployment`), with descriptions, list types and patch strategies.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from functools import cache

import orjson

from k8snb.typing import Object

VERSION = "1.36.0"


@cache
def definitions() -> Mapping[str, Object]:
    """All definitions by name."""
    package = importlib.resources.files("kubernetes_validate")
    file = package / "kubernetes-json-schema" / f"v{VERSION}-local" / "_definitions.json"
    loaded: Mapping[str, Object] = orjson.loads(file.read_bytes())["$defs"]
    return loaded
