"""The picture that Graphviz draws of DOT, made fit for a page: its text colour, glyphs in the place of marked cells.

The DOT holds colours that stand for something else until here; nothing of them is left in the picture.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from k8snb.view import theme
from k8snb.view.strikes import PART, struck

TEXT = "#010203"
SOFT = "#010204"
GLYPH = 0x00A000
"""Colours that stand for something else until the picture is finished: text, quiet text, glyph number n."""

SMALLEST = 0.83
"""A picture shrinks to this part of its size and no further: its smallest words are then 11 pixels high."""

HIDDEN = 'aria-hidden="true"'
"""The attribute of a picture whose words another one has."""

_WORDS = re.compile(r"<text.*?</text>", re.DOTALL)

_GROUND = "var(--pst-color-background,var(--jp-layout-color0,var(--vscode-editor-background,transparent)))"
_RIM = f"stroke:{_GROUND};stroke-width:3px;stroke-linejoin:round;paint-order:stroke"
"""How letters look that a line may pass: they have a rim in the colour of the page, in those that name theirs."""

NAMES = list(theme.KINDS)


def layout(dot: str) -> str:
    """What Graphviz draws, from `<svg` on. ImportError where it is not installed.

    In a browser the kernel has one beside it, which is known to Python as a module.
    """
    try:
        from k8snb_graphviz import svg
    except ImportError:
        svg = _in_process
    drawn: str = svg(dot)
    return drawn[drawn.index("<svg") :]


def _in_process(dot: str) -> str:
    import pygraphviz

    graph = pygraphviz.AGraph(string=dot)
    with _quiet():
        return str(graph.draw(format="svg", prog="dot").decode())


@contextmanager
def _quiet() -> Iterator[None]:
    """Graphviz and its font library remark on the machine's set-up on file descriptor 2; readers need not know."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def pixels_of(svg: str) -> int:
    """How wide a drawing is when nothing shrinks it."""
    width = re.search(r'<svg width="(\d+)pt" height="\d+pt"', svg)
    return round(int(width[1]) * 4 / 3) if width else 640


def themed(svg: str, name: str, description: str = "") -> str:
    """The drawing in the page's text colour, with glyphs, without ids, tooltips and comments.

    Its name is a label and its description a `desc`: a `title` would hang over the picture as a tooltip.
    """
    pixels = pixels_of(svg)
    size = f"width:{pixels}px;max-width:max(100%,{round(pixels * SMALLEST)}px);height:auto"
    return _finished(svg, named(name), size, description)


def pair(wide: str, narrow: str, name: str, description: str) -> str:
    """Two drawings of the same: the wide one where there is room for it, else the narrow one.

    The other is as wide as nothing. That takes no style sheet, so it holds wherever an output is shown, and it heeds
    the room that the picture has, not the size of the window. Who cannot see has the wide one's words.
    """
    one, other = sizes(pixels_of(wide), pixels_of(narrow))
    return _finished(wide, named(name), one, description) + _finished(narrow, HIDDEN, other)


def sizes(wide: int, narrow: int, smallest: float = SMALLEST) -> tuple[str, str]:
    """The styles of two drawings of so many pixels, of which one is shown: the narrow one where the wide one would
    have to scroll."""
    room = f"(100% - {round(wide * smallest) - 0.5}px)*9999"
    most = f"max(100%,{round(narrow * SMALLEST)}px)"
    return (
        f"width:{wide}px;max-width:clamp(0px,{room},100%);height:auto",
        f"width:{narrow}px;max-width:clamp(0px,{room}*-1,{most});height:auto",
    )


def named(name: str) -> str:
    """The attributes of a picture by which it is heard."""
    return f'role="img" aria-label="{html.escape(name, quote=True)}"'


def _finished(svg: str, who: str, size: str, description: str = "") -> str:
    svg = re.sub(r"<!--.*?-->\s*|<title>.*?</title>\s*", "", _lettered(svg), flags=re.DOTALL)
    svg = re.sub(r'\s(?:id|xml:space|xmlns:xlink)="[^"]*"', "", svg)
    svg = re.sub(r'<polygon fill="#00a0([0-9a-f]{2})"[^>]*points="([^"]*)"[^>]*/>', _drawn, svg)
    svg = re.sub(r'(fill|stroke)="(?:#010203|black)"', r'\1="currentColor"', svg)
    svg = re.sub(r'(fill|stroke)="#010204"', rf'\1="currentColor" \1-opacity="{theme.QUIET}"', svg)
    svg = re.sub(r'<svg width="\d+pt" height="\d+pt"', lambda _size: f'<svg {who} style="{size}"', svg)
    told = f"<desc>{html.escape(description)}</desc>" if description else ""
    return re.sub(r"(<svg [^>]*>)", lambda match: match[1] + told, svg.strip(), count=1)


def _lettered(svg: str) -> str:
    """The drawing with those words above all lines that one may pass: of arrows, and of groups that one strikes."""
    passed = {strike.words for strike in struck(svg)}
    words: list[str] = []

    def without(part: re.Match[str]) -> str:
        if part["sort"] == "cluster" and html.unescape(part["name"]) not in passed:
            return part[0]
        words.extend(_WORDS.findall(part[0]))
        return _WORDS.sub("", part[0])

    svg = PART.sub(without, svg)
    return re.sub(r"</g>\s*</svg>", f'<g style="{_RIM}">{"".join(words)}</g></g></svg>', svg) if words else svg


def framed(picture: str) -> str:
    """An inline picture as an output of a notebook; it scrolls where the page is narrower than it can get."""
    return f'<div class="k8snb-view" tabindex="0" style="overflow-x:auto">{picture}</div>'


def _drawn(match: re.Match[str]) -> str:
    """The glyph in place of the cell that kept its room."""
    number = int(match[1], 16)
    look = theme.KINDS[NAMES[number - 1]] if number else theme.UNKNOWN
    corners = [tuple(map(float, pair.split(","))) for pair in match[2].split()]
    left, right = min(c[0] for c in corners), max(c[0] for c in corners)
    top, bottom = min(c[1] for c in corners), max(c[1] for c in corners)
    size = min(right - left, bottom - top, 15.0)
    where = f"translate({left - 1:g} {(top + bottom - size) / 2:g}) scale({size / 16:g})"
    stroke = f'fill="none" stroke="{theme.hue(look.hue)}" stroke-width="1.5"'
    return f'<path transform="{where}" {stroke} stroke-linecap="round" stroke-linejoin="round" d="{look.glyph}"/>'
