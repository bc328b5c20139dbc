"""The words of an expression. Keywords are known in any case; what is between `#` and the end of a line is a comment.

Source: `promql/parser/lex.go`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Sort = Literal["identifier", "number", "duration", "string", "op", "keyword", "punctuation", "end"]
_SORTS: Mapping[str, Sort] = {each: each for each in get_args(Sort)}

AGGREGATORS = frozenset(
    {"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values"}
)
WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})
KEYWORDS = frozenset({"on", "ignoring", "group_left", "group_right", "by", "without", "bool", "offset"})

_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|\#[^\n]*)+)
    |(?P<duration>\d+(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*(?![a-zA-Z0-9_.]))
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<identifier>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<op>=~|!~|==|!=|<=|>=|[-+*/%^<>=@])
    |(?P<punctuation>[(){}\[\],:])""",
    re.VERBOSE | re.ASCII,
)
_COLON = re.compile("(?P<punctuation>:)")
"""Between brackets a colon is no part of a name."""
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class PromQLError(ValueError):
    """An expression that cannot be read or evaluated. `position` is an offset into it, None if it is about no place."""

    def __init__(self, message: str, position: int | None = None, text: str = "") -> None:
        place = ""
        if position is not None:
            before = text[:position]
            column = position - (before.rfind("\n") + 1) + 1
            place = f"{before.count(chr(10)) + 1}:{column}: parse error: "
        super().__init__(place + message)
        self.position = position


@dataclass(frozen=True, slots=True)
class Token:
    """A word: its sort, its text and where it begins."""

    sort: Sort
    text: str
    position: int

    def described(self) -> str:
        """As Prometheus calls it in an error."""
        shown = f'"{self.text}"' if len(self.text) <= 10 else f'"{self.text[:10]}"...'
        shown = shown if self.sort != "string" else '"' + self.text.replace('"', '\\"') + '"'
        match self.sort:
            case "end":
                return "end of input"
            case "op":
                return f"<op:{self.text}>"
            case "keyword":
                return f"<{self.text.lower()}>"
            case "punctuation":
                return shown
            case "identifier" if self.text.lower() in AGGREGATORS:
                return f"<aggr:{self.text.lower()}>"
        return f"{self.sort} {shown}"


def tokens(text: str) -> list[Token]:
    """The words of `text`, with one for its end. Raises PromQLError."""
    found: list[Token] = []
    place, within = 0, False
    while place < len(text):
        match = (within and _COLON.match(text, place)) or _TOKEN.match(text, place)
        if not match:
            raise PromQLError(_bad(text, place), place, text)
        sort = match.lastgroup or ""
        if sort != "space":
            found.append(Token(_sorted(sort, match.group()), match.group(), place))
            within = match.group() == "[" or (within and match.group() != "]")
        place = match.end()
    return [*found, Token("end", "", len(text))]


def _sorted(sort: str, text: str) -> Sort:
    word = text.lower()
    if sort == "identifier" and word in WORD_OPERATORS:
        return "op"
    if sort == "identifier" and word in KEYWORDS:
        return "keyword"
    if sort == "identifier" and word in ("inf", "nan"):
        return "number"
    return _SORTS[sort]


def _bad(text: str, place: int) -> str:
    if text[place] in "\"'`":
        return "unterminated raw string" if text[place] == "`" else "unterminated quoted string"
    if text[place] == "!":
        return f"unexpected character after '!': {text[place + 1 : place + 2] or chr(0xFFFD)!r}"
    return f"unexpected character: {text[place]!r}"


def unquoted(text: str) -> str:
    """What a string between quotes says."""
    if text[0] == "`":
        return text[1:-1]
    return _ESCAPE.sub(_unescaped, text[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    byte, short, long, octal, plain = match.groups()
    if plain is not None:
        return _PLAIN.get(plain, str(plain))
    return chr(int(octal, 8) if octal else int(byte or short or long, 16))
