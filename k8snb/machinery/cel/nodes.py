"""The syntax tree of CEL, and what is said where an expression is wrong.

Every node knows at which character it stands: the place that an error points at is that of the operator, of the dot
of a field, of the parenthesis of a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


class CompileError(Exception):
    """What is wrong with an expression: a place and a message for each finding."""

    def __init__(self, source: str, findings: list[tuple[int, str]]) -> None:
        self.findings = findings
        super().__init__("\n".join(_excerpt(source, at, message) for at, message in findings))


def _excerpt(source: str, at: int, message: str) -> str:
    """A finding with the line that it is about and a caret under its place."""
    before = source[:at]
    line = before.count("\n") + 1
    column = at - (before.rfind("\n") + 1)
    lines = source.split("\n")
    text = lines[line - 1].replace("\t", " ") if line <= len(lines) else ""
    dots = "".join("." if ord(each) < 128 else "．" for each in text[:column])
    dots += "." * (column - len(dots))
    mark = "＾" if column < len(text) and ord(text[column]) > 127 else "^"
    return f"ERROR: <input>:{line}:{column + 1}: {message}\n | {text}\n | {dots}{mark}"


@dataclass(slots=True, eq=False)
class Literal:
    at: int
    value: Any


@dataclass(slots=True, eq=False)
class Ident:
    at: int
    name: str


@dataclass(slots=True, eq=False)
class Select:
    """`operand.field`; `test` only asks whether it is there (`has`), `optional` is `?.`."""

    at: int
    operand: Node
    field: str
    test: bool = False
    optional: bool = False


@dataclass(slots=True, eq=False)
class Call:
    """A function, operator or method; `target` is what a method is called on."""

    at: int
    function: str
    target: Node | None
    args: list[Node]


@dataclass(slots=True, eq=False)
class ListNode:
    at: int
    items: list[Node]
    optional: frozenset[int] = frozenset()


@dataclass(slots=True, eq=False)
class MapNode:
    """Entries are key, value and whether the entry is optional. `name` is that of a message, empty for a map."""

    at: int
    entries: list[tuple[Node, Node, bool]]
    name: str = ""


@dataclass(slots=True, eq=False)
class Fold:
    """A comprehension over a list or the keys of a map. `macro` says what is made of `test` and `make`.

    `second` is the name of the value where a macro binds two variables, empty where it binds one.
    """

    at: int
    macro: str
    range: Node
    variable: str
    second: str
    test: Node | None
    make: Node | None
    make_key: Node | None = None


@dataclass(slots=True, eq=False)
class Bind:
    """`cel.bind(name, value, body)`."""

    at: int
    name: str
    value: Node
    body: Node


Node: TypeAlias = Literal | Ident | Select | Call | ListNode | MapNode | Fold | Bind
