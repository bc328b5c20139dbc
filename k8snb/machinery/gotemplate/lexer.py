"""From a template's text to tokens. Upstream: `text/template/parse/lex.go`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

LEFT, RIGHT = "{{", "}}"
_SPACES = " \t\r\n"
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]+(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]+)?|0[bB][01_]+|0[oO][0-7_]+|"
    r"(?:[0-9][0-9_]*)?(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]+)?)"
)
KEYWORDS = frozenset(("block", "break", "continue", "define", "else", "end", "if", "range", "nil", "template", "with"))


class Token(NamedTuple):
    """One piece: its kind, its text, where it begins, and its line counted from 1.

    Kinds: text, left, right, space, string, number, char-constant, bool, identifier, field, variable, dot, keyword,
    `(`, `)`, `|`, `=`, `:=`, char, eof, error (whose text is the complaint).
    """

    kind: str
    text: str
    at: int
    line: int

    def __str__(self) -> str:
        """As messages name it."""
        if self.kind == "eof":
            return "EOF"
        if self.kind == "error":
            return self.text
        if self.kind == "keyword":
            return f"<{self.text}>"
        return quoted(self.text[:10]) + "..." if len(self.text) > 10 else quoted(self.text)


_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f"}


def quoted(text: str) -> str:
    """The text as Go's `%q` writes it."""
    return '"' + "".join(_ESCAPES.get(c, c if c.isprintable() else _code(c)) for c in text) + '"'


def _code(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Lexer:
    """Cuts one text. An error is the last token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.start = 0
        self.depth = 0

    def tokens(self) -> Iterator[Token]:
        """All tokens, the last of which is `eof` or `error`."""
        while self.at < len(self.text):
            left = self.text.find(LEFT, self.at)
            if left < 0:
                break
            yield from self._text(left)
            for token in self._action(left):
                yield token
                if token.kind == "error":
                    return
        if self.at < len(self.text):
            yield self._token("text", len(self.text))
        yield Token("eof", "", len(self.text), self.line)

    def _token(self, kind: str, end: int) -> Token:
        token = Token(kind, self.text[self.at : end], self.at, self.line)
        self.line += token.text.count("\n")
        self.at = end
        return token

    def _error(self, message: str) -> Token:
        return Token("error", message, self.at, self.line)

    def _starts(self, what: str, at: int) -> bool:
        return self.text.startswith(what, at)

    # -- between actions ---------------------------------------------------------------------------

    def _text(self, left: int) -> Iterator[Token]:
        """The text before an action, without the space that the action trims."""
        end = left
        if self._trims_left(left + len(LEFT)):
            end = self.at + len(self.text[self.at : left].rstrip(_SPACES))
        if end > self.at:
            yield self._token("text", end)
        self._skip(left)

    def _skip(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = end

    def _trims_left(self, at: int) -> bool:
        return self.text[at : at + 1] == "-" and self.text[at + 1 : at + 2] in tuple(_SPACES)

    def _right(self, at: int) -> tuple[bool, bool]:
        """Whether an action ends here, and whether it trims the space behind it."""
        if self.text[at : at + 1] in tuple(_SPACES) and self._starts("-" + RIGHT, at + 1):
            return True, True
        return self._starts(RIGHT, at), False

    def _close(self) -> Iterator[Token]:
        _, trims = self._right(self.at)
        if trims:
            self._skip(self.at + 2)
        yield self._token("right", self.at + len(RIGHT))
        if trims:
            self._skip(len(self.text) - len(self.text[self.at :].lstrip(_SPACES)))

    # -- in an action ------------------------------------------------------------------------------

    def _action(self, left: int) -> Iterator[Token]:
        inside = left + len(LEFT)
        marker = 2 if self._trims_left(inside) else 0
        if self._starts("/*", inside + marker):
            yield from self._comment(inside + marker)
            return
        yield self._token("left", inside)
        self._skip(inside + marker)
        self.depth = 0
        while True:
            ends, _ = self._right(self.at)
            if ends:
                if self.depth:
                    yield self._error("unclosed left paren")
                else:
                    yield from self._close()
                return
            if self.at >= len(self.text):
                yield self._error("unclosed action")
                return
            token = self._inside()
            yield token
            if token.kind == "error":
                return

    def _comment(self, at: int) -> Iterator[Token]:
        end = self.text.find("*/", at)
        if end < 0:
            yield self._error("unclosed comment")
            return
        self._skip(end + 2)
        ends, _ = self._right(self.at)
        if not ends:
            yield self._error("comment ends before closing delimiter")
            return
        for _token in self._close():
            pass

    def _inside(self) -> Token:
        char = self.text[self.at]
        if char in _SPACES:
            return self._space()
        if char == ":":
            return self._token(":=", self.at + 2) if self._starts(":=", self.at) else self._error("expected :=")
        if char in "=|":
            return self._token(char, self.at + 1)
        if char in "\"`'":
            return self._quote(char)
        if char == "$":
            return self._word("variable", self.at + 1)
        if char == "." and not self.text[self.at + 1 : self.at + 2].isdigit():
            return self._word("field", self.at + 1)
        if char in "+-." or char.isdigit():
            return self._number()
        if char.isalnum() or char == "_":
            return self._identifier()
        return self._other(char)

    def _other(self, char: str) -> Token:
        if char == "(":
            self.depth += 1
            return self._token("(", self.at + 1)
        if char == ")":
            if not self.depth:
                return self._error("unexpected right paren")
            self.depth -= 1
            return self._token(")", self.at + 1)
        if char.isascii() and char.isprintable():
            return self._token("char", self.at + 1)
        return self._error(f"unrecognized character in action: {unicode_name(char)}")

    def _space(self) -> Token:
        end = self.at
        while end < len(self.text) and self.text[end] in _SPACES and not (end > self.at and self._right(end)[0]):
            end += 1
        return self._token("space", end)

    def _quote(self, mark: str) -> Token:
        kind = "char-constant" if mark == "'" else "string"
        end = self.at + 1
        while end < len(self.text) and self.text[end] != mark:
            if self.text[end] == "\n" and mark != "`":
                break
            end += 2 if self.text[end] == "\\" and mark != "`" else 1
        if end >= len(self.text) or self.text[end] != mark:
            names = {"'": "character constant", '"': "quoted string", "`": "raw quoted string"}
            return self._error(f"unterminated {names[mark]}")
        return self._token(kind, end + 1)

    def _run(self, at: int) -> int:
        while at < len(self.text) and (self.text[at].isalnum() or self.text[at] == "_"):
            at += 1
        return at

    def _ends_word(self, at: int) -> bool:
        return at >= len(self.text) or self.text[at] in _SPACES + ".,|:)(" or self._starts(RIGHT, at)

    def _bad(self, at: int) -> Token:
        return self._error(f"bad character {unicode_name(self.text[at])}")

    def _word(self, kind: str, at: int) -> Token:
        end = self._run(at)
        if not self._ends_word(end):
            return self._bad(end)
        if kind == "field" and end == at:
            return self._token("dot", end)
        return self._token(kind, end)

    def _identifier(self) -> Token:
        end = self._run(self.at)
        if not self._ends_word(end):
            return self._bad(end)
        word = self.text[self.at : end]
        kind = "keyword" if word in KEYWORDS else "bool" if word in ("true", "false") else "identifier"
        return self._token(kind, end)

    def _number(self) -> Token:
        match = _NUMBER.match(self.text, self.at)
        end = match.end() if match else self.at
        if end < len(self.text) and (self.text[end].isalnum() or self.text[end] == "_"):
            return self._error(f"bad number syntax: {quoted(self.text[self.at : end + 1])}")
        return self._token("number", max(end, self.at + 1))


def unicode_name(char: str) -> str:
    """A character as Go's `%#U` writes it: `U+0023 '#'`."""
    return f"U+{ord(char):04X} '{char}'" if char.isprintable() else f"U+{ord(char):04X}"
