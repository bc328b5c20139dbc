"""Numbers as Prometheus writes and reads them.

Source: Go's `strconv.FormatFloat(v, 'f', -1, 64)` and `ParseFloat`, which the HTTP API and the exposition format use.
"""

from __future__ import annotations

import math
from decimal import Decimal


def shown(number: float) -> str:
    """The shortest text that reads back as this number, never with an exponent: `0.25`, `1`, `+Inf`, `NaN`."""
    if number != number:
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    if number == int(number) and abs(number) < 1e15:
        return "-0" if number == 0 and math.copysign(1, number) < 0 else str(int(number))
    return f"{Decimal(repr(number)):f}".removesuffix(".0")


def read(text: str) -> float:
    """The number that a text says. Raises ValueError."""
    plain = text.strip().lower().removeprefix("+")
    if "_" in plain:
        raise ValueError(f"not a number: {text!r}")
    if plain.removeprefix("-").startswith("0x"):
        return float.fromhex(plain) if "p" in plain or "." in plain else float(int(plain, 16))
    return float(plain)
