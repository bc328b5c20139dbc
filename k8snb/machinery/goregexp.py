"""Go's regular expressions in Python's: the same language but for a few spellings.

A pattern is read once from left to right and written as Python would have it: flags in the middle become groups, `$` is
the end of the text and nothing before it, `\\d`, `\\w` and `\\s` are ASCII, POSIX classes have names, `{,3}` is text.
What Go does not know (back references, looking around, possessive repetition) is refused with Go's words.
Upstream: `regexp/syntax/parse.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_UNICODE = {"L": r"^\W\d_", "N": r"\d", "Lu": "A-ZÀ-ÖØ-Þ", "Ll": "a-zß-öø-ÿ", "Nd": r"\d"}
_COUNT = re.compile(r"\{(\d+)(,?)(\d*)\}")
_NAMED = re.compile(r"\(\?P?<(\w*)>", re.ASCII)
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_KNOWN_ESCAPES = frozenset("abfnrtvdDsSwWAzBpPQxC")
_PYTHON = frozenset("ims")
"""The flags that Python has, too."""
_MOST = 1000
"""How often something may be repeated by count."""


class GoRegexpError(ValueError):
    """The text is no regular expression; the message is Go's."""


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready to search. Raises GoRegexpError."""
    text = _Translation(pattern).text
    try:
        return re.compile(text, 0 if "\\p" in pattern or "\\P" in pattern else re.ASCII)
    except (re.error, OverflowError) as error:
        raise GoRegexpError(f"error parsing regexp: {error}: `{pattern}`") from None


def _refuse(what: str, at: str) -> GoRegexpError:
    return GoRegexpError(f"error parsing regexp: {what}: `{at}`")


class _Group:
    """A group that is open: which flags hold in it, and how many groups of flags opened within it end with it."""

    def __init__(self, flags: frozenset[str]) -> None:
        self.flags = flags
        self.before = flags
        self.extra = 0


class _Translation:
    """One pattern, as Python writes it."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._out: list[str] = []
        self._groups = [_Group(frozenset())]
        self._names: set[str] = set()
        self._repeatable = False
        """Whether there is something before this place that can be repeated."""
        self._repeated = ""
        """The repetition just before this place, if there is one."""
        while self._at < len(pattern):
            self._step()
        if len(self._groups) > 1:
            raise _refuse("missing closing )", pattern)
        self.text = "".join(self._out) + ")" * self._groups[0].extra

    def _step(self) -> None:
        character = self._pattern[self._at]
        if character == "(":
            self._open()
        elif character == ")":
            self._close()
        elif character == "|":
            self._alternative()
        elif character == "[":
            self._class()
        elif character in "*+?":
            self._repeat(character)
        elif character == "{" and (count := _COUNT.match(self._pattern, self._at)) is not None:
            self._repeat(count[0])
        elif character == "\\":
            self._escape()
        elif character == "$":
            self._put("$" if "m" in self._flags else r"\Z", 1)
        elif character in "{}]":
            self._put(f"\\{character}", 1)
        else:
            self._put(character, 1)

    @property
    def _flags(self) -> frozenset[str]:
        return self._groups[-1].flags

    def _put(self, text: str, length: int, *, repeatable: bool = True) -> None:
        self._out.append(text)
        self._at += length
        self._repeatable, self._repeated = repeatable, ""

    # -- repetition --------------------------------------------------------------------------------

    def _repeat(self, operator: str) -> None:
        after = self._at + len(operator)
        lazy = self._pattern.startswith("?", after)
        shown = operator + ("?" if lazy else "")
        if self._repeated:
            raise _refuse("invalid nested repetition operator", self._repeated + shown)
        if not self._repeatable:
            raise _refuse("missing argument to repetition operator", shown)
        if operator.startswith("{"):
            self._check_count(operator)
        self._out.append(operator + ("?" if lazy is not ("U" in self._flags) else ""))
        self._at = after + lazy
        self._repeated = shown

    @staticmethod
    def _check_count(operator: str) -> None:
        found = _COUNT.match(operator)
        assert found is not None
        least, most = int(found[1]), int(found[3] or found[1])
        if least > _MOST or most > _MOST or least > most:
            raise _refuse("invalid repeat count", operator)

    # -- groups ------------------------------------------------------------------------------------

    def _open(self) -> None:
        pattern, at = self._pattern, self._at
        if not pattern.startswith("(?", at):
            self._begin("(", 1, self._flags)
        elif pattern.startswith(("(?P<", "(?<"), at) and not pattern.startswith(("(?<=", "(?<!"), at):
            self._named()
        elif (found := _FLAGS.match(pattern, at)) is not None and (found[1] or found[2] or found[3] == ":"):
            self._with_flags(found)
        else:
            bad = re.match(r"\(\?(?:<[=!]|[imsU-]*.?)", pattern[at:], re.DOTALL)
            shown = bad[0] if bad is not None else pattern[at:]
            if shown == pattern[at:] and shown[-1:] in "?imsU-":
                raise _refuse("missing closing )", pattern)
            raise _refuse("invalid or unsupported Perl syntax", shown)

    def _begin(self, text: str, length: int, flags: frozenset[str]) -> None:
        self._put(text, length, repeatable=False)
        self._groups.append(_Group(flags))

    def _named(self) -> None:
        rest = self._pattern[self._at :]
        found = _NAMED.match(rest)
        if found is None or not found[1]:
            end = rest.find(">")
            raise _refuse("invalid named capture", rest if end < 0 else rest[: end + 1])
        name = found[1]
        fresh = name not in self._names and name.isidentifier()
        self._names.add(name)
        self._begin(f"(?P<{name}>" if fresh else "(", len(found[0]), self._flags)

    def _with_flags(self, found: re.Match[str]) -> None:
        on, off = frozenset(found[1]), frozenset(found[2] or "")
        flags = self._flags - off | on
        spelling = _spelling(sorted((on - off) & _PYTHON), sorted(off & self._flags & _PYTHON))
        if found[3] == ":":
            self._begin(f"(?{spelling}:", len(found[0]), flags)
            return
        self._put(f"(?{spelling}:", len(found[0]), repeatable=False)
        self._groups[-1].flags = flags
        self._groups[-1].extra += 1

    def _alternative(self) -> None:
        """Flags hold on behind a `|`, where the groups that Python needs for them end."""
        group = self._groups[-1]
        if not group.extra:
            self._put("|", 1, repeatable=False)
            return
        on, off = sorted(group.flags & _PYTHON - group.before), sorted(group.before & _PYTHON - group.flags)
        self._put(f"{')' * group.extra}|(?{_spelling(on, off)}:", 1, repeatable=False)
        group.extra = 1

    def _close(self) -> None:
        if len(self._groups) == 1:
            raise _refuse("unexpected )", self._pattern)
        self._put(")" * (self._groups.pop().extra + 1), 1)

    # -- classes and escapes -----------------------------------------------------------------------

    def _class(self) -> None:
        pattern, start = self._pattern, self._at
        self._put("[", 1)
        if pattern.startswith("^", self._at):
            self._put("^", 1)
        first = True
        while first or not pattern.startswith("]", self._at):
            if self._at >= len(pattern):
                raise _refuse("missing closing ]", pattern[start:])
            self._member()
            first = False
        self._put("]", 1)

    def _member(self) -> None:
        pattern, at = self._pattern, self._at
        if pattern.startswith("[:", at) and (end := pattern.find(":]", at)) > 0:
            name = pattern[at + 2 : end]
            known = _CLASSES.get(name)
            if known is None:
                raise _refuse("invalid character class range", f"[:{name}:]")
            self._put(known, end + 2 - at)
        elif self._character() and pattern.startswith("-", self._at) and not pattern.startswith("-]", self._at):
            middle = self._at
            self._put("-", 1)
            if self._at >= len(pattern):
                return
            self._character()
            if "\\" not in pattern[at : self._at] and pattern[at] > pattern[middle + 1]:
                raise _refuse("invalid character class range", pattern[at : self._at])

    def _character(self) -> bool:
        """One member of a class; whether it is a single character, which can begin a range."""
        pattern, at = self._pattern, self._at
        if pattern[at] == "\\":
            self._escape(in_class=True)
            return pattern[at + 1] not in "dDsSwWpP"
        self._put(_literal(pattern[at]), 1)
        return True

    def _escape(self, *, in_class: bool = False) -> None:
        pattern, at = self._pattern, self._at
        letter = pattern[at + 1 : at + 2]
        if not letter:
            raise _refuse("trailing backslash at end of expression", "")
        if letter in "pP":
            self._unicode(in_class=in_class)
        elif letter == "Q" and not in_class:
            end = pattern.find("\\E", at)
            end = len(pattern) if end < 0 else end
            self._put(re.escape(pattern[at + 2 : end]), end + 2 - at, repeatable=end > at + 2)
        elif letter == "x":
            self._code()
        elif letter == "z" and not in_class:
            self._put(r"\Z", 2)
        elif letter in "Ab" or (letter == "B" and not in_class):
            if in_class and letter == "b":
                raise _refuse("invalid escape sequence", f"\\{letter}")
            self._put(f"\\{letter}", 2)
        elif letter.isalnum() and (letter not in _KNOWN_ESCAPES or letter in "CQz"):
            raise _refuse("invalid escape sequence", f"\\{letter}")
        else:
            self._put(f"\\{letter}" if letter.isascii() else letter, 2)

    def _code(self) -> None:
        found = re.compile(r"\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))").match(self._pattern, self._at)
        if found is None:
            raise _refuse("invalid escape sequence", self._pattern[self._at : self._at + 4])
        self._put(re.escape(chr(int(found[1] or found[2], 16))), len(found[0]))

    def _unicode(self, *, in_class: bool) -> None:
        pattern, at = self._pattern, self._at
        end = at + 3
        name = pattern[at + 2 : end]
        if name == "{":
            end = pattern.find("}", at) + 1
            name = pattern[at + 3 : end - 1]
        inside = _UNICODE.get(name, r"\w")
        if pattern[at + 1] == "P":
            inside = inside[1:] if inside.startswith("^") else f"^{inside}"
        self._put(inside.lstrip("^") if in_class else f"[{inside}]", end - at)


def _spelling(on: Iterable[str], off: Iterable[str]) -> str:
    """Flags as a group begins with them: `i`, `is-m`."""
    gone = "".join(off)
    return "".join(on) + (f"-{gone}" if gone else "")


def _literal(character: str) -> str:
    return f"\\{character}" if character in "[]\\^-&~|" else character
