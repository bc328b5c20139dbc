"""Go's regular expressions in Python's: the same language but for a few spellings.

`$` is the end of the text and nothing before it, `\\d`, `\\w` and `\\s` are ASCII, POSIX classes have names. What Go
does not know (back references, looking around) is refused. Upstream: `regexp/syntax`.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "digit": "0-9",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_UNICODE = {"L": r"^\W\d_", "N": r"\d", "Lu": "A-ZÀ-ÖØ-Þ", "Ll": "a-zß-öø-ÿ", "Nd": r"\d"}
_REFUSED = re.compile(r"\(\?(?:[=!]|<[=!])")


class GoRegexpError(ValueError):
    """The text is no regular expression; the message is Go's."""


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready to search. Raises GoRegexpError."""
    refused = _REFUSED.search(pattern)
    if refused is not None:
        raise GoRegexpError(f"error parsing regexp: invalid or unsupported Perl syntax: `{refused[0]}`")
    try:
        return re.compile(_translated(pattern), 0 if _has_unicode(pattern) else re.ASCII)
    except (re.error, OverflowError) as error:
        raise GoRegexpError(_complaint(pattern, str(error))) from None


def _has_unicode(pattern: str) -> bool:
    return "\\p" in pattern or "\\P" in pattern


def _complaint(pattern: str, why: str) -> str:
    lead = "error parsing regexp: "
    if "unterminated character set" in why:
        return f"{lead}missing closing ]: `{pattern[pattern.rfind('[') :]}`"
    if "missing ), unterminated" in why:
        return f"{lead}missing closing ): `{pattern}`"
    if "unbalanced parenthesis" in why:
        return f"{lead}unexpected ): `{pattern}`"
    if "nothing to repeat" in why:
        found = re.search(r"[*+?]", pattern)
        return f"{lead}missing argument to repetition operator: `{found[0] if found else ''}`"
    if "bad escape (end of pattern)" in why:
        return f"{lead}trailing backslash at end of expression: ``"
    if "bad escape" in why:
        return f"{lead}invalid escape sequence: `{why.split()[2]}`"
    if "bad character range" in why:
        return f"{lead}invalid character class range: `{why.split()[3]}`"
    return f"{lead}{why}: `{pattern}`"


def _translated(pattern: str) -> str:
    out: list[str] = []
    at, in_class = 0, False
    multiline = bool(re.match(r"\(\?[a-zA-Z]*m", pattern))
    while at < len(pattern):
        character = pattern[at]
        if character == "\\" and at + 1 < len(pattern):
            text, at = _escape(pattern, at, in_class)
            out.append(text)
            continue
        if in_class and pattern.startswith("[:", at) and (end := pattern.find(":]", at)) > 0:
            out.append(_CLASSES.get(pattern[at + 2 : end], ""))
            at = end + 2
            continue
        if character == "[" and not in_class:
            in_class = True
            out.append(character)
            at += 1
            for lead in "^]":
                if pattern.startswith(lead, at):
                    out.append(lead if lead == "^" else r"\]")
                    at += 1
            continue
        if character == "[":
            character = r"\["
        elif character == "]" and in_class:
            in_class = False
        elif character == "$" and not in_class and not multiline:
            character = r"\Z"
        out.append(character)
        at += 1
    return "".join(out)


def _escape(pattern: str, at: int, in_class: bool) -> tuple[str, int]:
    letter = pattern[at + 1]
    if letter == "z":
        return r"\Z", at + 2
    if letter in "pP":
        name = pattern[at + 2 : at + 3]
        end = at + 3
        if name == "{":
            end = pattern.find("}", at) + 1
            name = pattern[at + 3 : end - 1]
        inside = _UNICODE.get(name, r"\w")
        return (inside.lstrip("^") if in_class else f"[{inside}]"), end
    if letter == "Q":
        end = pattern.find("\\E", at)
        end = len(pattern) if end < 0 else end
        return re.escape(pattern[at + 2 : end]), end + 2
    return pattern[at : at + 2], at + 2
