"""Relabelling: rules that change, drop or keep a label set, one after the other.

It is how a target gets its address, path and labels from what discovery found (`relabel_configs`), and how samples are
renamed or thrown away after a scrape (`metric_relabel_configs`).
Source: `model/relabel/relabel.go`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.machinery.goregexp import GoRegexpError
from k8snb.metrics.labels import VALID_NAME, anchored
from k8snb.metrics.promql.functions import expanded

ACTIONS = (
    "replace", "keep", "drop", "keepequal", "dropequal", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase",
    "uppercase",
)  # fmt: skip
_NEEDS_TARGET = frozenset({"replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"})
_FIELDS = frozenset({"source_labels", "separator", "regex", "modulus", "target_label", "replacement", "action"})


class RelabelError(ValueError):
    """A rule that cannot be; the message is Prometheus'."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, with Prometheus' defaults. Raises RelabelError where it makes no sense."""

    source_labels: tuple[str, ...] = ()
    separator: str = ";"
    regex: str = "(.*)"
    modulus: int = 0
    target_label: str = ""
    replacement: str = "$1"
    action: str = "replace"

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise RelabelError(f'unknown relabel action "{self.action}"')
        if self.action in _NEEDS_TARGET and not self.target_label:
            raise RelabelError(f"relabel configuration for {self.action} action requires 'target_label' value")
        if self.action == "hashmod" and not self.modulus:
            raise RelabelError("relabel configuration for hashmod requires non-zero modulus")
        try:
            anchored(self.regex)
        except GoRegexpError as error:
            raise RelabelError(str(error)) from None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Rule:
        """The rule that a part of a configuration says. Raises RelabelError."""
        unknown = next((name for name in config if name not in _FIELDS), None)
        if unknown is not None:
            raise RelabelError(f"field {unknown} not found in type relabel.plain")
        given = {name: str(value) for name, value in config.items() if name not in ("source_labels", "modulus")}
        given["action"] = given.get("action", "replace").lower()
        return cls(tuple(config.get("source_labels", ())), modulus=int(config.get("modulus", 0)), **given)

    def applied(self, pairs: dict[str, str]) -> dict[str, str] | None:
        """The labels afterwards; None if they are dropped."""
        pattern = anchored(self.regex)
        text = self.separator.join(pairs.get(name, "") for name in self.source_labels)
        match self.action:
            case "keep" | "drop":
                return pairs if (pattern.search(text) is not None) == (self.action == "keep") else None
            case "keepequal" | "dropequal":
                same = text == pairs.get(self.target_label, "")
                return pairs if same == (self.action == "keepequal") else None
            case "labeldrop" | "labelkeep":
                keeps = self.action == "labelkeep"
                return {name: value for name, value in pairs.items() if bool(pattern.search(name)) == keeps}
            case "labelmap":
                return self._mapped(pairs, pattern)
            case "replace":
                return self._replaced(pairs, pattern, text)
        return {**pairs, self.target_label: self._computed(text)}

    def _computed(self, text: str) -> str:
        match self.action:
            case "lowercase":
                return text.lower()
            case "uppercase":
                return text.upper()
        return str(int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[8:]) % self.modulus)

    def _replaced(self, pairs: dict[str, str], pattern: re.Pattern[str], text: str) -> dict[str, str]:
        found = pattern.search(text)
        if found is None:
            return pairs
        target = expanded(self.target_label, found)
        if not VALID_NAME.fullmatch(target):
            return pairs
        value = expanded(self.replacement, found)
        return {**pairs, target: value} if value else {n: v for n, v in pairs.items() if n != target}

    def _mapped(self, pairs: dict[str, str], pattern: re.Pattern[str]) -> dict[str, str]:
        mapped = {
            expanded(self.replacement, found): value for name, value in pairs.items() if (found := pattern.search(name))
        }
        return {**pairs, **mapped}


def relabelled(pairs: Mapping[str, str], rules: Sequence[Rule]) -> dict[str, str] | None:
    """The labels after all rules; None if one of them dropped the set."""
    found: dict[str, str] | None = dict(pairs)
    for rule in rules:
        found = rule.applied(found or {})
        if found is None:
            return None
    return found


def steps(pairs: Mapping[str, str], rules: Sequence[Rule]) -> list[tuple[Rule, dict[str, str] | None]]:
    """Each rule with the labels after it, up to the one that drops them: what a reader looks at."""
    found: list[tuple[Rule, dict[str, str] | None]] = []
    here: dict[str, str] | None = dict(pairs)
    for rule in rules:
        here = rule.applied(here or {})
        found.append((rule, here))
        if here is None:
            break
    return found
