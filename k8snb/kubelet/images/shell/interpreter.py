"""Running a script's tree.

Running is a generator: it yields a `Wait` wherever time passes and is resumed when it has. So one thread runs
any number of scripts in virtual time, and a container that loops for ever costs its steps and nothing between.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from k8snb.kubelet.images.filesystem import IS_DIRECTORY, MISSING, FileError
from k8snb.kubelet.images.program import Process
from k8snb.kubelet.images.shell.expander import Expander, Leave
from k8snb.kubelet.images.shell.grammar import parse
from k8snb.kubelet.images.shell.streams import Buffer, Input, Job, Run, Streams, Wait
from k8snb.kubelet.images.shell.syntax import (
    AndOr,
    Case,
    For,
    Function,
    Group,
    If,
    Loop,
    Node,
    Part,
    Pipeline,
    Several,
    ShellSyntaxError,
    Simple,
    Word,
)
from k8snb.kubelet.images.shell.words import ExpansionError

STEPS_PER_SECOND = 100
"""How many commands a busy loop runs in a second of virtual time."""

_MISUSE = (ArithmeticError, LookupError, ValueError, TypeError, re.error)
"""What a command raises when its words make no sense to it."""

_STREAMING = {"cat", "tee", "grep", "sed", "tr", "cut", "awk"}


class Invocation:
    """One command as it is run: its words, its streams and the shell around it."""

    __slots__ = ("argv", "shell", "streams")

    def __init__(self, argv: Sequence[str], streams: Streams, shell: Shell) -> None:
        self.argv = argv
        self.streams = streams
        self.shell = shell

    @property
    def process(self) -> Process:
        """The world."""
        return self.shell.process

    def fail(self, message: str, code: int = 1) -> int:
        """Complain on standard error in the command's name; returns the exit status."""
        self.streams.err(f"{self.argv[0]}: {message}\n")
        return code


class Command(Protocol):
    """A built-in or external command: returns its exit status, or a generator that does."""

    def __call__(self, call: Invocation) -> int | Run: ...


class Shell(Expander):
    """The state of one shell: variables, functions, directory, traps."""

    def __init__(
        self,
        process: Process,
        commands: Mapping[str, Command],
        builtins: Mapping[str, Command],
        arguments: Sequence[str] = ("sh",),
    ) -> None:
        super().__init__(process, arguments)
        self.commands = commands
        self.builtins = builtins
        self.exported: dict[str, None] = dict.fromkeys(process.env)
        self.functions: dict[str, Node] = {}
        self.traps: dict[str, str] = {}
        self.pending: list[str] = []
        self.jobs: list[Job] = []
        self.loops = 0
        self.innermost: Shell | None = None
        self._steps = 0

    def child(self) -> Shell:
        """A subshell: it begins with this one's state and keeps its own."""
        shell = Shell(self.process, self.commands, self.builtins, self.arguments)
        shell.variables = dict(self.variables)
        shell.exported = dict(self.exported)
        shell.functions = dict(self.functions)
        shell.options = dict(self.options)
        shell.directory, shell.status, shell.loops = self.directory, self.status, self.loops
        return shell

    @property
    def name(self) -> str:
        """What it calls itself when it complains."""
        return self.arguments[0].rpartition("/")[2]

    def environment(self) -> dict[str, str]:
        """What a command started from here gets as its environment."""
        return {name: self.variables[name] for name in self.exported if name in self.variables}

    # -- scripts -----------------------------------------------------------------------------------

    def script(self, text: str, streams: Streams) -> Run:
        """Run a whole script and return its exit status; `exit` and the EXIT trap end here."""
        try:
            code = yield from self.source(text, streams)
        except Leave as leave:
            code = leave.value if leave.kind in {"exit", "return"} else self.status
        if "EXIT" in self.traps:
            self.status = code
            try:
                yield from self.source(self.traps.pop("EXIT"), streams)
            except Leave as leave:
                code = leave.value
        return code

    def source(self, text: str, streams: Streams) -> Run:
        """Run text as part of this shell."""
        try:
            tree = parse(text)
        except (ShellSyntaxError, RecursionError) as error:
            streams.err(f"{self.arguments[0]}: {error}\n")
            return 2
        try:
            return (yield from self.run(tree, streams))
        except ExpansionError as error:
            streams.err(f"{self.arguments[0]}: {error}\n")
            raise Leave("exit", 2) from None

    def substitute(self, text: str, streams: Streams) -> Run:
        """Run the command of a `$(…)` in a shell of its own."""
        try:
            return (yield from self.child().source(text, streams))
        except Leave as leave:
            return leave.value

    # -- the tree ----------------------------------------------------------------------------------

    def run(self, node: Node, streams: Streams) -> Run:
        """Run one node; its exit status becomes `$?`."""
        runner = _RUNNERS[type(node)]
        self.status = yield from runner(self, node, streams)
        return self.status

    def _sequence(self, node: Several, streams: Streams) -> Run:
        code = 0
        for item, background in node.items:
            if background:
                self.jobs.append(Job(self.process, self.child().run(item, streams)))
                self.background = 100 + len(self.jobs)
                code = 0
                continue
            code = yield from self.run(item, streams)
            if code and "e" in self.options and not isinstance(item, AndOr | Pipeline):
                raise Leave("exit", code)
            yield from self.handle_signals(streams)
        return code

    def handle_signals(self, streams: Streams) -> Run:
        """Run the traps of the signals that have arrived."""
        while self.pending:
            action = self.traps.get(self.pending.pop(0))
            if action:
                yield from self.source(action, streams)
        return 0

    def _and_or(self, node: AndOr, streams: Streams) -> Run:
        code = yield from self.run(node.left, streams)
        if (code == 0) == (node.operator == "&&"):
            code = yield from self.run(node.right, streams)
        return code

    def _pipeline(self, node: Pipeline, streams: Streams) -> Run:
        text = ""
        code = 0
        if len(node.commands) == 1:
            code = yield from self.run(node.commands[0], streams)
        for position, command in enumerate(node.commands if len(node.commands) > 1 else ()):
            last = position == len(node.commands) - 1
            buffer = Buffer()
            source = Input(text) if position else streams.input
            inner = replace(streams, input=source, out=streams.out if last else buffer.write)
            shell = self.child()
            running = shell.run(command, inner)
            rest = node.commands[position + 1 :]
            code = yield from self._stream(running, buffer, rest, streams) if rest else running
            text = buffer.take()
        return int(not code) if node.negated else code

    def _stream(self, running: Run, buffer: Buffer, rest: tuple[Node, ...], streams: Streams) -> Run:
        """Run the left side of a pipe; when it waits, what it wrote so far goes through filters on the right."""
        filters = all(isinstance(each, Simple) and each.name in _STREAMING for each in rest)
        while True:
            try:
                wait = next(running)
            except StopIteration as stop:
                return int(stop.value)
            if filters and (text := buffer.take()):
                yield from self.child().run(_appending(rest), replace(streams, input=Input(text)))
            yield wait

    def _if(self, node: If, streams: Streams) -> Run:
        for condition, body in node.branches:
            if (yield from self._condition(condition, streams)) == 0:
                return (yield from self.run(body, streams))
        return (yield from self.run(node.otherwise, streams)) if node.otherwise is not None else 0

    def _condition(self, node: Node, streams: Streams) -> Run:
        options, self.options = self.options, {k: v for k, v in self.options.items() if k != "e"}
        try:
            return (yield from self.run(node, streams))
        finally:
            self.options = options

    def _loop(self, node: Loop, streams: Streams) -> Run:
        code = 0
        self.loops += 1
        try:
            while ((yield from self._condition(node.condition, streams)) == 0) != node.until:
                try:
                    code = yield from self.run(node.body, streams)
                except Leave as leave:
                    if _passes(leave):
                        raise
                    if leave.kind == "break":
                        break
                yield from self.handle_signals(streams)
        finally:
            self.loops -= 1
        return code

    def _for(self, node: For, streams: Streams) -> Run:
        values = self.arguments[1:] if node.words is None else (yield from self.fields(node.words, streams))
        code = 0
        for value in values:
            self.variables[node.name] = value
            try:
                code = yield from self.run(node.body, streams)
            except Leave as leave:
                if _passes(leave):
                    raise
                if leave.kind == "break":
                    break
        return code

    def _case(self, node: Case, streams: Streams) -> Run:
        value = yield from self.text(node.word, streams)
        for patterns, body in node.branches:
            for pattern in patterns:
                if fnmatch.fnmatchcase(value, (yield from self.text(pattern, streams, pattern=True))):
                    return (yield from self.run(body, streams))
        return 0

    def _group(self, node: Group, streams: Streams) -> Run:
        try:
            inner = yield from self.redirected(node.redirects, streams)
        except FileError as error:
            return self._cannot(error, streams)
        if not node.subshell:
            return (yield from self.run(node.body, inner))
        try:
            return (yield from self.child().run(node.body, inner))
        except Leave as leave:
            return leave.value

    def _function(self, node: Function, streams: Streams) -> Run:
        yield from ()
        self.functions[node.name] = node.body
        return 0

    # -- simple commands ---------------------------------------------------------------------------

    def _simple(self, node: Simple, streams: Streams) -> Run:
        self._steps += 1
        if self._steps % STEPS_PER_SECOND == 0:
            yield Wait(1.0, steady=True, busy=True)
        try:
            argv = yield from self.fields(node.words, streams)
            inner = (yield from self.redirected(node.redirects, streams)) if node.redirects else streams
            values = []
            for name, word in node.assignments:
                values.append((name, (yield from self.text(word, streams))))
        except FileError as error:
            return self._cannot(error, streams)
        if not argv:
            self.variables.update(values)
            return self.status if any(_runs(word) for _, word in node.assignments) else 0
        if "x" in self.options:
            streams.err(f"+ {' '.join(argv)}\n")
        return (yield from self.invoke(argv, inner, dict(values)))

    def _cannot(self, error: FileError, streams: Streams) -> int:
        counted = "1: " if self.process.image.shell == "dash" else ""
        failed = "open" if error.reading else "create"
        why = error.why if error.reading else _brief(error.why)
        streams.err(f"{self.name}: {counted}can't {failed} {error.path}: {why}\n")
        return 1

    def invoke(self, argv: list[str], streams: Streams, assigned: Mapping[str, str] = {}) -> Run:
        """Run a command by its words: a function, a builtin or a program of the image."""
        name = argv[0]
        if name in self.functions:
            return (yield from self._call(argv, streams))
        command = self.builtins.get(name) or self.commands.get(name.rpartition("/")[2])
        if command is None or ("/" in name and name.rpartition("/")[2] not in self.commands):
            return self._not_found(name, streams)
        before = {key: self.variables.get(key) for key in assigned}
        exported = dict(self.exported)
        self.variables.update(assigned)
        self.exported.update(dict.fromkeys(assigned))
        try:
            result = command(Invocation(argv, streams, self))
            return result if isinstance(result, int) else (yield from result)
        except FileError as error:
            streams.err(f"{argv[0]}: {error.path}: {error.why}\n")
            return 1
        except _MISUSE as error:
            streams.err(f"{argv[0]}: {error}\n")
            return 2
        finally:
            if assigned:
                self.exported = exported
                self.variables.update({key: value for key, value in before.items() if value is not None})
                for key in [key for key, value in before.items() if value is None]:
                    self.variables.pop(key, None)

    def _not_found(self, name: str, streams: Streams) -> int:
        counted = "1: " if self.process.image.shell == "dash" else ""
        streams.err(f"{self.name}: {counted}{name}: not found\n")
        return 127

    def _call(self, argv: list[str], streams: Streams) -> Run:
        saved, self.arguments = self.arguments, [self.arguments[0], *argv[1:]]
        try:
            return (yield from self.run(self.functions[argv[0]], streams))
        except Leave as leave:
            if leave.kind != "return":
                raise
            return leave.value
        finally:
            self.arguments = saved


def _passes(leave: Leave) -> bool:
    """Whether a loop is not the one that ends what is on its way out."""
    if leave.kind not in {"break", "continue"}:
        return True
    leave.value -= 1
    return leave.value > 0


def _appending(rest: tuple[Node, ...]) -> Node:
    """The filters of a pipe for the next piece of text: `tee` adds to its file instead of replacing it."""
    fixed = []
    for each in rest:
        assert isinstance(each, Simple)
        if each.name == "tee":
            each = replace(each, words=(each.words[0], (Part("text", "-a", False),), *each.words[1:]))
        fixed.append(each)
    return Pipeline(tuple(fixed), False) if len(fixed) > 1 else fixed[0]


def _runs(word: Word) -> bool:
    return any(part.kind == "command" for part in word)


def _brief(why: str) -> str:
    if why == MISSING:
        return "nonexistent directory"
    return why.lower() if why == IS_DIRECTORY else why


_RUNNERS: dict[type, Callable[..., Run]] = {
    Several: Shell._sequence,
    AndOr: Shell._and_or,
    Pipeline: Shell._pipeline,
    If: Shell._if,
    Loop: Shell._loop,
    For: Shell._for,
    Case: Shell._case,
    Group: Shell._group,
    Function: Shell._function,
    Simple: Shell._simple,
}
