"""An OpenAPI version 2 document as a protobuf message, for clients that ask for no other form.

The message types and field numbers are those of `OpenAPIv2.proto` in google/gnostic. Each type is a table:
the key of the JSON document, the field number, and how the value is written. A map becomes a repeated
message of name and value; what has no type of its own (extensions, defaults, values of an enum) travels as
YAML text, and JSON is YAML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

Write = Callable[[Any], bytes]
"""Turns a JSON value into the content of a length-delimited field."""

_LENGTH_DELIMITED = 2


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(content)) + content


def _flag(number: int) -> bytes:
    return _varint(number << 3) + b"\x01"


def _text(value: str) -> bytes:
    return value.encode()


def _any(value: Any) -> bytes:
    return _field(2, orjson.dumps(value) + b"\n")


def _named(write: Write) -> Write:
    """The name and value of one entry of a map."""
    return lambda pair: _field(1, _text(pair[0])) + _field(2, write(pair[1]))


def _map(number: int, write: Write) -> Write:
    """A message that is nothing but a map."""
    entry = _named(write)
    return lambda value: b"".join(_field(number, entry(pair)) for pair in value.items())


def _wrapped(number: int, write: Write) -> Write:
    """A message with one field, such as one branch of a oneof."""
    return lambda value: _field(number, write(value))


def _each(write: Write) -> Callable[[int, Any], bytes]:
    return lambda number, values: b"".join(_field(number, write(value)) for value in values)


def _one(write: Write) -> Callable[[int, Any], bytes]:
    return lambda number, value: _field(number, write(value))


def _bool(number: int, value: Any) -> bytes:
    return _flag(number) if value else b""


Fields = Mapping[str, tuple[int, Callable[[int, Any], bytes]]]

_TEXT, _TEXTS = _one(_text), _each(_text)
_EXTENSION = _named(_any)


def _message(fields: Fields, extensions: int, value: Mapping[str, Any]) -> bytes:
    """A message by its table; keys that begin with `x-` go to the field for extensions."""
    parts = []
    for key, item in value.items():
        if key in fields:
            number, write = fields[key]
            parts.append(write(number, item))
        elif extensions and key.startswith("x-"):
            parts.append(_field(extensions, _EXTENSION((key, item))))
    return b"".join(parts)


def _schema(value: Mapping[str, Any]) -> bytes:
    return _message(_SCHEMA, 31, value)


_SCHEMA: Fields = {
    "$ref": (1, _TEXT),
    "format": (2, _TEXT),
    "title": (3, _TEXT),
    "description": (4, _TEXT),
    "required": (19, _TEXTS),
    "enum": (20, _each(_any)),
    "additionalProperties": (21, _one(_wrapped(1, _schema))),
    "type": (22, _one(_wrapped(1, _text))),
    "items": (23, _one(_wrapped(1, _schema))),
    "properties": (25, _one(_map(1, _schema))),
}

_INFO: Fields = {"title": (1, _TEXT), "version": (2, _TEXT)}
_BODY: Fields = {
    "description": (1, _TEXT),
    "name": (2, _TEXT),
    "in": (3, _TEXT),
    "required": (4, _bool),
    "schema": (5, _one(_schema)),
}
_COMMON: Fields = {"required": (1, _bool), "in": (2, _TEXT), "description": (3, _TEXT), "name": (4, _TEXT)}
_QUERY: Fields = {**_COMMON, "type": (6, _TEXT), "uniqueItems": (20, _bool)}
_PATH: Fields = {**_COMMON, "type": (5, _TEXT), "uniqueItems": (19, _bool)}


def _parameter(value: Mapping[str, Any]) -> bytes:
    """A ParametersItem: the branches of three nested oneofs say where the parameter stands."""
    match value["in"]:
        case "body":
            branch = _field(1, _message(_BODY, 6, value))
        case "path":
            branch = _field(2, _field(4, _message(_PATH, 22, value)))
        case _:
            branch = _field(2, _field(3, _message(_QUERY, 23, value)))
    return _field(1, branch)


_RESPONSE: Fields = {"description": (1, _TEXT), "schema": (2, _one(_wrapped(1, _schema)))}


def _response(value: Mapping[str, Any]) -> bytes:
    return _field(1, _message(_RESPONSE, 5, value))


_OPERATION: Fields = {
    "tags": (1, _TEXTS),
    "description": (3, _TEXT),
    "operationId": (5, _TEXT),
    "produces": (6, _TEXTS),
    "consumes": (7, _TEXTS),
    "parameters": (8, _each(_parameter)),
    "responses": (9, _one(_map(1, _response))),
    "schemes": (10, _TEXTS),
}


def _operation(value: Mapping[str, Any]) -> bytes:
    return _message(_OPERATION, 13, value)


_ITEM: Fields = {
    "get": (2, _one(_operation)),
    "put": (3, _one(_operation)),
    "post": (4, _one(_operation)),
    "delete": (5, _one(_operation)),
    "patch": (8, _one(_operation)),
    "parameters": (9, _each(_parameter)),
}

_DOCUMENT: Fields = {
    "swagger": (1, _TEXT),
    "info": (2, _one(lambda value: _message(_INFO, 7, value))),
    "paths": (8, _one(_map(2, lambda value: _message(_ITEM, 10, value)))),
    "definitions": (9, _one(_map(1, _schema))),
}


def encode(document: Mapping[str, Any]) -> bytes:
    """The document as an `openapi.v2.Document`; how to authenticate is left out."""
    return _message(_DOCUMENT, 16, document)
