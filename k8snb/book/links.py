"""Which page speaks of which others: what its prose mentions, and where it sends the reader.

A mention of a term is a link to the page that defines it: the first one on a page is made one when the book is built.
How often a page speaks of another says how near the two are; what all pages speak of (pods) says little, so it counts
less.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from math import log

from k8snb.book.contents import Contents
from k8snb.book.terms import Terms

_WRITTEN = re.compile(r"\]\(\.\./([\w-]+/[\w-]+)(?:\.ipynb)?(?:#[\w-]*)?\)|\]\(([\w-]+)\.ipynb(?:#[\w-]*)?\)")
NEAREST = 3
"""So many of the pages that a page speaks of are drawn."""


class Links:
    """The links between the pages of a book."""

    def __init__(self, contents: Contents, terms: Terms) -> None:
        self._contents = contents
        self._terms = terms

    @cached_property
    def all(self) -> Mapping[str, Counter[str]]:
        """For every page the pages that it speaks of, and how often."""
        return {page: self._of(page) for page in self._contents.pages}

    def _of(self, page: str) -> Counter[str]:
        prose, known = self._contents.prose(page), set(self._contents.pages)
        folder = page.partition("/")[0]
        written = [found[1] or f"{folder}/{found[2]}" for found in _WRITTEN.finditer(prose)]
        meant = [piece.term.page for piece in self._terms.pieces(prose, page) if piece.term is not None]
        return Counter(each for each in [*written, *meant] if each in known and each != page)

    @cached_property
    def nearest(self) -> Mapping[str, list[str]]:
        """For every page the few that it is nearest to."""
        spoken_of = Counter(there for found in self.all.values() for there in found)
        rare = {there: log(len(self.all) / count) + 0.1 for there, count in spoken_of.items()}
        return {
            page: sorted(found, key=lambda there: (-found[there] * rare[there], there))[:NEAREST]
            for page, found in self.all.items()
        }
