"""Which words of a drawing are struck by a line: a way of drawing that strikes none is better than one that does.

Graphviz keeps words clear of boxes, not of arrows, and knows nothing of the names of groups when it leads an arrow
through them. So a drawing is looked at when it is done: every arrow and every frame in short steps, whether one of them
lies on a word.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from math import dist, inf
from typing import NamedTuple

from k8snb.view.lettering import measure

_PLAIN, _BOLD = 0.92, 1.04
"""How wide letters are on most machines, in the widths that are kept for them."""

_STEP = 3.0
"""A line is looked at every so many points."""

PART = re.compile(
    r'<g id="\w+" class="(?P<sort>edge|cluster)">\s*<title>(?P<name>.*?)</title>(?P<drawn>.*?)</g>', re.DOTALL
)
"""An arrow or a group, as Graphviz draws it."""

_TEXT = re.compile(
    r'<text[^>]*text-anchor="(\w+)" x="(\S+)" y="(\S+)"[^>]*?( font-weight="bold")? font-size="(\S+)"[^>]*>(.*?)</text>'
)
_PATH = re.compile(r'<path[^>]* d="([^"]*)"')
_GLYPH = re.compile(r'<polygon fill="#00a0[^>]*points="([^"]*)"')
_NUMBER = re.compile(r"-?[\d.]+")

Point = tuple[float, float]
Curve = list[Point]
"""The four corners of a Bézier curve, within which it stays."""


class _Box(NamedTuple):
    """Where words stand, and whose they are: an arrow's or a group's."""

    of: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, curve: Curve) -> bool:
        """Whether a curve comes near, and if so, whether a point of it lies within."""
        across, down = [x for x, _y in curve], [y for _x, y in curve]
        near = min(across) < self.right and max(across) > self.left and min(down) < self.bottom and max(down) > self.top
        return near and any(self.left < x < self.right and self.top < y < self.bottom for x, y in _steps(curve))


class Strike(NamedTuple):
    """Whose words are struck by whose line; both are an arrow (`a->b`) or a group (`cluster_Node/node-1`)."""

    words: str
    line: str


def struck(svg: str) -> list[Strike]:
    """Every word that a line of a drawing strikes."""
    boxes: list[_Box] = []
    lines: list[tuple[str, list[Curve]]] = []
    for _sort, name, drawn in PART.findall(svg):
        of = html.unescape(name)
        boxes += _boxes(of, drawn)
        lines += [(of, _curves(_points(path))) for path in _PATH.findall(drawn)]
    return [Strike(box.of, of) for box in boxes for of, line in lines if any(map(box.meets, line))]


def clearest(drawings: Iterable[str]) -> str:
    """The drawing that strikes the fewest words, of several the first; empty ones do not count."""
    best, fewest = "", inf
    for drawing in filter(None, drawings):
        count = len(struck(drawing))
        if count < fewest:
            best, fewest = drawing, count
        if not count:
            break
    return best


def _boxes(of: str, drawn: str) -> Iterator[_Box]:
    for anchor, x, y, bold, size, words in _TEXT.findall(drawn):
        said = html.unescape(words).replace("\u00a0", " ").strip()
        wide, high = measure(said, float(size) * (_BOLD if bold else _PLAIN)), float(size)
        left = float(x) - (wide / 2 if anchor == "middle" else 0)
        if said:
            yield _Box(of, left, float(y) - high * 0.75, left + wide, float(y) + high * 0.1)
    for corners in _GLYPH.findall(drawn):
        points = _points(corners)
        across, down = [x for x, _y in points], [y for _x, y in points]
        yield _Box(of, min(across), min(down), max(across), max(down))


def _points(path: str) -> list[Point]:
    numbers = list(map(float, _NUMBER.findall(path)))
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _curves(corners: list[Point]) -> list[Curve]:
    return [corners[start : start + 4] for start in range(0, len(corners) - 3, 3)]


def _steps(curve: Curve) -> Iterator[Point]:
    """Points along a curve, each not far from the next."""
    a, b, c, d = curve
    count = max(1, round((dist(a, b) + dist(b, c) + dist(c, d)) / _STEP))
    for number in range(count + 1):
        t = number / count
        u = 1 - t
        p, q, r, s = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        yield p * a[0] + q * b[0] + r * c[0] + s * d[0], p * a[1] + q * b[1] + r * c[1] + s * d[1]
