"""Levels, versions and modes: what the labels of a namespace say.

Upstream: `pod-security-admission/api/helpers.go`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from k8snb.errors import FieldError, invalid_value

PREFIX = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")
"""From lax to strict."""

LATEST = 1 << 30
"""The version of those who want the newest rules, whatever they are."""

_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)")


class Level(NamedTuple):
    """A level of the rules of one version (the minor; `LATEST` for the newest)."""

    level: str = "privileged"
    version: int = LATEST

    def __str__(self) -> str:
        return f"{self.level}:{'latest' if self.version == LATEST else f'v1.{self.version}'}"

    @property
    def strictness(self) -> int:
        """The place of the level among the others."""
        return LEVELS.index(self.level)


class Policy(NamedTuple):
    """What a namespace enforces, notes in the audit log, and warns of."""

    enforce: Level = Level()
    audit: Level = Level()
    warn: Level = Level()


FREE = Policy()
"""The policy of a namespace that says nothing."""


def policy_of(labels: Mapping[str, str]) -> tuple[Policy, list[FieldError]]:
    """The policy of a namespace with these labels, and what is wrong with them.

    What cannot be read is taken as the strictest where it is enforced, and as nothing elsewhere.
    """
    if not any(key.startswith(PREFIX) for key in labels):
        return FREE, []
    errors: list[FieldError] = []
    modes = [_mode(labels, mode, errors) for mode in ("enforce", "audit", "warn")]
    return Policy(*modes), errors


def _mode(labels: Mapping[str, str], mode: str, errors: list[FieldError]) -> Level:
    key = PREFIX + mode
    level, version = labels.get(key, "privileged"), labels.get(f"{key}-version", "latest")
    if level not in LEVELS:
        errors.append(invalid_value(f"metadata.labels[{key}]", level, f"must be one of {', '.join(LEVELS)}"))
        level = "restricted" if mode == "enforce" else "privileged"
    matched = _VERSION.fullmatch(version)
    if matched is None and version != "latest":
        path = f"metadata.labels[{key}-version]"
        errors.append(invalid_value(path, version, 'must be "latest" or "v1.x"'))
    return Level(level, int(matched.group(1)) if matched else LATEST)
