"""What a template consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is copied, or a quoted string in an expression."""

    value: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A number or a boolean."""

    value: Any


@dataclass(frozen=True, slots=True)
class Member:
    """`.name`"""

    name: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`.*`: every value of a map or list."""


@dataclass(frozen=True, slots=True)
class Recursive:
    """`..`: the value and everything below it."""


@dataclass(frozen=True, slots=True)
class Slice:
    """`[1]`, `[0:2]`, `[*]`, `[-1:]`. `derived` means that only the first number was written."""

    first: int | None
    end: int | None
    step: int | None
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Union:
    """`[0,2]`, `['a','b']`: the results of each, one after the other."""

    choices: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """`[?(@.a=="b")]`. The operator is `exists` where nothing is compared."""

    left: Path
    operator: str
    right: Path


@dataclass(frozen=True, slots=True)
class Word:
    """`range` or `end`; no other word means anything."""

    name: str


Node: TypeAlias = "Text | Literal | Member | Wildcard | Recursive | Slice | Union | Filter | Word | Path"


@dataclass(slots=True)
class Path:
    """What stands between two braces."""

    nodes: list[Node] = field(default_factory=list)
