"""How wide words are, where they break, and how names are made shorter: for pictures whose text no browser lays out."""

from __future__ import annotations

import re
import textwrap
import unicodedata

from k8snb.view.graph import UNSAID, Graph, Node

LONGEST, LONGEST_NARROW = 44, 16
"""Longer names lose their middle, in wide boxes and in narrow ones."""

_WIDE, _BROAD, _LATIN = 1.02, 0.95, 0.6
_BROAD_LETTERS = frozenset("mwMW@%…")
_ADDRESS = re.compile(r"\d+(?:\.\d+){3}[/:\d]*[,:]?\s?")
"""An address with its port or the length of its prefix, which stays whole."""

_BETWEEN = re.compile(r"/?(?:[^\s\-./:,=]|[./:](?=\d))*(?:[\s\-=]|,\s?|[./:](?!\d))|(?:[^\s\-./:,=]|[./:](?=\d))+")
"""A word up to where it may break: after a space or a sign that joins the parts of names, paths and images, but not
within addresses and versions."""

_HUMP = re.compile(r"[A-Z]?[^A-Z:/]+[:/]?|[A-Z:/]")
"""A part of a name such as `NodeResourcesFit`: what is longer than a line breaks there."""


def measure(words: str, size: float) -> int:
    """How wide words are at most in a font of that size, in points.

    Graphviz knows the widths of Latin letters in Helvetica and nothing of others: a Chinese character is as wide as
    it is high, and the fonts of some machines are wider than Helvetica.
    """
    wide = sum(map(_is_wide, words))
    broad = sum(letter in _BROAD_LETTERS for letter in words)
    return round((wide * _WIDE + broad * _BROAD + (len(words) - wide - broad) * _LATIN) * size)


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def wrapped(words: str, width: int) -> list[str]:
    """Words in lines of so many letters that break at spaces alone."""
    return textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False) or [words]


def broken(words: str, room: float, size: float) -> list[str]:
    """Words in lines that are no wider than the room: they break where names do, and anywhere only if they must."""
    lines = [""]
    for part in _parts(words, room, size):
        if lines[-1] and measure(lines[-1] + part.rstrip(), size) > room:
            lines.append("")
        lines[-1] += part
    return [line.strip() for line in lines]


def _parts(words: str, room: float, size: float) -> list[str]:
    """The smallest pieces that stay together."""
    most = max(1, int(room / (_LATIN * size)))
    parts: list[str] = []
    for part in _BETWEEN.findall(words):
        if any(map(_is_wide, part)):
            parts += part
        elif _ADDRESS.fullmatch(part):
            parts.append(part)
        else:
            humps = _HUMP.findall(part) if len(part) > most else [part]
            parts += [hump[start : start + most] for hump in humps for start in range(0, len(hump), most)]
    return parts


def short(node: Node, graph: Graph, longest: int = 0) -> str:
    """A pod's name without what it has from its owner, which stands beside it (`…-krnvg`); a long one cut short.

    A number alone would be no name: `web-0` stays.
    """
    owners = [edge.tail.partition("/")[2] for edge in graph.edges if edge.head == node.id and node.kind == "Pod"]
    rests = (node.name.removeprefix(each) for each in owners if node.name.startswith(f"{each}-"))
    full = next((f"…{rest}" for rest in rests if not rest[1:].isdigit()), node.name)
    long = longest and len(full) > longest
    return without_middle(full, longest) if long and " " not in full and node.kind not in UNSAID else full


def without_middle(name: str, longest: int) -> str:
    """`my-app-…-hkqnf`: the first words and the last one of a name, as many of them as there is room for."""
    first, *between, last = name.split("-") if "-" in name else (name, name)
    if between and len(last) <= 12:
        first = first[:10]
        for word in between[:-1]:
            if len(f"{first}-{word}-…-{last}") > longest:
                break
            first += f"-{word}"
        return f"{first}-…-{last}"
    half = longest // 2 - 1
    return f"{name[: min(half, 10)].rstrip('.')}…{name[-min(half, 8) :].lstrip('.')}"
