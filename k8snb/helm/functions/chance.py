"""What is drawn by lot: random text and identifiers. The lots are handed in, so the same run draws the same.

Upstream: sprig's `strings.go` and `crypto.go`.
"""

from __future__ import annotations

import base64
import string
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.machinery.names import Lottery

_ALPHABETS = {
    "randAlpha": string.ascii_letters,
    "randAlphaNum": string.ascii_letters + string.digits,
    "randAscii": "".join(map(chr, range(32, 127))),
    "randNumeric": string.digits,
}


def functions(lottery: Lottery) -> Mapping[str, Callable[..., Any]]:
    """The functions, drawing from these lots."""

    def letters(alphabet: str) -> Callable[[int], str]:
        def drawn(count: int) -> str:
            return "".join(lottery.random.choices(alphabet, k=count))

        return drawn

    def shuffled(text: str) -> str:
        return "".join(lottery.random.sample(text, len(text)))

    def number(least: int, limit: int) -> int:
        return least + lottery.below(limit - least)

    def some_bytes(count: int) -> str:
        return base64.b64encode(lottery.random.randbytes(count)).decode()

    return {
        **{name: letters(alphabet) for name, alphabet in _ALPHABETS.items()},
        "randBytes": some_bytes,
        "randInt": number,
        "shuffle": shuffled,
        "uuidv4": lottery.uid,
    }
