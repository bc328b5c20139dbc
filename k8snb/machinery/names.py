"""Names, UIDs and everything else that is drawn by lot, from one seeded generator.

Upstream: `apimachinery/pkg/util/rand` (27 letters without vowels, so that no words appear) and
`apiserver/pkg/storage/names`.
"""

from __future__ import annotations

import random

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)
_TRIPLES = tuple(a + b for a in _PAIRS for b in ALPHABET)
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
MAX_GENERATED_PREFIX = 58
"""A generated name is a prefix of at most this many characters plus five random ones."""


_UIDS = 256
"""How many UIDs are drawn at once."""


class Lottery:
    """The cluster's only source of randomness. The same seed draws the same lots."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._uids: list[str] = []
        """Those drawn already, the next one last."""

    def suffix(self) -> str:
        """Five random letters, as `generateName` appends them."""
        draw = self.random.random
        return _TRIPLES[int(draw() * 19683)] + _PAIRS[int(draw() * 729)]

    def letters(self, count: int) -> str:
        """`count` random letters of the alphabet."""
        return "".join(self.random.choices(ALPHABET, k=count))

    def uid(self) -> str:
        """A random UUID, version 4."""
        if not self._uids:
            digits = self.random.randbytes(16 * _UIDS).hex()
            self._uids = [_uid(digits[at : at + 32]) for at in range(len(digits) - 32, -1, -32)]
        return self._uids.pop()

    def below(self, limit: int) -> int:
        """A random integer from 0 up to but not including `limit`."""
        return int(self.random.random() * limit)


def _uid(d: str) -> str:
    """32 hexadecimal digits as a UUID, version 4."""
    return f"{d[:8]}-{d[8:12]}-4{d[13:16]}-{_VARIANTS[d[16]]}{d[17:20]}-{d[20:]}"


def generated(prefix: str, suffix: str) -> str:
    """The name that `generateName: prefix` becomes."""
    return prefix[:MAX_GENERATED_PREFIX] + suffix


def encode_safe(text: str) -> str:
    """`text` in letters that form no words (upstream's `SafeEncodeString`, used in template hashes)."""
    return "".join(ALPHABET[ord(character) % len(ALPHABET)] for character in text)
