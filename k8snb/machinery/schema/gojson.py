"""What Go's JSON scanner says about a text that is not JSON.

Only asked when a text has been refused: it reads the text again, as Go's scanner does, up to the character
that cannot stand there. Upstream: `encoding/json/scanner.go`.
"""

from __future__ import annotations

import re

END = "unexpected end of JSON input"
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER_STEPS = (
    (re.compile("-"), re.compile("[0-9]"), "in numeric literal"),
    (re.compile(r"\."), re.compile("[0-9]"), "after decimal point in numeric literal"),
    (re.compile("[eE][-+]?"), re.compile("[0-9]"), "in exponent of numeric literal"),
)
_LITERALS = {"t": "true", "f": "false", "n": "null"}
_MAX_DEPTH = 10_000


class _Complaint(Exception):
    pass


def complaint(text: str) -> str:
    """Why the text is no JSON value."""
    try:
        at = _Scanner(text).document()
    except _Complaint as found:
        return str(found)
    return f"invalid character {_quoted(text[at])} after top-level value" if at < len(text) else END


def _quoted(character: str) -> str:
    """A character as Go's `quoteChar` shows it."""
    if character in "'\"":
        return {"'": r"'\''", '"': "'\"'"}[character]
    if character == "\\":
        return r"'\\'"
    short = {"\n": r"\n", "\t": r"\t", "\r": r"\r", "\b": r"\b", "\f": r"\f", "\a": r"\a", "\v": r"\v"}
    if character in short:
        return f"'{short[character]}'"
    if character < " " or character == "\x7f":
        return rf"'\x{ord(character):02x}'"
    return f"'{_first_byte(character)}'"


def _first_byte(character: str) -> str:
    """Go looks at bytes: of a character outside ASCII it sees the first one."""
    if character.isascii():
        return character
    byte = chr(character.encode("utf-8", "replace")[0])
    return byte if byte.isprintable() else rf"\u{ord(byte):04x}"


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def look(self) -> str:
        """The next character; complains at the end of the text."""
        if self.at >= len(self.text):
            raise _Complaint(END)
        return self.text[self.at]

    def refuse(self, where: str) -> _Complaint:
        return _Complaint(f"invalid character {_quoted(self.look())} {where}")

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def document(self) -> int:
        """Reads one value with an explicit stack; returns where it ends."""
        stack: list[str] = []
        while True:
            self.skip()
            opened = self.value(stack)
            while not opened:
                self.skip()
                if not stack:
                    return self.at
                opened = self.after(stack)

    def value(self, stack: list[str]) -> bool:
        """Reads the beginning of a value. True if another value must follow."""
        character = self.look()
        if character in "{[":
            self.at += 1
            if len(stack) >= _MAX_DEPTH:
                raise _Complaint("exceeded max depth")
            self.skip()
            if self.look() == {"{": "}", "[": "]"}[character]:
                self.at += 1
                return False
            stack.append(character)
            if character == "{":
                self.key("looking for beginning of object key string")
            return True
        self.scalar(character)
        return False

    def scalar(self, character: str) -> None:
        if character == '"':
            self.string()
        elif character in _LITERALS:
            self.literal(_LITERALS[character])
        elif character in "-0123456789":
            self.number()
        else:
            raise self.refuse("looking for beginning of value")

    def after(self, stack: list[str]) -> bool:
        """Reads what follows a value inside an object or list. True if another value must follow."""
        character, container = self.look(), stack[-1]
        self.at += 1
        if character == ",":
            if container == "{":
                self.skip()
                self.key("looking for beginning of object key string")
            return True
        if character == {"{": "}", "[": "]"}[container]:
            stack.pop()
            return False
        self.at -= 1
        raise self.refuse("after object key:value pair" if container == "{" else "after array element")

    def key(self, where: str) -> None:
        if self.look() != '"':
            raise self.refuse(where)
        self.string()
        self.skip()
        if self.look() != ":":
            raise self.refuse("after object key")
        self.at += 1

    def string(self) -> None:
        self.at += 1
        while (character := self.look()) != '"':
            if character < " ":
                raise self.refuse("in string literal")
            self.at += 1
            if character == "\\":
                self.escape()
        self.at += 1

    def escape(self) -> None:
        if self.look() not in 'bfnrt\\/"u':
            raise self.refuse("in string escape code")
        self.at += 1
        if self.text[self.at - 1] == "u":
            for _ in range(4):
                if self.look() not in "0123456789abcdefABCDEF":
                    raise self.refuse("in \\u hexadecimal character escape")
                self.at += 1

    def literal(self, word: str) -> None:
        for position, expected in enumerate(word):
            if self.look() != expected:
                raise self.refuse(f"in literal {word} (expecting {_quoted(word[position])})")
            self.at += 1

    def number(self) -> None:
        for lead, digit, where in _NUMBER_STEPS:
            match = lead.match(self.text, self.at)
            if match:
                self.at = match.end()
                if not digit.match(self.look()):
                    raise self.refuse(where)
            if where == "in numeric literal" and self.look_or_end() == "0":
                self.at += 1
                continue
            if match or where == "in numeric literal":
                while self.look_or_end().isascii() and self.look_or_end().isdigit():
                    self.at += 1

    def look_or_end(self) -> str:
        return self.text[self.at : self.at + 1]
