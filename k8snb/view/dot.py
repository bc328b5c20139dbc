"""A graph written as Graphviz DOT, laid out, and shown as a picture.

DOT is laid out by the Graphviz that the `pygraphviz` wheel brings along, in process, or in a browser by the one that
stands beside the kernel; where there is none, the text and the DOT remain. The picture is inline SVG in the page's own
text colour, without ids, so that any number of them may share a page. A drawing that is too wide for a column of text
is turned, and then drawn with narrower boxes; for phones there is a second, narrow one beside it, of which a page shows
one or the other by the room that it has.

Layout differs between versions of Graphviz, so nothing compares pictures: the text has the same nodes and edges.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from k8snb.view import theme
from k8snb.view.column import column
from k8snb.view.facing import faced
from k8snb.view.frames import MARKS
from k8snb.view.graph import UNSAID, Graph, Group, Node, alternative, text
from k8snb.view.lettering import LONGEST, LONGEST_NARROW, broken, measure, short, wrapped
from k8snb.view.svg import GLYPH, NAMES, SMALLEST, SOFT, TEXT, framed, layout, pair, pixels_of, themed

_LINE, _LONG_LINE, _SHORT_LINE = 26, 58, 18
"""Facts share a line of a label up to about so many characters; up to more in a chain, where there is room; up to fewer
in narrow boxes."""

_SHORT_WORD = 13
"""Words of an arrow share a line up to so many characters in a narrow drawing."""

_SAFE = 10
"""Words of an arrow so short cover nothing beside them, even where letters are wider than Graphviz thinks."""

_MANY_FACTS, _LINE_OF_MANY = 9, 32
"""Of so many facts more share a line."""

_COLUMN, _PHONE = 780, 328
"""How wide a page's column of text is, in pixels, on a desk and on a phone."""

_FONT = "Helvetica,Arial,sans-serif"
_SPACE = "\u00a0\u00a0"
"""Between a loop and its word; Graphviz leaves nothing there."""

_PLAIN = '<table border="0" cellborder="0" cellspacing="0" cellpadding="2" {room}>{rows}</table>'


class Diagram:
    """A graph that shows itself in a notebook."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @property
    def dot(self) -> str:
        """The graph in Graphviz' language."""
        return source(self.graph)

    def svg(self) -> str:
        """The picture as inline SVG, in the size of a page; ImportError where there is no Graphviz."""
        return themed(self._wide(), self.graph.title, alternative(self.graph))

    def html(self) -> str:
        """The picture as an output of a notebook: on a narrow screen another drawing stands in its place, if needed."""
        wide = self._wide()
        name, description = self.graph.title, alternative(self.graph)
        if pixels_of(wide) * SMALLEST <= _PHONE:
            return framed(themed(wide, name, description))
        fitting = (svg for svg in self._drawings(narrow=True) if pixels_of(svg) * SMALLEST <= _PHONE)
        return framed(pair(wide, next(fitting, None) or column(self.graph), name, description))

    def _wide(self) -> str:
        """The first drawing that fits into a column of text, else the narrowest."""
        tried = []
        for narrow in (False, True):
            for svg in self._drawings(narrow=narrow):
                if pixels_of(svg) * SMALLEST <= _COLUMN:
                    return svg
                tried.append(svg)
        return min(tried, key=pixels_of)

    def _drawings(self, *, narrow: bool) -> Iterator[str]:
        """In which ways a graph can be drawn, the best first: as it is meant and turned."""
        graph = faced(self.graph)
        ways = (graph,) if graph.chain else (graph, replace(graph, across=not graph.across))
        return (layout(source(each, narrow=narrow)) for each in ways)

    def __str__(self) -> str:
        return text(self.graph)

    def __repr__(self) -> str:
        return f"<Diagram {self.graph.title!r}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = {"text/plain": str(self)}
        try:
            bundle["text/vnd.graphviz"] = self.dot
            return {"text/plain": str(self), "text/html": self.html()}
        except ImportError:
            return bundle


def source(graph: Graph, *, narrow: bool = False) -> str:
    """The graph as DOT. ImportError without the package `graphviz`, which writes it (and is pure Python)."""
    import graphviz

    dot = graphviz.Digraph(
        graph_attr={
            "rankdir": "LR" if graph.across else "TB",
            "bgcolor": "transparent",
            "nodesep": "0.12" if narrow else "0.18",
            "ranksep": "0.24" if graph.chain else "0.36" if narrow else "0.55",
            "pad": "0.06",
            "fontname": _FONT,
            "fontcolor": SOFT,
            "fontsize": "11",
        },
        node_attr={"shape": "plain", "fontname": _FONT, "fontcolor": TEXT, "fontsize": "12"},
        edge_attr={"color": SOFT, "fontname": _FONT, "fontcolor": SOFT, "fontsize": "10", "arrowsize": "0.6"},
    )
    _fill(dot, graph, "", narrow)
    for edge in graph.edges:
        style = "dashed" if edge.faint else "solid"
        ends = (edge.head, edge.tail) if edge.back else (edge.tail, edge.head)
        turned = {"dir": "back"} if edge.back else {}
        label = _edge_label(edge.word, loop=edge.tail == edge.head, narrow=narrow)
        dot.edge(*map(quoted, ends), label=label, style=style, **turned)
    return str(dot.source)


def _fill(dot: Any, graph: Graph, group: str, narrow: bool) -> None:
    """Write the nodes of a group, then the groups within it."""
    known = {each.id for each in graph.groups}
    longest = LONGEST_NARROW if narrow else LONGEST
    for node in graph.nodes:
        if (node.group if node.group in known else "") == group:
            dot.node(quoted(node.id), label=_label(node, short(node, graph, longest), graph.chain, narrow))
    for inner in graph.groups:
        if inner.within == group:
            hue = theme.hue(theme.look(inner.kind).hue)
            with dot.subgraph(name=f"cluster_{quoted(inner.id)}") as box:
                box.attr(style="rounded,filled", color=hue + "90", fillcolor=hue + theme.alpha(theme.GROUND))
                coming, going = (0, 0) if graph.across else _ways_through(inner, graph)
                brief = bool(coming and going)
                box.attr(label=_group_label(inner, brief=brief), labeljust="l", margin="6" if narrow else "10")
                box.attr(labelloc="b" if coming > going else "t")
                _fill(box, graph, inner.id, narrow)


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


def _edge_label(word: str, *, loop: bool = False, narrow: bool = False) -> str:
    """The word of an edge; one with wide characters in a cell of the width that they need."""
    lines = broken(word, measure("x" * _SHORT_WORD, 10), 10) if narrow else [word]
    if not word or (word.isascii() and max(map(len, lines)) <= _SAFE):
        return f"{_SPACE if loop else ' '}{f' {chr(10)} '.join(lines)} " if word else ""
    cells = "".join(f'<tr><td width="{measure(line, 10)}">{html.escape(line)}</td></tr>' for line in lines)
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{cells}</table>>'


def _label(node: Node, name: str, chain: bool = False, narrow: bool = False) -> str:
    hue = theme.hue(node.hue or theme.look(node.kind).hue)
    alone = f"{_mark(node.state)}&#160;" if node.state and not node.word else ""
    kind = "" if node.kind in UNSAID else node.kind
    if narrow and node.kind in UNSAID:
        first, *more = broken(name, measure("x" * LONGEST_NARROW, 12.5), 12.5)
    else:
        first, *more = wrapped(name, LONGEST_NARROW if narrow else LONGEST)
    apart = narrow and kind
    called = f"{f'{_soft(kind)}&#160;&#160;' if kind else ''}{alone}<b>{html.escape(first)}</b>"
    words = _soft(kind) if apart else called
    rows = [_row(_glyph(node.kind), words, measure(kind, 10) + (0 if apart else measure(f"  {first}", 12.5)))]
    for number, line in enumerate([first, *more] if apart else more):
        bold = f"{alone if apart and not number else ''}<b>{html.escape(line)}</b>"
        rows.append(_row("", bold, measure(f" {line}", 13)))
    for line in _facts(node, chain, narrow):
        width = measure(html.unescape(re.sub("<[^>]*>", "", line)), 10)
        rows.append(f'<tr><td align="left" width="{width}"><font point-size="10">{line}</font></td></tr>')
    shape = 'border="1" style="rounded" cellborder="0" cellspacing="1" cellpadding="2"'
    return f'<<table {shape} color="{hue}" bgcolor="{hue}{theme.alpha(theme.TINT)}">{"".join(rows)}</table>>'


def _row(glyph: str, words: str, width: int) -> str:
    """A line at the head of a label, of the width that it needs."""
    room = f'align="left" fixedsize="true" width="{width + (24 if glyph else 4)}" height="{20 if glyph else 17}"'
    return f'<tr><td align="left">{_PLAIN.format(rows=_cells(glyph, words, width), room=room)}</td></tr>'


def _mark(state: str) -> str:
    known = theme.STATES[state]
    return f'<font color="{theme.hue(known.hue)}">{MARKS[known.mark]}</font>'


def _facts(node: Node, chain: bool, narrow: bool) -> list[str]:
    """The state and the facts of a node in short lines, as label text; in a chain the first stands alone."""
    most = _LINE_OF_MANY if len(node.facts) >= _MANY_FACTS else _LONG_LINE if chain else _LINE
    most = measure("x" * (min(most, _SHORT_LINE if most == _LINE else _LINE) if narrow else most), 1)
    lines: list[str] = []
    for number, fact in enumerate(node.facts):
        begun = lines and not (chain and number == 1) and not lines[-1].endswith(":")
        if begun and measure(lines[-1] + fact, 1) < most:
            lines[-1] += f" · {fact}"
        elif narrow:
            lines += broken(fact, measure("x" * _LINE, 10), 10)
        else:
            lines.append(fact)
    lines = [html.escape(line) for line in lines]
    if node.state and node.word:
        lines.insert(0, f"{_mark(node.state)}&#160;{html.escape(node.word)}")
    return lines


def _group_label(group: Group, *, brief: bool = False) -> str:
    # Graphviz takes bold letters for as narrow as Helvetica's, so what follows a long name needs more than one space.
    space = "&#160;" * (1 + len(group.name) // 6)
    facts = space + _soft("".join(f" · {html.escape(fact)}" for fact in group.facts)) if group.facts else ""
    kind = f"{_soft(group.kind)}&#160;&#160;" if group.kind and not brief else ""
    size = 10.5 if brief else 12
    words = f'{kind}<font point-size="{size}"><b>{html.escape(group.name)}</b></font>{facts}'
    soft = "".join([group.kind if kind else "", *(f" · {fact}" for fact in group.facts)])
    width = measure(soft, 10) + measure(group.name, size + 1)
    row = _cells(_glyph(group.kind) if group.kind else "", words, width)
    return f"<{_PLAIN.format(rows=row, room='')}>"


def _cells(glyph: str, words: str, width: int) -> str:
    return f'<tr>{glyph}<td align="left" width="{width}">{words}</td></tr>'


def _soft(words: str) -> str:
    return f'<font point-size="10" color="{SOFT}">{words}</font>'


def _glyph(kind: str) -> str:
    number = NAMES.index(kind) + 1 if kind in theme.KINDS else 0
    return f'<td fixedsize="true" width="16" height="16" bgcolor="#{GLYPH + number:06x}"></td>'
