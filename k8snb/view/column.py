"""A graph as cards one below another: for phones, where nothing fits that has more than two boxes side by side.

What the text of a graph tells as a tree is drawn as one. A card stands below the one that leads to it, at the end of a
line with an arrow; what is drawn already is only named there. The box of a node is a word on the card (`on node-1`),
unless it is around the whole picture. Leaves that are of one kind and in one state and hang from the same card make a
stack: what they have in common is said once, and each has a line for what is its own.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from k8snb.i18n import _
from k8snb.view import theme
from k8snb.view.frames import MARKS
from k8snb.view.graph import UNSAID, Edge, Graph, Group, Node, where
from k8snb.view.lettering import broken, measure, short
from k8snb.view.svg import GLYPH, NAMES, SOFT, TEXT

WIDTH = 324
"""In pixels: the column of a page on a telephone of 360."""

_SIZE, _NAME, _LINE = 12.5, 13.5, 17
"""The sizes of words and of names, and the height of a line."""

_BOLD = 1.12
"""So much wider are names, being bold, in the widest of the fonts that a reader may have."""

_STEP, _PAD, _GAP, _INSET = 18, 8, 9, 7
"""How far a card stands right of the one above it; room in a card, between cards, and in a box around all of them."""

_MANY = 3
"""So many leaves that are alike make a stack."""

_LONGEST = 63
"""What is longer than most names may be is a hash (`csi-…`), which says nothing to a reader and loses its middle."""

_JOIN, _SPACE = " · ", "\u00a0\u00a0"


class Span(NamedTuple):
    """Words of one look: bold ones are names, others quiet, unless they have a hue."""

    words: str
    bold: bool = False
    hue: str = ""
    loud: bool = False

    @property
    def width(self) -> int:
        return measure(self.words, _NAME * _BOLD if self.bold else _SIZE)

    def drawn(self) -> str:
        look = f' font-weight="bold" font-size="{_NAME}"' if self.bold else ""
        colour = theme.hue(self.hue) if self.hue else TEXT if self.bold or self.loud else SOFT
        return f'<tspan{look} fill="{colour}">{html.escape(self.words)}</tspan>'


Line = list[Span]


def column(graph: Graph) -> str:
    """The drawing, in the colours that `svg` makes fit for a page."""
    return _Column(graph).drawn()


class _Column:
    """What was drawn so far, and how far down that goes."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes = {node.id: node for node in graph.nodes}
        self._places = {group.id: group for group in graph.groups}
        self._around = _around(graph)
        self._edges: dict[str, list[Edge]] = {node.id: [] for node in graph.nodes}
        for edge in graph.edges:
            if edge.tail in self._nodes and edge.head in self._nodes:
                self._edges[edge.tail].append(edge)
        self._seen: set[str] = set()
        self._parts: list[str] = []
        self._inset = _INSET * len(self._around)
        self._y = 2.0

    def drawn(self) -> str:
        tops = [self._head(group, depth) for depth, group in enumerate(self._around)]
        self._introduce()
        heads = {edge.head for edges in self._edges.values() for edge in edges if edge.head != edge.tail}
        roots = [node for node in self._graph.nodes if node.id not in heads]
        for node in [*roots, *self._graph.nodes]:  # what only a cycle leads to comes last
            if node.id not in self._seen:
                self._branch([node], 0)
                self._y += _GAP
        ground = "".join(self._box(top, depth) for depth, top in enumerate(tops))
        tall = round(self._y + self._inset - _GAP + 2)
        points = f'width="{round(WIDTH * 0.75)}pt" height="{round(tall * 0.75)}pt" viewBox="0 0 {WIDTH} {tall}"'
        font = f'font-family="Helvetica,Arial,sans-serif" font-size="{_SIZE}"'
        return f"<svg {points}><g {font}>{ground}{''.join(self._parts)}</g></svg>"

    # -- boxes around everything -------------------------------------------------------------------------------

    def _head(self, group: Group, depth: int) -> float:
        """Write what a box around everything is; returns where it begins."""
        top, x, room = self._y, _INSET * (depth + 1), WIDTH - 2 * _INSET * (depth + 1)
        called = _flow([Span(group.name, bold=True), *map(Span, group.facts)], room - 24)
        lines = _named(group.kind, called, room) if group.kind else called
        self._write(lines, x, top + 4, group.kind)
        self._y += _LINE * len(lines) + 10
        return top

    def _box(self, top: float, depth: int) -> str:
        hue = theme.hue(theme.look(self._around[depth].kind).hue)
        x, bottom = _INSET * depth + 1, self._y - _GAP + self._inset - _INSET * depth
        look = f'stroke="{hue}90" fill="{hue}{theme.alpha(theme.GROUND)}"'
        return f'<rect x="{x}" y="{top:g}" width="{WIDTH - 2 * x}" height="{bottom - top:g}" rx="8" {look}/>'

    def _introduce(self) -> None:
        """What there is to say of boxes that are but words here."""
        for group in self._graph.groups:
            if group.facts and group not in self._around:
                lines = _flow([Span(f"{group.kind} {group.name}", loud=True), *map(Span, group.facts)], WIDTH - 8)
                self._write(lines, 4, self._y)
                self._y += _LINE * len(lines) + 6

    # -- cards ---------------------------------------------------------------------------------------------------

    def _branch(self, nodes: Sequence[Node], depth: int) -> float:
        """A card, or a stack of several, and below it what it leads to; returns where arrows to it end."""
        self._seen.update(node.id for node in nodes)
        x = self._inset + _STEP * depth + 1
        room = WIDTH - self._inset - x - 4
        lines = self._stack(nodes, room - 2 * _PAD) if len(nodes) > 1 else self._card(nodes[0], room - 2 * _PAD)
        aim = self._frame(x, room, lines, nodes[0], len(nodes) > 1)
        self._below(nodes[0] if len(nodes) == 1 else None, depth, x + 9)
        return aim

    def _below(self, node: Node | None, depth: int, trunk: float) -> None:
        """The runs of arrows that leave a card, each with its word, and what they lead to."""
        start = self._y
        for (word, faint), run in groupby(self._edges[node.id] if node else (), lambda each: (each.word, each.faint)):
            heads, told = [self._nodes[edge.head] for edge in run], not word
            x = self._inset + _STEP * (depth + 1) + 1
            self._y += 4 if word else _GAP
            while heads:
                some, heads = self._next(heads)
                if some[0].id in self._seen:
                    aim = self._again(some, node, x, word)
                else:
                    told = told or self._word(word, x)
                    aim = self._branch(some, depth + 1)
                self._arrow(trunk, start, x, aim, faint)
                start = aim - 6
                self._y += _GAP if heads else 0

    def _word(self, word: str, x: float) -> bool:
        """Write the word of the arrows that follow."""
        lines = _flow([Span(word)], WIDTH - self._inset - x - 8)
        self._write(lines, x + 2, self._y)
        self._y += _LINE * len(lines) + 3
        return True

    def _next(self, heads: list[Node]) -> tuple[list[Node], list[Node]]:
        """Which of the heads are drawn together with the first, and which are left."""
        first = heads[0]
        if first.id in self._seen:
            some = [each for each in heads if each.id in self._seen and each.kind == first.kind]
        else:
            alike = [each for each in heads if _alike(each, first) and not self._edges[each.id]]
            some = alike if first in alike and len(alike) >= _MANY else [first]
            some = [each for each in some if each.id not in self._seen]
        return some, [each for each in heads if each not in some]

    def _card(self, node: Node, room: float) -> list[Line]:
        called = [
            [Span(words, bold=True)] for words in broken(short(node, self._graph, _LONGEST), room - 20, _NAME * _BOLD)
        ]
        if node.state and not node.word:
            called[0][:0] = _mark(node.state)
        lines = _named("" if node.kind in UNSAID else node.kind, called, room)
        return [*lines, *_told(node, [*self._place(node), *(Span(fact, loud=True) for fact in node.drawn)], room)]

    def _stack(self, nodes: Sequence[Node], room: float) -> list[Line]:
        first = nodes[0]
        common = [fact for fact in first.drawn if all(fact in each.drawn for each in nodes)]
        lines = _named(first.kind, [[Span(f"× {len(nodes)}", bold=True)]], room)
        lines += _told(first, [Span(fact, loud=True) for fact in common], room)
        for node in nodes:
            own = (Span(fact) for fact in node.drawn if fact not in common)
            lines += _flow([Span(short(node, self._graph, _LONGEST), bold=True), *self._place(node), *own], room)
        return lines

    def _place(self, node: Node) -> list[Span]:
        place = self._places.get(node.group)
        return [] if place is None or place in self._around else [Span(where(place).strip())]

    def _again(self, nodes: Sequence[Node], tail: Node | None, x: float, word: str) -> float:
        """Where an arrow leads to what was drawn before: its name, with a sign whether that is the same card."""
        kind = "" if nodes[0].kind in UNSAID else nodes[0].kind
        names = [_("itself") if each is tail else short(each, self._graph, _LONGEST) for each in nodes]
        names[0] = " ".join(filter(None, ("↻" if nodes[0] is tail else "↑", kind, names[0])))
        said = (Span(name.replace(" ", "\u00a0"), loud=True) for name in names)
        lines = _flow([*([Span(word)] if word else []), *said], WIDTH - self._inset - x - 8, _SPACE)
        top = self._y
        self._write(lines, x + 4, top)
        self._y += _LINE * len(lines) + 2
        return top + 9

    # -- strokes -------------------------------------------------------------------------------------------------

    def _frame(self, x: float, room: float, lines: Sequence[Line], node: Node, deep: bool) -> float:
        """The frame of a card around its lines, with two more behind it if it is a stack."""
        hue = theme.hue(node.hue or theme.look(node.kind).hue)
        top, tall = self._y, _LINE * len(lines) + 8
        for behind in (4, 2) if deep else ():
            line = f"M{x + behind + 4} {top + tall + behind:g}h{room - 8}q4 0 4 -4v{8 - tall}"
            self._parts.append(f'<path d="{line}" fill="none" stroke="{hue}"/>')
        look = f'stroke="{hue}" fill="{hue}{theme.alpha(theme.TINT)}"'
        self._parts.append(f'<rect x="{x}" y="{top:g}" width="{room}" height="{tall}" rx="6" {look}/>')
        self._write(lines, x + _PAD, top + 4, node.kind)
        self._y += tall + (4 if deep else 0)
        return top + 13

    def _write(self, lines: Iterable[Line], x: float, top: float, kind: str = "") -> None:
        """Lines of text; the first begins with the glyph of a kind, if one is given."""
        if kind:
            number = NAMES.index(kind) + 1 if kind in theme.KINDS else 0
            corners = " ".join(f"{x + a:g},{top + b:g}" for a, b in ((0, 1), (16, 1), (16, 17), (0, 17)))
            self._parts.append(f'<polygon fill="#{GLYPH + number:06x}" points="{corners}"/>')
        for number, line in enumerate(lines):
            left = x + (20 if kind and not number else 0)
            words = "".join(span.drawn() for span in line)
            self._parts.append(f'<text x="{left:g}" y="{top + 13 + _LINE * number:g}">{words}</text>')

    def _arrow(self, trunk: float, start: float, x: float, aim: float, faint: bool) -> None:
        dashes = ' stroke-dasharray="4 3"' if faint else ""
        line = f"M{trunk} {start:g}V{aim - 6:g}q0 6 6 6H{x - 4}"
        self._parts.append(f'<path d="{line}" fill="none" stroke="{SOFT}"{dashes}/>')
        self._parts.append(f'<path d="M{x - 1} {aim:g}l-5 -3v6z" fill="{SOFT}"/>')


def _around(graph: Graph) -> list[Group]:
    """The boxes that hold every node, the outermost first."""
    places = {group.id: group for group in graph.groups}

    def path(name: str) -> list[str]:
        return [*path(places[name].within), name] if name in places else []

    paths = [path(node.group) for node in graph.nodes]
    return [places[name] for name in paths[0] if all(name in each for each in paths)] if paths else []


def _alike(one: Node, other: Node) -> bool:
    return (one.kind, one.state, one.word, one.hue) == (other.kind, other.state, other.word, other.hue)


def _mark(state: str) -> Line:
    known = theme.STATES[state]
    return [Span(MARKS[known.mark], hue=known.hue), Span(" ")]


def _told(node: Node, facts: Iterable[Span], room: float) -> list[Line]:
    """The state of a node, in a word behind its mark, and the facts, in lines."""
    if not node.word:
        return _flow(facts, room)
    lines = _flow([Span(node.word, loud=True), *facts], room - 16)
    return [[*(_mark(node.state) if node.state else ()), *lines[0]], *lines[1:]]


def _named(kind: str, called: list[Line], room: float) -> list[Line]:
    """The lines of a head: the kind and the name on one, or the name below."""
    if not kind:
        return called
    if len(called) == 1 and sum(span.width for span in called[0]) + measure(kind, _SIZE) + 32 <= room:
        return [[Span(f"{kind}{_SPACE}"), *called[0]]]
    return [[Span(kind)], *called]


def _flow(spans: Iterable[Span], room: float, join: str = _JOIN) -> list[Line]:
    """Spans in lines, with a sign between them; only what is longer than a line is broken."""
    lines: list[Line] = []
    used = 0
    for span in spans:
        joint = Span(_SPACE if lines and lines[-1][-1].bold else join)
        if lines and not lines[-1][-1].words.endswith(":") and used + joint.width + span.width <= room:
            lines[-1] += [joint, span]
            used += joint.width + span.width
            continue
        for words in broken(span.words, room, _NAME * _BOLD if span.bold else _SIZE):
            lines.append([span._replace(words=words)])
            used = lines[-1][0].width
    return lines
