"""The commands that are part of the shell itself, because they change its state or its course."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from k8snb.kubelet.images.filesystem import Filesystem
from k8snb.kubelet.images.program import SIGNAL_NUMBERS
from k8snb.kubelet.images.shell.expander import Leave
from k8snb.kubelet.images.shell.interpreter import Command, Invocation
from k8snb.kubelet.images.shell.streams import Run, Wait

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|0?([0-7]{1,3})|(.))", re.DOTALL)
_FORMAT = re.compile(r"%(%|[-0 +#]*[0-9]*(?:\.[0-9]+)?[sdiuxXobcf])")


def unescape(text: str) -> str:
    """Backslash escapes as `echo -e` and `printf` know them."""

    def one(match: re.Match[str]) -> str:
        hexadecimal, octal, letter = match.groups()
        if hexadecimal:
            return chr(int(hexadecimal, 16))
        if octal:
            return chr(int(octal, 8) & 0xFF)
        return _ESCAPES.get(letter, f"\\{letter}")

    return _ESCAPE.sub(one, text)


def echo(call: Invocation) -> int:
    words = list(call.argv[1:])
    newline, escapes = "\n", call.process.image.shell == "dash"
    while words and re.fullmatch(r"-[neE]+", words[0]):
        flags = words.pop(0)
        newline = "" if "n" in flags else newline
        escapes = "e" in flags or (escapes and "E" not in flags)
    text = " ".join(words)
    call.streams.out((unescape(text) if escapes else text) + newline)
    return 0


def printf(call: Invocation) -> int:
    if len(call.argv) < 2:
        return call.fail("usage: printf FORMAT [ARG]...", 2)
    template, values = unescape(call.argv[1]), list(call.argv[2:])
    specifiers = [m.group(1) for m in _FORMAT.finditer(template) if m.group(1) != "%"]
    rounds = max(1, -(-len(values) // len(specifiers))) if specifiers else 1
    for _ in range(rounds):
        call.streams.out(_FORMAT.sub(lambda match: _formatted(match.group(1), values), template))
    return 0


def _formatted(specifier: str, values: list[str]) -> str:
    if specifier == "%":
        return "%"
    value = values.pop(0) if values else ""
    kind = specifier[-1]
    if kind in "diuxXoc" and kind != "c":
        number = int(value, 0) if re.fullmatch(r"[-+]?(0[xX][0-9a-fA-F]+|[1-9][0-9]*|0)", value) else 0
        return f"%{specifier[:-1]}{'d' if kind in 'iu' else kind}" % number
    if kind == "f":
        return f"%{specifier}" % float(value or 0)
    return f"%{specifier[:-1]}s" % (unescape(value) if kind == "b" else value[:1] if kind == "c" else value)


def change_directory(call: Invocation) -> int:
    shell = call.shell
    target = call.argv[1] if len(call.argv) > 1 else shell.variables.get("HOME", "/root")
    path = posixpath.normpath(shell.path(target))
    if not shell.process.files.is_directory(path):
        return call.fail(f"can't cd to {target}: No such file or directory", 2)
    shell.directory = path
    return 0


def export(call: Invocation) -> int:
    for word in call.argv[1:]:
        name, assigned, value = word.partition("=")
        if assigned:
            call.shell.variables[name] = value
        call.shell.exported[name] = None
    return 0


def unset(call: Invocation) -> int:
    for name in call.argv[1:]:
        call.shell.variables.pop(name, None)
        call.shell.exported.pop(name, None)
        call.shell.functions.pop(name, None)
    return 0


def set_options(call: Invocation) -> int:
    words = list(call.argv[1:])
    long = {"errexit": "e", "nounset": "u", "xtrace": "x", "pipefail": "p"}
    while words and words[0][:1] in {"-", "+"} and len(words[0]) > 1:
        flag = words.pop(0)
        if flag == "--":
            break
        letters = flag[1:]
        if "o" in letters and words:
            letters = letters.replace("o", "") + long.get(words.pop(0), "")
        for letter in letters:
            if flag[0] == "-":
                call.shell.options[letter] = None
            else:
                call.shell.options.pop(letter, None)
    if words:
        call.shell.arguments[1:] = words
    return 0


def shift(call: Invocation) -> int:
    count = _number(call, 1)
    if count >= len(call.shell.arguments):
        return 1
    del call.shell.arguments[1 : 1 + count]
    return 0


def _number(call: Invocation, default: int) -> int:
    return int(call.argv[1]) if len(call.argv) > 1 and call.argv[1].isdigit() else default


def leave(call: Invocation) -> int:
    """`exit`, `return`, `break`, `continue`."""
    kind = call.argv[0]
    raise Leave(kind, _number(call, call.shell.status if kind in {"exit", "return"} else 1))


def trap(call: Invocation) -> int:
    if len(call.argv) < 3:
        return 0
    for name in call.argv[2:]:
        signal = name.removeprefix("SIG")
        signal = "EXIT" if signal == "0" else next((k for k, n in SIGNAL_NUMBERS.items() if str(n) == signal), signal)
        if call.argv[1] == "-":
            call.shell.traps.pop(signal, None)
        else:
            call.shell.traps[signal] = call.argv[1]
    return 0


def wait(call: Invocation) -> Run:
    code = 0
    shell = call.shell
    while jobs := [job for job in shell.jobs if job.code is None]:
        seconds = min(job.due for job in jobs) - shell.process.now
        yield Wait(None if seconds == float("inf") else max(seconds, 0.0), steady=True, interruptible=True)
        if shell.pending:
            yield from shell.handle_signals(call.streams)
            return 143
    if shell.jobs:
        code = shell.jobs[-1].code or 0
    shell.jobs.clear()
    return code


def read(call: Invocation) -> int:
    names = [word for word in call.argv[1:] if not word.startswith("-")] or ["REPLY"]
    line = call.streams.input.line()
    fields = (line or "").split(None, len(names) - 1) if len(names) > 1 else [(line or "").strip()]
    for position, name in enumerate(names):
        call.shell.variables[name] = fields[position] if position < len(fields) else ""
    return 0 if line is not None else 1


def evaluate(call: Invocation) -> Run:
    return (yield from call.shell.source(" ".join(call.argv[1:]), call.streams))


def dot(call: Invocation) -> Run:
    return (yield from call.shell.source(call.process.files.read(call.shell.path(call.argv[1])), call.streams))


def execute(call: Invocation) -> Run:
    """`exec`: with a command it takes the shell's place; without one only its redirections matter."""
    if len(call.argv) > 1:
        code = yield from call.shell.invoke(list(call.argv[1:]), call.streams)
        raise Leave("exit", code)
    return 0


def command(call: Invocation) -> Run:
    words = list(call.argv[1:])
    if words[:1] == ["-v"]:
        return _where(call, words[1:], call.streams.out)
    return (yield from call.shell.invoke(words, call.streams)) if words else 0


def which(call: Invocation) -> int:
    return _where(call, list(call.argv[1:]), call.streams.out)


def _where(call: Invocation, names: list[str], out: object) -> int:
    missing = 0
    for name in names:
        if name in call.shell.builtins and name not in call.shell.commands:
            call.streams.out(f"{name}\n")
        elif name in call.shell.commands:
            call.streams.out(f"/bin/{name}\n")
        else:
            missing = 1
    return missing


def test(call: Invocation) -> int:
    words = list(call.argv[1:])
    if call.argv[0] in {"[", "[["} and (not words or words.pop() not in {"]", "]]"}):
        return call.fail("missing ]", 2)
    try:
        return int(not _Test(words, call).value())
    except ValueError as error:
        return call.fail(str(error), 2)


class _Test:
    """The expression of `test`: unary and binary primaries, `!`, `-a`, `-o`, parentheses."""

    def __init__(self, words: list[str], call: Invocation) -> None:
        self.words = words
        self.at = 0
        self.call = call

    def value(self) -> bool:
        return self._any() if self.words else False

    def _peek(self, offset: int = 0) -> str | None:
        index = self.at + offset
        return self.words[index] if index < len(self.words) else None

    def _any(self) -> bool:
        found = self._all()
        while self._peek() in {"-o", "||"}:
            self.at += 1
            found = self._all() or found
        return found

    def _all(self) -> bool:
        found = self._one()
        while self._peek() in {"-a", "&&"}:
            self.at += 1
            found = self._one() and found
        return found

    def _one(self) -> bool:
        word = self._peek() or ""
        following = self._peek(1)
        if following is not None and following in _BINARY:
            self.at += 3
            return _BINARY[following](word, self.words[self.at - 1] if self.at <= len(self.words) else "")
        self.at += 1
        if word == "!" and following is not None:
            return not self._one()
        if word == "(":
            found = self._any()
            self.at += 1
            return found
        if word in _UNARY and following is not None:
            self.at += 1
            return self._unary(word, following)
        return word != ""

    def _unary(self, operator: str, value: str) -> bool:
        if operator in {"-z", "-n"}:
            return (value == "") == (operator == "-z")
        files: Filesystem = self.call.process.files
        path = self.call.shell.path(value)
        if operator in {"-d", "-f"}:
            return files.is_directory(path) if operator == "-d" else files.is_file(path)
        if operator == "-s":
            return files.is_file(path) and files.read(path) != ""
        if operator == "-x":
            return files.is_directory(path) or value.rpartition("/")[2] in self.call.shell.commands
        return files.exists(path)


_UNARY = {"-z", "-n", "-d", "-f", "-e", "-r", "-w", "-x", "-s", "-L", "-S", "-p"}


def _whole(text: str) -> int:
    if not re.fullmatch(r"\s*[-+]?[0-9]+\s*", text):
        raise ValueError(f"{text}: bad number" if text else "out of range")
    return int(text)


_BINARY: dict[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a == b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
    "-eq": lambda a, b: _whole(a) == _whole(b), "-ne": lambda a, b: _whole(a) != _whole(b),
    "-lt": lambda a, b: _whole(a) < _whole(b), "-le": lambda a, b: _whole(a) <= _whole(b),
    "-gt": lambda a, b: _whole(a) > _whole(b), "-ge": lambda a, b: _whole(a) >= _whole(b),
}  # fmt: skip


def nothing(call: Invocation) -> int:
    return 0


def false(call: Invocation) -> int:
    return 1


def print_directory(call: Invocation) -> int:
    call.streams.out(f"{call.shell.directory}\n")
    return 0


BUILTINS: dict[str, Command] = {
    ".": dot, ":": nothing, "[": test, "[[": test, "alias": nothing, "break": leave, "cd": change_directory,
    "command": command, "continue": leave, "echo": echo, "eval": evaluate, "exec": execute, "exit": leave,
    "export": export, "false": false, "local": export, "printf": printf, "pwd": print_directory, "read": read,
    "readonly": export, "return": leave, "set": set_options, "shift": shift, "source": dot, "test": test,
    "trap": trap, "true": nothing, "type": which, "ulimit": nothing, "umask": nothing, "unset": unset,
    "wait": wait, "which": which,
}  # fmt: skip
