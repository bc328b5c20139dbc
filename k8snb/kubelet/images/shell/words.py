"""Expanding words: parameters, commands, arithmetic, field splitting and file name patterns."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable, MutableMapping

from k8snb.kubelet.images.filesystem import Filesystem

_OPERATORS = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, "<=": 7, ">": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_TOKEN = re.compile(
    r"\s*(0[xX][0-9a-fA-F]+|[0-9]+|[A-Za-z_]\w*|\+\+|--|[-+*/%]?=(?!=)|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%<>!~()?:&|^])"
)
_PARAMETER = re.compile(r"(#?)([A-Za-z_]\w*|[0-9]+|[?$!#@*-])(:?[-=+?]|%%?|##?|)(.*)", re.DOTALL)


class ExpansionError(ValueError):
    """The word cannot be expanded: `${x:?message}`, a division by zero."""


class Arithmetic:
    """`$((…))`: whole numbers, C's operators, variables that may be assigned."""

    def __init__(self, text: str, variables: MutableMapping[str, str]) -> None:
        self._tokens = self._split(text)
        self._at = 0
        self._variables = variables

    @staticmethod
    def _split(text: str) -> list[str]:
        tokens: list[str] = []
        at = 0
        text = text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise ExpansionError("arithmetic syntax error")
            tokens.append(match.group(1))
            at = match.end()
        return tokens

    def value(self) -> int:
        """The value of the whole expression; 0 if it is empty."""
        if not self._tokens:
            return 0
        found = self._ternary()
        if self._at < len(self._tokens):
            raise ExpansionError("arithmetic syntax error")
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _ternary(self) -> int:
        condition = self._binary(1)
        if self._peek() != "?":
            return condition
        self._take()
        yes = self._ternary()
        if self._take() != ":":
            raise ExpansionError("arithmetic syntax error")
        no = self._ternary()
        return yes if condition else no

    def _binary(self, least: int) -> int:
        left = self._unary()
        while (rank := _OPERATORS.get(self._peek(), 0)) >= least:
            operator = self._take()
            left = _apply(operator, left, self._binary(rank + 1))
        return left

    def _unary(self) -> int:
        token = self._take()
        if token in {"++", "--"}:
            return self._assign(self._take(), 1 if token == "++" else -1)
        if token in {"-", "+", "!", "~"}:
            value = self._unary()
            return {"-": -value, "+": value, "!": int(not value), "~": ~value}[token]
        if token == "(":
            value = self._ternary()
            if self._take() != ")":
                raise ExpansionError("arithmetic syntax error")
            return value
        if token[:1].isdigit():
            return int(token, 0) if token[:2].lower() == "0x" else int(token)
        if not token or not (token[0].isalpha() or token[0] == "_"):
            raise ExpansionError("arithmetic syntax error")
        return self._variable(token)

    def _variable(self, name: str) -> int:
        following = self._peek()
        if following in {"++", "--"}:
            self._take()
            return self._assign(name, 1 if following == "++" else -1) - (1 if following == "++" else -1)
        if following.endswith("=") and following not in {"==", "!=", "<=", ">="}:
            operator = self._take()[:-1]
            value = self._ternary()
            value = _apply(operator, self._read(name), value) if operator else value
            self._variables[name] = str(value)
            return value
        return self._read(name)

    def _read(self, name: str) -> int:
        text = self._variables.get(name, "").strip()
        return int(text) if re.fullmatch(r"[-+]?[0-9]+", text) else 0

    def _assign(self, name: str, step: int) -> int:
        value = self._read(name) + step
        self._variables[name] = str(value)
        return value


def _apply(operator: str, left: int, right: int) -> int:
    if operator in {"/", "%"}:
        if right == 0:
            raise ExpansionError("divide by zero")
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return quotient if operator == "/" else left - quotient * right
    table: dict[str, Callable[[int, int], int]] = {
        "||": lambda a, b: int(bool(a) or bool(b)), "&&": lambda a, b: int(bool(a) and bool(b)),
        "|": lambda a, b: a | b, "^": lambda a, b: a ^ b, "&": lambda a, b: a & b,
        "==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b),
        "<": lambda a, b: int(a < b), "<=": lambda a, b: int(a <= b),
        ">": lambda a, b: int(a > b), ">=": lambda a, b: int(a >= b),
        "<<": lambda a, b: a << (b & 63), ">>": lambda a, b: a >> (b & 63),
        "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    }  # fmt: skip
    return table[operator](left, right)


def split_parameter(text: str) -> tuple[bool, str, str, str]:
    """The inside of `${…}`: whether its length is wanted, its name, the operator and the word after it."""
    if text == "#":
        return False, "#", "", ""
    match = _PARAMETER.fullmatch(text)
    if match is None:
        raise ExpansionError("bad substitution")
    return bool(match.group(1)), match.group(2), match.group(3), match.group(4)


def trim(value: str, operator: str, pattern: str) -> str:
    """`${x#p}`, `##`, `%`, `%%`: the value without what the pattern matches at its beginning or end."""
    if operator in {"#", "##"}:
        cuts = range(len(value) + 1) if operator == "#" else range(len(value), -1, -1)
        return next((value[cut:] for cut in cuts if fnmatch.fnmatchcase(value[:cut], pattern)), value)
    cuts = range(len(value), -1, -1) if operator == "%" else range(len(value) + 1)
    return next((value[:cut] for cut in cuts if fnmatch.fnmatchcase(value[cut:], pattern)), value)


def matching_files(pattern: str, directory: str, files: Filesystem) -> list[str]:
    """The paths that a pattern with `*`, `?` or `[…]` matches, sorted; the pattern itself if there are none."""
    absolute = posixpath.join(directory, pattern)
    found = ["/"]
    for component in posixpath.normpath(absolute).strip("/").split("/"):
        if not any(c in component for c in "*?["):
            found = [posixpath.join(base, component) for base in found]
            continue
        found = [
            posixpath.join(base, name)
            for base in found
            if files.is_directory(base)
            for name in files.list(base)
            if fnmatch.fnmatchcase(name, component) and (component[0] == "." or name[0] != ".")
        ]
    found = [path for path in found if files.exists(path)]
    if not found:
        return [pattern]
    if pattern.startswith("/"):
        return sorted(found)
    prefix = directory.rstrip("/") + "/"
    return sorted(path.removeprefix(prefix) for path in found)
