"""Schemas as types of CEL, and values as CEL sees them.

An object with properties becomes a struct, one with `additionalProperties` a map; fields that CEL could not name are
escaped (`x-y` is `x__dash__y`) or left out. Times, durations and bytes are texts in JSON and values of their own in
CEL; most values need no conversion and are used as they are. Upstream: `apiserver/pkg/cel/common/schemas.go`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from k8snb.machinery.cel.library.standard import parse_duration, parse_timestamp
from k8snb.machinery.cel.syntax import RESERVED
from k8snb.machinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Struct,
    Type,
    list_of,
    map_of,
)
from k8snb.machinery.cel.values import EvaluationError, MapList, SetList
from k8snb.machinery.structural.schema import Structural

Convert: TypeAlias = Callable[[Any], Any]

_KEYWORDS = RESERVED | {"true", "false", "null", "in"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_ESCAPES = re.compile(r"__|[./-]")
_ESCAPED = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_SCALARS = {"string": STRING, "boolean": BOOL, "integer": INT, "number": DOUBLE}
_TEXTS = {"byte": BYTES, "duration": DURATION, "date": TIMESTAMP, "date-time": TIMESTAMP}
_ROOT = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
_META = {"type": "object", "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}}}


def escaped(name: str) -> str:
    """A field's name as an expression writes it; empty where it cannot."""
    if not _NAME.fullmatch(name):
        return ""
    return f"__{name}__" if name in _KEYWORDS else _ESCAPES.sub(lambda match: _ESCAPED[match[0]], name)


def with_metadata(schema: Structural) -> Structural:
    """The schema of a whole object, with the fields that every object has."""
    properties = {**(schema.raw.get("properties") or {}), **_ROOT, "metadata": _META}
    return Structural({**schema.raw, "type": "object", "properties": properties})


class Types:
    """The types of one schema; `structs` are those that were made on the way."""

    def __init__(self) -> None:
        self.structs: list[Struct] = []
        self._known: dict[int, tuple[Structural, Type | None]] = {}

    def of(self, schema: Structural, name: str, *, root: bool = False) -> Type | None:
        """The type of a node; None where a rule cannot speak of it."""
        found = self._known.get(id(schema))
        if found is None or found[0] is not schema:
            found = self._known[id(schema)] = (schema, self._made(schema, name, root))
        return found[1]

    def _made(self, schema: Structural, name: str, root: bool) -> Type | None:
        if schema.int_or_string:
            return DYN
        if root or schema.embedded:
            schema = with_metadata(schema)
        if schema.type == "array":
            item = self.of(schema.items, f"{name}.@idx") if schema.items is not None else None
            return None if item is None else list_of(item)
        if schema.type == "object":
            return self._object(schema, name)
        if schema.type == "string":
            return _TEXTS.get(str(schema.raw.get("format", "")), STRING)
        return _SCALARS.get(schema.type)

    def _object(self, schema: Structural, name: str) -> Type | None:
        if schema.additional is not None:
            value = self.of(schema.additional, f"{name}.@elem")
            return None if value is None else map_of(STRING, value)
        fields: dict[str, Type] = {}
        for field, below in schema.properties.items():
            shown = escaped(field)
            held = self.of(below, f"{name}.{field}") if shown else None
            if held is not None:
                fields[shown] = held
        struct = Struct(name, fields)
        self.structs.append(struct)
        return struct.type


# -- values --------------------------------------------------------------------------------------------


def converter(schema: Structural, *, root: bool = False) -> Convert | None:
    """What turns a JSON value into CEL's; None where it is the same."""
    if schema.int_or_string:
        return None
    if root or schema.embedded:
        schema = with_metadata(schema)
    if schema.type == "array":
        return _list_converter(schema)
    if schema.type == "object":
        return _object_converter(schema)
    if schema.type == "string":
        return _TEXT_CONVERTERS.get(str(schema.raw.get("format", "")))
    return _double if schema.type == "number" else None


def _double(value: Any) -> Any:
    return float(value) if type(value) is int else value


def _text(parse: Callable[[str], Any]) -> Convert:
    def convert(value: Any) -> Any:
        try:
            return parse(value) if isinstance(value, str) else value
        except (EvaluationError, ValueError):
            return value

    return convert


_TEXT_CONVERTERS: Mapping[str, Convert] = {
    "byte": _text(lambda text: base64.b64decode(text, validate=True)),
    "duration": _text(parse_duration),
    "date": _text(lambda text: parse_timestamp(f"{text}T00:00:00Z")),
    "date-time": _text(parse_timestamp),
}


def _list_converter(schema: Structural) -> Convert | None:
    inner = converter(schema.items) if schema.items is not None else None
    keys, kind = schema.map_keys, schema.list_type
    if inner is None and kind == "atomic":
        return None

    def convert(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        items = value if inner is None else [inner(each) for each in value]
        if kind == "set":
            return SetList(items)
        if kind != "map":
            return items
        made = MapList(items)
        made.keys = keys
        return made

    return convert


def _object_converter(schema: Structural) -> Convert | None:
    if schema.additional is not None:
        inner = converter(schema.additional)
        if inner is None:
            return None
        each = inner
        return lambda value: {key: each(held) for key, held in value.items()} if isinstance(value, Mapping) else value
    changes: dict[str, tuple[str, Convert | None]] = {}
    for field, below in schema.properties.items():
        shown, inner = escaped(field), converter(below)
        if inner is not None or shown != field:
            changes[field] = (shown, inner)
    if not changes:
        return None

    def convert(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        made: dict[str, Any] = {}
        for key, held in value.items():
            shown, inner = changes.get(key, (key, None))
            made[shown] = held if inner is None else inner(held)
        return made

    return convert
