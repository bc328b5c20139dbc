"""Ed25519 signatures (RFC 8032), in plain Python, so that a notebook in a browser signs as well.

Points of the curve are kept in extended coordinates (x = X/Z, y = Y/Z, T = XY/Z), in which adding two needs no
division and knows no special cases. A signature or a check takes some ten milliseconds. How long that is tells
something of the key: it is for receipts, not for a server.
"""

from __future__ import annotations

from hashlib import sha512
from typing import NamedTuple

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
BYTES = 32
_D = -121665 * pow(121666, -1, PRIME) % PRIME
_ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)


class _Point(NamedTuple):
    x: int
    y: int
    z: int
    t: int

    def plus(self, other: _Point) -> _Point:
        a, b = (self.y - self.x) * (other.y - other.x), (self.y + self.x) * (other.y + other.x)
        c, d = 2 * self.t * other.t * _D, 2 * self.z * other.z
        e, f, g, h = (b - a) % PRIME, (d - c) % PRIME, (d + c) % PRIME, (b + a) % PRIME
        return _Point(e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)

    def times(self, number: int) -> _Point:
        total, power = _Point(0, 1, 1, 0), self
        while number:
            if number & 1:
                total = total.plus(power)
            power, number = power.plus(power), number >> 1
        return total

    def is_same(self, other: _Point) -> bool:
        across, up = self.x * other.z - other.x * self.z, self.y * other.z - other.y * self.z
        return across % PRIME == 0 and up % PRIME == 0

    @property
    def encoded(self) -> bytes:
        inverse = pow(self.z, -1, PRIME)
        x, y = self.x * inverse % PRIME, self.y * inverse % PRIME
        return (y | (x & 1) << 255).to_bytes(BYTES, "little")


def _decoded(data: bytes) -> _Point:
    """The point that bytes stand for. Raises ValueError if they stand for none."""
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if len(data) != BYTES or y >= PRIME:
        raise ValueError("no coordinate")
    square = (y * y - 1) * pow(_D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * _ROOT_OF_MINUS_ONE % PRIME
    if (x * x - square) % PRIME or (x == 0 and sign):
        raise ValueError("not on the curve")
    x = PRIME - x if x & 1 != sign else x
    return _Point(x, y, 1, x * y % PRIME)


_BASE = _decoded((4 * pow(5, -1, PRIME) % PRIME).to_bytes(BYTES, "little"))


def _expanded(secret: bytes) -> tuple[int, bytes]:
    """The number that a secret stands for, and what a signature's own number is made with."""
    digest = sha512(secret).digest()
    number = int.from_bytes(digest[:BYTES], "little")
    return number & (1 << 254) - 8 | 1 << 254, digest[BYTES:]


def _number(*parts: bytes) -> int:
    return int.from_bytes(sha512(b"".join(parts)).digest(), "little") % ORDER


def public_key(secret: bytes) -> bytes:
    """The public key of a secret of 32 bytes."""
    return _BASE.times(_expanded(secret)[0]).encoded


def sign(secret: bytes, message: bytes) -> bytes:
    """The signature of a message, 64 bytes: the same for the same secret and message."""
    number, prefix = _expanded(secret)
    once = _number(prefix, message)
    point, key = _BASE.times(once).encoded, public_key(secret)
    answer = (once + _number(point, key, message) * number) % ORDER
    return point + answer.to_bytes(BYTES, "little")


def verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature of a message is that of a public key's owner."""
    try:
        owner, point = _decoded(key), _decoded(signature[:BYTES])
    except ValueError:
        return False
    answer = int.from_bytes(signature[BYTES:], "little")
    if len(signature) != 2 * BYTES or answer >= ORDER:
        return False
    asked = _number(signature[:BYTES], key, message)
    return _BASE.times(answer).is_same(point.plus(owner.times(asked)))
