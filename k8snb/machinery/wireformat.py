"""Protocol buffers on the wire: numbered fields, each an integer or bytes, one after the other.

What the numbers mean is for whoever knows the message: `protobuf` for Kubernetes' objects, `csi.messages` for the calls
of storage drivers. Upstream: the encoding that protobuf.dev describes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
EOF = "unexpected EOF"

Part = tuple[int, int, Any]
"""A field as it is on the wire: its number, its wire type, and an integer or bytes."""


class ProtobufError(ValueError):
    """The body is not what it should be; the message is the API server's."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """An integer at a place, and where the next thing begins; raises ProtobufError."""
    value = shift = 0
    while True:
        if at >= len(data):
            raise ProtobufError(EOF)
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), at
        shift += 7
        if shift >= 64:
            raise ProtobufError("proto: integer overflow")


def parts(data: bytes) -> Iterator[Part]:
    """The fields of a message in the order they are written."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise ProtobufError(f"proto: illegal tag 0 (wire type {kind})")
        if kind == VARINT:
            value, at = varint(data, at)
            yield number, kind, value
            continue
        if kind == BYTES:
            size, at = varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise ProtobufError(f"proto: illegal wireType {kind}")
        if at + size > len(data):
            raise ProtobufError(EOF)
        yield number, kind, data[at : at + size]
        at += size


def signed(value: int) -> int:
    """An integer of 64 bits as it is meant."""
    return value - 2**64 if value >= 2**63 else value


def tag(number: int, kind: int) -> bytes:
    """What stands before a field: its number and how it is written."""
    return write_varint(number << 3 | kind)


def write_varint(value: int) -> bytes:
    """An integer in as few bytes as it needs."""
    value &= 2**64 - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_bytes(number: int, data: bytes) -> bytes:
    """A field that is text or another message."""
    return tag(number, BYTES) + write_varint(len(data)) + data


def write_number(number: int, value: int) -> bytes:
    """A field that is an integer."""
    return tag(number, VARINT) + write_varint(value)
