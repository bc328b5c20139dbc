"""NaCl's secretbox in plain Python: XSalsa20 for the secret, Poly1305 for the seal.

A key has 32 bytes, a nonce 24. Bernstein, *Extending the Salsa20 nonce* and *The Poly1305-AES message-authentication
code*.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from k8snb.machinery.aes import CipherError

TAG = 16
_CONSTANT = struct.unpack("<4I", b"expand 32-byte k")
_MASK = 0xFFFFFFFF
_COLUMNS = ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11))
_ROWS = ((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14))


def seal(key: bytes, nonce: bytes, plain: bytes) -> bytes:
    """The tag, and the text that only the key can read."""
    stream = _stream(key, nonce, 32 + len(plain))
    cipher = bytes(a ^ b for a, b in zip(plain, stream[32:], strict=True))
    return _poly1305(stream[:32], cipher) + cipher


def open_sealed(key: bytes, nonce: bytes, sealed: bytes) -> bytes:
    """What `seal` was given; raises CipherError where anything has been changed."""
    tag, cipher = sealed[:TAG], sealed[TAG:]
    stream = _stream(key, nonce, 32 + len(cipher))
    if len(tag) < TAG or _poly1305(stream[:32], cipher) != tag:
        raise CipherError("output array was not large enough for encryption")
    return bytes(a ^ b for a, b in zip(cipher, stream[32:], strict=True))


def _rounds(state: Sequence[int]) -> list[int]:
    x = list(state)
    for _ in range(10):
        for a, b, c, d in (*_COLUMNS, *_ROWS):
            for to, one, two, turn in ((b, a, d, 7), (c, b, a, 9), (d, c, b, 13), (a, d, c, 18)):
                total = (x[one] + x[two]) & _MASK
                x[to] ^= (total << turn | total >> (32 - turn)) & _MASK
    return x


def _state(key: bytes, middle: bytes) -> list[int]:
    k, n = struct.unpack("<8I", key), struct.unpack("<4I", middle)
    c = _CONSTANT
    return [c[0], *k[:4], c[1], *n, c[2], *k[4:], c[3]]


def _stream(key: bytes, nonce: bytes, length: int) -> bytes:
    mixed = _rounds(_state(key, nonce[:16]))
    inner = struct.pack("<8I", *(mixed[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)))
    found = bytearray()
    for counter in range(-(-length // 64)):
        state = _state(inner, nonce[16:] + counter.to_bytes(8, "little"))
        found += struct.pack("<16I", *((a + b) & _MASK for a, b in zip(state, _rounds(state), strict=True)))
    return bytes(found[:length])


def _poly1305(key: bytes, text: bytes) -> bytes:
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(text), 16):
        total = (total + int.from_bytes(text[at : at + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:], "little")) % (1 << 128)).to_bytes(16, "little")
