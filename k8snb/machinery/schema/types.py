"""The published OpenAPI definitions as a tree of types, built as far as somebody looks.

The definitions of Kubernetes 1.36 come with the package `kubernetes-validate`; only its data file is read.
A `Type` says what a value is (a struct with fields, a map, a list, a number …); a `Field` says how patches
and server-side apply treat it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from k8snb.machinery.schema.metrics import DEFINITIONS as METRICS
from k8snb.typing import Object

VERSION = "1.36.0"

_PREFIX = "#/$defs/"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
_SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    f"{_META}Time": "time",
    f"{_META}MicroTime": "microtime",
    f"{_META}FieldsV1": "any",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
    f"{_EXTENSIONS}JSON": "any",
    f"{_EXTENSIONS}JSONSchemaPropsOrArray": "any",
    f"{_EXTENSIONS}JSONSchemaPropsOrBool": "any",
    f"{_EXTENSIONS}JSONSchemaPropsOrStringArray": "any",
}
"""Types that read their JSON themselves."""

_KINDS = {"array": "list", "string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}


@cache
def definitions() -> Mapping[str, Object]:
    """All definitions by name (`io.k8s.api.apps.v1.Deployment`), as published, and those of metrics.k8s.io."""
    package = find_spec("kubernetes_validate")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the package kubernetes-validate is not installed")
    root = Path(package.submodule_search_locations[0])
    file = root / "kubernetes-json-schema" / f"v{VERSION}-local" / "_definitions.json"
    loaded: Mapping[str, Object] = orjson.loads(file.read_bytes())["$defs"]
    return {**loaded, **METRICS}


@cache
def _names() -> Mapping[tuple[str, str], str]:
    """The name of each kind's definition; where several fit (`DeleteOptions`), the first one published."""
    found: dict[tuple[str, str], str] = {}
    for name, schema in definitions().items():
        for entry in schema.get("x-kubernetes-group-version-kind", ()):
            version = f"{entry['group']}/{entry['version']}" if entry["group"] else entry["version"]
            found.setdefault((version, entry["kind"]), name)
    return found


def definition(api_version: str, kind: str) -> Object | None:
    """The published definition of a kind; None where there is none."""
    name = _names().get((api_version, kind))
    return None if name is None else definitions()[name]


@cache
def type_named(name: str) -> Type:
    """The type of a definition."""
    return Type(definitions()[name], name)


def type_of(api_version: str, kind: str) -> Type | None:
    """The type of a kind; None where nothing is published, as for custom resources."""
    name = _names().get((api_version, kind))
    return None if name is None else type_named(name)


def _resolved(schema: Object) -> Type:
    reference = schema.get("$ref")
    return Type(schema, "") if reference is None else type_named(reference[len(_PREFIX) :])


class Type:
    """What a value is.

    `kind` is one of struct, map, list, string, bytes, integer, number, boolean, quantity, int-or-string, time,
    microtime and any. Fields and items are resolved when first asked for, so recursive types are no trouble.
    """

    __slots__ = ("_fields", "_items", "kind", "name", "schema")

    def __init__(self, schema: Object, name: str) -> None:
        self.schema = schema
        self.name = name
        self.kind = _SPECIAL.get(name) or _kind(schema, named=bool(name))
        self._fields: Mapping[str, Field] | None = None
        self._items: Type | None = None

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields of a struct by name; none of anything else."""
        if self._fields is None:
            wanted = self.schema.get("required") or ()
            properties = self.schema.get("properties") or {}
            self._fields = {name: Field(name, schema, name in wanted) for name, schema in properties.items()}
        return self._fields

    @property
    def items(self) -> Type:
        """What a list holds, or the values of a map."""
        if self._items is None:
            schema = self.schema.get("items" if self.kind == "list" else "additionalProperties")
            self._items = _resolved(schema) if isinstance(schema, Mapping) else ANY
        return self._items

    @property
    def bits(self) -> int:
        """The width of an integer."""
        return 64 if self.schema.get("format") == "int64" else 32

    @property
    def atomic(self) -> bool:
        """Whether server-side apply treats the struct or map as one value."""
        return bool(self.schema.get("x-kubernetes-map-type") == "atomic")

    @property
    def short_name(self) -> str:
        """`PodSpec`."""
        return self.name.rpartition(".")[2]

    @property
    def go_name(self) -> str:
        """The type as Go prints it: `v1.PodSpec`, `[]v1.Container`, `map[string]string`."""
        if self.name:
            return ".".join(self.name.split(".")[-2:])
        if self.kind == "list":
            return f"[]{self.items.go_name}"
        if self.kind == "map":
            return f"map[string]{self.items.go_name}"
        return _GO_NAMES.get(self.kind) or f"int{self.bits}"

    def __repr__(self) -> str:
        return f"<Type {self.go_name}>"


_GO_NAMES = {"string": "string", "boolean": "bool", "bytes": "[]uint8", "number": "float64", "any": "interface {}"}


def _kind(schema: Object, *, named: bool) -> str:
    declared = schema.get("type")
    name = next((t for t in declared if t != "null"), None) if isinstance(declared, list) else declared
    if "properties" in schema:
        return "struct"
    if name == "object":
        return "struct" if named and "additionalProperties" not in schema else "map"
    if name == "string" and schema.get("format") == "byte":
        return "bytes"
    return _KINDS.get(name or "", "any")


ANY = Type({}, "")
"""A value that nothing is known about."""


class Field:
    """A field of a struct: its type, and how it is merged."""

    __slots__ = ("_type", "name", "required", "schema")

    def __init__(self, name: str, schema: Object, required: bool) -> None:
        self.name = name
        self.schema = schema
        self.required = required
        self._type: Type | None = None

    @property
    def type(self) -> Type:
        if self._type is None:
            self._type = _resolved(self.schema)
        return self._type

    def _extension(self, name: str) -> Any:
        found = self.schema.get(f"x-kubernetes-{name}")
        return self.type.schema.get(f"x-kubernetes-{name}") if found is None else found

    @property
    def patch_strategies(self) -> tuple[str, ...]:
        """Of `merge`, `replace` and `retainKeys`, those that a strategic merge patch follows here."""
        strategy = self._extension("patch-strategy")
        return tuple(strategy.split(",")) if strategy else ()

    @property
    def merge_key(self) -> str:
        """The field by which a strategic merge patch tells the items of a list apart; empty for scalars."""
        return self._extension("patch-merge-key") or ""

    @property
    def list_type(self) -> str:
        """`atomic`, `set` or `map`: how server-side apply merges a list."""
        return self._extension("list-type") or "atomic"

    @property
    def map_keys(self) -> tuple[str, ...]:
        """The fields by which server-side apply tells the items of a list apart."""
        return tuple(self._extension("list-map-keys") or ())

    @property
    def atomic(self) -> bool:
        """Whether server-side apply treats the struct or map as one value."""
        return bool(self._extension("map-type") == "atomic")
