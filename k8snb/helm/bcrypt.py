"""bcrypt in pure Python: Blowfish whose key schedule is made slow on purpose.

The tables of Blowfish are the digits of pi and are worked out from it. The work factor is the least that bcrypt allows
(4; helm's is 10, which would take Python a quarter of a minute), so the hashes are right and quickly made.

Upstream: `golang.org/x/crypto/bcrypt` and `blowfish`.
"""

from __future__ import annotations

import struct
from functools import lru_cache

COST = 4
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_MASK = 0xFFFFFFFF
_ROUNDS = 16
_WORDS = _ROUNDS + 2 + 4 * 256
_MAGIC = b"OrpheanBeholderScryDoubt"


def hashed(password: bytes, salt: bytes) -> str:
    """The hash of a password with 16 bytes of salt: `$2a$04$…`."""
    key = (password + b"\0")[:72]
    state = _State()
    state.expand(key, salt)
    for _ in range(1 << COST):
        state.expand(key)
        state.expand(salt)
    words = list(struct.unpack(">6I", _MAGIC))
    for at in range(0, 6, 2):
        for _ in range(64):
            words[at], words[at + 1] = state.encipher(words[at], words[at + 1])
    return f"$2a${COST:02d}${_coded(salt)}{_coded(struct.pack('>6I', *words)[:23])}"


class _State:
    """Blowfish's subkeys and boxes."""

    def __init__(self) -> None:
        words = _pi_words()
        self.keys = list(words[: _ROUNDS + 2])
        self.boxes = [list(words[at : at + 256]) for at in range(_ROUNDS + 2, _WORDS, 256)]

    def encipher(self, left: int, right: int) -> tuple[int, int]:
        keys = self.keys
        a, b, c, d = self.boxes
        for at in range(0, _ROUNDS, 2):
            left ^= keys[at]
            right ^= ((a[left >> 24] + b[left >> 16 & 255] ^ c[left >> 8 & 255]) + d[left & 255]) & _MASK
            right ^= keys[at + 1]
            left ^= ((a[right >> 24] + b[right >> 16 & 255] ^ c[right >> 8 & 255]) + d[right & 255]) & _MASK
        return right ^ keys[17], left ^ keys[16]

    def expand(self, key: bytes, salt: bytes = b"") -> None:
        """Mix a key into the subkeys, then the subkeys (and the salt) into everything."""
        stretched = key * (4 * len(self.keys) // len(key) + 1)
        mixed = struct.unpack(f">{len(self.keys)}I", stretched[: 4 * len(self.keys)])
        self.keys = [mine ^ yours for mine, yours in zip(self.keys, mixed, strict=True)]
        salted = struct.unpack(">4I", salt) if salt else (0, 0, 0, 0)
        left = right = turn = 0
        for table in (self.keys, *self.boxes):
            for at in range(0, len(table), 2):
                left, right = self.encipher(left ^ salted[turn], right ^ salted[turn + 1])
                turn ^= 2
                table[at], table[at + 1] = left, right


@lru_cache(maxsize=1)
def _pi_words() -> tuple[int, ...]:
    """The digits of pi behind the point, 32 bits each (by Machin's formula)."""
    bits = 32 * _WORDS + 64
    pi = 4 * (4 * _arctan(5, bits) - _arctan(239, bits))
    digits = (pi & ((1 << bits) - 1)) >> 64
    return tuple(digits >> 32 * (_WORDS - 1 - at) & _MASK for at in range(_WORDS))


def _arctan(inverse: int, bits: int) -> int:
    term = total = (1 << bits) // inverse
    square, divisor, sign = inverse * inverse, 3, -1
    while term:
        term //= square
        total += sign * (term // divisor)
        divisor, sign = divisor + 2, -sign
    return total


def _coded(data: bytes) -> str:
    """bcrypt's own base64, without padding."""
    number, length = int.from_bytes(data), -(-len(data) * 8 // 6)
    number <<= length * 6 - len(data) * 8
    return "".join(_ALPHABET[number >> 6 * at & 63] for at in range(length - 1, -1, -1))
