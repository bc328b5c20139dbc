"""Resource quantities: `500m`, `1Gi`, `2e3` as exact numbers, and back to the text the API server stores.

A quantity is a whole number of nano-units (`1` is 1 000 000 000) together with the notation it was written
in. Python's integers are exact, so nothing is lost or rounded but what upstream rounds too: amounts below
one nano-unit go up to it, and binary amounts are capped at 2**63 - 1. The same few texts occur millions of
times, so everything that takes a text remembers its answers.

Upstream: `apimachinery/pkg/api/resource` (`quantity.go`, `suffix.go`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

DECIMAL_SI = "DecimalSI"
BINARY_SI = "BinarySI"
DECIMAL_EXPONENT = "DecimalExponent"

NANO = 10**9
"""How many nano-units make one unit."""

_BAD_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_BAD_SUFFIX = "unable to parse quantity's suffix"
_PARTS = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIXES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIXES = ("", *_BINARY)
_MOST = 2**63 - 1
_EXPONENT_LIMIT = 400
_CACHE = 1 << 16


class QuantityError(ValueError):
    """The text is not a quantity; the message is the API server's."""


class Quantity(NamedTuple):
    """An exact amount in nano-units and the notation it prints in."""

    nano: int
    format: str

    def __str__(self) -> str:
        return _print(self.nano, self.format)


class _Parsed(NamedTuple):
    quantity: Quantity
    text: str


def _suffix(text: str) -> tuple[int, str]:
    """What a suffix means: an exponent (of 2 for BinarySI, of 10 otherwise) and the notation."""
    if text in _DECIMAL:
        return _DECIMAL[text], DECIMAL_SI
    if text in _BINARY:
        return _BINARY[text], BINARY_SI
    if text[0] in "eE" and text[1:].lstrip("+-").isdigit() and abs(int(text[1:])) < 2**63:
        return int(text[1:]), DECIMAL_EXPONENT
    raise QuantityError(_BAD_SUFFIX)


def _up(numerator: int, denominator: int) -> int:
    """The quotient of two natural numbers, rounded up."""
    return -(-numerator // denominator)


def _nano(digits: str, places: int, exponent: int, format: str) -> int:
    """`digits`, the last `places` of which are fractional, scaled: in nano-units, rounded up."""
    amount = int(digits)
    if format == BINARY_SI:
        return min(_up(amount * NANO << exponent, 10**places), _MOST * NANO)
    power = max(-_EXPONENT_LIMIT, min(_EXPONENT_LIMIT, exponent)) - places + 9
    return amount * 10**power if power >= 0 else _up(amount, 10**-power)


def _is_canonical(digits: str, whole: str, places: int, exponent: int, format: str) -> bool:
    """Whether upstream keeps the text as it was written instead of printing it anew."""
    if format == BINARY_SI:
        small = len(whole) + int(exponent * 3 / 10) < 15
        return places == 0 and small and int(digits) & 7 != 0
    scale = exponent - places
    if len(digits) > 18 or scale < -9:
        return False
    return scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


@lru_cache(maxsize=_CACHE)
def _parse(text: str) -> _Parsed:
    parts = _PARTS.fullmatch(text) if text else None
    if parts is None:
        raise QuantityError(_BAD_FORMAT)
    sign, whole, fraction, suffix = parts.groups()
    exponent, format = _suffix(suffix)
    whole, fraction = whole or "0", fraction or ""
    digits, places = whole + fraction, len(fraction)
    nano = _nano(digits, places, exponent, format)
    quantity = Quantity(-nano if sign == "-" else nano, format)
    keep = nano and _is_canonical(digits, whole, places, exponent, format)
    return _Parsed(quantity, text if keep else str(quantity))


def _print(nano: int, format: str) -> str:
    if not nano:
        return "0"
    if format == BINARY_SI and nano % NANO == 0 and abs(nano) >= 1024 * NANO:
        return _print_binary(nano // NANO)
    return _print_decimal(nano, exponent=format == DECIMAL_EXPONENT)


def _print_binary(amount: int) -> str:
    step = 0
    while amount % 1024 == 0 and step < len(_BINARY_SUFFIXES) - 1:
        amount //= 1024
        step += 1
    return f"{amount}{_BINARY_SUFFIXES[step]}"


def _print_decimal(nano: int, *, exponent: bool) -> str:
    power = -9
    while nano % 1000 == 0:
        nano //= 1000
        power += 3
    if exponent:
        return f"{nano}e{power}" if power else str(nano)
    return f"{nano}{_DECIMAL_SUFFIXES.get(power, '')}"


def parse(text: str) -> Quantity:
    """The quantity a text stands for. Raises `QuantityError` with the API server's words."""
    return _parse(text).quantity


def canonical(value: Any) -> str:
    """The text the API server stores for a quantity in a request: `1000m` becomes `1`, `0.5` becomes `500m`.

    JSON numbers are taken as well. Raises `QuantityError`.
    """
    if type(value) is str:
        return _parse(value).text if value[:1].strip() and value[-1:].strip() else _parse(value.strip()).text
    if type(value) is float and value.is_integer() and abs(value) < 1e21:
        return _parse(str(int(value))).text
    return _parse(str(value)).text


@lru_cache(maxsize=_CACHE)
def value(text: str) -> int:
    """In whole units (bytes, pods), fractions rounded away from zero."""
    return scaled(parse(text).nano, NANO)


@lru_cache(maxsize=_CACHE)
def milli(text: str) -> int:
    """In thousandths (millicores), fractions rounded away from zero."""
    return scaled(parse(text).nano, NANO // 1000)


def scaled(nano: int, unit: int) -> int:
    """Nano-units counted in a unit of that many nano-units, rounded away from zero."""
    return _up(nano, unit) if nano >= 0 else -_up(-nano, unit)


def of_value(amount: int, format: str = DECIMAL_SI) -> str:
    """The text of whole units."""
    return _print(amount * NANO, format)


def of_milli(amount: int, format: str = DECIMAL_SI) -> str:
    """The text of thousandths."""
    return _print(amount * (NANO // 1000), format)


def compare(a: str, b: str) -> int:
    """-1, 0 or 1, as `a` is less than, equal to or greater than `b`."""
    x, y = parse(a).nano, parse(b).nano
    return (x > y) - (x < y)


def add(a: str, b: str) -> str:
    """The sum. It keeps the notation of `a`, or takes that of `b` where `a` is zero."""
    return _combine(a, b, 1)


def sub(a: str, b: str) -> str:
    """The difference, with the notation rule of `add`."""
    return _combine(a, b, -1)


def total(texts: Iterable[str]) -> str:
    """The sum of many; `0` of none."""
    result = "0"
    for text in texts:
        result = add(result, text)
    return result


def _combine(a: str, b: str, sign: int) -> str:
    x, y = parse(a), parse(b)
    return _print(x.nano + sign * y.nano, x.format if x.nano else y.format)
