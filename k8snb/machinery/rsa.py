"""RSA signatures (PKCS #1 v1.5 with SHA-256, which JOSE calls RS256 and certificates sha256WithRSAEncryption).

Pure Python, so that a cluster signs in a notebook in the browser too, and deterministic: the same key signs the same
bytes the same way. A signature takes a few milliseconds, a check a tenth of one.

A cluster in a notebook has keys that anybody can work out (`known`): they protect nothing, and the same notebook makes
the same tokens on every run. A served cluster makes keys of its own (`serving.py`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import cached_property, lru_cache

from k8snb.machinery import der

EXPONENT = 65537
BYTES = 256
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""The start of every DigestInfo with SHA-256."""

_OFFSETS = {
    "service accounts": (42, 312),
    "authority": (1128, 1264),
    "ingress controller": (436, 590),
    "example": (138, 2554),
}
"""How far from the numbers that a key's name stretches to its two primes are."""


class PublicKey:
    """What a signature is checked with: a 2048-bit modulus and the usual exponent."""

    def __init__(self, modulus: int, exponent: int = EXPONENT) -> None:
        self.modulus = modulus
        self.exponent = exponent

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature of a message is this key's."""
        if len(signature) != BYTES:
            return False
        opened = pow(int.from_bytes(signature), self.exponent, self.modulus)
        return opened == int.from_bytes(_padded(message))

    @cached_property
    def info(self) -> bytes:
        """The key as a DER `SubjectPublicKeyInfo`."""
        key = der.sequence(der.integer(self.modulus), der.integer(self.exponent))
        return der.sequence(der.sequence(der.oid("1.2.840.113549.1.1.1"), der.null()), der.bits(key))

    @cached_property
    def id(self) -> str:
        """What the API server calls the key: `kid`."""
        return url_safe(hashlib.sha256(self.info).digest())


class Key(PublicKey):
    """A private key, from its two primes."""

    def __init__(self, p: int, q: int) -> None:
        super().__init__(p * q)
        self._p, self._q = p, q
        private = self._private = pow(EXPONENT, -1, (p - 1) * (q - 1))
        self._dp, self._dq, self._inverse = private % (p - 1), private % (q - 1), pow(q, -1, p)

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        number = int.from_bytes(_padded(message))
        by_p, by_q = pow(number, self._dp, self._p), pow(number, self._dq, self._q)
        signed = by_q + (self._inverse * (by_p - by_q) % self._p) * self._q
        return signed.to_bytes(BYTES)

    @property
    def pem(self) -> bytes:
        """The key as a file has it (PKCS #1)."""
        numbers = (0, self.modulus, EXPONENT, self._private, self._p, self._q, self._dp, self._dq, self._inverse)
        return der.pem("RSA PRIVATE KEY", der.sequence(*map(der.integer, numbers)))


def from_der(data: bytes) -> Key:
    """The key in a DER `RSAPrivateKey`; raises DerError."""
    (whole,) = der.parts(data)
    numbers = [int.from_bytes(part.content) for part in whole.parts()]
    return Key(numbers[4], numbers[5])


def generated(bits: Callable[[int], int]) -> Key:
    """A new key; `bits` draws a number of so many bits."""
    return Key(_prime(bits), _prime(bits))


_WINDOW = 1 << 12


@lru_cache(maxsize=1)
def _small() -> list[int]:
    """The odd primes that a number is sieved by."""
    return [n for n in range(3, 1 << 14, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]


def _prime(bits: Callable[[int], int]) -> int:
    """A prime of 1024 bits: the first one above a random number (sieved, then tested by Fermat's theorem)."""
    while True:
        start = bits(8 * BYTES // 2) | 3 << 1022 | 1
        sieve = bytearray(_WINDOW)
        for small in _small():
            first = -start * (small + 1) // 2 % small
            sieve[first::small] = b"\x01" * len(range(first, _WINDOW, small))
        for at in range(_WINDOW):
            number = start + 2 * at
            if not sieve[at] and (number - 1) % EXPONENT and all(pow(base, number - 1, number) == 1 for base in (2, 3)):
                return number


def _padded(message: bytes) -> bytes:
    digest = _SHA256 + hashlib.sha256(message).digest()
    return b"\x00\x01" + b"\xff" * (BYTES - len(digest) - 3) + b"\x00" + digest


@lru_cache(maxsize=8)
def known(name: str) -> Key:
    """The key of that name, the same for everybody: no secret."""
    p, q = _OFFSETS[name]
    return Key(_stretched(f"k8snb {name} p") + p, _stretched(f"k8snb {name} q") + q)


def _stretched(text: str) -> int:
    digest = b"".join(hashlib.sha512(f"{text} {part}".encode()).digest() for part in range(2))
    return int.from_bytes(digest) | 3 << 1022 | 1


def url_safe(data: bytes) -> str:
    """Base64 as JOSE has it: for URLs, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_url_safe(text: str) -> bytes:
    """The bytes again; raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
