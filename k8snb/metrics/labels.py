"""Label sets, and the matchers that choose among them.

A label set is a sorted tuple of pairs, so that equal sets are equal keys. The name of a metric is the label `__name__`.
A label without a text is a label that is not there.
Source: `model/labels` of Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

from k8snb.machinery.goregexp import compiled

Labels: TypeAlias = tuple[tuple[str, str], ...]
MatchType = Literal["=", "!=", "=~", "!~"]
MATCHES: Mapping[str, MatchType] = {each: each for each in get_args(MatchType)}

NAME = "__name__"
EMPTY: Labels = ()

VALID_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
VALID_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)


def labels(pairs: Mapping[str, str]) -> Labels:
    """The label set of these pairs."""
    return tuple(sorted(pair for pair in pairs.items() if pair[1]))


def value(of: Labels, name: str) -> str:
    """The text of a label; empty where there is none."""
    return next((text for known, text in of if known == name), "")


def without(of: Labels, names: Iterable[str]) -> Labels:
    """What remains without the labels `names`."""
    return tuple(pair for pair in of if pair[0] not in names)


def only(of: Labels, names: Iterable[str]) -> Labels:
    """What remains of the labels `names`."""
    return tuple(pair for pair in of if pair[0] in names)


def nameless(of: Labels) -> Labels:
    """What remains without the metric's name: a result of a computation is no longer that metric."""
    return tuple(pair for pair in of if pair[0] != NAME)


def changed(of: Labels, pairs: Mapping[str, str]) -> Labels:
    """The label set with these labels set, or taken away where their text is empty."""
    return labels({**dict(of), **pairs})


def shown(of: Labels) -> str:
    """As PromQL writes it: `up{job="node"}`."""
    inner = ", ".join(f"{name}={quoted(text)}" for name, text in of if name != NAME)
    name = value(of, NAME)
    return f"{name}{{{inner}}}" if inner or not name else name


def spelled(of: Labels) -> str:
    """As Prometheus' own messages write it, the name a label like others: `{__name__="up", job="node"}`."""
    return "{" + ", ".join(f"{name}={quoted(text)}" for name, text in of) + "}"


def quoted(text: str) -> str:
    """A text between double quotes, escaped as Go does."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(character, character) for character in text) + '"'


@lru_cache(maxsize=1024)
def anchored(pattern: str) -> re.Pattern[str]:
    """A regular expression that the whole text has to match. Raises GoRegexpError."""
    compiled(pattern)  # for the error's words, which are about the reader's part
    return compiled(f"^(?:{pattern})$")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label, such as `job=~"api|web"`. Raises GoRegexpError for a pattern that is none."""

    name: str
    type: MatchType
    text: str
    _pattern: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.type in ("=~", "!~"):
            object.__setattr__(self, "_pattern", anchored(self.text))

    def accepts(self, text: str) -> bool:
        """Whether a label with this text (empty: no such label) is meant."""
        same = text == self.text if self._pattern is None else self._pattern.search(text) is not None
        return same if self.type in ("=", "=~") else not same

    def __str__(self) -> str:
        return f"{self.name}{self.type}{quoted(self.text)}"
