"""How a value is merged and owned: the part of its schema that server-side apply goes by.

A `Shape` says whether a value is a scalar, a list or a map, whether it is one thing or owned piece by piece, and by
which keys the items of a list are told apart. The published definitions become shapes as far as somebody looks
(`shape_of`); a custom resource's structural schema becomes one through `shape_of_schema`, and one without a schema
is `DEDUCED`: each value is what it looks like.

Go writes some fields even when nobody set them: structs that are no pointers, and required ones. Whether such a
field is new matters for who owns it, so a shape knows them (`always`).

Upstream: `kube-openapi/pkg/schemaconv`, structured-merge-diff `schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from k8snb.machinery.schema.types import Field, Type, type_of
from k8snb.typing import Object

_KEY_DEFAULTS: Mapping[str, Any] = {"protocol": "TCP"}
"""What a key of a list is where an item leaves it out."""

_ALWAYS = frozenset(
    {
        ("apps.v1.DaemonSetSpec", "updateStrategy"),
        ("apps.v1.DeploymentSpec", "strategy"),
        ("apps.v1.StatefulSetSpec", "updateStrategy"),
        ("batch.v1.JobTemplateSpec", "metadata"),
        ("core.v1.Container", "resources"),
        ("core.v1.ContainerStatus", "lastState"),
        ("core.v1.ContainerStatus", "state"),
        ("core.v1.EphemeralContainer", "resources"),
        ("core.v1.Event", "source"),
        ("core.v1.NodeStatus", "daemonEndpoints"),
        ("core.v1.NodeStatus", "nodeInfo"),
        ("core.v1.PersistentVolumeClaimSpec", "resources"),
        ("core.v1.PersistentVolumeClaimTemplate", "metadata"),
        ("core.v1.PodTemplateSpec", "metadata"),
        ("core.v1.PodTemplateSpec", "spec"),
        ("core.v1.ServiceStatus", "loadBalancer"),
        ("discovery.v1.Endpoint", "conditions"),
        ("events.v1.Event", "deprecatedSource"),
        ("events.v1.Event", "regarding"),
        ("networking.v1.IngressStatus", "loadBalancer"),
        ("networking.v1.NetworkPolicySpec", "podSelector"),
        ("resource.v1.ResourceClaimTemplateSpec", "metadata"),
    }
)
"""Optional structs that are no pointers, besides those of every kind (`metadata`, `spec`, `status`)."""

_OF_EVERY_KIND = ("metadata", "spec", "status")
_POINTERS = frozenset({"selector"})
_ZERO: Mapping[str, Any] = {"struct": {}, "string": "", "integer": 0, "boolean": False, "list": None, "map": None}
_SCALARS = {"string": "string", "bytes": "string", "time": "string", "microtime": "string", "boolean": "boolean"}


class Shape:
    """`kind` is `map`, `list`, `scalar` or `any` (deduced from the value); `scalar` is the type of one, if it matters.

    `declared` finds the fields of the schema; `element` is what a list holds, or a map beyond those (None: nothing).
    """

    __slots__ = (
        "_element",
        "_fields",
        "_find",
        "always",
        "atomic",
        "defaults",
        "element_of",
        "flat",
        "keys",
        "kind",
        "scalar",
    )

    def __init__(
        self,
        kind: str,
        *,
        atomic: bool = False,
        scalar: str = "",
        keys: tuple[str, ...] = (),
        defaults: Mapping[str, Any] | None = None,
        find: Callable[[str], Shape | None] | None = None,
        element: Callable[[], Shape] | None = None,
        always: Mapping[str, Any] | None = None,
    ) -> None:
        self.kind = kind
        self.atomic = atomic
        self.scalar = scalar
        self.keys = keys
        self.defaults = defaults or {}
        self.always = always or {}
        self.element_of = element
        self._find = find
        self._fields: dict[str, Shape | None] = {}
        self._element: Shape | None = None
        self.flat: dict[tuple[str, ...], dict[str, Any]] = {}
        """What the fields come to of a map that holds nothing but scalars, by their names."""

    @property
    def element(self) -> Shape | None:
        """What a list holds, or a map under keys that are no declared fields."""
        if self._element is None and self.element_of is not None:
            self._element = self.element_of()
        return self._element

    def declared(self, name: str) -> Shape | None:
        """The shape of a declared field."""
        if self._find is None:
            return None
        try:
            return self._fields[name]
        except KeyError:
            found = self._fields[name] = self._find(name)
            return found

    def child(self, name: str) -> Shape | None:
        """The shape of what stands under a key of a map; None where the schema has no place for it."""
        return self.declared(name) or self.element


SCALAR = Shape("scalar")
DEDUCED: Shape = Shape("any", element=lambda: DEDUCED)
"""A value that nothing is known about: lists are one thing, maps are owned field by field."""
ATOMIC_LIST = Shape("list", atomic=True, element=lambda: DEDUCED)
DEDUCED_MAP = Shape("map", element=lambda: DEDUCED)


def deduced(shape: Shape, value: Any) -> Shape:
    """The shape itself, or that of the value if the schema says nothing."""
    if shape.kind != "any":
        return shape
    if isinstance(value, Mapping):
        return DEDUCED_MAP
    return ATOMIC_LIST if isinstance(value, list) else SCALAR


@cache
def shape_of(api_version: str, kind: str) -> Shape:
    """The shape of a published kind; `DEDUCED_MAP` where nothing is published."""
    found = type_of(api_version, kind)
    return DEDUCED_MAP if found is None else _of_type(found)


def _of_type(type: Type, field: Field | None = None) -> Shape:
    if type.kind == "struct":
        return _of_struct(type, type.atomic or (field is not None and field.atomic))
    if type.kind == "map":
        return Shape("map", atomic=field is not None and field.atomic, element=lambda: _of_type(type.items))
    if type.kind == "list":
        return _of_list(type, field)
    if type.kind == "any":
        return DEDUCED
    numeric = type.kind in ("integer", "number")
    return Shape("scalar", scalar="numeric" if numeric else _SCALARS.get(type.kind, ""))


def _of_struct(type: Type, atomic: bool) -> Shape:
    def find(name: str) -> Shape | None:
        field = type.fields.get(name)
        return None if field is None else _of_type(field.type, field)

    return Shape("map", atomic=atomic, find=find, always=_always(type))


def _always(type: Type) -> Mapping[str, Any]:
    """The fields that Go writes always, each with what it is if nobody set it."""
    owner = ".".join(type.name.split(".")[-3:])
    top = "x-kubernetes-group-version-kind" in type.schema
    found: dict[str, Any] = {}
    for name, field in type.fields.items():
        given = field.required and name not in _POINTERS and field.type.kind in _ZERO
        struct = (owner, name) in _ALWAYS or (top and name in _OF_EVERY_KIND)
        if given or struct:
            found[name] = _ZERO[field.type.kind]
    return found


def _of_list(type: Type, field: Field | None) -> Shape:
    how = "atomic"
    keys: tuple[str, ...] = ()
    if field is not None:
        how, keys = field.list_type, field.map_keys
        if how == "atomic" and "merge" in field.patch_strategies and "x-kubernetes-list-type" not in field.schema:
            how, keys = ("map", (field.merge_key,)) if field.merge_key else ("set", ())
    keys = keys if how == "map" else ()
    defaults = {key: _KEY_DEFAULTS[key] for key in keys if key in _KEY_DEFAULTS}
    return Shape("list", atomic=how == "atomic", keys=keys, defaults=defaults, element=lambda: _of_type(type.items))


# -- custom resources ----------------------------------------------------------------------------------


def shape_of_schema(schema: Object, *, top: bool = True) -> Shape:
    """The shape of a structural schema (`openAPIV3Schema`); at the top, `metadata` is that of every kind."""
    if schema.get("x-kubernetes-int-or-string"):
        return SCALAR
    type = schema.get("type", "")
    if type == "array":
        return _of_structural_list(schema)
    if type == "object" or "properties" in schema:
        return _of_structural_map(schema, top)
    if not type:
        return DEDUCED
    return Shape("scalar", scalar="numeric" if type in ("integer", "number") else type)


def _of_structural_list(schema: Object) -> Shape:
    how = schema.get("x-kubernetes-list-type", "atomic")
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ()) if how == "map" else ()
    items: Object = schema.get("items") or {}
    fields = items.get("properties") or {}
    defaults = {key: fields[key]["default"] for key in keys if "default" in fields.get(key, {})}
    return Shape(
        "list",
        atomic=how == "atomic",
        keys=keys,
        defaults=defaults,
        element=lambda: shape_of_schema(items, top=False) if items else DEDUCED,
    )


def _of_structural_map(schema: Object, top: bool) -> Shape:
    fields: Object = schema.get("properties") or {}
    more = schema.get("additionalProperties")
    keeps = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-embedded-resource")

    def find(name: str) -> Shape | None:
        if top and name == "metadata":
            return shape_of("v1", "ConfigMap").declared("metadata")
        if top and name in ("apiVersion", "kind"):
            return SCALAR
        return shape_of_schema(fields[name], top=False) if name in fields else None

    element: Callable[[], Shape] | None = None
    if isinstance(more, Mapping):
        element = lambda: shape_of_schema(more, top=False)  # noqa: E731
    elif keeps or more is True or (not fields and not top):
        element = lambda: DEDUCED  # noqa: E731
    return Shape("map", atomic=schema.get("x-kubernetes-map-type") == "atomic", find=find, element=element)
