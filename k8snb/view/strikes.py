"""Which words of a drawing are struck by a line: a way of drawing that strikes none is better than one that does.

Graphviz keeps words clear of boxes, not of arrows, and knows nothing of the names of groups when it leads an arrow
through them. So a drawing is looked at when it is done: every arrow and every frame in short steps, whether one of them
lies on a word.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from math import dist
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


class _Box(NamedTuple):
    """Where words stand, and whose they are: an arrow's or a group's."""

    of: str
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, point: Point) -> bool:
        return self.left < point[0] < self.right and self.top < point[1] < self.bottom


class Strike(NamedTuple):
    """Whose words are struck by whose line; both are an arrow (`a->b`) or a group (`cluster_Node/node-1`)."""

    words: str
    line: str


def struck(svg: str) -> list[Strike]:
    """Every word that a line of a drawing strikes."""
    boxes: list[_Box] = []
    lines: list[tuple[str, list[Point]]] = []
    for _sort, name, drawn in PART.findall(svg):
        of = html.unescape(name)
        boxes += _boxes(of, drawn)
        lines += [(of, _steps(_points(path))) for path in _PATH.findall(drawn)]
    return [Strike(box.of, of) for box in boxes for of, line in lines if any(map(box.holds, line))]


def clearest(drawings: Iterable[str]) -> str:
    """The drawing that strikes the fewest words, of several the first; an empty one if there is none."""
    best, fewest = "", None
    for svg in drawings:
        count = len(struck(svg))
        if fewest is None or count < fewest:
            best, fewest = svg, count
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


def _steps(corners: list[Point]) -> list[Point]:
    """Points along a line of Bézier curves, each not far from the next."""
    steps: list[Point] = []
    for start in range(0, len(corners) - 3, 3):
        a, b, c, d = corners[start : start + 4]
        count = max(1, round((dist(a, b) + dist(b, c) + dist(c, d)) / _STEP))
        for number in range(count + 1):
            t = number / count
            u = 1 - t
            p, q, r, s = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
            steps.append((p * a[0] + q * b[0] + r * c[0] + s * d[0], p * a[1] + q * b[1] + r * c[1] + s * d[1]))
    return steps
