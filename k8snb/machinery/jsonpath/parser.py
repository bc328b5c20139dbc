"""Reads a template. What client-go would refuse is refused with its words."""

from __future__ import annotations

import re

from k8snb.machinery.jsonpath.nodes import (
    Filter,
    Literal,
    Member,
    Node,
    Path,
    Recursive,
    Slice,
    Text,
    Union,
    Wildcard,
    Word,
)


class JSONPathError(ValueError):
    """The template cannot be read, or does not fit the object; the message is client-go's."""


_TERMINATORS = frozenset(" \t\r\n.,[]$@{}")
_SLICE = re.compile(r"(-?\d*)(:-?\d*)?(:-?\d*)?")
_KEY = re.compile(r"'([^']*)'")
_COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+?)")
_RELAXED = re.compile(r"\{\.?([^{}]+)\}|\.?([^{}]+)")


def relaxed(text: str) -> str:
    """A template from a path with or without braces and leading dot, as `--sort-by` takes it."""
    if not text:
        return ""
    match = _RELAXED.fullmatch(text)
    if match is None:
        forms = ("name1.name2", ".name1.name2", "{name1.name2}", "{.name1.name2}")
        raise JSONPathError(f"unexpected path string, expected a {' or '.join(map(repr, forms))}")
    return "{." + (match[1] or match[2]) + "}"


def parse(template: str) -> list[Node]:
    """The nodes of a template: texts, and one `Path` for each pair of braces."""
    nodes: list[Node] = []
    at = 0
    while (brace := template.find("{", at)) >= 0:
        if brace > at:
            nodes.append(Text(template[at:brace]))
        action = _Action(template, brace + 1)
        nodes.append(action.read())
        at = action.at
    if at < len(template):
        nodes.append(Text(template[at:]))
    return nodes


def _inner(text: str) -> Path:
    return _Action(text + "}", 0).read()


class _Action:
    """Reads what stands between braces, from `at` on; afterwards `at` is behind the closing one."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.path = Path()

    def read(self) -> Path:
        while not self.closed():
            self.node()
        return self.path

    def closed(self) -> bool:
        if self.text[self.at : self.at + 1] == "}":
            self.at += 1
            return True
        return False

    def add(self, node: Node) -> None:
        self.path.nodes.append(node)

    def node(self) -> None:
        char = self.text[self.at : self.at + 1]
        if self.text.startswith("[?(", self.at):
            self.filter()
        elif self.text.startswith("..", self.at):
            self.recursive()
        elif not char or char in "\r\n":
            raise JSONPathError("unclosed action")
        elif char in " @$":
            self.at += 1
        elif char == "[":
            self.array()
        elif char in "\"'":
            self.quote(char)
        elif char == ".":
            self.at += 1
            self.member()
        elif char in "+-" or char.isdigit():
            self.number()
        elif char.isalnum() or char == "_":
            self.word()
        else:
            raise JSONPathError(f"unrecognized character in action: U+{ord(char):04X} '{char}'")

    def name(self) -> str:
        """The characters up to the next terminator; a backslash keeps the one after it from being one."""
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in _TERMINATORS:
            self.at += 2 if self.text[self.at] == "\\" else 1
        return self.text[start : self.at]

    def member(self) -> None:
        name = self.name()
        self.add(Wildcard() if name == "*" else Member(name.replace("\\", "")))

    def recursive(self) -> None:
        self.at += 2
        self.add(Recursive())
        char = self.text[self.at : self.at + 1]
        if char.isalnum() or char == "_":
            self.member()

    def word(self) -> None:
        name = self.name()
        if name in ("true", "false"):
            self.add(Literal(name == "true"))
        else:
            self.add(Word(name))

    def number(self) -> None:
        match = re.compile(r"[+-]?[\d.]*").match(self.text, self.at)
        text = match.group() if match else ""
        self.at += len(text)
        try:
            self.add(Literal(int(text)))
        except ValueError:
            try:
                self.add(Literal(float(text)))
            except ValueError:
                raise JSONPathError(f"cannot parse number {text}") from None

    def quote(self, mark: str) -> None:
        end = self.at + 1
        while end < len(self.text) and self.text[end] != mark:
            if self.text[end] == "\n":
                break
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text) or self.text[end] != mark:
            raise JSONPathError("unterminated quoted string")
        body, self.at = self.text[self.at + 1 : end], end + 1
        self.add(Text(_unquoted(body)))

    def array(self) -> None:
        end = self.text.find("]", self.at)
        if end < 0 or "\n" in self.text[self.at : end]:
            raise JSONPathError("unterminated array")
        body, self.at = self.text[self.at + 1 : end], end + 1
        parts = body.split(",")
        if len(parts) > 1:
            self.add(Union(tuple(_inner(f"[{part.strip(' ')}]") for part in parts)))
        elif key := _KEY.fullmatch(body):
            self.path.nodes += _inner(f".{key[1]}").nodes
        else:
            self.add(_slice(body))

    def filter(self) -> None:
        start = self.at + 3
        end = _filter_end(self.text, start)
        if self.text[end + 1 : end + 2] != "]":
            raise JSONPathError("unclosed array expect ]")
        body, self.at = self.text[start:end], end + 2
        match = _COMPARISON.fullmatch(body)
        if match is None:
            self.add(Filter(_inner(body), "exists", Path()))
        else:
            self.add(Filter(_inner(match[1]), match[2], _inner(match[3])))


def _filter_end(text: str, start: int) -> int:
    """Where the parenthesis of a filter closes; one inside quotes does not count."""
    mark = ""
    paired = False
    for at in range(start, len(text)):
        char = text[at]
        if char == "\n":
            break
        if char in "\"'":
            if not mark:
                mark = char
            elif char == mark and text[at - 1] != "\\":
                paired = True
        elif char == ")" and bool(mark) == paired:
            return at
    raise JSONPathError("unterminated filter")


def _slice(body: str) -> Slice:
    text = ":" if body == "*" else body
    match = _SLICE.fullmatch(text)
    if match is None:
        raise JSONPathError(f"invalid array index {body}")
    first, end, step = match.groups()
    start = _bound(first)
    if end is None:
        return Slice(start, (start or 0) + 1, None, derived=True)
    return Slice(start, _bound(end), _bound(step))


def _bound(text: str | None) -> int | None:
    return int(text.removeprefix(":")) if text and text != ":" else None


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def _unquoted(body: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), body)
