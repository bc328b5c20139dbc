"""Expanding the words of a command and following its redirections, for the shell that runs it.

Expansion may run commands (`$(…)`), and these may wait, so it is a generator like everything that runs.
Upstream: POSIX.1-2024, Shell Command Language, 2.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from k8snb.kubelet.images.program import Process
from k8snb.kubelet.images.shell import words as expansion
from k8snb.kubelet.images.shell.streams import Buffer, Input, Run, Steps, Streams, Write, to_file
from k8snb.kubelet.images.shell.syntax import Lexer, Part, Redirect, Word, read_word


class Leave(Exception):
    """`exit`, `return`, `break` or `continue` on its way out."""

    def __init__(self, kind: str, value: int) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value


class Expander:
    """The state that words are expanded in: variables, arguments, directory, options."""

    def __init__(self, process: Process, arguments: Sequence[str]) -> None:
        self.process = process
        self.arguments = list(arguments)
        self.variables: dict[str, str] = dict(process.env)
        self.directory = process.working_directory
        self.options: dict[str, None] = {}
        self.status = 0
        self.background = 0

    def substitute(self, text: str, streams: Streams) -> Run:
        """Run the command of a `$(…)` in a shell of its own."""
        raise NotImplementedError

    def fields(self, words: Sequence[Word], streams: Streams) -> Steps[list[str]]:
        """The fields that words become: expanded, split, file names matched."""
        found: list[str] = []
        for word in words:
            if len(word) == 1 and word[0].kind == "text" and (word[0].quoted or not _has_pattern(word[0].text)):
                found.append(word[0].text if word[0].quoted else _tilde(word[0].text))
                continue
            found += yield from self._fields_of(word, streams)
        return found

    def _fields_of(self, word: Word, streams: Streams) -> Steps[list[str]]:
        fields: list[str] = []
        current: str | None = None
        pattern = False
        for part in word:
            if part.kind == "parameter" and part.text == "@" and part.quoted:
                values = self.arguments[1:]
                if values:
                    fields += [(current or "") + values[0], *values[1:]] if len(values) > 1 else []
                    current = fields.pop() if len(values) > 1 else (current or "") + values[0]
                continue
            text = yield from self._part(part, streams)
            if part.quoted:
                current = (current or "") + text
            elif part.kind == "text":
                current = (current or "") + text
                pattern = pattern or _has_pattern(text)
            else:
                pieces = text.split()
                if text[:1].isspace() and current is not None:
                    fields.append(current)
                    current = None
                for piece in pieces[:-1]:
                    fields.append((current or "") + piece)
                    current = None
                if pieces:
                    current = (current or "") + pieces[-1]
                    if text[-1:].isspace():
                        fields.append(current)
                        current = None
        if current is not None:
            fields.append(current)
        if pattern:
            matched = [expansion.matching_files(field, self.directory, self.process.files) for field in fields]
            fields = [path for paths in matched for path in paths]
        return fields

    def text(self, word: Word, streams: Streams, *, pattern: bool = False) -> Steps[str]:
        """A word as one text, without splitting; with `pattern`, quoted characters stand for themselves."""
        pieces: list[str] = []
        for part in word:
            text = yield from self._part(part, streams)
            pieces.append("".join(f"[{c}]" if c in "*?[" else c for c in text) if pattern and part.quoted else text)
        return "".join(pieces)

    def _part(self, part: Part, streams: Streams) -> Steps[str]:
        if part.kind == "text":
            return part.text
        if part.kind == "parameter":
            return (yield from self._parameter(part.text, streams))
        if part.kind == "arithmetic":
            inside = yield from self._inner(part.text, streams)
            return str(expansion.Arithmetic(inside, self.variables).value())
        buffer = Buffer()
        self.status = yield from self.substitute(part.text, replace(streams, out=buffer.write))
        return buffer.take().rstrip("\n")

    def _inner(self, text: str, streams: Streams) -> Steps[str]:
        """Expand text that stands inside an expansion."""
        parts, _ = read_word(Lexer(text), "")
        return (yield from self.text(tuple(parts), streams))

    def value(self, name: str) -> str | None:
        """The value of a parameter, special ones included; None if it is not set."""
        if name.isdigit():
            index = int(name)
            return self.arguments[index] if index < len(self.arguments) else None
        special: dict[str, Callable[[], str]] = {
            "?": lambda: str(self.status), "$": lambda: "1", "#": lambda: str(len(self.arguments) - 1),
            "@": lambda: " ".join(self.arguments[1:]), "*": lambda: " ".join(self.arguments[1:]),
            "!": lambda: str(self.background), "-": lambda: "".join(self.options),
            "PWD": lambda: self.directory,
        }  # fmt: skip
        return special[name]() if name in special else self.variables.get(name)

    def _parameter(self, text: str, streams: Streams) -> Steps[str]:
        length, name, operator, word = expansion.split_parameter(text)
        value = self.value(name)
        if length:
            return str(len(value or ""))
        if not operator:
            if value is None and "u" in self.options and name not in {"@", "*"}:
                raise expansion.ExpansionError(f"{name}: parameter not set")
            return value or ""
        if operator in {"#", "##", "%", "%%"}:
            pattern = yield from self._inner(word, streams)
            return expansion.trim(value or "", operator, pattern)
        unset = value is None or (operator[0] == ":" and value == "")
        if operator[-1] == "+":
            return "" if unset else (yield from self._inner(word, streams))
        if not unset:
            return value or ""
        replacement = yield from self._inner(word, streams)
        if operator[-1] == "?":
            raise expansion.ExpansionError(f"{name}: {replacement or 'parameter not set'}")
        if operator[-1] == "=":
            self.variables[name] = replacement
        return replacement

    def redirected(self, redirects: Sequence[Redirect], streams: Streams) -> Steps[Streams]:
        """The streams as redirections leave them; raises FileError where a file cannot be opened."""
        for redirect in redirects:
            target = yield from self.text(redirect.target, streams)
            streams = self._redirect(redirect, target, streams)
        return streams

    def _redirect(self, redirect: Redirect, target: str, streams: Streams) -> Streams:
        operator, files = redirect.operator, self.process.files
        if operator in {"<<", "<<-"}:
            return replace(streams, input=Input(target))
        if operator == "<":
            return replace(streams, input=Input(files.read(self.path(target))))
        write: Write
        if operator in {">&", "<&"}:
            write = {"1": streams.out, "2": streams.err}.get(target, lambda text: None)
        elif target in {"/dev/stdout", "/proc/1/fd/1", "/proc/self/fd/1", "/dev/fd/1"}:
            write = streams.out if target != "/proc/1/fd/1" else self.process.log
        elif target in {"/dev/stderr", "/proc/1/fd/2", "/proc/self/fd/2"}:
            write = streams.err if target != "/proc/1/fd/2" else (lambda text: self.process.log(text, "stderr"))
        else:
            write = to_file(files, self.path(target), append=operator == ">>")
        return replace(streams, err=write) if redirect.fd == 2 else replace(streams, out=write)

    def path(self, name: str) -> str:
        """An absolute path; a relative one begins at the current directory."""
        return name if name.startswith("/") else f"{self.directory.rstrip('/')}/{name}"


def _has_pattern(text: str) -> bool:
    return "*" in text or "?" in text or "[" in text


def _tilde(text: str) -> str:
    return "/root" + text[1:] if text == "~" or text.startswith("~/") else text
