"""YAML as `sigs.k8s.io/yaml` writes it, byte for byte.

Keys are sorted the way people count (`v9` before `v10`), a list stands at the indentation of its key, text is
plain where it would be read back as text, quoted where it would not, and literal where it has line breaks; long
lines are folded after column 80. All this is what go-yaml's emitter does, and what readers know from
`kubectl get -o yaml`.

Upstream: `sigs.k8s.io/yaml/goyaml.v2` (`encode.go`, `emitterc.go`, `resolve.go`, `sorter.go`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cmp_to_key, lru_cache
from typing import Any

WIDTH = 80
"""A line may be folded once it is longer than this."""

_LONGEST_KEY = 128


def yaml_text(value: Any) -> str:
    """The value as a YAML document, with a line break at the end."""
    writer = _Writer()
    writer.node(value, -1)
    return "".join(writer.parts).lstrip("\n") + "\n"


class _Writer:
    """Writes nodes one after the other and knows the column it is at."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.column = 0

    def put(self, text: str) -> None:
        self.parts.append(text)
        _, newline, tail = text.rpartition("\n")
        self.column = len(tail) if newline else self.column + len(text)

    def start(self, indent: int) -> None:
        """Begin a line, unless one has just been begun at that column."""
        if not (self.parts and self.column == indent and self._blank()):
            self.put("\n" + " " * indent)

    def _blank(self) -> bool:
        return self.parts[-1].endswith("- ") or self.parts[-1].strip() == ""

    def node(self, value: Any, indent: int) -> None:
        """A value whose parent stands at column `indent` (-1 for the document)."""
        if isinstance(value, Mapping):
            self.mapping(value, indent + 2 if indent >= 0 else 0)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            self.sequence(value, indent + 2 if indent >= 0 else 0)
        else:
            self.scalar(value, indent + 2 if indent >= 0 else 0)

    def mapping(self, value: Mapping[str, Any], indent: int) -> None:
        if not value:
            self.put("{}")
            return
        for key in sorted(value, key=_natural):
            self.start(indent)
            if len(key) > _LONGEST_KEY or "\n" in key:
                self.put("? ")
                self.scalar(key, indent + 2)
                self.start(indent)
            else:
                self.put(_quoted(key, _style(key)))
            self.put(":")
            self.value(value[key], indent)

    def value(self, value: Any, indent: int) -> None:
        """What follows a key."""
        if isinstance(value, Mapping) and value:
            self.mapping(value, indent + 2)
        elif isinstance(value, Sequence) and not isinstance(value, str) and value:
            self.sequence(value, indent)
        else:
            self.put(" ")
            self.node(value, indent)

    def sequence(self, value: Sequence[Any], indent: int) -> None:
        if not value:
            self.put("[]")
            return
        for item in value:
            self.start(indent)
            self.put("- ")
            self.node(item, indent)

    def scalar(self, value: Any, indent: int) -> None:
        if not isinstance(value, str):
            self.put(_plain(value))
            return
        style = _style(value)
        if style == "|":
            self.put(_literal(value, indent))
        else:
            self.folded(_quoted(value, style), indent, style)

    def folded(self, text: str, indent: int, style: str) -> None:
        """Write text, breaking lines at single spaces once they are too long."""
        if len(text) + self.column <= WIDTH:
            self.put(text)
            return
        spaces, last = False, len(text) - 1
        first = 1 if style else 0
        for at, char in enumerate(text):
            if char != " ":
                self.put(char)
                spaces = False
                continue
            room = first < at < last - first if style else True
            after = text[at + 1] if at < last else ""
            if spaces or self.column <= WIDTH or not room or (after == " " and style != '"'):
                self.put(char)
            else:
                self.put("\n" + " " * indent + ("\\" if after == " " else ""))
            spaces = True


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _float(value)


def _float(value: float) -> str:
    text = repr(value)
    return text.removesuffix(".0") if "e" not in text else text


# -- style ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 14)
def _style(text: str) -> str:
    """How a text is written: plain (empty), `'`, `"` or `|`."""
    if "\n" in text:
        return "|" if _block_allowed(text) else '"'
    if _means_something_else(text) or not _printable(text):
        return '"'
    return "" if _plain_allowed(text) else "'"


_UNPRINTABLE = re.compile("[^\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]")


def _printable(text: str) -> bool:
    return _UNPRINTABLE.search(text) is None


def _block_allowed(text: str) -> bool:
    return _printable(text) and not text.endswith(" ") and " \n" not in text


_FORBIDDEN_FIRST = frozenset("#,[]{}&*!|>'\"%@`")
_INDICATORS = re.compile(r":(?=[ \t\n]|$)|(?<=[ \t\n])#")


def _plain_allowed(text: str) -> bool:
    if not text or text[0] == " " or text[-1] == " " or text.startswith(("---", "...")):
        return False
    if text[0] in _FORBIDDEN_FIRST or (text[0] in "-?" and text[1:2] in ("", " ")):
        return False
    return _INDICATORS.search(text) is None


_WORDS = frozenset(
    word
    for name in ("y", "yes", "true", "on", "n", "no", "false", "off", "null")
    for word in (name, name.capitalize(), name.upper())
) | {"", "~", "<<", ".nan", ".NaN", ".NAN"}
_INFINITE = re.compile(r"[+-]?\.(inf|Inf|INF)")
_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*|0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}$|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]| )[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}"
    r"(\.[0-9]+)?( ?(Z|[+-][0-9]{1,2}(:[0-9]{2})?))?$"
)


def _means_something_else(text: str) -> bool:
    """Whether the plain text would be read back as something other than text."""
    if text in _WORDS or _INFINITE.fullmatch(text):
        return True
    if not text[0].isdigit() and text[0] not in "+-.":
        return False
    plain = text.replace("_", "")
    numeric = _INTEGER.fullmatch(plain) or _FLOAT.fullmatch(plain) or _BASE_60.fullmatch(text)
    return bool(numeric or _TIME.match(text))


# -- writing -------------------------------------------------------------------------------------------

_ESCAPES = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r",
    "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\xa0": "\\_", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip


def _escaped(char: str) -> str:
    if char in _ESCAPES and (char in '\\"\n\x85' or not _printable(char)):
        return _ESCAPES[char]
    if char not in "\u2028\u2029\ufeff" and _printable(char):
        return char
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _quoted(text: str, style: str) -> str:
    if style == "'":
        return "'" + text.replace("'", "''") + "'"
    if style in ('"', "|"):
        return '"' + "".join(map(_escaped, text)) + '"'
    return text


def _literal(text: str, indent: int) -> str:
    body = text.rstrip("\n")
    breaks = len(text) - len(body)
    hint = "2" if text[0] in " \n" else ""
    chomp = "-" if not breaks else "+" if breaks > 1 or not body else ""
    lines = [" " * indent + line if line else "" for line in text.split("\n")]
    return f"|{hint}{chomp}\n" + "\n".join(lines if not breaks else lines[:-1])


# -- the order of keys ---------------------------------------------------------------------------------


def _digits(text: str, at: int) -> tuple[int, int]:
    end = at
    while end < len(text) and text[end].isdigit():
        end += 1
    return (int(text[at:end]) if end > at else 0), end


def _compare(a: str, b: str) -> int:
    for at, (x, y) in enumerate(zip(a, b, strict=False)):
        if x == y:
            continue
        if x.isalpha() and y.isalpha():
            return -1 if x < y else 1
        if x.isalpha() or y.isalpha():
            return -1 if y.isalpha() else 1
        return _compare_numbers(a, b, at) or (-1 if x < y else 1)
    return len(a) - len(b)


def _compare_numbers(a: str, b: str, at: int) -> int:
    lead = ""
    if "0" in (a[at], b[at]):
        before = re.search(r"[0-9]*$", a[:at])
        lead = "1" if before and before.group().strip("0") else ""
    x, x_end = _digits(lead + a[at:], 0)
    y, y_end = _digits(lead + b[at:], 0)
    return (x > y) - (x < y) or (x_end > y_end) - (x_end < y_end)


_natural = cmp_to_key(_compare)
