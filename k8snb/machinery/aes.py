"""AES in two modes, in plain Python: CBC with padding, and GCM.

For what is encrypted at rest in a cluster of this process; it takes its time and hides nothing from whoever measures
it, so it is for showing and for tests. A key has 16, 24 or 32 bytes. NIST: FIPS 197, SP 800-38A and SP 800-38D.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

BLOCK = 16
TAG = 16


class CipherError(ValueError):
    """What was to be decrypted is not what was encrypted with this key."""


def _double(byte: int) -> int:
    return ((byte << 1) ^ 0x1B) & 0xFF if byte & 0x80 else byte << 1


def _substitutions() -> bytes:
    """The S-box: inverses in GF(2⁸), bits mixed."""
    box = [0x63] * 256
    p = q = 1
    while True:
        p ^= _double(p)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        mixed = q
        for turn in range(1, 5):
            mixed ^= ((q << turn) | (q >> (8 - turn))) & 0xFF
        box[p] = mixed ^ 0x63
        if p == 1:
            return bytes(box)


_SUB = _substitutions()
_UNSUB = bytes(_SUB.index(value) for value in range(256))
_SHIFT = tuple((i + 4 * (i % 4)) % 16 for i in range(16))
_UNSHIFT = tuple((i - 4 * (i % 4)) % 16 for i in range(16))


def _times(factor: int) -> bytes:
    """The products of all bytes with a factor in GF(2⁸)."""
    found = bytearray(256)
    for byte in range(256):
        value, power, rest = 0, byte, factor
        while rest:
            if rest & 1:
                value ^= power
            power, rest = _double(power), rest >> 1
        found[byte] = value
    return bytes(found)


_MIX = tuple(map(_times, (2, 3, 1, 1)))
_UNMIX = tuple(map(_times, (14, 11, 13, 9)))


def _mixed(state: Sequence[int], tables: Sequence[bytes]) -> list[int]:
    a, b, c, d = tables
    out: list[int] = []
    for at in range(0, 16, 4):
        w, x, y, z = state[at : at + 4]
        out += (
            a[w] ^ b[x] ^ c[y] ^ d[z],
            d[w] ^ a[x] ^ b[y] ^ c[z],
            c[w] ^ d[x] ^ a[y] ^ b[z],
            b[w] ^ c[x] ^ d[y] ^ a[z],
        )
    return out


@lru_cache(maxsize=64)
def _round_keys(key: bytes) -> tuple[bytes, ...]:
    size = len(key) // 4
    words = [key[at : at + 4] for at in range(0, len(key), 4)]
    constant = 1
    for index in range(size, 4 * (size + 7)):
        word = words[-1]
        if index % size == 0:
            word = bytes(_SUB[byte] for byte in (*word[1:], word[0]))
            word = bytes((word[0] ^ constant, *word[1:]))
            constant = _double(constant)
        elif size == 8 and index % size == 4:
            word = bytes(_SUB[byte] for byte in word)
        words.append(_xor(words[index - size], word))
    return tuple(b"".join(words[at : at + 4]) for at in range(0, len(words), 4))


def _xor(a: Sequence[int], b: Sequence[int]) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """One block of 16 bytes, encrypted."""
    first, *middle, last = _round_keys(key)
    state: Sequence[int] = _xor(block, first)
    for round_key in middle:
        state = _xor(_mixed([_SUB[state[i]] for i in _SHIFT], _MIX), round_key)
    return _xor([_SUB[state[i]] for i in _SHIFT], last)


def decrypt_block(key: bytes, block: bytes) -> bytes:
    """One block of 16 bytes, decrypted."""
    first, *middle, last = _round_keys(key)
    state: Sequence[int] = [_UNSUB[(_xor(block, last))[i]] for i in _UNSHIFT]
    for round_key in reversed(middle):
        mixed = _mixed(_xor(state, round_key), _UNMIX)
        state = [_UNSUB[mixed[i]] for i in _UNSHIFT]
    return _xor(state, first)


# -- CBC ---------------------------------------------------------------------------------------------


def cbc_encrypt(key: bytes, start: bytes, plain: bytes) -> bytes:
    """The text, padded as PKCS #7 has it, block by block onto the one before; `start` is before the first."""
    padding = BLOCK - len(plain) % BLOCK
    plain += bytes([padding]) * padding
    found = [start]
    for at in range(0, len(plain), BLOCK):
        found.append(encrypt_block(key, _xor(plain[at : at + BLOCK], found[-1])))
    return b"".join(found[1:])


def cbc_decrypt(key: bytes, start: bytes, cipher: bytes) -> bytes:
    """What `cbc_encrypt` was given; raises CipherError where the padding shows that it was something else."""
    if not cipher or len(cipher) % BLOCK:
        raise CipherError("the stored data is not a multiple of the block size")
    blocks = [cipher[at : at + BLOCK] for at in range(0, len(cipher), BLOCK)]
    plain = b"".join(_xor(decrypt_block(key, each), last) for each, last in zip(blocks, (start, *blocks), strict=False))
    padding = plain[-1]
    if not 1 <= padding <= BLOCK or plain[-padding:] != bytes([padding]) * padding:
        raise CipherError("invalid padding on input")
    return plain[:-padding]


# -- GCM ---------------------------------------------------------------------------------------------


def gcm_encrypt(key: bytes, nonce: bytes, plain: bytes, beside: bytes) -> bytes:
    """The text and a tag by which a change of it, or of what is said `beside` it, is noticed. A nonce has 12 bytes."""
    cipher = _counted(key, nonce, plain)
    return cipher + _tag(key, nonce, cipher, beside)


def gcm_decrypt(key: bytes, nonce: bytes, sealed: bytes, beside: bytes) -> bytes:
    """What `gcm_encrypt` was given; raises CipherError where anything has been changed."""
    cipher, tag = sealed[:-TAG], sealed[-TAG:]
    if _tag(key, nonce, cipher, beside) != tag:
        raise CipherError("cipher: message authentication failed")
    return _counted(key, nonce, cipher)


def _counted(key: bytes, nonce: bytes, text: bytes) -> bytes:
    blocks = range(0, len(text), BLOCK)
    stream = b"".join(encrypt_block(key, nonce + (2 + i).to_bytes(4, "big")) for i in range(len(blocks)))
    return _xor(text, stream[: len(text)])


def _tag(key: bytes, nonce: bytes, cipher: bytes, beside: bytes) -> bytes:
    hash_key = int.from_bytes(encrypt_block(key, bytes(BLOCK)), "big")
    lengths = (8 * len(beside)).to_bytes(8, "big") + (8 * len(cipher)).to_bytes(8, "big")
    value = 0
    for part in (beside, cipher, lengths):
        for at in range(0, len(part), BLOCK):
            value = _product(value ^ int.from_bytes(part[at : at + BLOCK].ljust(BLOCK, b"\0"), "big"), hash_key)
    return _xor(value.to_bytes(BLOCK, "big"), encrypt_block(key, nonce + b"\0\0\0\1"))


def _product(x: int, y: int) -> int:
    """In GF(2¹²⁸), bits in GCM's order."""
    found = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            found ^= y
        y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
    return found
