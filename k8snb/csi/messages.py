"""The messages of CSI: which calls there are, which fields they have, and how they look as bytes.

`messages.txt` is the specification's table of services, messages and enumerations. A message is a mapping with the
specification's field names; what it does not have is left out, as protocol buffers leave out what is empty, and an
enumeration's value is its name. `encode` makes the bytes that gRPC would carry, `decode` reads them.
Upstream: `csi.proto` of the CSI specification 1.12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from k8snb.machinery.wireformat import parts, signed, write_bytes, write_number

Message = Mapping[str, Any]


class Field(NamedTuple):
    """One field: its number, its type, and whether there may be several."""

    number: int
    type: str
    repeated: bool


class Specification(NamedTuple):
    """Services by call, fields by message, and names by enumeration."""

    services: Mapping[str, str]
    messages: Mapping[str, Mapping[str, Field]]
    enums: Mapping[str, Sequence[str]]


@cache
def specification() -> Specification:
    """What `messages.txt` says."""
    services: dict[str, str] = {}
    messages: dict[str, dict[str, Field]] = {}
    enums: dict[str, list[str]] = {}
    for line in Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines():
        kind, name, *words = line.split() if line[:1] not in ("", "#") else ("", "")
        if kind == "service":
            services |= dict.fromkeys(words, name)
        elif kind == "message":
            fields = messages.setdefault(name, {})
            for number, field, type in zip(words[::3], words[1::3], words[2::3], strict=True):
                fields[field] = Field(int(number), type.removeprefix("*"), type[0] == "*")
        elif kind == "enum":
            enums.setdefault(name, []).extend(words)
    return Specification(services, messages, enums)


def encode(name: str, message: Message) -> bytes:
    """The bytes of a message. KeyError for a field that the message does not have."""
    fields = specification().messages[name]
    found = {fields[key].number: (fields[key], value) for key, value in message.items()}
    return b"".join(_written(*found[number]) for number in sorted(found))


def _written(field: Field, value: Any) -> bytes:
    if field.type == "map":
        pairs = (_text(1, key) + _text(2, each) for key, each in sorted(value.items()))
        return b"".join(write_bytes(field.number, pair) for pair in pairs)
    values = value if field.repeated else [value]
    return b"".join(_one(field, each) for each in values)


def _one(field: Field, value: Any) -> bytes:
    enums = specification().enums
    if field.type in ("int", "bool") or field.type in enums:
        number = enums[field.type].index(value) if field.type in enums else int(value)
        return write_number(field.number, number) if number else b""
    if field.type == "string":
        return _text(field.number, value) if value or field.repeated else b""
    return write_bytes(field.number, encode(field.type, value))


def _text(number: int, value: str) -> bytes:
    return write_bytes(number, value.encode())


def decode(name: str, data: bytes) -> dict[str, Any]:
    """The message in some bytes; fields that nobody knows are passed over. Raises ProtobufError."""
    by_number = {field.number: (key, field) for key, field in specification().messages[name].items()}
    found: dict[str, Any] = {}
    for number, _kind, value in parts(data):
        if number not in by_number:
            continue
        key, field = by_number[number]
        if field.type == "map":
            pair = {n: each.decode() for n, _kind, each in parts(value)}
            found.setdefault(key, {})[pair.get(1, "")] = pair.get(2, "")
        elif field.repeated:
            found.setdefault(key, []).append(_read(field, value))
        else:
            found[key] = _read(field, value)
    return found


def _read(field: Field, value: Any) -> Any:
    enums = specification().enums
    if field.type in enums:
        return enums[field.type][value]
    if field.type == "int":
        return signed(value)
    if field.type == "bool":
        return bool(value)
    return value.decode() if field.type == "string" else decode(field.type, value)


def without_empty(message: Message) -> dict[str, Any]:
    """The message without what is empty: what it is once it has been bytes."""
    return {key: value for key, value in message.items() if value}
