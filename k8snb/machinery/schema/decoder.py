"""Typed decoding: from a value that was read to the object that Go would hold, or to the error it would give.

Every type is compiled once into a closure, field by field and only when a field is first seen, so the cost
of the large schema is never paid. A closure gets the value, the place it stands at (a linked list of steps)
and a log. As in Go, the first mismatch of types is remembered and decoding goes on; a type that reads its
JSON itself (a quantity, a time) stops everything with its own message; unknown fields are noted.

Nulls are dropped, quantities and times become canonical, and empty values go as `omission` describes.

Upstream: `sigs.k8s.io/json`, `apimachinery/pkg/runtime/serializer/json`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

from k8snb.errors import bad_request
from k8snb.machinery import quantity
from k8snb.machinery.gotext import json_word
from k8snb.machinery.schema import times
from k8snb.machinery.schema.omission import ADDED, DROPPED, GO_TYPES, KEPT, ZEROS
from k8snb.machinery.schema.types import Field, Type, type_named, type_of
from k8snb.typing import Object

MAX_PROBLEMS = 100
"""Go stops noting unknown fields after this many."""

Place: TypeAlias = "tuple[Place | None, str | int, str]"
"""The place around, the step from there (a key or an index), and the struct the key is a field of."""

Decoder: TypeAlias = "Callable[[Any, Place | None, _Log], Any]"

_NOTHING = object()
_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_MAX = {32: 2**31 - 1, 64: 2**63 - 1}
_KIND = "x-kubernetes-group-version-kind"
_SPEC = ("spec",)
_NO_FIELDS: frozenset[str] = frozenset()
_SCHEMA = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"


class _Abort(Exception):
    """Decoding cannot go on; carries Go's message."""


class _Log:
    """What decoding has to say besides its result."""

    __slots__ = ("mismatch", "problems")

    def __init__(self, problems: list[str]) -> None:
        self.mismatch = ""
        self.problems = problems

    def note(self, problem: str) -> None:
        if len(self.problems) < MAX_PROBLEMS and problem not in self.problems:
            self.problems.append(problem)

    def remember(self, message: str) -> Any:
        self.mismatch = self.mismatch or message
        return _NOTHING


def decode(
    value: Any, api_version: str, kind: str, mode: str = "Strict", *, duplicates: list[str] | None = None
) -> tuple[Object, list[str]]:
    """The typed object in a value that was read from a body, and the warnings about it.

    `mode` is the request's `fieldValidation`: Strict refuses unknown and duplicate fields, Warn tells of
    them, Ignore drops them silently. `duplicates` are the problems that reading the text has already found.
    Of a kind without a published schema the value is returned as it is. Raises BadRequest.
    """
    version = api_version.rpartition("/")[2]
    subject = f'{kind} in version "{version}" cannot be handled as a {kind}'
    log = _Log(list(duplicates or ()))
    schema = type_of(api_version, kind)
    if schema is not None:
        value = _run(value, schema, log, subject)
    if mode == "Strict" and log.problems:
        raise bad_request(f"{subject}: strict decoding error: {', '.join(log.problems)}")
    return value, log.problems if mode == "Warn" else []


def decode_metadata(value: Any, subject: str, problems: list[str]) -> Object:
    """The metadata of a custom resource; fields that no metadata has are noted. Raises BadRequest."""
    log = _Log(problems)
    place = (None, "metadata", "")
    decoded: Object = _run(value, type_named(_OBJECT_META), log, subject, place)
    return decoded


def _run(value: Any, schema: Type, log: _Log, subject: str, place: Place | None = None) -> Any:
    try:
        decoded = _decoder(schema)(value, place, log)
    except _Abort as error:
        raise bad_request(f"{subject}: {error}") from None
    except RecursionError:
        raise bad_request(f"{subject}: exceeded max depth") from None
    if log.mismatch:
        raise bad_request(f"{subject}: {log.mismatch}")
    return decoded


def _unmarshal(what: str, place: Place | None, go_type: str) -> str:
    """Go's sentence for a value that does not fit a type."""
    fields: list[str] = []
    struct = ""
    while place is not None:
        place, step, owner = place
        if owner:
            fields.append(str(step))
            struct = struct or owner
    if not fields:
        return f"json: cannot unmarshal {what} into Go value of type {go_type}"
    return f"json: cannot unmarshal {what} into Go struct field {struct}.{'.'.join(reversed(fields))} of type {go_type}"


def _path(place: Place | None, key: str) -> str:
    """The path of an unknown field: `spec.containers[0].port`."""
    path = key
    while place is not None:
        place, step, _ = place
        path = f"{step}.{path}" if isinstance(step, str) else f"[{step}].{path}"
    return re.sub(r"\.\[", "[", path)


def _qualified(name: str) -> str:
    """`core.v1.PodSpec` of `io.k8s.api.core.v1.PodSpec`."""
    return ".".join(name.split(".")[-3:])


def _decoder(schema: Type) -> Decoder:
    """The decoder of a type; that of a named type is compiled once."""
    return _named(schema.name) if schema.name else _compiled(schema)


@cache
def _named(name: str) -> Decoder:
    return _compiled(type_named(name))


def _compiled(schema: Type) -> Decoder:
    if schema.kind == "struct":
        return _struct(schema)
    if schema.kind in ("list", "map"):
        return _container(schema, "v1.ResourceList" if _is_resource_list(schema) else schema.go_name)
    if schema.kind == "integer":
        return _integer(schema.bits, schema.go_name)
    return _schema_or_other if schema.name.startswith(f"{_SCHEMA}Or") else _SIMPLE[schema.kind]


def _is_resource_list(schema: Type) -> bool:
    return schema.kind == "map" and schema.items.kind == "quantity"


def _field_decoder(owner: str, field: Field) -> Decoder:
    named = GO_TYPES.get((owner, field.name))
    if named is None:
        return _decoder(field.type)
    return _container(field.type, named) if field.type.kind == "list" else _text(named)


def _omits(owner: str, field: Field) -> bool:
    """Whether an empty value of the field is dropped."""
    if field.required or field.type.kind in ("struct", "any"):
        return False
    if field.type.kind in ("integer", "number", "boolean", "int-or-string"):
        return field.name in DROPPED.get(owner, _NO_FIELDS)
    return field.name not in KEPT.get(owner, _NO_FIELDS)


def _struct(schema: Type) -> Decoder:
    name, owner = schema.short_name, _qualified(schema.name)
    known: dict[str, tuple[Decoder, bool]] = {}
    always = _zero(schema)

    def find(key: str, place: Place | None, log: _Log) -> tuple[Decoder, bool] | None:
        field = schema.fields.get(key)
        if field is None:
            log.note(f'unknown field "{_path(place, key)}"')
            return None
        known[key] = entry = (_field_decoder(owner, field), _omits(owner, field))
        return entry

    def struct(value: Any, place: Place | None, log: _Log) -> Any:
        if type(value) is not dict and not isinstance(value, Mapping):
            return log.remember(_unmarshal(json_word(value), place, schema.go_name))
        decoded: dict[str, Any] = {}
        for key, item in value.items():
            entry = known.get(key) or find(key, place, log)
            if entry is None or item is None:
                continue
            decoder, omits = entry
            new = decoder(item, (place, key, name), log)
            if new is not _NOTHING and (new or not omits):
                decoded[key] = new
        for key, zero in always.items():
            decoded.setdefault(key, zero)
        return decoded

    return struct


def _zero(schema: Type) -> Mapping[str, Any]:
    """What is there of a struct whether somebody wrote it or not."""
    owner = _qualified(schema.name)
    names = {*ADDED.get(owner, _NO_FIELDS), *(_SPEC if _KIND in schema.schema else ())}
    structs = {name: _zero(schema.fields[name].type) for name in sorted(names) if name in schema.fields}
    return {**structs, **ZEROS.get(owner, {})}


def _container(schema: Type, go_name: str) -> Decoder:
    item_decoder = _later(schema.items)
    zero = _ZEROS.get(schema.items.kind, {})

    def items(value: Any, place: Place | None, log: _Log) -> Any:
        if not isinstance(value, (list, tuple)):
            return log.remember(_unmarshal(json_word(value), place, go_name))
        decoder = item_decoder()
        found = [zero if item is None else decoder(item, (place, index, ""), log) for index, item in enumerate(value)]
        return [item for item in found if item is not _NOTHING] if log.mismatch else found

    def entries(value: Any, place: Place | None, log: _Log) -> Any:
        if type(value) is not dict and not isinstance(value, Mapping):
            return log.remember(_unmarshal(json_word(value), place, go_name))
        decoder = item_decoder()
        return {key: zero if item is None else decoder(item, (place, key, ""), log) for key, item in value.items()}

    return items if schema.kind == "list" else entries


def _later(schema: Type) -> Callable[[], Decoder]:
    """A decoder that is compiled when first wanted, because types may contain themselves."""
    found: list[Decoder] = []

    def get() -> Decoder:
        if not found:
            found.append(_decoder(schema))
        return found[0]

    return get


def _text(go_name: str) -> Decoder:
    def text(value: Any, place: Place | None, log: _Log) -> Any:
        return value if type(value) is str else log.remember(_unmarshal(json_word(value), place, go_name))

    return text


def _boolean(value: Any, place: Place | None, log: _Log) -> Any:
    return value if type(value) is bool else log.remember(_unmarshal(json_word(value), place, "bool"))


def _number_word(value: Any) -> str:
    """What Go calls a value that does not fit an integer: numbers are shown."""
    word = json_word(value)
    return f"number {value}" if word == "number" else word


def _integer(bits: int, go_name: str) -> Decoder:
    high = _MAX[bits]
    low = -high - 1

    def integer(value: Any, place: Place | None, log: _Log) -> Any:
        if type(value) is int and low <= value <= high:
            return value
        return log.remember(_unmarshal(_number_word(value), place, go_name))

    return integer


def _number(value: Any, place: Place | None, log: _Log) -> Any:
    return value if type(value) in (int, float) else log.remember(_unmarshal(json_word(value), place, "float64"))


def _int_or_string(value: Any, place: Place | None, log: _Log) -> Any:
    if type(value) is str or (type(value) is int and -(2**31) <= value < 2**31):
        return value
    raise _Abort(_unmarshal(_number_word(value), place, "int32"))


def _quantity(value: Any, place: Place | None, log: _Log) -> Any:
    try:
        return quantity.canonical(value)
    except quantity.QuantityError as error:
        raise _Abort(str(error)) from None


def _time(canonical: Callable[[str], str]) -> Decoder:
    def time(value: Any, place: Place | None, log: _Log) -> Any:
        if type(value) is not str:
            raise _Abort(_unmarshal(json_word(value), place, "string"))
        try:
            return canonical(value)
        except times.TimeError as error:
            raise _Abort(str(error)) from None

    return time


_BASE64 = re.compile("[A-Za-z0-9+/]")


def _bytes(value: Any, place: Place | None, log: _Log) -> Any:
    if type(value) is not str:
        return log.remember(_unmarshal(json_word(value), place, "[]uint8"))
    text = re.sub("[\r\n]", "", value)
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except (binascii.Error, ValueError):
        return log.remember(f"illegal base64 data at input byte {_corrupt(value)}")


def _corrupt(text: str) -> int:
    """Where Go's decoder finds fault with a base64 text, in bytes."""
    taken = 0
    for at, character in enumerate(text):
        if character in "\r\n":
            continue
        if not _BASE64.match(character):
            padding = len(text[at:]) - len(text[at:].lstrip("=\r\n"))
            fits = character == "=" and (taken % 4, text[at:].count("=")) in ((2, 2), (3, 1))
            position = at + padding if fits else at + 1 if character == "=" and taken % 4 == 2 else at
            return len(text[:position].encode())
        taken += 1
    return len(text) - taken % 4


def _any(value: Any, place: Place | None, log: _Log) -> Any:
    return value


def _schema_or_other(value: Any, place: Place | None, log: _Log) -> Any:
    """A schema, or what may stand in place of one; Go reads it apart, and notes no unknown fields in it."""
    if not isinstance(value, Mapping):
        return value
    apart = _Log([])
    decoded = _named(_SCHEMA)(value, None, apart)
    return log.remember(apart.mismatch) if apart.mismatch else decoded


_SIMPLE: Mapping[str, Decoder] = {
    "string": _text("string"),
    "boolean": _boolean,
    "number": _number,
    "int-or-string": _int_or_string,
    "quantity": _quantity,
    "time": _time(times.canonical),
    "microtime": _time(times.canonical_micro),
    "bytes": _bytes,
    "any": _any,
}
_ZEROS: Mapping[str, Any] = {
    "string": "",
    "bytes": "",
    "boolean": False,
    "integer": 0,
    "number": 0,
    "int-or-string": 0,
    "quantity": "0",
    "list": [],
}
"""What a null in a list or map stands for; structs and maps become empty ones."""
