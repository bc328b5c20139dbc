"""The map of the concepts: a column for each chapter, a box for each page, lines to the pages that it is nearest to.

Every box is a link. Lines are as faint as they may be; with the pointer or the keyboard on a box, its own stand out.
Colours are the page's. Where there is no room for it, the same stands in a list.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from textwrap import wrap

from k8snb.book.contents import Contents
from k8snb.book.links import Links
from k8snb.i18n import _

WIDE, HIGH = 150, 30
GAP, STEP, TOP = 18, 46, 50
LINE = 17
"""From one line of a chapter's name to the next; there is room for two above the boxes."""

_FITS = 20
"""So many letters fit above a column."""


def chart(contents: Contents, links: Links, address: Callable[[str], str]) -> str:
    """The map as SVG. `address` is where a page is, seen from the one that shows the map."""
    places = {
        page: (column * (WIDE + GAP), TOP + row * STEP)
        for column, chapter in enumerate(contents.chapters)
        for row, page in enumerate(chapter.pages)
    }
    number = {page: index for index, page in enumerate(places)}
    width = len(contents.chapters) * (WIDE + GAP) - GAP
    height = max(y for _x, y in places.values()) + HIGH + 4
    lines = "".join(_lines(links.nearest, places, number))
    boxes = "".join(
        f'<a href="{html.escape(address(page))}" class="n{number[page]}">{_box(contents.title(page), *place)}</a>'
        for page, place in places.items()
    )
    heads = "".join(
        _head(chapter.title, column * (WIDE + GAP) + WIDE / 2) for column, chapter in enumerate(contents.chapters)
    )
    shown = "".join(
        f".concept-map:has(.n{at}:is(:hover,:focus)) .e{at}{{opacity:1}}.concept-map:has(.n{at}:is(:hover,:focus)) "
        f".e:not(.e{at}){{opacity:.06}}"
        for at in number.values()
    )
    title = f"<title>{html.escape(_('The concepts, and which of them are near each other'))}</title>"
    drawn = f'<svg viewBox="-2 0 {width + 4} {height}" xmlns="http://www.w3.org/2000/svg">{title}'
    return f'<div class="concept-map"><style>{shown}</style>{drawn}{lines}{heads}{boxes}</svg></div>'


def _head(title: str, middle: float) -> str:
    """A chapter's name, whose last line stands close above its column."""
    lines = wrap(title, _FITS)
    ends = TOP - 14
    parts = "".join(
        f'<tspan x="{middle}" y="{ends - LINE * below}">{html.escape(line)}</tspan>'
        for below, line in zip(reversed(range(len(lines))), lines, strict=True)
    )
    return f'<text class="head">{parts}</text>'


def _box(title: str, x: int, y: int) -> str:
    rect = f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="6"/>'
    return f'{rect}<text x="{x + WIDE / 2}" y="{y + HIGH / 2 + 4.5}">{html.escape(title)}</text>'


def _lines(
    nearest: Mapping[str, list[str]], places: Mapping[str, tuple[int, int]], number: Mapping[str, int]
) -> Iterator[str]:
    """A curve for each pair of pages of which one is near to the other."""
    pairs = dict.fromkeys(
        tuple(sorted((here, there), key=number.__getitem__)) for here in nearest for there in nearest[here]
    )
    for here, there in pairs:
        (x1, y1), (x2, y2) = places[here], places[there]
        y1, y2 = y1 + HIGH // 2, y2 + HIGH // 2
        if x1 == x2:
            out = x1 + WIDE
            path = f"M{out} {y1}C{out + GAP} {y1} {out + GAP} {y2} {out} {y2}"
        else:
            begin, end = x1 + WIDE, x2
            bend = (end - begin) / 2
            path = f"M{begin} {y1}C{begin + bend} {y1} {end - bend} {y2} {end} {y2}"
        yield f'<path class="e e{number[here]} e{number[there]}" d="{path}"/>'
