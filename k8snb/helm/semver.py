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
_OPERATORS = r"=|==|!=|>=|=>|<=|=<|>|<|~>|~|\^|"
_CONDITION = re.compile(
    rf"\s*({'|'.join(sorted(map(re.escape, _OPERATORS.split('|')), key=len, reverse=True))})\s*{_PART}"
)
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
    operator: str
    version: Version
    dirty: str = ""
    """Which number was left open: `major`, `minor`, `patch` or none."""

    def allows(self, version: Version) -> bool:
        if version.prerelease and not self.version.prerelease and self.operator != "!=":
            return False
        order = version.compare(self.version)
        match self.operator:
            case "!=":
                return order != 0 if not self.dirty else not self._within(version)
            case ">":
                return order > 0 and (not self.dirty or not self._within(version))
            case "<":
                return order < 0
            case ">=" | "=>":
                return order >= 0
            case "<=" | "=<":
                return order <= 0 or bool(self.dirty and self._within(version))
            case "~" | "~>":
                return order >= 0 and self._tilde(version)
            case "^":
                return order >= 0 and self._caret(version)
        return self._tilde(version) and order >= 0 if self.dirty else order == 0

    def _within(self, version: Version) -> bool:
        """Whether it agrees in all numbers that were not left open."""
        known = {"major": 0, "minor": 1, "patch": 2, "": 3}[self.dirty]
        return version.numbers[:known] == self.version.numbers[:known]

    def _tilde(self, version: Version) -> bool:
        if self.dirty == "major":
            return True
        same_minor = self.dirty != "minor"
        return version.numbers[: 1 + same_minor] == self.version.numbers[: 1 + same_minor]

    def _caret(self, version: Version) -> bool:
        mine, theirs = self.version.numbers, version.numbers
        if self.dirty == "major":
            return True
        if mine[0] or self.dirty == "minor":
            return theirs[0] == mine[0]
        if mine[1] or self.dirty == "patch":
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
        return Constraint(tuple(tuple(_conditions(part, text)) for part in text.split("||")))

    def allows(self, version: Version) -> bool:
        """Whether a version fits."""
        return any(all(condition.allows(version) for condition in each) for each in self.alternatives)


def _conditions(text: str, whole: str) -> list[_Condition]:
    text = _RANGE.sub(lambda match: f" >={match[1]} <={match[match.re.groups // 2 + 1]} ", text)
    found, at = [], 0
    while at < len(text.rstrip(" ,")):
        match = _CONDITION.match(text, at)
        if match is None or (match.end() < len(text) and text[match.end()] not in " ,\t"):
            raise SemverError(f"improper constraint: {whole}")
        found.append(_condition(match))
        at = match.end()
        while at < len(text) and text[at] in " ,\t":
            at += 1
    if not found:
        raise SemverError(f"improper constraint: {whole}")
    return found


def _condition(match: re.Match[str]) -> _Condition:
    operator, *parts = match.groups()[:4]
    numbers, dirty = [], ""
    for name, part in zip(("major", "minor", "patch"), parts, strict=True):
        plain = (part or "").lstrip(".")
        if not dirty and plain.isdigit():
            numbers.append(int(plain))
        else:
            dirty = dirty or name
            numbers.append(0)
    major, minor, patch = numbers
    return _Condition(operator, Version(major, minor, patch, "" if dirty else match[6] or ""), dirty)


def compatible(constraint: str, version: str) -> bool:
    """Whether a version fits a constraint; what cannot be read does not."""
    try:
        return Constraint.read(constraint).allows(Version.read(version))
    except SemverError:
        return False
