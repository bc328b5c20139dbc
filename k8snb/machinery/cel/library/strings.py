"""More on texts: cel-go's strings extension and Kubernetes' regular expressions.

Upstream: `cel-go/ext/strings.go` (version 2) and `apiserver/pkg/cel/library/regex.go`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.machinery.cel.functions import Library
from k8snb.machinery.cel.library.standard import double_text, duration_text, timestamp_text
from k8snb.machinery.cel.values import Duration, EvaluationError, Timestamp, TypeValue, is_number, type_name
from k8snb.machinery.goregexp import GoRegexpError, compiled

_QUOTED = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
_QUOTED |= {"\\": r"\\", '"': r"\""}


def _char_at(text: str, index: int) -> str:
    if index == len(text):
        return ""
    if not 0 <= index < len(text):
        raise EvaluationError(f"index out of range: {index}")
    return text[index]


def _index(text: str, part: str, offset: int = 0) -> int:
    if part == "":
        return offset
    if not 0 <= offset <= len(text):
        raise EvaluationError(f"index out of range: {offset}")
    return text.find(part, offset)


def _last_index(text: str, part: str, offset: int | None = None) -> int:
    if offset is not None and not 0 <= offset <= len(text):
        raise EvaluationError(f"index out of range: {offset}")
    if part == "":
        return len(text) if offset is None else offset
    return text.rfind(part) if offset is None else text.rfind(part, 0, offset + len(part))


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    return text.replace(old, new, count)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if separator == "":
        parts = list(text)
        return parts if limit < 0 or len(parts) <= limit else [*parts[: limit - 1], "".join(parts[limit - 1 :])]
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise EvaluationError(f"index out of range: {start}")
    if not 0 <= stop <= len(text):
        raise EvaluationError(f"index out of range: {stop}")
    if start > stop:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {stop}")
    return text[start:stop]


def _ascii(text: str, *, upper: bool) -> str:
    changed = text.upper() if upper else text.lower()
    if text.isascii():
        return changed
    return "".join((c.upper() if upper else c.lower()) if c.isascii() else c for c in text)


def _quote(text: str) -> str:
    return f'"{"".join(_QUOTED.get(each, each) for each in text)}"'


# -- format --------------------------------------------------------------------------------------------

_CLAUSE = re.compile(r"%(?:\.(\d+))?(.)", re.DOTALL)


def _format(text: str, args: Sequence[Any]) -> str:
    used = 0

    def clause(match: re.Match[str]) -> str:
        nonlocal used
        if match[2] == "%":
            return "%"
        if used >= len(args):
            raise EvaluationError(f"index {used} out of range")
        value = args[used]
        used += 1
        return _clause(match[2], value, 6 if match[1] is None else int(match[1]))

    made = _CLAUSE.sub(clause, text)
    if made.endswith("%") and text.endswith("%") and not text.endswith("%%"):
        raise EvaluationError("could not parse formatting clause: unexpected end of string")
    return made


def _clause(letter: str, value: Any, precision: int) -> str:
    if letter == "s":
        return text_of(value)
    if letter == "d" and is_number(value):
        return str(int(value)) if not isinstance(value, float) else double_text(value)
    if letter == "f" and is_number(value):
        return f"{float(value):.{precision}f}"
    if letter == "e" and is_number(value):
        return f"{float(value):.{precision}e}"
    if letter == "b" and isinstance(value, int):
        return f"{int(value):b}"
    if letter == "o" and isinstance(value, int):
        return f"{int(value):o}"
    if letter in "xX" and isinstance(value, (int, str, bytes)):
        shown = f"{value:x}" if isinstance(value, int) else (value.encode() if isinstance(value, str) else value).hex()
        return shown.upper() if letter == "X" else shown
    if letter not in "sdfeboxX":
        raise EvaluationError(f'could not parse formatting clause: unrecognized formatting clause "{letter}"')
    raise EvaluationError(f"error during formatting: {_wanted(letter)} {type_name(value)}")


def _wanted(letter: str) -> str:
    if letter == "d":
        return "decimal clause can only be used on integers, was given"
    if letter in "fe":
        return "fixed-point clause can only be used on doubles, was given"
    return "only integers, byte buffers, and strings can be formatted as hex, was given"


def text_of(value: Any) -> str:
    """A value as `%s` shows it."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Duration):
        return duration_text(value)
    if isinstance(value, Timestamp):
        return timestamp_text(value)
    if isinstance(value, TypeValue):
        return value.name
    if isinstance(value, Mapping):
        entries = sorted((text_of(key), text_of(item)) for key, item in value.items())
        return "{" + ", ".join(f"{key}: {item}" for key, item in entries) + "}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(text_of, value))}]"
    raise EvaluationError(
        "error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, "
        f"types, durations, and timestamps, was given {type_name(value)}"
    )


def _pattern(pattern: str) -> re.Pattern[str]:
    try:
        return compiled(pattern)
    except GoRegexpError as error:
        raise EvaluationError(f"Illegal regex: {error}") from None


def _find(text: str, pattern: str) -> str:
    found = _pattern(pattern).search(text)
    return found[0] if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [match[0] for match in _pattern(pattern).finditer(text)]
    return found if limit < 0 else found[:limit]


STRINGS: Library = {
    "string::charAt(int) -> string": _char_at,
    "string::indexOf(string) -> int": _index,
    "string::indexOf(string, int) -> int": _index,
    "string::lastIndexOf(string) -> int": _last_index,
    "string::lastIndexOf(string, int) -> int": _last_index,
    "string::lowerAscii() -> string": lambda a: _ascii(a, upper=False),
    "string::upperAscii() -> string": lambda a: _ascii(a, upper=True),
    "string::replace(string, string) -> string": _replace,
    "string::replace(string, string, int) -> string": _replace,
    "string::split(string) -> list(string)": _split,
    "string::split(string, int) -> list(string)": _split,
    "string::substring(int) -> string": _substring,
    "string::substring(int, int) -> string": _substring,
    "string::trim() -> string": lambda a: a.strip(),
    "string::format(list(dyn)) -> string": _format,
    "string::reverse() -> string": lambda a: a[::-1],
    "strings.quote(string) -> string": _quote,
    "list(string)::join() -> string": "".join,
    "list(string)::join(string) -> string": lambda items, separator: separator.join(items),
    "jsonpatch.escapeKey(string) -> string": lambda key: key.replace("~", "~0").replace("/", "~1"),
    "string::find(string) -> string": _find,
    "string::findAll(string) -> list(string)": _find_all,
    "string::findAll(string, int) -> list(string)": _find_all,
}
