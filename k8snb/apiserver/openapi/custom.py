"""Custom resources in OpenAPI documents: their own schema, with what every object has.

Upstream: `apiextensions-apiserver/pkg/controller/openapi/builder`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8snb.apiserver.openapi.schemas import META, Flavor
from k8snb.machinery.schema.types import definitions
from k8snb.typing import Object, Resource

_MODEL = "io.k8s.api.core.v1.Pod"
"""Whose descriptions of common fields are taken over."""

_JUNCTORS = ("allOf", "anyOf", "oneOf", "not", "nullable")


def custom_schemas(rows: Iterable[Resource], flavor: Flavor) -> dict[str, Any]:
    """The schemas of the custom kinds among some resources, and of their lists."""
    found: dict[str, Any] = {}
    for row in rows:
        if row.definition is not None:
            found[custom_name(row)] = _kind(row, flavor)
            found[custom_name(row, row.listed_as)] = _list(row, flavor)
    return found


def custom_name(row: Resource, kind: str = "") -> str:
    """`com.example.v1.Kind` for a kind of the group `example.com`."""
    return ".".join([*reversed(row.group.split(".")), row.version, kind or row.kind])


def custom_names(rows: Iterable[Resource]) -> tuple[str, ...]:
    """The published definitions that the custom kinds among some resources mention."""
    custom = any(row.definition is not None for row in rows)
    return (f"{META}ObjectMeta", f"{META}ListMeta") if custom else ()


def _described(field: str) -> str:
    return str(definitions()[_MODEL]["properties"][field].get("description", ""))


def _identity(row: Resource, kind: str) -> list[Object]:
    return [{"group": row.group, "version": row.version, "kind": kind}]


def _typed() -> dict[str, Any]:
    return {field: {"description": _described(field), "type": "string"} for field in ("apiVersion", "kind")}


def _kind(row: Resource, flavor: Flavor) -> dict[str, Any]:
    assert row.definition is not None
    raw = (row.definition.get("schema") or {}).get("openAPIV3Schema") or {}
    schema = dict(_plain(raw) if flavor.version == 2 else raw)
    meta = flavor.reference(f"{META}ObjectMeta", {"description": _described("metadata")})
    schema["type"] = "object"
    schema["properties"] = {**_typed(), "metadata": meta, **_own(schema.get("properties") or {})}
    schema["x-kubernetes-group-version-kind"] = _identity(row, row.kind)
    return schema


def _own(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: each for name, each in properties.items() if name not in ("apiVersion", "kind", "metadata")}


def _list(row: Resource, flavor: Flavor) -> dict[str, Any]:
    name = f"List of {row.plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/"
    items = {
        "description": f"{name}api-conventions.md",
        "type": "array",
        "items": flavor.reference(custom_name(row)),
    }
    meta = flavor.reference(f"{META}ListMeta", {"description": "Standard list metadata."})
    return {
        "description": f"{row.listed_as} is a list of {row.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {**_typed(), "items": items, "metadata": meta},
        "x-kubernetes-group-version-kind": _identity(row, row.listed_as),
    }


def _plain(node: Any) -> Any:
    """A schema with what version 2 cannot say left out."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    if node.get("nullable"):
        node = {key: value for key, value in node.items() if key not in ("type", "items", "properties", "format")}
    return {key: _below(key, value) for key, value in node.items() if key not in _JUNCTORS}


def _below(key: str, value: Any) -> Any:
    if key in ("items", "additionalProperties"):
        return _plain(value)
    if key == "properties":
        return {name: _plain(each) for name, each in value.items()}
    return value
