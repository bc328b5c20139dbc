"""The kinds that are published, as types of CEL: looked up by the names of their definitions, as far as somebody looks.

Upstream: `apiserver/pkg/cel/openapi`.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from k8snb.machinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Struct,
    Type,
    list_of,
    map_of,
)
from k8snb.machinery.schema import types

_SIMPLE = {
    "string": STRING,
    "bytes": BYTES,
    "integer": INT,
    "number": DOUBLE,
    "boolean": BOOL,
    "quantity": STRING,
    "time": TIMESTAMP,
    "microtime": TIMESTAMP,
}


def kind_type(api_version: str, kind: str) -> Type | None:
    """The type of a published kind; None where there is none."""
    found = types.type_of(api_version, kind)
    return None if found is None else _type(found)


def _type(given: types.Type) -> Type:
    if given.kind == "list":
        return list_of(_type(given.items))
    if given.kind == "map":
        return map_of(STRING, _type(given.items))
    if given.kind == "struct" and given.name:
        return Type("struct", given.name)
    return _SIMPLE.get(given.kind, DYN)


class Published(MutableMapping[str, Struct]):
    """The structs of all published definitions, by name."""

    def __init__(self) -> None:
        self._known: dict[str, Struct] = {}

    def __getitem__(self, name: str) -> Struct:
        found = self._known.get(name)
        if found is None:
            if not name.startswith("io.k8s.") or name not in types.definitions():
                raise KeyError(name)
            fields = {key: _type(field.type) for key, field in types.type_named(name).fields.items()}
            found = self._known[name] = Struct(name, fields)
        return found

    def __setitem__(self, name: str, struct: Struct) -> None:
        self._known[name] = struct

    def __delitem__(self, name: str) -> None:
        del self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


PUBLISHED = Published()
