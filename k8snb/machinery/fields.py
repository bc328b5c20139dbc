"""Field selectors: `spec.nodeName=node-1,status.phase!=Running`.

Which fields a kind knows is the kind's to say; here a field is a name that the caller can look up. Parsed
texts are remembered.

Upstream: `apimachinery/pkg/fields/selector.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from k8snb.machinery.selectors import SelectorError

_SPLIT = re.compile(r"(?:[^\\,]|\\.|\\$)*", re.DOTALL)
_OPERATOR = re.compile("!=|==|=")
_ESCAPE = re.compile(r"\\(.?)|([,=])", re.DOTALL)


class Term(NamedTuple):
    """One condition: the field has the value, or (`negated`) has another one."""

    field: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.field}{'!=' if self.negated else '='}{escape(self.value)}"


class FieldSelector:
    """All of its terms must hold."""

    __slots__ = ("terms",)

    def __init__(self, terms: tuple[Term, ...]) -> None:
        self.terms = terms

    @property
    def empty(self) -> bool:
        """Whether it selects everything."""
        return not self.terms

    def matches(self, value_of: Callable[[str], str]) -> bool:
        """Whether it selects the object whose field values `value_of` tells; a field without a value is empty."""
        return all((value_of(field) != value) is negated for field, value, negated in self.terms)

    def exact(self, field: str) -> str | None:
        """The one value that it demands of a field, where it does."""
        for term in self.terms:
            if term.field == field and not term.negated:
                return term.value
        return None

    def __str__(self) -> str:
        return ",".join(map(str, self.terms))


def escape(value: str) -> str:
    """A value as it must stand in a field selector."""
    return re.sub(r"([\\,=])", r"\\\1", value)


def _unescape(value: str) -> str:
    def plain(match: re.Match[str]) -> str:
        if match[2]:
            raise SelectorError(f"invalid field selector: unescaped character in value: {ord(match[2])}")
        if match[1] not in ("\\", ",", "="):
            raise SelectorError(f"invalid field selector: invalid escape sequence: {match[0]}")
        return match[1]

    return _ESCAPE.sub(plain, value)


def _terms(text: str) -> list[str]:
    parts: list[str] = []
    at = 0
    while at <= len(text):
        match = _SPLIT.match(text, at)
        assert match is not None
        parts.append(match[0])
        at = match.end() + 1
    return sorted(part for part in parts if part)


def _term(part: str, text: str) -> Term:
    match = _OPERATOR.search(part)
    if match is None:
        raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")
    return Term(part[: match.start()], _unescape(part[match.end() :]), match[0] == "!=")


@lru_cache(maxsize=4096)
def parse(text: str) -> FieldSelector:
    """The selector that a text stands for. Raises `SelectorError`."""
    return FieldSelector(tuple(_term(part, text) for part in _terms(text)))
