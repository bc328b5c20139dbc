"""What a template is made of once it has been read. Every node knows where it stands and how it is written.

Upstream: `text/template/parse/node.go`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a template; `at` is its place in the text."""

    at: int


@dataclass(frozen=True, slots=True)
class Text(Node):
    """What stands between actions."""

    text: str


@dataclass(frozen=True, slots=True)
class Dot(Node):
    """`.`"""

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Nil(Node):
    """`nil`"""

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A text, number or boolean, and how it was written."""

    value: Any
    written: str

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True, slots=True)
class Field(Node):
    """`.a.b`"""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`$x.a.b`: the first name is the variable's, with its dollar."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    """The name of a function."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """`(pipeline).a.b`, `f.a`"""

    node: Node
    names: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.node})" if isinstance(self.node, Pipeline) else str(self.node)
        return inner + "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Command(Node):
    """A function or value, and its arguments."""

    words: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(f"({word})" if isinstance(word, Pipeline) else str(word) for word in self.words)


@dataclass(frozen=True, slots=True)
class Pipeline(Node):
    """Commands, each of which gets what the one before gave; `variables` take the last value."""

    variables: tuple[str, ...]
    assigns: bool
    commands: tuple[Command, ...]

    def __str__(self) -> str:
        lead = f"{', '.join(self.variables)} {'=' if self.assigns else ':='} " if self.variables else ""
        return lead + " | ".join(map(str, self.commands))


@dataclass(frozen=True, slots=True)
class Action(Node):
    """`{{pipeline}}`: prints its value."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Control(Node):
    """`if`, `with` and `range`."""

    word: str
    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`{{template "name" pipeline}}`"""

    name: str
    pipeline: Pipeline | None

    def __str__(self) -> str:
        rest = "" if self.pipeline is None else f" {self.pipeline}"
        return f'{{{{template "{self.name}"{rest}}}}}'


@dataclass(frozen=True, slots=True)
class Jump(Node):
    """`break` and `continue`."""

    word: str


@dataclass(frozen=True, slots=True)
class Ending(Node):
    """`end` and `else`: where a body stops; `inline` is the word behind `else`, if there is one."""

    word: str
    inline: str = ""

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"
