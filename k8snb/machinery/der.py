"""DER, the way in which certificates and their requests are written: the few types that they need (X.690)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import NamedTuple

INTEGER, BITS, OCTETS, NULL, OID, UTF8, PRINTABLE = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13
UTC_TIME, GENERALIZED, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31


class DerError(ValueError):
    """The bytes are not DER."""


class Part(NamedTuple):
    """One value: its tag, its content, and all of its bytes."""

    tag: int
    content: bytes
    whole: bytes

    def parts(self) -> list[Part]:
        """The values inside."""
        return list(parts(self.content))


def parts(data: bytes) -> Iterator[Part]:
    """The values that follow one another in `data`; raises DerError."""
    at = 0
    while at < len(data):
        start, tag = at, data[at]
        size, at = _length(data, at + 1)
        if at + size > len(data):
            raise DerError("value runs over the end")
        yield Part(tag, data[at : at + size], data[start : at + size])
        at += size


def _length(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise DerError("no length")
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 0 < count <= 4 or at + 1 + count > len(data):
        raise DerError("bad length")
    return int.from_bytes(data[at + 1 : at + 1 + count]), at + 1 + count


def value(tag: int, content: bytes) -> bytes:
    """A value with its tag and length."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*items: bytes) -> bytes:
    return value(SEQUENCE, b"".join(items))


def set_of(*items: bytes) -> bytes:
    return value(SET, b"".join(items))


def integer(number: int) -> bytes:
    return value(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def null() -> bytes:
    return value(NULL, b"")


def bits(content: bytes, unused: int = 0) -> bytes:
    return value(BITS, bytes((unused,)) + content)


def octets(content: bytes) -> bytes:
    return value(OCTETS, content)


def text(content: str) -> bytes:
    return value(UTF8, content.encode())


def boolean(flag: bool) -> bytes:
    return value(0x01, b"\xff" if flag else b"\x00")


def oid(dotted: str) -> bytes:
    """An object identifier."""
    numbers = [int(each) for each in dotted.split(".")]
    content = bytearray((numbers[0] * 40 + numbers[1],))
    for number in numbers[2:]:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(number & 0x7F | 0x80)
        content += bytes(reversed(digits))
    return value(OID, bytes(content))


def dotted(content: bytes) -> str:
    """The content of an object identifier, as `1.2.840.…`."""
    if not content:
        raise DerError("empty object identifier")
    numbers = [*divmod(content[0], 40)] if content[0] < 80 else [2, content[0] - 80]
    number = 0
    for byte in content[1:]:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(number)
            number = 0
    return ".".join(map(str, numbers))


# -- PEM -----------------------------------------------------------------------------------------------


def pem(label: str, content: bytes) -> bytes:
    """Bytes between BEGIN and END lines."""
    coded = base64.b64encode(content).decode()
    lines = [coded[at : at + 64] for at in range(0, len(coded), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def from_pem(data: bytes) -> tuple[str, bytes] | None:
    """Label and content of the first PEM block; None if there is none."""
    _, begin, rest = data.decode("ascii", "replace").partition("-----BEGIN ")
    label, dashes, rest = rest.partition("-----")
    body, end, _ = rest.partition(f"-----END {label}-----")
    if not (begin and dashes and end):
        return None
    try:
        return label, base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error:
        return None
