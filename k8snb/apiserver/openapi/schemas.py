"""From published definitions to the schemas of an OpenAPI document.

The definitions are made for validators: null is allowed everywhere, unknown fields are not. A document wants
the plain types back, its own kind of reference, the special types as the server writes them, and the fixed
values of fields. Version 3 keeps a description beside a reference by wrapping the reference in `allOf`;
version 2 allows the two side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from k8snb.apiserver.openapi.enums import explained, values_of
from k8snb.machinery.schema.types import definitions
from k8snb.typing import Object

PUBLISHED_REFERENCE = "#/$defs/"
_API = "io.k8s.apimachinery.pkg."
META = f"{_API}apis.meta.v1."
_QUANTITY, _INT_OR_STRING = f"{_API}api.resource.Quantity", f"{_API}util.intstr.IntOrString"
_DROPPED = ("$ref", "$schema", "default", "enum", "oneOf")
_ZERO: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}
_STRUCTS = ("metadata", "spec", "status")

_DESCRIPTIONS = {
    _QUANTITY: "An amount of a resource, exact to the digit: a number, perhaps with a suffix (m, k, M, Ki, Mi …).",
    _INT_OR_STRING: "An integer or a string, such as a port by number or by name, or a count or a percentage.",
}


@dataclass(frozen=True)
class Flavor:
    """What differs between the versions of OpenAPI."""

    version: int
    prefix: str

    def reference(self, name: str, beside: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A reference to a schema of the document, with what stands beside it."""
        bare = {"$ref": self.prefix + name}
        if not beside:
            return bare
        return {"allOf": [bare], **beside} if self.version == 3 else {**bare, **beside}

    def special(self, name: str) -> dict[str, Any] | None:
        """The schema of a type that reads more than one JSON type; None for any other."""
        if name == _QUANTITY:
            shape: dict[str, Any] = {"oneOf": [{"type": "string"}, {"type": "number"}]}
        elif name == _INT_OR_STRING:
            shape = {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}
        else:
            return None
        if self.version == 2:
            shape = {**{key: shape[key] for key in shape if key != "oneOf"}, "type": "string"}
        return {"description": _DESCRIPTIONS[name], **shape}


V2 = Flavor(2, "#/definitions/")
V3 = Flavor(3, "#/components/schemas/")


def name_of_kind(group: str, version: str, kind: str) -> str | None:
    """The name of the definition of a kind; None if it is not published."""
    return _kinds().get((group, version, kind))


@cache
def _kinds() -> Mapping[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = {}
    for name, definition in definitions().items():
        for gvk in definition.get("x-kubernetes-group-version-kind", ()):
            found.setdefault((gvk["group"], gvk["version"], gvk["kind"]), name)
    return found


def references(node: Any) -> Iterable[str]:
    """The definitions that a definition mentions."""
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(PUBLISHED_REFERENCE)
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def closure(names: Iterable[str]) -> list[str]:
    """The definitions with everything that they mention, sorted."""
    known = definitions()
    found: dict[str, None] = {}
    waiting = [name for name in names if name in known]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting.extend(reference for reference in references(known[name]) if reference in known)
    return sorted(found)


def schemas(names: Iterable[str], flavor: Flavor) -> dict[str, Any]:
    """The schemas of the definitions and of everything that they mention."""
    return {name: schema(name, flavor) for name in closure(names)}


def schema(name: str, flavor: Flavor) -> dict[str, Any]:
    """One definition as a schema."""
    return flavor.special(name) or _schema(definitions()[name], flavor, name)


def _schema(node: Object, flavor: Flavor, name: str = "") -> dict[str, Any]:
    """A published node as a schema; `name` is that of the definition, empty further down."""
    if "$ref" in node:
        beside = {key: value for key, value in node.items() if key not in _DROPPED}
        return flavor.reference(node["$ref"].removeprefix(PUBLISHED_REFERENCE), beside)
    made = {key: value for key, value in node.items() if key not in _DROPPED}
    if isinstance(made.get("type"), list):
        made["type"] = made["type"][0]
    extra = made.pop("additionalProperties", None)
    if isinstance(extra, Mapping):
        made["additionalProperties"] = _element(extra, flavor)
    if "items" in made:
        made["items"] = _element(made["items"], flavor)
    if "properties" in made:
        made["properties"] = {
            field: _property(name, node, field, value, flavor) for field, value in made["properties"].items()
        }
    return made


def _element(node: Object, flavor: Flavor) -> dict[str, Any]:
    """The schema of a list's or map's elements, which in version 3 have the zero value as their default."""
    made = _schema(node, flavor)
    if flavor.version == 2:
        return made
    if "$ref" in made:
        return made if _is_scalar(node) else flavor.reference(made["$ref"].removeprefix(flavor.prefix), {"default": {}})
    zero = _ZERO.get(made.get("type", ""))
    return made if zero is None else {**made, "default": zero}


def _is_scalar(node: Object) -> bool:
    """Whether a reference leads to something that is not an object."""
    target = definitions().get(node["$ref"].removeprefix(PUBLISHED_REFERENCE), {})
    type = target.get("type", "")
    return "object" not in (type if isinstance(type, list) else [type])


def _property(name: str, owner: Object, field: str, node: Object, flavor: Flavor) -> dict[str, Any]:
    made = _schema(node, flavor)
    values = values_of(name, field)
    if values is not None:
        made = _with_values(made, values)
    if flavor.version == 3:
        default = _default(owner, field, made)
        if default is not None:
            made["default"] = default
    return made


def _with_values(made: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    if "items" in made:
        return {**made, "items": {**made["items"], "enum": sorted(values)}}
    return {**made, "description": explained(made.get("description", ""), values), "enum": sorted(values)}


def _default(owner: Object, field: str, made: Mapping[str, Any]) -> Any:
    """The zero value that Go gives the field. Which structs are pointers is not published: kinds have theirs inline."""
    if "allOf" in made:
        return {} if field in _STRUCTS and "x-kubernetes-group-version-kind" in owner else None
    return _ZERO.get(made.get("type", "")) if field in owner.get("required", ()) else None
