"""Quantities, versions and named formats.

Upstream: `apiserver/pkg/cel/library/quantity.go`, `semverlib.go` and `format.go`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import total_ordering
from typing import ClassVar

from k8snb.machinery import formats, quantity
from k8snb.machinery.cel.functions import Library
from k8snb.machinery.cel.library.network import URL, _parse_url
from k8snb.machinery.cel.library.standard import parse_timestamp
from k8snb.machinery.cel.values import MAX_INT, MIN_INT, NOTHING, EvaluationError, Optional

NANO = 10**9


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A quantity; equal to another of the same amount in whatever notation."""

    cel_type: ClassVar[str] = "kubernetes.Quantity"
    amount: quantity.Quantity

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount.nano == other.amount.nano

    def __hash__(self) -> int:
        return hash(self.amount.nano)

    def __lt__(self, other: Quantity) -> bool:
        return self.amount.nano < other.amount.nano


def quantity_value(text: str) -> Quantity:
    """The quantity of that text. Raises EvaluationError."""
    try:
        return Quantity(quantity.parse(text))
    except quantity.QuantityError as error:
        raise EvaluationError(str(error)) from None


def _is_quantity(text: str) -> bool:
    try:
        quantity.parse(text)
    except quantity.QuantityError:
        return False
    return True


def _added(sign: int) -> Callable[[Quantity, Quantity | int], Quantity]:
    def added(a: Quantity, b: Quantity | int) -> Quantity:
        nano = b.amount.nano if isinstance(b, Quantity) else b * NANO
        return Quantity(quantity.Quantity(a.amount.nano + sign * nano, a.amount.format))

    return added


def _as_integer(a: Quantity) -> int:
    if not _is_integer(a):
        raise EvaluationError("cannot convert value to integer")
    return a.amount.nano // NANO


def _is_integer(a: Quantity) -> bool:
    return a.amount.nano % NANO == 0 and MIN_INT <= a.amount.nano // NANO <= MAX_INT


def _compared(a: Quantity | Semver, b: Quantity | Semver) -> int:
    return (a > b) - (a < b)  # type: ignore[operator]


QUANTITIES: Library = {
    "quantity(string) -> kubernetes.Quantity": quantity_value,
    "isQuantity(string) -> bool": _is_quantity,
    "kubernetes.Quantity::sign() -> int": lambda a: (a.amount.nano > 0) - (a.amount.nano < 0),
    "kubernetes.Quantity::add(kubernetes.Quantity) -> kubernetes.Quantity": _added(1),
    "kubernetes.Quantity::add(int) -> kubernetes.Quantity": _added(1),
    "kubernetes.Quantity::sub(kubernetes.Quantity) -> kubernetes.Quantity": _added(-1),
    "kubernetes.Quantity::sub(int) -> kubernetes.Quantity": _added(-1),
    "kubernetes.Quantity::isLessThan(kubernetes.Quantity) -> bool": lambda a, b: a < b,
    "kubernetes.Quantity::isGreaterThan(kubernetes.Quantity) -> bool": lambda a, b: a > b,
    "kubernetes.Quantity::compareTo(kubernetes.Quantity) -> int": _compared,
    "kubernetes.Quantity::asApproximateFloat() -> double": lambda a: a.amount.nano / NANO,
    "kubernetes.Quantity::asInteger() -> int": _as_integer,
    "kubernetes.Quantity::isInteger() -> bool": _is_integer,
}


# -- versions ------------------------------------------------------------------------------------------

_NUMBER = r"(0|[1-9]\d*)"
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Semver:
    """A semantic version; build metadata does not count in comparisons."""

    cel_type: ClassVar[str] = "kubernetes.Semver"
    numbers: tuple[int, int, int]
    pre: tuple[str, ...]

    def _order(self) -> tuple[object, ...]:
        parts = tuple((0, int(each), "") if each.isdigit() else (1, 0, each) for each in self.pre)
        return (self.numbers, not self.pre, parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self._order() == other._order()

    def __hash__(self) -> int:
        return hash(self._order())

    def __lt__(self, other: Semver) -> bool:
        return self._order() < other._order()


def _parse_semver(text: str, normalize: bool = False) -> Semver | None:
    if normalize:
        core, mark, rest = re.sub("^v", "", text.strip()), "", ""
        if (found := re.search("[-+]", core)) is not None:
            core, mark, rest = core[: found.start()], found[0], core[found.end() :]
        parts = [str(int(each)) if each.isdigit() else each for each in core.split(".")]
        text = ".".join([*parts, *["0"] * (3 - len(parts))]) + mark + rest
    match = _SEMVER.fullmatch(text)
    if match is None:
        return None
    pre = tuple(match[4].split(".")) if match[4] else ()
    return Semver((int(match[1]), int(match[2]), int(match[3])), pre)


def version_value(text: str, normalize: bool = False) -> Semver:
    """The version of that text. Raises EvaluationError."""
    found = _parse_semver(text, normalize)
    if found is None:
        why = "Version string empty" if not text else "No Major.Minor.Patch elements found"
        raise EvaluationError(why)
    return found


VERSIONS: Library = {
    "semver(string) -> kubernetes.Semver": version_value,
    "semver(string, bool) -> kubernetes.Semver": version_value,
    "isSemver(string) -> bool": lambda text: _parse_semver(text) is not None,
    "isSemver(string, bool) -> bool": lambda text, normalize: _parse_semver(text, normalize) is not None,
    "kubernetes.Semver::major() -> int": lambda a: a.numbers[0],
    "kubernetes.Semver::minor() -> int": lambda a: a.numbers[1],
    "kubernetes.Semver::patch() -> int": lambda a: a.numbers[2],
    "kubernetes.Semver::isLessThan(kubernetes.Semver) -> bool": lambda a, b: a < b,
    "kubernetes.Semver::isGreaterThan(kubernetes.Semver) -> bool": lambda a, b: a > b,
    "kubernetes.Semver::compareTo(kubernetes.Semver) -> int": _compared,
}


# -- named formats -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedFormat:
    """A rule for texts with a name."""

    cel_type: ClassVar[str] = "kubernetes.NamedFormat"
    name: str


Check = Callable[[str], tuple[str, ...]]


def _prefixed(check: Check) -> Check:
    """The rule for a prefix that a name will be made from."""
    return lambda text: check(text[:-1] + "a" if text.endswith("-") and len(text) > 1 else text)


def _uri(text: str) -> tuple[str, ...]:
    found = _parse_url(text)
    return () if isinstance(found, URL) else (found,)


_UUID = re.compile("[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)


def _uuid(text: str) -> tuple[str, ...]:
    return () if _UUID.fullmatch(text) else ("does not match the UUID format",)


def _byte(text: str) -> tuple[str, ...]:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ("invalid base64",)
    return ()


def _date(text: str) -> tuple[str, ...]:
    return () if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", text) else ("invalid date",)


def _date_time(text: str) -> tuple[str, ...]:
    try:
        parse_timestamp(text)
    except EvaluationError:
        return ("invalid datetime",)
    return ()


FORMATS: Mapping[str, Check] = {
    "dns1123Label": formats.dns_label,
    "dns1123Subdomain": formats.dns_subdomain,
    "dns1035Label": formats.dns1035_label,
    "qualifiedName": formats.qualified_name,
    "dns1123LabelPrefix": _prefixed(formats.dns_label),
    "dns1123SubdomainPrefix": _prefixed(formats.dns_subdomain),
    "dns1035LabelPrefix": _prefixed(formats.dns1035_label),
    "labelValue": formats.label_value,
    "uri": _uri,
    "uuid": _uuid,
    "byte": _byte,
    "date": _date,
    "datetime": _date_time,
}


def _named(text: str) -> Optional:
    return Optional(NamedFormat(text), True) if text in FORMATS else NOTHING


def _validated(named: NamedFormat, text: str) -> Optional:
    found = FORMATS[named.name](text)
    return Optional(list(found), True) if found else NOTHING


def _constant(name: str) -> Callable[[], NamedFormat]:
    return lambda: NamedFormat(name)


NAMED_FORMATS: Library = {
    **{f"format.{name}() -> kubernetes.NamedFormat": _constant(name) for name in FORMATS},
    "format.named(string) -> optional_type(kubernetes.NamedFormat)": _named,
    "kubernetes.NamedFormat::validate(string) -> optional_type(list(string))": _validated,
}
