"""Walks a template over data and writes. Upstream: `text/template/exec.go`.

Go tells a value that is known to be of some type from one that came out of a map of anything; messages about the
second speak of `interface {}`. `_Found` marks values of the second kind as long as that matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from k8snb.machinery.gotemplate.builtins import LAZY
from k8snb.machinery.gotemplate.errors import ExecutionError, FunctionError
from k8snb.machinery.gotemplate.formatting import plain
from k8snb.machinery.gotemplate.lexer import quoted
from k8snb.machinery.gotemplate.nodes import (
    Action,
    Call,
    Chain,
    Command,
    Constant,
    Control,
    Dot,
    Field,
    Identifier,
    Jump,
    Nil,
    Node,
    Pipeline,
    Text,
    Variable,
)
from k8snb.machinery.gotemplate.signatures import Signature, fits, signature_of
from k8snb.machinery.gotemplate.values import NO_VALUE, is_list, is_true, methods_of, type_name, unwrapped

MAX_DEPTH = 100
"""How deep templates may call each other."""


@dataclass(frozen=True, slots=True)
class Body:
    """One template: its name, the text it is from and that text's name, and its nodes."""

    name: str
    source: str
    text: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What templates run with: each other, their functions, and what a missing key means."""

    bodies: Mapping[str, Body]
    functions: Mapping[str, Callable[..., Any]]
    missing: str = "default"
    owner: str = ""
    """What messages call the set, if not by the template that is asked for."""


class _Found:
    """A value out of a map or list, whose type is not known beforehand."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


def render(rules: Rules, name: str, data: Any) -> str:
    """What a template makes of data; raises `ExecutionError`."""
    written: list[str] = []
    body = rules.bodies.get(name)
    if body is None:
        raise ExecutionError(
            f"template: no template {quoted(name)} associated with template {quoted(rules.owner or name)}"
        )
    try:
        _Evaluator(rules, body, written, 0).run(NO_VALUE if data is None else data)
    except ExecutionError as error:
        raise ExecutionError(str(error), "".join(written)) from None
    return "".join(written)


class _Evaluator:
    """Carries out one template; another one that it calls has an evaluator of its own."""

    def __init__(self, rules: Rules, body: Body, written: list[str], depth: int) -> None:
        self.rules = rules
        self.body = body
        self.written = written
        self.depth = depth
        self.node: Node | None = None
        self.variables: list[tuple[str, Any]] = []

    def run(self, data: Any) -> None:
        self.variables = [("$", data)]
        self.walk(data, self.body.nodes)

    def failure(self, message: str) -> ExecutionError:
        if self.node is None:
            return ExecutionError(f"template: {self.body.source}: {message}")
        before = self.body.text[: self.node.at]
        line, column = before.count("\n") + 1, len(before.rpartition("\n")[2].encode())
        where = f"{self.body.source}:{line}:{column}: executing {quoted(self.body.name)} at <{self.node}>"
        return ExecutionError(f"template: {where}: {message}")

    # -- bodies ------------------------------------------------------------------------------------

    def walk(self, dot: Any, nodes: Sequence[Node]) -> None:
        for node in nodes:
            match node:
                case Text():
                    self.written.append(node.text)
                case Action():
                    value = self.pipeline(dot, node.pipeline)
                    if not node.pipeline.variables:
                        self.written.append("<no value>" if unwrapped(value) is None else plain(value))
                case Control(word="range"):
                    self.range(dot, node)
                case Control():
                    self.choose(dot, node)
                case Call():
                    self.call(dot, node)
                case Jump():
                    raise _Break if node.word == "break" else _Continue

    @contextmanager
    def scope(self) -> Iterator[None]:
        known = len(self.variables)
        try:
            yield
        finally:
            del self.variables[known:]

    def choose(self, dot: Any, node: Control) -> None:
        with self.scope():
            value = self.pipeline(dot, node.pipeline)
            if is_true(value):
                self.walk(value if node.word == "with" else dot, node.body)
            else:
                self.walk(dot, node.otherwise)

    def range(self, dot: Any, node: Control) -> None:
        names = node.pipeline.variables
        with self.scope():
            value = self.pipeline(dot, node.pipeline)
            pairs = self.pairs(value, len(names))
            if not pairs:
                self.walk(dot, node.otherwise)
                return
            with suppress(_Break):
                for key, item in pairs:
                    self.turn(node, key, item)

    def turn(self, node: Control, key: Any, item: Any) -> None:
        names = node.pipeline.variables
        with self.scope():
            if names:
                values = (item,) if len(names) == 1 else (key, item)
                for name, value in zip(names, values, strict=True):
                    if node.pipeline.assigns:
                        self.assign(name, _bare(value))
                    else:
                        self.variables.append((name, _bare(value)))
            with suppress(_Continue):
                self.walk(item, node.body)

    def pairs(self, value: Any, names: int) -> list[tuple[Any, Any]]:
        if unwrapped(value) is None:
            return []
        if isinstance(value, Mapping):
            return [(key, _Found(value[key])) for key in sorted(value)]
        if is_list(value):
            return [(at, _Found(item)) for at, item in enumerate(value)]
        if isinstance(value, int) and not isinstance(value, bool):
            if names > 1:
                raise self.failure(f"can't use {value} to iterate over more than one variable")
            return [(at, at) for at in range(value)]
        raise self.failure(f"range can't iterate over {plain(value)}")

    def call(self, dot: Any, node: Call) -> None:
        self.node = node
        body = self.rules.bodies.get(node.name)
        if body is None:
            raise self.failure(f"template {quoted(node.name)} not defined")
        if self.depth >= MAX_DEPTH:
            raise self.failure("exceeded maximum template depth (100000)")
        data = NO_VALUE if node.pipeline is None else self.pipeline(dot, node.pipeline)
        _Evaluator(self.rules, body, self.written, self.depth + 1).run(data)

    # -- pipelines ---------------------------------------------------------------------------------

    def pipeline(self, dot: Any, pipeline: Pipeline) -> Any:
        self.node = pipeline
        value: tuple[Any, ...] = ()
        for command in pipeline.commands:
            found = _bare(self.command(dot, command, value))
            value = (NO_VALUE if found is None else found,)
        for name in pipeline.variables if pipeline.commands else ():
            if pipeline.assigns:
                self.assign(name, value[0])
            else:
                self.variables.append((name, value[0]))
        return value[0]

    def assign(self, name: str, value: Any) -> None:
        for at in range(len(self.variables) - 1, -1, -1):
            if self.variables[at][0] == name:
                self.variables[at] = (name, value)
                return
        raise self.failure(f"undefined variable: {name}")

    def variable(self, name: str) -> Any:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise self.failure(f"undefined variable: {name}")

    def command(self, dot: Any, command: Command, final: tuple[Any, ...]) -> Any:
        first, *arguments = command.words
        match first:
            case Field():
                self.node = first
                return self.chain(dot, first.names, arguments, final)
            case Chain():
                return self.chained(dot, first, arguments, final)
            case Identifier():
                return self.function(dot, first, arguments, final, command)
            case Pipeline():
                self.no_function(first, arguments, final)
                return self.pipeline(dot, first)
            case Variable():
                self.node = first
                if len(first.names) == 1:
                    self.no_function(first, arguments, final)
                    return self.variable(first.names[0])
                return self.chain(self.variable(first.names[0]), first.names[1:], arguments, final)
        self.node = first
        self.no_function(first, arguments, final)
        if isinstance(first, Nil):
            raise self.failure("nil is not a command")
        return dot if isinstance(first, Dot) else self.constant(first)

    def constant(self, node: Node) -> Any:
        assert isinstance(node, Constant)
        return node.value

    def no_function(self, node: Node, arguments: Sequence[Node], final: tuple[Any, ...]) -> None:
        if arguments or final:
            raise self.failure(f"can't give argument to non-function {node}")

    # -- fields ------------------------------------------------------------------------------------

    def chained(self, dot: Any, node: Chain, arguments: Sequence[Node], final: tuple[Any, ...]) -> Any:
        self.node = node
        if isinstance(node.node, Nil):
            raise self.failure(f"indirection through explicit nil in {node}")
        return self.chain(self.argument(dot, node.node), node.names, arguments, final)

    def chain(self, value: Any, names: Sequence[str], arguments: Sequence[Node], final: tuple[Any, ...]) -> Any:
        for name in names:
            value = self.field(value, name)
        if callable(_bare(value)):
            assert self.node is not None
            return self.invoke(str(names[-1]), _bare(value), arguments, final, value, self.node)
        if arguments or final:
            raise self.failure(f"{names[-1]} is not a method but has arguments")
        return value

    def field(self, value: Any, name: str) -> Any:
        receiver = _bare(value)
        type = "interface {}" if isinstance(value, _Found) else type_name(receiver)
        if receiver is NO_VALUE:
            if self.rules.missing == "error":
                raise self.failure(f"nil data; no entry for key {quoted(name)}")
            return NO_VALUE
        if receiver is None:
            raise self.failure(f"nil pointer evaluating {type}.{name}")
        methods = methods_of(receiver)
        if name in methods:
            return methods[name]
        if isinstance(receiver, Mapping):
            if name in receiver or hasattr(receiver, "__missing__"):  # a map that has a zero value
                return _Found(receiver[name])
            if self.rules.missing == "error":
                raise self.failure(f"map has no entry for key {quoted(name)}")
            return _Found(None) if self.rules.missing == "zero" else NO_VALUE
        raise self.failure(f"can't evaluate field {name} in type {type}")

    # -- functions ---------------------------------------------------------------------------------

    def function(
        self, dot: Any, node: Identifier, arguments: Sequence[Node], final: tuple[Any, ...], whole: Node
    ) -> Any:
        """The value of a function; `whole` is what messages about its failure show."""
        self.node = node
        function = self.rules.functions.get(node.name)
        if function is None:
            raise self.failure(f"{quoted(node.name)} is not a defined function")
        if node.name in LAZY:
            return self.lazily(dot, node, arguments, final)
        return self.invoke(node.name, function, arguments, final, dot, whole)

    def lazily(self, dot: Any, node: Identifier, arguments: Sequence[Node], final: tuple[Any, ...]) -> Any:
        value: Any = None
        if not arguments and not final:
            raise self.failure(f"wrong number of args for {node.name}: want at least 1 got 0")
        for argument in arguments:
            value = unwrapped(_bare(self.argument(dot, argument)))
            if is_true(value) == LAZY[node.name]:
                return value
        return unwrapped(_bare(final[0])) if final else value

    def invoke(
        self,
        name: str,
        function: Callable[..., Any],
        arguments: Sequence[Node],
        final: tuple[Any, ...],
        dot: Any,
        whole: Node,
    ) -> Any:
        signature = signature_of(function)
        self.check_count(name, signature, len(arguments) + len(final))
        values = [self.typed(self.argument(dot, each), signature.kind(at), each) for at, each in enumerate(arguments)]
        if final:
            values += [self.typed(value, signature.kind(len(values)), None) for value in final]
        if name == "call" and values[0] is not None and not callable(values[0]):
            self.node = whole
            what = f"non-function {arguments[0] if arguments else ''} of type {type_name(values[0])}"
            raise self.failure(f"error calling call: {what}")
        try:
            return function(*values)
        except FunctionError as error:
            self.node = whole
            raise self.failure(f"error calling {name}: {error}") from None

    def check_count(self, name: str, signature: Signature, given: int) -> None:
        least, most = signature.least, signature.most
        if given < least and most != least:
            raise self.failure(f"wrong number of args for {name}: want at least {least} got {given}")
        if given < least or given > most:
            raise self.failure(f"wrong number of args for {name}: want {least} got {given}")

    def typed(self, value: Any, kind: str, node: Node | None) -> Any:
        """An argument as the function takes it, if it is of the type that the function asks for."""
        bare = unwrapped(_bare(value))
        if not kind or fits(bare, kind):
            return bare
        if isinstance(node, Nil):
            raise self.failure(f"cannot assign nil to {kind}")
        if isinstance(node, Constant) and kind in _NAMED:
            raise self.failure(f"expected {_NAMED[kind]}; found {node}")
        raise self.failure(f"wrong type for value; expected {kind}; got {type_name(bare)}")

    def argument(self, dot: Any, node: Node) -> Any:
        self.node = node
        match node:
            case Dot():
                return dot
            case Nil():
                return None
            case Field():
                return self.chain(dot, node.names, (), ())
            case Variable():
                value = self.variable(node.names[0])
                return self.chain(value, node.names[1:], (), ()) if len(node.names) > 1 else value
            case Pipeline():
                return self.pipeline(dot, node)
            case Identifier():
                return self.function(dot, node, (), (), node)
            case Chain():
                return self.chained(dot, node, (), ())
        return self.constant(node)


def _bare(value: Any) -> Any:
    return value.value if isinstance(value, _Found) else value


_NAMED = {"string": "string", "int": "integer", "bool": "boolean", "float64": "float"}
"""What messages about constants call a type."""
