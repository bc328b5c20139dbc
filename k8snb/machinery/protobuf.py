"""Kubernetes' protobuf bodies, as `kubectl create` sends them since 1.32: to and from plain objects.

A body is the four bytes `k8s\\0` and an envelope that names the kind and carries the object's message. What
the numbers on the wire mean is in `protobuf.txt`, what type a field has in the OpenAPI schema; the two
together decode every message, so there is no code per kind.

What comes out is what JSON would have held, empty values included: typed decoding (`schema.decode`)
normalises it like any other body. Upstream: `apimachinery/pkg/runtime/serializer/protobuf`.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from k8snb.machinery.schema.types import Type, type_of
from k8snb.machinery.wireformat import (
    BYTES,
    FIXED64,
    VARINT,
    ProtobufError,
    parts,
    signed,
    tag,
    varint,
    write_bytes,
    write_number,
)
from k8snb.typing import Object

MAGIC = b"k8s\x00"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def _table() -> Mapping[str, Mapping[int, str]]:
    """Message → number → field."""
    rows: dict[str, Mapping[int, str]] = {}
    text = Path(__file__).with_suffix(".txt").read_text("utf-8")
    for line in text.splitlines():
        name, *words = line.split()
        if name != "#":
            rows[name] = {int(number): field for number, field in zip(words[::2], words[1::2], strict=True)}
    return rows


def _fields(value: Any) -> tuple[dict[int, int], dict[int, bytes]]:
    """The last integer and the last bytes of every number in a small message."""
    integers: dict[int, int] = {}
    texts: dict[int, bytes] = {}
    for number, kind, found in parts(value):
        if kind == VARINT:
            integers[number] = found
        else:
            texts[number] = found
    return integers, texts


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _time(value: bytes) -> str | None:
    """Seconds and nanoseconds since 1970; nothing at all is no time."""
    moment = _moment(value)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(value: bytes) -> str | None:
    moment = _moment(value)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(value: bytes) -> datetime | None:
    integers, _ = _fields(value)
    seconds, nanos = signed(integers.get(1, 0)), signed(integers.get(2, 0))
    if not seconds and not nanos:
        return None
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError:
        raise ProtobufError("Time.MarshalJSON: year outside of range [0,9999]") from None


def _quantity(value: bytes) -> str:
    return _text(_fields(value)[1].get(1, b"")) or "0"


def _int_or_string(value: bytes) -> int | str:
    integers, texts = _fields(value)
    return _text(texts.get(3, b"")) if integers.get(1) else signed(integers.get(2, 0))


def _raw(value: bytes) -> Any:
    """JSON within a message."""
    try:
        return json.loads(_fields(value)[1].get(1, b"") or b"null")
    except (ValueError, RecursionError) as error:
        raise ProtobufError(str(error)) from None


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "string": _text,
    "bytes": lambda value: base64.b64encode(value).decode(),
    "integer": signed,
    "boolean": bool,
    "number": lambda value: struct.unpack("<d", value)[0],
    "quantity": _quantity,
    "int-or-string": _int_or_string,
    "time": _time,
    "microtime": _micro_time,
    "any": _raw,
}
_WIRE_TYPES = {"integer": VARINT, "boolean": VARINT, "number": FIXED64}


def _message_name(schema: Type) -> str:
    return ".".join(schema.name.split(".")[-3:])


def message_fields(schema: Type) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The messages that make up a struct, those that are inlined for themselves, and their fields by number."""
    yield from _inlined(_message_name(schema))


def _inlined(message: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    package = message.rpartition(".")[0]
    own: list[str] = []
    for name in _table().get(message, {}).values():
        if name.startswith("@"):
            yield message, tuple(own)
            yield from _inlined(f"{package}.{name[1:]}")
            own = []
        else:
            own.append(name)
    yield message, tuple(own)


def _read(value: Any, schema: Type) -> Any:
    if schema.kind == "struct":
        return _read_struct(value, schema, _message_name(schema))
    if schema.kind == "list":  # a list that is the value of a map has a message of its own
        return [_read(_checked("items", kind, item, schema.items), schema.items) for _, kind, item in parts(value)]
    return _READERS[schema.kind](value)


def _read_struct(data: bytes, schema: Type, message: str) -> dict[str, Any]:
    """A message with the fields of a struct; `message` is its own name, or that of one that is inlined."""
    numbers = _table().get(message, {})
    package = message.rpartition(".")[0]
    found: dict[str, Any] = {}
    for number, kind, value in parts(data):
        name = numbers.get(number, "")
        if name.startswith("@"):
            found.update(_read_struct(_checked(name[1:], kind, value, schema), schema, f"{package}.{name[1:]}"))
        elif name in schema.fields:
            _read_field(found, name, kind, value, schema.fields[name].type)
    return found


def _read_field(found: dict[str, Any], name: str, kind: int, value: Any, schema: Type) -> None:
    if schema.kind == "map":
        _, entry = _fields(_checked(name, kind, value, schema))
        read = _read(entry[2], schema.items) if 2 in entry else None
        found.setdefault(name, {})[_text(entry.get(1, b""))] = read
    elif schema.kind == "list":
        packed = kind == BYTES and schema.items.kind in _WIRE_TYPES
        items = (
            _unpacked(value, schema.items)
            if packed
            else [_read(_checked(name, kind, value, schema.items), schema.items)]
        )
        found.setdefault(name, []).extend(items)
    else:
        read = _read(_checked(name, kind, value, schema), schema)
        if read is not None:
            found[name] = {**found[name], **read} if schema.kind == "struct" and name in found else read


def _checked(name: str, kind: int, value: Any, schema: Type) -> Any:
    if kind != _WIRE_TYPES.get(schema.kind, BYTES):
        raise ProtobufError(f"proto: wrong wireType = {kind} for field {name[:1].upper()}{name[1:]}")
    return value


def _unpacked(data: bytes, schema: Type) -> list[Any]:
    """Numbers written one after the other."""
    if schema.kind == "number":
        return [_READERS["number"](data[at : at + 8]) for at in range(0, len(data) - 7, 8)]
    items: list[Any] = []
    at = 0
    while at < len(data):
        number, at = varint(data, at)
        items.append(_READERS[schema.kind](number))
    return items


def decode(body: bytes) -> dict[str, Any]:
    """The object in a body. Raises `ProtobufError`, a ValueError."""
    if not body.startswith(MAGIC):
        raise ProtobufError(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
            if body
            else "empty data"
        )
    _, envelope = _fields(body[len(MAGIC) :])
    _, meta = _fields(envelope.get(1, b""))
    api_version, kind = _text(meta.get(1, b"")), _text(meta.get(2, b""))
    schema = type_of(api_version, kind)
    if schema is None:
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"apiVersion": api_version, "kind": kind, **_read(envelope.get(2, b""), schema)}


def _write_time(text: str) -> bytes:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00")) - _EPOCH
    seconds = moment.days * 86400 + moment.seconds
    return write_number(1, seconds) + write_number(2, moment.microseconds * 1000)


def _write_int_or_string(value: int | str) -> bytes:
    if isinstance(value, str):
        return write_number(1, 1) + write_number(2, 0) + write_bytes(3, value.encode())
    return write_number(1, 0) + write_number(2, value) + write_bytes(3, b"")


_WRITERS: Mapping[str, Callable[[Any], bytes]] = {
    "string": lambda value: str(value).encode("utf-8", "replace"),
    "bytes": base64.b64decode,
    "quantity": lambda value: write_bytes(1, str(value).encode()),
    "int-or-string": _write_int_or_string,
    "time": _write_time,
    "microtime": _write_time,
    "any": lambda value: write_bytes(1, json.dumps(value, separators=(",", ":")).encode()),
}


def _write(value: Any, schema: Type) -> bytes:
    """The payload of a field that is not a number."""
    if schema.kind == "struct":
        return _write_struct(value, schema, _message_name(schema))
    if schema.kind == "list":
        return b"".join(_write_item(1, item, schema.items) for item in value)
    return _WRITERS[schema.kind](value)


def _write_item(number: int, value: Any, schema: Type) -> bytes:
    if schema.kind in ("integer", "boolean"):
        return write_number(number, int(value))
    if schema.kind == "number":
        return tag(number, FIXED64) + struct.pack("<d", value)
    return write_bytes(number, _write(value, schema))


def _write_struct(value: Object, schema: Type, message: str) -> bytes:
    package = message.rpartition(".")[0]
    out: list[bytes] = []
    for number, name in _table().get(message, {}).items():
        if name.startswith("@"):
            out.append(write_bytes(number, _write_struct(value, schema, f"{package}.{name[1:]}")))
        elif value.get(name) is not None and name in schema.fields:
            out.append(_write_field(number, value[name], schema.fields[name].type))
    return b"".join(out)


def _write_field(number: int, value: Any, schema: Type) -> bytes:
    if schema.kind == "map":
        entries = (write_bytes(1, key.encode()) + _write_item(2, value[key], schema.items) for key in sorted(value))
        return b"".join(write_bytes(number, entry) for entry in entries)
    if schema.kind == "list":
        return b"".join(_write_item(number, item, schema.items) for item in value)
    return _write_item(number, value, schema)


def encode_event(type: str, obj: Object) -> bytes:
    """A `WatchEvent` with an object, after its length in four bytes: one frame of a watch."""
    event = write_bytes(1, type.encode()) + write_bytes(2, write_bytes(1, encode(obj)))
    return len(event).to_bytes(4, "big") + event


def known(api_version: str, kind: str) -> bool:
    """Whether there are numbers for the fields of a kind."""
    schema = type_of(api_version, kind)
    return schema is not None and _message_name(schema) in _table()


def encode(obj: Object) -> bytes:
    """The body that carries an object. Raises `ProtobufError` for a kind without a schema."""
    api_version, kind = str(obj.get("apiVersion", "")), str(obj.get("kind", ""))
    schema = type_of(api_version, kind)
    if schema is None or _message_name(schema) not in _table():
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    meta = write_bytes(1, api_version.encode()) + write_bytes(2, kind.encode())
    return (
        MAGIC + write_bytes(1, meta) + write_bytes(2, _write(obj, schema)) + write_bytes(3, b"") + write_bytes(4, b"")
    )
