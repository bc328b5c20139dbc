"""Semantic versions and the constraints that charts put on them. Upstream: Masterminds/semver v3.

A constraint is alternatives (`||`) of conditions that must all hold (`,` or a space): `>=1.29.0-0 <2`, `~1.2`, `^0.3`,
`1.x`, `1.2 - 1.4`. A version with a pre-release fits only where a condition names one too, hence charts' `-0`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_NUMBERS = r"v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?"
_REST = r"(-([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?(\+([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?"
_VERSION = re.compile(_NUMBERS + _REST)
_PART = r"v?([0-9]+|[xX*])(\.(?:[0-9]+|[xX*]))?(\.(?:[0-9]+|[xX*]))?" + _REST
_OPERATORS = "|".join(map(re.escape, ("!=", ">=", "=>", "<=", "=<", "~>", "==", "=", ">", "<", "~", "^", "")))
_CONDITION = re.compile(rf"({_OPERATORS})\s*{_PART}")
_ALTERNATIVE = re.compile(rf"\s*(?:{_OPERATORS})\s*{_PART}\s*(?:(?:(?<=\s)|,\s*)(?:{_OPERATORS})\s*{_PART}\s*)*")
_RANGE = re.compile(rf"\s*({_PART})\s+-\s+({_PART})\s*")


class SemverError(ValueError):
    """The text is no version, or no constraint."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version; `original` is how it was written."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""
    build: str = ""
    original: str = ""

    @staticmethod
    def read(text: str) -> Version:
        """The version that a text is; missing numbers are 0. Raises SemverError."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise SemverError("Invalid Semantic Version" if text else "Version string empty")
        major, minor, patch = (int((part or ".0").lstrip(".")) for part in match.groups()[:3])
        return Version(major, minor, patch, match[5] or "", match[8] or "", text)

    @staticmethod
    def strict(text: str) -> Version:
        """A version that is written out in full, as Chart.yaml wants it."""
        version = Version.read(text)
        if not re.match(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", text):
            raise SemverError("Invalid Semantic Version")
        return version

    def __str__(self) -> str:
        rest = (f"-{self.prerelease}" if self.prerelease else "") + (f"+{self.build}" if self.build else "")
        return f"{self.major}.{self.minor}.{self.patch}{rest}"

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Major, minor and patch."""
        return self.major, self.minor, self.patch

    def compare(self, other: Version) -> int:
        """-1, 0 or 1, as this one is before, like or after the other."""
        mine, yours = self.sort_key, other.sort_key
        return (mine > yours) - (mine < yours)

    @property
    def sort_key(self) -> tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
        """Versions in order are their keys in order: a pre-release comes before its release."""
        parts = self.prerelease.split(".") if self.prerelease else []
        ranked = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)
        return self.numbers, not self.prerelease, ranked


@dataclass(frozen=True, slots=True)
class _Condition:
    """An operator and a version; `open` says which of its numbers were left open: `major`, `minor`, `patch` or none."""

    operator: str
    version: Version
    open: str = ""

    def allows(self, version: Version) -> bool:
        order = version.compare(self.version)
        match self.operator:
            case "!=":
                return self._differs(version)
            case ">":
                return self._beyond(version) if self.open else order > 0
            case "<":
                return order < 0
            case ">=" | "=>":
                return order >= 0
            case "<=" | "=<":
                return self._up_to(version) if self.open else order <= 0
            case "~" | "~>":
                return self._tilde(version)
            case "^":
                return order >= 0 and self._caret(version)
        return self._tilde(version) if self.open else order == 0

    def _differs(self, version: Version) -> bool:
        mine, theirs = self.version.numbers, version.numbers
        known = {"minor": 1, "patch": 2}.get(self.open, 3)
        if mine[:known] != theirs[:known]:
            return True
        return version.prerelease != self.version.prerelease if known != 1 else False

    def _beyond(self, version: Version) -> bool:
        mine, theirs = self.version.numbers, version.numbers
        if mine[0] != theirs[0] or self.open == "minor":
            return theirs[0] > mine[0]
        return theirs[1] > mine[1] if self.open == "patch" else version.compare(self.version) > 0

    def _up_to(self, version: Version) -> bool:
        mine, theirs = self.version.numbers, version.numbers
        if theirs[0] > mine[0]:
            return False
        return not (theirs[0] == mine[0] and theirs[1] > mine[1] and self.open != "minor")

    def _tilde(self, version: Version) -> bool:
        if version.compare(self.version) < 0:
            return False
        mine, theirs = self.version.numbers, version.numbers
        if mine == (0, 0, 0) and self.open not in ("minor", "patch"):
            return True
        return mine[0] == theirs[0] and (mine[1] == theirs[1] or self.open == "minor")

    def _caret(self, version: Version) -> bool:
        mine, theirs = self.version.numbers, version.numbers
        if mine[0] or self.open == "minor":
            return theirs[0] == mine[0]
        if mine[1] or self.open == "patch":
            return theirs[:2] == mine[:2]
        return theirs == mine


@dataclass(frozen=True, slots=True)
class Constraint:
    """Alternatives of conditions."""

    alternatives: Sequence[Sequence[_Condition]]

    @staticmethod
    @lru_cache(maxsize=1024)
    def read(text: str) -> Constraint:
        """The constraint that a text is. Raises SemverError."""
        whole = _RANGE.sub(lambda match: f" >= {match[1]}, <= {match[match.re.groups // 2 + 1]} ", text)
        return Constraint(tuple(_conditions(part, text) for part in whole.split("||")))

    def allows(self, version: Version) -> bool:
        """Whether a version fits."""
        return any(_all_allow(conditions, version) for conditions in self.alternatives)


def _all_allow(conditions: Sequence[_Condition], version: Version) -> bool:
    if version.prerelease and not any(condition.version.prerelease for condition in conditions):
        return False
    return all(condition.allows(version) for condition in conditions)


def _conditions(text: str, whole: str) -> tuple[_Condition, ...]:
    if not _ALTERNATIVE.fullmatch(text):
        raise SemverError(f"improper constraint: {whole}")
    return tuple(_condition(match) for match in _CONDITION.finditer(text))


def _condition(match: re.Match[str]) -> _Condition:
    operator, *parts = match.groups()[:4]
    numbers, left_open = [0, 0, 0], ""
    for at, (name, part) in enumerate(zip(("major", "minor", "patch"), parts, strict=True)):
        plain = (part or "").lstrip(".")
        if not plain.isdigit():
            left_open = name
            break
        numbers[at] = int(plain)
    major, minor, patch = numbers
    return _Condition(operator, Version(major, minor, patch, match[6] or ""), left_open)


def compatible(constraint: str, version: str) -> bool:
    """Whether a version fits a constraint; what cannot be read does not."""
    try:
        return Constraint.read(constraint).allows(Version.read(version))
    except SemverError:
        return False
