"""Regular expressions in Go's syntax. Upstream: sprig's `regex.go`, Go's `regexp`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.machinery.goregexp import GoRegexpError, compiled
from k8snb.machinery.gotemplate import FunctionError

_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")
_META = re.compile(r"([\\.+*?()|\[\]{}^$])")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return compiled(text)
    except GoRegexpError as error:
        raise FunctionError(str(error)) from None


def _match(pattern: str, text: str) -> bool:
    return _pattern(pattern).search(text) is not None


def _lenient_match(pattern: str, text: str) -> bool:
    try:
        return _match(pattern, text)
    except FunctionError:
        return False


def _find(pattern: str, text: str) -> str:
    found = _pattern(pattern).search(text)
    return found[0] if found else ""


def _find_all(pattern: str, text: str, count: int) -> list[str]:
    found = [match[0] for match in _pattern(pattern).finditer(text)]
    return found if count < 0 else found[:count]


def _replace(pattern: str, text: str, replacement: str) -> str:
    def filled(match: re.Match[str]) -> str:
        def group(reference: re.Match[str]) -> str:
            name = reference[1] or reference[2]
            if name is None:
                return "$"
            try:
                return match[int(name) if name.isdigit() else name] or ""
            except IndexError:
                return ""

        return _REFERENCE.sub(group, replacement)

    return _pattern(pattern).sub(filled, text)


def _replace_literal(pattern: str, text: str, replacement: str) -> str:
    return _pattern(pattern).sub(lambda _match: replacement, text)


def _split(pattern: str, text: str, count: int) -> list[str]:
    if count == 0:
        return []
    parts: list[str] = []
    start = 0
    for match in _pattern(pattern).finditer(text):
        if 0 < count <= len(parts) + 1:
            break
        if match.end() != 0 and match.start() < len(text):
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _quote_meta(text: str) -> str:
    return _META.sub(r"\\\1", text)


_STRICT: Mapping[str, Callable[..., Any]] = {
    "regexFind": _find,
    "regexFindAll": _find_all,
    "regexReplaceAll": _replace,
    "regexReplaceAllLiteral": _replace_literal,
    "regexSplit": _split,
}

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **_STRICT,
    **{f"mustR{name[1:]}": function for name, function in _STRICT.items()},
    "mustRegexMatch": _match,
    "regexMatch": _lenient_match,
    "regexQuoteMeta": _quote_meta,
}
"""By name."""
