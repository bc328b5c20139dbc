"""`.helmignore`: which files of a folder are not part of the chart. Upstream: `pkg/ignore`.

A pattern with a slash is matched from the chart's folder, any other against names; `dir/` is for folders, `!` turns a
pattern round. What is never part of a chart are hidden files among its templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from k8snb.helm.errors import ChartError

NAME = ".helmignore"


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: str
    negated: bool
    folders: bool

    def matches(self, path: str, folder: bool) -> bool:
        if self.folders and not folder:
            return False
        if self.pattern.startswith("/"):
            return _matches(self.pattern[1:], path)
        return _matches(self.pattern, path if "/" in self.pattern else path.rpartition("/")[2])


class Ignored:
    """The rules of one chart."""

    def __init__(self, text: str = "") -> None:
        self._rules = [rule for line in [*text.splitlines(), "templates/.?*"] if (rule := _rule(line)) is not None]

    def __call__(self, path: str, *, folder: bool) -> bool:
        """Whether a path (from the chart's folder) is left out."""
        for rule in self._rules:
            if rule.negated:
                if (not rule.folders or folder) and not _Rule(rule.pattern, False, False).matches(path, folder):
                    return True
            elif rule.matches(path, folder):
                return True
        return False


def _rule(line: str) -> _Rule | None:
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    if "**" in text:
        raise ChartError("double-star (**) syntax is not supported")
    negated, text = text.startswith("!"), text.removeprefix("!")
    return _Rule(text.removesuffix("/"), negated, text.endswith("/"))


def _matches(pattern: str, path: str) -> bool:
    return glob_pattern(pattern).fullmatch(path) is not None


@lru_cache(maxsize=1024)
def glob_pattern(pattern: str, *, deep: bool = False) -> re.Pattern[str]:
    """A pattern as Go's `filepath.Match` takes it; with `deep`, `**` goes through folders and `{a,b}` are choices."""
    pieces = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]*\]|\{[^}]*\}|\\.|.", pattern, re.DOTALL)
    return re.compile("".join(_piece(piece, deep) for piece in pieces), re.DOTALL)


def _piece(piece: str, deep: bool) -> str:
    if piece.startswith("**") and deep:
        return "(?:.*/)?" if piece == "**/" else ".*"
    if piece[0] == "*":
        return "[^/]*" + re.escape(piece.lstrip("*"))
    if piece == "?":
        return "[^/]"
    if piece[0] == "[" and len(piece) > 1:
        return piece.replace("[!", "[^", 1)
    if piece[0] == "{" and deep:
        return f"(?:{'|'.join(_choice(choice) for choice in piece[1:-1].split(','))})"
    return re.escape(piece.removeprefix("\\") or piece)


def _choice(text: str) -> str:
    return "".join(_piece(piece, True) for piece in re.findall(r"\*|\?|.", text))
