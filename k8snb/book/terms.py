"""The terms of the book: what each means in a sentence, which page defines it, and how it is found in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

TABLE = Path(__file__).with_name("terms.yaml")


@dataclass(frozen=True)
class Term:
    """A term. `page` is the one that defines it (`first-app/pod`), `forms` a pattern of the words that mean it.

    On the pages of `not_on` these words mean something else, such as the people who operate a cluster.
    """

    name: str
    page: str
    means: str
    forms: str
    not_on: Sequence[str] = ()


class Piece(NamedTuple):
    """A part of a text, and the term that it is; None for what stands between terms."""

    text: str
    term: Term | None


class Terms:
    """Terms in the order of the alphabet, and a way to find them."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.all = terms
        longest = sorted(terms, key=lambda term: -len(term.forms))
        self._named = {f"t{number}": term for number, term in enumerate(longest)}
        either = "|".join(f"(?P<{name}>{term.forms})" for name, term in self._named.items())
        self._pattern = re.compile(rf"(?<![\w/.`-])(?:{either})(?![\w`]|-\w|\.\w)")

    def pieces(self, text: str, page: str = "") -> Iterator[Piece]:
        """A text of a page, cut at every term in it."""
        at = 0
        for found in self._pattern.finditer(text):
            if found.start() > at:
                yield Piece(text[at : found.start()], None)
            term = self._named[str(found.lastgroup)]
            yield Piece(found[0], None if page in term.not_on else term)
            at = found.end()
        if at < len(text):
            yield Piece(text[at:], None)

    def defined_on(self, page: str) -> list[Term]:
        """The terms that a page defines."""
        return [term for term in self.all if term.page == page]


@cache
def terms() -> Terms:
    """The terms of the table."""
    return Terms([_term(**row) for row in yaml.safe_load(TABLE.read_text(encoding="utf-8"))])


def _term(term: str, page: str, means: str, forms: str = "", not_on: Sequence[str] = ()) -> Term:
    return Term(term, page, means, forms or _forms(term), tuple(not_on))


def _forms(name: str) -> str:
    """A name, also as the first word of a sentence and in the plural."""
    first = f"[{name[0].upper()}{name[0]}]" if name[0].islower() else re.escape(name[0])
    plural = "(?:e?s)?" if name[-1].isalpha() else ""
    return first + re.escape(name[1:]) + plural
