"""A graph written as Graphviz DOT.

How much room there is decides how long lines and names may be. The picture is in the page's own text colour, so what is
written here are colours that stand for it (`svg`).
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from k8snb.view import theme
from k8snb.view.frames import MARKS
from k8snb.view.graph import UNSAID, Edge, Graph, Group, Node
from k8snb.view.lettering import LONGEST, LONGEST_NARROW, broken, measure, short, wrapped
from k8snb.view.svg import GLYPH, NAMES, SOFT, TEXT

_LINE, _LONG_LINE, _SHORT_LINE = 26, 58, 18
"""Facts share a line of a label up to about so many characters; up to more in a chain, where there is room; up to fewer
in narrow boxes."""

_SHORT_WORDS = 13
"""Words of an arrow share a line up to so many characters in a narrow drawing, if there is no longer one among them."""

_MANY_FACTS, _LINE_OF_MANY = 9, 32
"""Of so many facts more share a line."""

_NAME_LINES = 2
"""So many lines a name may have in a narrow box."""

_GLYPH = 18
"""How wide the glyph before a kind is, with what is beside it."""

_JOIN = " · "
_FOOT = '<tr><td cellpadding="0" width="1" height="3"></td></tr>'
"""What lines below a name have below them."""

_FONT = "Helvetica,Arial,sans-serif"
_BOLD = 12.5
"""Bold letters of 12 points are as wide as others of so many."""

_CORNERS = (
    (False, "l", False),
    (False, "r", False),
    (False, "l", True),
    (False, "r", True),
    (True, "l", True),
    (True, "r", True),
)
"""Where and how the name of a group may stand: whether at the end that more arrows cross, on which side, and whether in
short lines."""

_WIDER, _AIR = 16, 0.12
"""So much wider, in points, is a frame that would strike words; in inches, so much more is between boxes each time."""


class Room(NamedTuple):
    """How much room there is: whether lines are short, how long those of names and single words of arrows may be, what
    is around and between boxes."""

    narrow: bool
    name: int
    word: int
    margin: int
    beside: float
    between: float


WIDE = Room(False, LONGEST, LONGEST, 10, 0.18, 0.55)
NARROW = Room(True, LONGEST_NARROW + 1, 21, 6, 0.12, 0.36)
TIGHT = Room(True, LONGEST_NARROW - 2, 18, 4, 0.08, 0.3)


class Moves(NamedTuple):
    """How often the name of a group went on to the next corner, its frame became wider, and boxes moved apart."""

    corners: Counter[str]
    margins: Counter[str]
    air: int


AS_MEANT = Moves(Counter(), Counter(), 0)


def cluster(group: Group) -> str:
    """What a group is called in DOT."""
    return f"cluster_{quoted(group.id)}"


def source(graph: Graph, room: Room = WIDE, moves: Moves = AS_MEANT) -> str:
    """The graph as DOT. ImportError without the package `graphviz`, which writes it (and is pure Python)."""
    import graphviz

    dot = graphviz.Digraph(
        graph_attr={
            "rankdir": "LR" if graph.across else "TB",
            "bgcolor": "transparent",
            "nodesep": str(room.beside + _AIR * moves.air),
            "ranksep": str(0.24 if graph.chain else room.between + _AIR * moves.air),
            "pad": "0.06",
            "fontname": _FONT,
            "fontcolor": SOFT,
            "fontsize": "11",
        },
        node_attr={"shape": "plain", "fontname": _FONT, "fontcolor": TEXT, "fontsize": "12"},
        edge_attr={"color": SOFT, "fontname": _FONT, "fontcolor": SOFT, "fontsize": "10", "arrowsize": "0.6"},
    )
    _fill(dot, graph, "", room, moves)
    for edge, words in _bundled(graph.edges).items():
        style = "dashed" if edge.faint else "solid"
        ends = (edge.head, edge.tail) if edge.back else (edge.tail, edge.head)
        turned = {"dir": "back"} if edge.back else {}
        label = _edge_label(words, room)
        dot.edge(*map(quoted, ends), label=label, style=style, **turned)
    return str(dot.source)


def _bundled(edges: Iterable[Edge]) -> dict[Edge, list[str]]:
    """Arrows, each with its words: those that lead side by side from one thing to another are one."""
    bundles: dict[Edge, list[str]] = {}
    for edge in edges:
        bundles.setdefault(replace(edge, word="", note=""), []).append(edge.word)
    return bundles


def _fill(dot: Any, graph: Graph, group: str, room: Room, moves: Moves) -> None:
    """Write the nodes of a group, then the groups within it."""
    known = {each.id for each in graph.groups}
    for node in graph.nodes:
        if (node.group if node.group in known else "") == group:
            dot.node(quoted(node.id), label=_label(node, _name(node, graph, room), graph.chain, room.narrow))
    for inner in graph.groups:
        if inner.within == group:
            hue = theme.hue(theme.look(inner.kind).hue)
            with dot.subgraph(name=cluster(inner)) as box:
                box.attr(style="rounded,filled", color=hue + "90", fillcolor=hue + theme.alpha(theme.GROUND))
                coming, going = (0, 0) if graph.across else _ways_through(inner, graph)
                brief = bool(coming and going)
                other, side, high = _CORNERS[moves.corners[cluster(inner)] % len(_CORNERS)]
                margin = room.margin + _WIDER * moves.margins[cluster(inner)]
                label = _group_label(inner, brief=brief, high=brief and high)
                box.attr(label=label, labeljust=side, margin=str(margin))
                box.attr(labelloc="b" if (coming > going) != other else "t")
                _fill(box, graph, inner.id, room, moves)


def _ways_through(group: Group, graph: Graph) -> tuple[int, int]:
    """How many arrows come into a group and go out of it.

    Its name stands at the end where there are fewer, and where they do both it is short, so that none crosses.
    """
    within = {node.id for node in graph.nodes if node.group == group.id}
    ends = ((each.head, each.tail) if each.back else (each.tail, each.head) for each in graph.edges)
    crossing = [(tail in within, head in within) for tail, head in ends]
    return crossing.count((False, True)), crossing.count((True, False))


def quoted(name: str) -> str:
    """An id that DOT does not take apart at colons."""
    return name.replace(":", "_")


def _edge_label(words: Iterable[str], room: Room) -> str:
    """The words of an edge in cells of the width that they need."""
    lines = [line for each in words if each for line in (_folded(each, room.word) if room.narrow else [each])]
    cells = "".join(f'<tr><td width="{measure(line, 10)}">{html.escape(line)}</td></tr>' for line in lines)
    look = 'border="0" cellborder="0" cellspacing="0" cellpadding="2"'
    return f"<<table {look}>{cells}</table>>" if lines else ""


def _folded(words: str, longest: int) -> list[str]:
    """Words of an arrow in short lines, in which a host name or a path stays whole up to so many letters."""
    whole = [measure(each, 10) for each in words.split() if len(each) <= longest]
    return broken(words, max([measure("x" * _SHORT_WORDS, 10), *whole]), 10)


def _name(node: Node, graph: Graph, room: Room) -> list[str]:
    """The name of a node in lines; in a narrow box one that would have too many loses its middle."""
    if not room.narrow:
        return wrapped(short(node, graph, LONGEST), LONGEST)
    full, cut = short(node, graph), short(node, graph, LONGEST_NARROW)
    beside = 0 if node.kind in UNSAID else measure(node.kind, 10) + _GLYPH
    lines = broken(full, max(beside, measure("x" * room.name, _BOLD)), _BOLD)
    if len(lines) <= _NAME_LINES or cut == full:
        return lines
    return broken(cut, max(beside, measure("x" * (room.name + 2), _BOLD)), _BOLD)


def _label(node: Node, name: list[str], chain: bool, narrow: bool) -> str:
    hue = theme.hue(node.hue or theme.look(node.kind).hue)
    alone = f"{_mark(node.state)}&#160;" if node.state and not node.word else ""
    mark = "● " if alone else ""
    kind = "" if node.kind in UNSAID else node.kind
    first, *more = name
    apart = narrow and kind
    called = f"{f'{_soft(kind)}&#160;&#160;' if kind else ''}{alone}<b>{html.escape(first)}</b>"
    head = measure(kind, 10) + (0 if apart else measure(f"  {mark}{first}", _BOLD))
    rows = [_row(_glyph(node.kind), _soft(kind) if apart else called, head)]
    for number, line in enumerate([first, *more] if apart else more):
        bold = f"{alone if apart and not number else ''}<b>{html.escape(line)}</b>"
        rows.append(_row("", bold, measure(f" {mark}{line}", _BOLD)))
    widest = max(head + _GLYPH, *(measure(line, _BOLD) for line in name)) if apart else head + _GLYPH
    for line in _facts(node, chain, narrow, widest):
        width = measure(html.unescape(re.sub("<[^>]*>", "", line)), 10)
        rows.append(f'<tr><td align="left" width="{width}"><font point-size="10">{line}</font></td></tr>')
    if node.drawn or node.word:
        rows.append(_FOOT)
    shape = 'border="1" style="rounded" cellborder="0" cellspacing="1" cellpadding="2"'
    return f'<<table {shape} color="{hue}" bgcolor="{hue}{theme.alpha(theme.TINT)}">{"".join(rows)}</table>>'


def _row(glyph: str, words: str, width: int) -> str:
    """A line at the head of a label, of the width that it needs."""
    size = f'width="{width + (24 if glyph else 4)}" height="{20 if glyph else 17}"'
    table = _table(_cells(glyph, words, width), f'align="left" fixedsize="true" {size}', 2 if glyph else 0)
    return f'<tr><td align="left">{table}</td></tr>'


def _table(rows: str, size: str = "", padding: int = 2) -> str:
    return f'<table border="0" cellborder="0" cellspacing="0" cellpadding="{padding}" {size}>{rows}</table>'


def _mark(state: str) -> str:
    known = theme.STATES[state]
    return f'<font color="{theme.hue(known.hue)}">{MARKS[known.mark]}</font>'


def _facts(node: Node, chain: bool, narrow: bool, head: int) -> list[str]:
    """The state and the facts of a node in lines, short or as wide as its head; in a chain the first stands alone."""
    most = _LINE_OF_MANY if len(node.drawn) >= _MANY_FACTS else _LONG_LINE if chain else _LINE
    most = min(most, _SHORT_LINE if most == _LINE else _LINE) if narrow else most
    room = max(measure("x" * most, 10) + measure(_JOIN, 10), head)
    lines: list[str] = []
    for number, fact in enumerate(node.drawn):
        begun = lines and not (chain and number == 1) and not lines[-1].endswith(":")
        if begun and measure(f"{lines[-1]}{_JOIN}{fact}", 10) < room:
            lines[-1] += f"{_JOIN}{fact}"
        elif narrow:
            lines += broken(fact, measure("x" * _LINE, 10), 10)
        else:
            lines.append(fact)
    lines = [html.escape(line) for line in lines]
    if node.state and node.word:
        lines.insert(0, f"{_mark(node.state)}&#160;{html.escape(node.word)}")
    return lines


def _group_label(group: Group, *, brief: bool, high: bool) -> str:
    # Graphviz takes bold letters for as narrow as Helvetica's, so what follows a long name needs more than one space.
    space = "&#160;" * (1 + len(group.name) // 6)
    facts = space + _soft("".join(f" · {html.escape(fact)}" for fact in group.facts)) if group.facts else ""
    kind = f"{_soft(group.kind)}&#160;&#160;" if group.kind and not brief else ""
    size = 10.5 if brief else 12
    first, *more = broken(group.name, measure("x" * _SHORT_WORDS, 10), size) if high else [group.name]
    soft = "".join([group.kind if kind else "", *(f" · {fact}" for fact in group.facts)])
    width = measure(soft, 10) + measure(first, size + 1)
    called = f'{kind}<font point-size="{size}"><b>{html.escape(first)}</b></font>{facts}'
    rows = _cells(_glyph(group.kind) if group.kind else "", called, width)
    for line in more:
        rows += _cells("", f'<font point-size="{size}"><b>{html.escape(line)}</b></font>', measure(line, size + 1))
    return f"<{_table(rows)}>"


def _cells(glyph: str, words: str, width: int) -> str:
    return f'<tr>{glyph}<td align="left" width="{width}">{words}</td></tr>'


def _soft(words: str) -> str:
    return f'<font point-size="10" color="{SOFT}">{words}</font>'


def _glyph(kind: str) -> str:
    number = NAMES.index(kind) + 1 if kind in theme.KINDS else 0
    return f'<td fixedsize="true" width="16" height="16" bgcolor="#{GLYPH + number:06x}"></td>'
