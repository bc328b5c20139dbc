"""An environment: which variables, types and functions there are; it turns a text into a program.

Programs are kept by their text, because the same rule is evaluated for every object. Upstream:
`apiserver/pkg/cel/environment/base.go`.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.machinery.cel import macros
from k8snb.machinery.cel.checker import Checked, Checker, walk
from k8snb.machinery.cel.estimating import SizeOf, estimate
from k8snb.machinery.cel.evaluator import Evaluator
from k8snb.machinery.cel.functions import Functions, declared
from k8snb.machinery.cel.library import authorizer, kubernetes, lists, network, optionals, standard, strings
from k8snb.machinery.cel.meter import METER, PER_CALL, Budget, TooExpensive
from k8snb.machinery.cel.nodes import Call, CompileError, Ident, Literal, Node
from k8snb.machinery.cel.published import PUBLISHED
from k8snb.machinery.cel.syntax import Parser
from k8snb.machinery.cel.types import Struct, Type
from k8snb.machinery.cel.values import EvaluationError
from k8snb.machinery.goregexp import GoRegexpError, compiled

LIBRARIES = (
    *standard.LIBRARIES,
    optionals.OPTIONALS,
    strings.STRINGS,
    lists.LISTS,
    lists.EXTENDED_LISTS,
    lists.SETS,
    lists.MATH,
    network.URLS,
    network.ADDRESSES,
    network.CIDRS,
    kubernetes.QUANTITIES,
    kubernetes.VERSIONS,
    kubernetes.NAMED_FORMATS,
    authorizer.AUTHORIZER,
)
_functions: dict[str, Functions] = {}


def functions() -> Functions:
    """Every function, declared when first asked for."""
    if "all" not in _functions:
        _functions["all"] = declared(LIBRARIES)
    return _functions["all"]


class Program:
    """A compiled expression."""

    __slots__ = ("_closure", "checked", "node", "source", "type")

    def __init__(self, source: str, node: Node, checked: Checked) -> None:
        self.source = source
        self.node = node
        self.checked = checked
        self.type: Type = checked.type
        self._closure = Evaluator(checked).compile(node)

    def __call__(self, values: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """The value of the expression. What it costs goes to the budget. Raises EvaluationError."""
        meter = [PER_CALL]
        try:
            found = self._closure({**values, METER: meter})
            if meter[0] < 0:
                raise TooExpensive
        except RecursionError:
            raise EvaluationError("max depth exceeded") from None
        finally:
            if budget is not None:
                budget.spend(PER_CALL - meter[0])
        return found

    def highest_cost(self, size_of: SizeOf) -> int:
        """What it can cost at most, for data that can be as large as `size_of` says."""
        return estimate(self.node, self.checked, size_of).most

    def mentions(self, name: str) -> bool:
        """Whether a variable occurs in it."""
        return any(isinstance(each, Ident) and each.name == name for each in walk(self.node))


class Environment:
    """Variables by name with their types, and the structs that these mention."""

    def __init__(
        self, variables: Mapping[str, Type], structs: Sequence[Struct] = (), messages: Sequence[str] = ()
    ) -> None:
        self.variables = variables
        self._structs = {each.name: each for each in structs}
        self.structs: Mapping[str, Struct] = ChainMap(self._structs, PUBLISHED)
        self.messages = tuple(messages)
        """Types that can be made with any fields: `Object{…}`, and what is below it."""
        self._programs: dict[str, Program | CompileError] = {}

    def extended(self, variables: Mapping[str, Type], structs: Sequence[Struct] = ()) -> Environment:
        """The same environment with more in it."""
        return Environment({**self.variables, **variables}, [*self._structs.values(), *structs], self.messages)

    def compile(self, source: str) -> Program:
        """The program of a text. Raises CompileError."""
        found = self._programs.get(source)
        if found is None:
            try:
                found = self._compiled(source)
            except CompileError as error:
                found = error
            self._programs[source] = found
        if isinstance(found, CompileError):
            raise found
        return found

    def _compiled(self, source: str) -> Program:
        node = Parser(source, macros.expand).parse()
        checked = Checker(source, self.variables, self.structs, functions(), self.messages).check(node)
        findings = [finding for each in walk(node) if (finding := _literal_fault(each)) is not None]
        if findings:
            raise CompileError(source, findings)
        return Program(source, node, checked)


def _literal_fault(node: Node) -> tuple[int, str] | None:
    """A literal that can never work where it stands: a pattern, duration or time."""
    if not isinstance(node, Call):
        return None
    last = node.args[-1] if node.args else None
    if not isinstance(last, Literal) or not isinstance(last.value, str):
        return None
    try:
        if node.function == "matches":
            compiled(last.value)
        elif node.function == "duration" and node.target is None:
            standard.parse_duration(last.value)
        elif node.function == "timestamp" and node.target is None:
            standard.parse_timestamp(last.value)
    except (GoRegexpError, EvaluationError):
        return last.at, f"invalid {node.function} argument"
    return None
