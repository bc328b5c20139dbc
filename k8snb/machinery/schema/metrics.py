"""The definitions of `metrics.k8s.io`, which is no part of the published ones: its server brings them along.

Upstream: `k8s.io/metrics/pkg/apis/metrics/v1beta1/types.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.typing import Object

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
_PREFIX = f"io.k8s.metrics.pkg.apis.metrics.{VERSION}."
_MACHINERY = "#/$defs/io.k8s.apimachinery.pkg."
_META = f"{_MACHINERY}apis.meta.v1."

_KIND = {"type": "string", "description": "What kind of object this is, in CamelCase."}
_API_VERSION = {"type": "string", "description": "The version of the schema that the object follows."}
_TIMESTAMP = {
    "$ref": f"{_META}Time",
    "description": "The end of the time over which the use was measured: from timestamp-window to timestamp.",
}
_WINDOW = {"type": "string", "description": "How long the time is over which the use was measured."}
_USAGE = {
    "type": "object",
    "additionalProperties": {"$ref": f"{_MACHINERY}api.resource.Quantity"},
    "description": "What was used of each resource: cpu on average, memory as the working set.",
}


def _metrics(kind: str, about: str, own: Mapping[str, Any], required: list[str]) -> Mapping[str, Object]:
    """The definitions of a kind and of its list."""
    meta = {"$ref": f"{_META}ObjectMeta", "description": "The standard metadata of an object."}
    listed = {"$ref": f"{_META}ListMeta", "description": "The standard metadata of a list."}
    items = {"type": "array", "items": {"$ref": f"#/$defs/{_PREFIX}{kind}"}, "description": f"The {kind} objects."}
    fields = {"metadata": meta, "timestamp": _TIMESTAMP, "window": _WINDOW, **own}
    of_list = {"items": items, "metadata": listed}
    return {
        f"{_PREFIX}{kind}": _kind(kind, about, fields, required),
        f"{_PREFIX}{kind}List": _kind(f"{kind}List", f"{kind}List is a list of {kind}.", of_list, ["items"]),
    }


def _kind(kind: str, about: str, properties: Mapping[str, Any], required: list[str]) -> Object:
    every = dict(sorted({"apiVersion": _API_VERSION, "kind": _KIND, **properties}.items()))
    known = [{"group": GROUP, "version": VERSION, "kind": kind}]
    return {
        "description": about,
        "type": "object",
        "required": required,
        "properties": every,
        "x-kubernetes-group-version-kind": known,
    }


_NAME = {"type": "string", "description": "The container's name, as in pod.spec.containers."}
_CONTAINERS = {
    "type": "array",
    "items": {"$ref": f"#/$defs/{_PREFIX}ContainerMetrics"},
    "description": "What each container used over the same time.",
}

DEFINITIONS: Mapping[str, Object] = {
    f"{_PREFIX}ContainerMetrics": {
        "description": "ContainerMetrics says what a container used.",
        "type": "object",
        "required": ["name", "usage"],
        "properties": {"name": _NAME, "usage": _USAGE},
    },
    **_metrics(
        "NodeMetrics", "NodeMetrics says what a node used.", {"usage": _USAGE}, ["timestamp", "window", "usage"]
    ),
    **_metrics(
        "PodMetrics",
        "PodMetrics says what the containers of a pod used.",
        {"containers": _CONTAINERS},
        ["timestamp", "window", "containers"],
    ),
}
