"""Semantic versions in templates. Upstream: sprig's `semver.go`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.helm.semver import Constraint, SemverError, Version
from k8snb.machinery.gotemplate import FunctionError


class _VersionFields:
    """A version as templates see it: `.Major`, `.Minor`, `.Patch`, `.Prerelease`, `.Compare` …"""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.template_fields = {
            "Major": version.major, "Minor": version.minor, "Patch": version.patch,
            "Prerelease": version.prerelease, "Metadata": version.build, "Original": version.original,
            "String": str(version), "Compare": self.compare,
        }  # fmt: skip

    def compare(self, other: Any) -> int:
        """-1, 0 or 1."""
        if not isinstance(other, _VersionFields):
            raise FunctionError("Compare needs a version")
        return self.version.compare(other.version)

    def __str__(self) -> str:
        return str(self.version)


def _semver(text: str) -> Any:
    try:
        return _VersionFields(Version.read(text))
    except SemverError as error:
        raise FunctionError(str(error)) from None


def _semver_compare(constraint: str, version: str) -> bool:
    try:
        return Constraint.read(constraint).allows(Version.read(version))
    except SemverError as error:
        raise FunctionError(str(error)) from None


FUNCTIONS: Mapping[str, Callable[..., Any]] = {"semver": _semver, "semverCompare": _semver_compare}
"""By name."""
