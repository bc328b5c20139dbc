"""The tree of an expression. `str` of a node is the expression in Prometheus' own spelling.

Source: `promql/parser/ast.go` and `printer.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from k8snb.metrics.labels import NAME, Matcher, quoted
from k8snb.metrics.numbers import shown as number_shown
from k8snb.metrics.promql.durations import written

ValueType = Literal["scalar", "vector", "matrix", "string"]
Cardinality = Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
SETS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float
    type: ValueType = "scalar"

    def __str__(self) -> str:
        return number_shown(self.value)


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""

    value: str
    type: ValueType = "string"

    def __str__(self) -> str:
        return quoted(self.value)


@dataclass(frozen=True, slots=True)
class When:
    """Which moment is meant: `offset` milliseconds before now, or before the moment that `at` names.

    `at` is a time in milliseconds, or `start` or `end` of the query.
    """

    offset: int = 0
    at: int | Literal["start", "end"] | None = None

    def __str__(self) -> str:
        at = "" if self.at is None else f" @ {self.at}()" if isinstance(self.at, str) else f" @ {self.at / 1000:.3f}"
        sign = "-" if self.offset < 0 else ""
        return at + (f" offset {sign}{written(abs(self.offset))}" if self.offset else "")


NOW = When()


@dataclass(frozen=True, slots=True)
class Selector:
    """An instant vector: the newest sample of each series that is chosen."""

    name: str
    matchers: tuple[Matcher, ...]
    when: When = NOW
    type: ValueType = "vector"

    def bare(self) -> str:
        """The selector without its moment."""
        shown = [str(m) for m in self.matchers if not (self.name and m == Matcher(NAME, "=", self.name))]
        return f"{self.name}{{{','.join(shown)}}}" if shown or not self.name else self.name

    def __str__(self) -> str:
        return self.bare() + str(self.when)


@dataclass(frozen=True, slots=True)
class Range:
    """A range vector: the samples of the last `range` milliseconds."""

    selector: Selector
    range: int
    type: ValueType = "matrix"

    def __str__(self) -> str:
        return f"{self.selector.bare()}[{written(self.range)}]{self.selector.when}"


@dataclass(frozen=True, slots=True)
class Subquery:
    """A range vector of an expression's results, one per `step` milliseconds (0: the default resolution)."""

    expression: Node
    range: int
    step: int
    when: When = NOW
    type: ValueType = "matrix"

    def __str__(self) -> str:
        step = written(self.step) if self.step else ""
        return f"{self.expression}[{written(self.range)}:{step}]{self.when}"


@dataclass(frozen=True, slots=True)
class Parenthesis:
    """An expression in parentheses."""

    expression: Node

    @property
    def type(self) -> ValueType:
        return self.expression.type

    def __str__(self) -> str:
        return f"({self.expression})"


@dataclass(frozen=True, slots=True)
class Unary:
    """A sign."""

    sign: Literal["+", "-"]
    expression: Node

    @property
    def type(self) -> ValueType:
        return self.expression.type

    def __str__(self) -> str:
        return f"{self.sign}{self.expression}"


@dataclass(frozen=True, slots=True)
class Matching:
    """How samples of two vectors find each other: by the labels `labels` (`on`) or by all others (not `on`)."""

    cardinality: Cardinality = "one-to-one"
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = f" {'on' if self.on else 'ignoring'} ({', '.join(self.labels)})" if self.labels or self.on else ""
        if self.cardinality in ("many-to-one", "one-to-many"):
            side = "left" if self.cardinality == "many-to-one" else "right"
            shown += f" group_{side} ({', '.join(self.include)})"
        return shown


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions and what is between them. `boolean`: a comparison says 0 or 1 instead of choosing."""

    operator: str
    left: Node
    right: Node
    matching: Matching | None = None
    boolean: bool = False

    @property
    def type(self) -> ValueType:
        return "scalar" if self.left.type == self.right.type == "scalar" else "vector"

    def __str__(self) -> str:
        return f"{self.left} {self.operator}{' bool' * self.boolean}{self.matching or ''} {self.right}"


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Many samples become one per group: by the labels `grouping`, or by all others (`without`)."""

    operator: str
    expression: Node
    parameter: Node | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False
    type: ValueType = "vector"

    def __str__(self) -> str:
        how = f" without ({', '.join(self.grouping)}) " if self.without else f" by ({', '.join(self.grouping)}) "
        inner = f"{self.parameter}, {self.expression}" if self.parameter is not None else str(self.expression)
        return f"{self.operator}{how if self.grouping or self.without else ''}({inner})"


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    function: str
    arguments: tuple[Node, ...]
    type: ValueType

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


Node: TypeAlias = Number | Text | Selector | Range | Subquery | Parenthesis | Unary | Binary | Aggregation | Call


def unwrapped(node: Node) -> Node:
    """What stands in the parentheses."""
    while isinstance(node, Parenthesis):
        node = node.expression
    return node


def parts(node: Node) -> tuple[Node, ...]:
    """What a node is made of."""
    match node:
        case Range():
            return (node.selector,)
        case Subquery() | Parenthesis() | Unary():
            return (node.expression,)
        case Binary():
            return (node.left, node.right)
        case Aggregation():
            return (node.expression,) if node.parameter is None else (node.parameter, node.expression)
        case Call():
            return node.arguments
    return ()


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, from the outside in."""
    yield node
    for part in parts(node):
        yield from walk(part)


def moved(node: Node, when: When) -> Node:
    """A selector, range or subquery at another moment."""
    match node:
        case Range():
            return replace(node, selector=replace(node.selector, when=when))
        case Selector() | Subquery():
            return replace(node, when=when)
    raise TypeError(f"{type(node).__name__} has no moment")
