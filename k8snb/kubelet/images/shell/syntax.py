"""Reading a script: characters to tokens, tokens to a tree. Upstream: POSIX.1-2024, Shell Command Language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias


class ShellSyntaxError(Exception):
    """The script cannot be read."""


class Part(NamedTuple):
    """A piece of a word. `kind` is `text`, `parameter`, `command` or `arithmetic`."""

    kind: str
    text: str
    quoted: bool


Word: TypeAlias = tuple[Part, ...]


class Redirect(NamedTuple):
    """`>file`, `2>&1`, `<file`, `<<EOF`: `fd` is moved to `target`."""

    fd: int
    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its words, the assignments before it and its redirections."""

    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]

    @property
    def name(self) -> str:
        """The command's name, where it is plain text."""
        return self.words[0][0].text if self.words and self.words[0] else ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `|`, perhaps negated by `!`."""

    commands: tuple[Node, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class AndOr:
    """`left && right` or `left || right`."""

    left: Node
    operator: str
    right: Node


@dataclass(frozen=True, slots=True)
class Several:
    """Commands one after another; the flag says that a command runs in the background (`&`)."""

    items: tuple[tuple[Node, bool], ...]


@dataclass(frozen=True, slots=True)
class If:
    """`if … then … elif … else … fi`: conditions with their bodies, and what is left."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class Loop:
    """`while` or `until`."""

    until: bool
    condition: Node
    body: Node


@dataclass(frozen=True, slots=True)
class For:
    """`for name in words`; without words it goes through the arguments."""

    name: str
    words: tuple[Word, ...] | None
    body: Node


@dataclass(frozen=True, slots=True)
class Case:
    """`case word in pattern) … ;; esac`."""

    word: Word
    branches: tuple[tuple[tuple[Word, ...], Node], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`{ …; }`, or `( … )` in a shell of its own; any compound command with redirections becomes one."""

    body: Node
    subshell: bool
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """`name() { … }`."""

    name: str
    body: Node


Node: TypeAlias = Simple | Pipeline | AndOr | Several | If | Loop | For | Case | Group | Function


@dataclass(slots=True)
class Token:
    """A word, an operator, a newline or the end. `plain` is the text of a word without quotes or expansions."""

    kind: str
    text: str = ""
    word: Word = ()
    plain: bool = False
    fd: int = -1
    here: list[Part] = field(default_factory=list)


_OPERATORS = ("&&", "||", ";;", "<<-", "<<", ">>", ">&", "<&", ">|", "<>", "&", "|", ";", "<", ">", "(", ")")
_REDIRECTIONS = {"<", ">", ">>", "<<", "<<-", ">&", "<&", ">|", "<>"}
_ENDERS = {"then", "do", "done", "fi", "elif", "else", "esac", "}"}


class Lexer:
    """Characters to tokens. Here-documents are collected when their line ends."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._pending: list[tuple[Token, str, bool, bool]] = []

    def tokens(self) -> list[Token]:
        """All of them, ending with one of kind `end`."""
        found: list[Token] = []
        while True:
            token = self._next()
            if found and found[-1].kind == "operator" and found[-1].text in {"<<", "<<-"} and token.kind == "word":
                delimiter = "".join(part.text for part in token.word)
                quoted = any(part.quoted for part in token.word)
                self._pending.append((token, delimiter, quoted, found[-1].text == "<<-"))
            found.append(token)
            if token.kind == "newline":
                self._here_documents()
            if token.kind == "end":
                return found

    def _next(self) -> Token:
        text = self.text
        while self.at < len(text):
            c = text[self.at]
            if c in " \t\r":
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
            elif c == "#":
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
            else:
                break
        if self.at >= len(text):
            return Token("end")
        if text[self.at] == "\n":
            self.at += 1
            return Token("newline", "\n")
        for operator in _OPERATORS:
            if text.startswith(operator, self.at):
                self.at += len(operator)
                return Token("operator", operator)
        return self._word()

    def _word(self) -> Token:
        start = self.at
        parts, plain = read_word(self, " \t\n;&|<>()")
        raw = self.text[start : self.at]
        if raw.isdigit() and self.at < len(self.text) and self.text[self.at] in "<>":
            token = self._next()
            token.fd = int(raw)
            return token
        return Token("word", raw, tuple(parts), plain)

    def _here_documents(self) -> None:
        for token, delimiter, quoted, strip in self._pending:
            lines: list[str] = []
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = min(end + 1, len(self.text))
                if (line.lstrip("\t") if strip else line) == delimiter:
                    break
                lines.append(line.lstrip("\t") if strip else line)
            body = "".join(f"{line}\n" for line in lines)
            token.word = (Part("text", body, True),) if quoted else tuple(read_quoted(body))
        self._pending.clear()


def read_word(lexer: Lexer, stop: str) -> tuple[list[Part], bool]:
    """The parts of a word up to one of the characters in `stop`, and whether it is plain text."""
    parts: list[Part] = []
    plain = True
    text = lexer.text
    buffer = ""

    def flush(quoted: bool = False) -> None:
        nonlocal buffer
        if buffer or quoted:
            parts.append(Part("text", buffer, quoted))
        buffer = ""

    while lexer.at < len(text) and text[lexer.at] not in stop:
        c = text[lexer.at]
        if c == "'":
            flush()
            end = text.find("'", lexer.at + 1)
            if end < 0:
                raise ShellSyntaxError("unterminated quoted string")
            parts.append(Part("text", text[lexer.at + 1 : end], True))
            lexer.at, plain = end + 1, False
        elif c == '"':
            flush()
            lexer.at += 1
            parts += _read_double(lexer)
            plain = False
        elif c == "\\":
            flush()
            if lexer.at + 1 < len(text) and text[lexer.at + 1] != "\n":
                parts.append(Part("text", text[lexer.at + 1], True))
            lexer.at, plain = lexer.at + 2, False
        elif c in "$`" and (part := _read_expansion(lexer, quoted=False)) is not None:
            flush()
            parts.append(part)
            plain = False
        else:
            buffer += c
            lexer.at += 1
    flush()
    return parts, plain


def read_quoted(text: str) -> list[Part]:
    """The parts of text within double quotes (or of a here-document)."""
    lexer = Lexer(text)
    return _read_double(lexer, closing="")


def _read_double(lexer: Lexer, closing: str = '"') -> list[Part]:
    parts: list[Part] = []
    buffer = ""
    text = lexer.text
    while lexer.at < len(text) and text[lexer.at] != closing:
        c = text[lexer.at]
        if c == "\\" and lexer.at + 1 < len(text) and text[lexer.at + 1] in '$`"\\\n':
            buffer += "" if text[lexer.at + 1] == "\n" else text[lexer.at + 1]
            lexer.at += 2
        elif c in "$`" and (part := _read_expansion(lexer, quoted=True)) is not None:
            parts += [Part("text", buffer, True), part]
            buffer = ""
        else:
            buffer += c
            lexer.at += 1
    if closing:
        if lexer.at >= len(text):
            raise ShellSyntaxError("unterminated quoted string")
        lexer.at += 1
    return [*parts, Part("text", buffer, True)]


def _read_expansion(lexer: Lexer, *, quoted: bool) -> Part | None:
    """`$name`, `${…}`, `$(…)`, `$((…))` or a backquoted command; None if the `$` is only a dollar sign."""
    text, at = lexer.text, lexer.at
    if text[at] == "`":
        end = _closing(text, at + 1, "`")
        lexer.at = end + 1
        return Part("command", text[at + 1 : end].replace("\\`", "`"), quoted)
    if text.startswith("$((", at):
        end = _balanced(text, at + 1)
        if text[end - 1] == ")":
            lexer.at = end + 1
            return Part("arithmetic", text[at + 3 : end - 1], quoted)
    if text.startswith("$(", at):
        end = _balanced(text, at + 1)
        lexer.at = end + 1
        return Part("command", text[at + 2 : end], quoted)
    if text.startswith("${", at):
        end = _brace(text, at + 2)
        lexer.at = end + 1
        return Part("parameter", text[at + 2 : end], quoted)
    following = text[at + 1 : at + 2]
    if following and following in "?$!#@*-0123456789":
        lexer.at = at + 2
        return Part("parameter", following, quoted)
    end = at + 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    if end == at + 1:
        return None
    lexer.at = end
    return Part("parameter", text[at + 1 : end], quoted)


def _closing(text: str, at: int, mark: str) -> int:
    while at < len(text) and text[at] != mark:
        at += 2 if text[at] == "\\" else 1
    if at >= len(text):
        raise ShellSyntaxError("unterminated quoted string")
    return at


def _balanced(text: str, at: int) -> int:
    """The index of the parenthesis that closes the one at `at`."""
    return _scan(text, at + 1, ")", {"(": 1, ")": -1}, 1)


def _brace(text: str, at: int) -> int:
    return _scan(text, at, "}", {"{": 1, "}": -1}, 1)


def _scan(text: str, at: int, end: str, weights: dict[str, int], depth: int) -> int:
    skip: dict[str, Callable[[int], int]] = {
        "'": lambda i: text.find("'", i + 1),
        '"': lambda i: _closing(text, i + 1, '"'),
        "\\": lambda i: i + 1,
    }
    while at < len(text):
        c = text[at]
        depth += weights.get(c, 0)
        if c == end and depth == 0:
            return at
        if c in skip:
            at = skip[c](at)
            if at < 0:
                break
        at += 1
    raise ShellSyntaxError(f"syntax error: unterminated, missing {end!r}")
