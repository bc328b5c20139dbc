"""A graph of things, written as Graphviz DOT, as a picture and as text.

The graph is data: nodes with a kind, a name and facts, edges with a word, and groups that hold nodes (a machine, a
pod). DOT is laid out by the Graphviz that the `pygraphviz` wheel brings along, in process; where there is none (in a
browser) the text and the DOT remain. The picture is inline SVG in the page's own text colour, without ids, so that any
number of them may share a page.

Layout differs between versions of Graphviz, so nothing compares pictures: the text has the same nodes and edges.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from k8snb.i18n import _
from k8snb.view import theme
from k8snb.view.frames import MARKS
from k8snb.view.svg import GLYPH, NAMES, SMALLEST, SOFT, TEXT, layout, pixels_of, themed

_LINE, _LONG_LINE = 26, 58
"""Facts share a line of a label up to about so many characters; in a chain, where there is room, up to more."""

_COLUMN = 780
"""How wide a page's column of text is, in pixels: a drawing that does not fit into it is turned, if that helps."""

_MOST_SAID, _MOST_NAMED = 40, 12
"""How many connections a description tells, and how many names of one kind; the text beside it has them all."""

_FONT = "Helvetica,Arial,sans-serif"
_SPACE = "\u00a0\u00a0"
"""Between a loop and its word; Graphviz leaves nothing there."""

_PLAIN = '<table border="0" cellborder="0" cellspacing="0" cellpadding="2" {room}>{rows}</table>'
_UNSAID = frozenset({"Component", "Stage", "State"})
"""Kinds that are no words of the API: a glyph is enough."""

_NO_VERBS = _UNSAID | {"EndpointSlice", "User"}
"""Kinds whose arrows have words that are no verbs of which they are the subject."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing: its kind decides its glyph and hue (unless `hue` does), `state` (one of `theme.STATES`) its mark."""

    id: str
    kind: str
    name: str
    facts: Sequence[str] = ()
    state: str = ""
    word: str = ""
    group: str = ""
    hue: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow with a word: `tail` owns, selects or mounts `head`. A faint one is dashed; `note` is for the text.

    One that goes `back` is drawn against the direction in which the picture is read.
    """

    tail: str
    head: str
    word: str = ""
    faint: bool = False
    note: str = ""
    back: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A box around nodes, itself perhaps within another."""

    id: str
    kind: str
    name: str
    facts: Sequence[str] = ()
    within: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """What a diagram shows. `title` says it in a sentence and is the picture's name."""

    title: str
    nodes: Sequence[Node] = ()
    edges: Sequence[Edge] = ()
    groups: Sequence[Group] = field(default_factory=tuple)
    across: bool = True
    """From left to right, else from top to bottom."""
    chain: bool = False
    """One stage after another: arrows are short and lines long, so that it can be seen at a glance."""


class Diagram:
    """A graph that shows itself in a notebook."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @property
    def dot(self) -> str:
        """The graph in Graphviz' language."""
        return source(self.graph)

    def svg(self) -> str:
        """The picture as inline SVG; ImportError where there is no Graphviz."""
        drawing = layout(self.dot)
        if pixels_of(drawing) * SMALLEST > _COLUMN:
            turned = layout(source(replace(self.graph, across=not self.graph.across)))
            drawing = min(drawing, turned, key=pixels_of)
        return themed(drawing, self.graph.title, alternative(self.graph))

    def __str__(self) -> str:
        return text(self.graph)

    def __repr__(self) -> str:
        return f"<Diagram {self.graph.title!r}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = {"text/plain": str(self)}
        try:
            bundle["text/vnd.graphviz"] = self.dot
            return {"text/plain": str(self), "text/html": framed(self.svg())}
        except ImportError:
            return bundle


def framed(picture: str) -> str:
    """An inline picture as an output of a notebook; it scrolls where the page is narrower than it can get."""
    return f'<div class="k8snb-view" tabindex="0" style="overflow-x:auto">{picture}</div>'


# -- text ------------------------------------------------------------------------------------------------


def alternative(graph: Graph) -> str:
    """The picture in a paragraph: what is in it, in which state and where, and how it hangs together."""
    if graph.chain:
        facts = [next(filter(None, node.facts), "") for node in graph.nodes]
        stages = [_called(node) + (f" ({fact})" if fact else "") for node, fact in zip(graph.nodes, facts, strict=True)]
        return _("In this order: {stages}.").format(stages=_joined(stages))
    kinds: dict[str, list[Node]] = {}
    for node in graph.nodes:
        kinds.setdefault(node.kind, []).append(node)
    places = {group.id: group for group in graph.groups}
    shown = "; ".join(_of_kind(kind, _listed(nodes, places)) for kind, nodes in kinds.items())
    sentences = [_("It shows {objects}.").format(objects=shown)] if shown else []
    known = {node.id: node for node in graph.nodes}
    edges = [edge for edge in graph.edges if edge.tail in known and edge.head in known]
    ways: dict[tuple[str, str], list[Node]] = {}
    for edge in edges[:_MOST_SAID]:
        ways.setdefault((edge.tail, edge.word), []).append(known[edge.head])
    sentences += [_connected(known[tail], word, heads) for (tail, word), heads in ways.items()]
    if len(edges) > _MOST_SAID:
        sentences.append(_("There are {count} connections more.").format(count=len(edges) - _MOST_SAID))
    return " ".join(sentences)


def _connected(tail: Node, word: str, heads: Sequence[Node]) -> str:
    """A sentence about arrows of one word: parts and states have relations that are no verbs."""
    kinds: dict[str, list[str]] = {}
    for head in heads:
        kinds.setdefault(head.kind, []).append(_("itself") if head is tail else head.name)
    said = _joined([_of_kind(kind, _joined(names)) for kind, names in kinds.items()])
    if not word:
        return _("{tail} leads to {heads}.").format(tail=_called(tail), heads=said)
    form = _("From {tail} to {heads}: {word}.") if tail.kind in _NO_VERBS else _("{tail} {word} {heads}.")
    return form.format(tail=_called(tail), heads=said, word=word)


def _called(node: Node) -> str:
    return _of_kind(node.kind, node.name)


def _of_kind(kind: str, names: str) -> str:
    """Names after their kind, if that says something."""
    return names if kind in _UNSAID or names == _("itself") else f"{kind} {names}"


def _joined(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return _("{these} and {last}").format(these=", ".join(words[:-1]), last=words[-1])


def _listed(nodes: Sequence[Node], places: dict[str, Group]) -> str:
    """The names of nodes of one kind, with their states and places."""
    said = [f"{node.name}{_where(places.get(node.group))}{f' ({node.word})' if node.word else ''}" for node in nodes]
    if len(said) > _MOST_NAMED:
        said = [*said[:_MOST_NAMED], _("{count} more").format(count=len(said) - _MOST_NAMED)]
    return _joined(said)


def text(graph: Graph) -> str:
    """The graph as an indented tree: every edge once, what was already listed only named."""
    known = {node.id: node for node in graph.nodes}
    places = {group.id: group for group in graph.groups}
    heads = {edge.head for edge in graph.edges if edge.tail in known}
    seen: set[str] = set()
    above = _("(above)")
    lines = [graph.title, *_group_lines(graph)]

    def tell(node: Node, word: str, depth: int, note: str = "") -> None:
        again = node.id in seen
        seen.add(node.id)
        said = f"{word} " if word else ""
        line = f"{node.kind} {node.name} {above}" if again else _line(node, places)
        lines.append("  " * depth + said + line + (f" · {note}" if note else ""))
        for edge in () if again else graph.edges:
            if edge.tail == node.id and edge.head in known:
                tell(known[edge.head], f"─ {edge.word} →" if edge.word else "─→", depth + 1, edge.note)

    for node in graph.nodes:
        if node.id not in heads:
            tell(node, "", 1)
    for node in graph.nodes:  # what only a cycle leads to
        if node.id not in seen:
            tell(node, "", 1)
    return "\n".join(lines)


def _group_lines(graph: Graph) -> Iterator[str]:
    for group in graph.groups:
        if group.facts:
            yield f"  {group.kind} {group.name}: {', '.join(group.facts)}"


def _line(node: Node, places: dict[str, Group]) -> str:
    mark = f"{MARKS[theme.STATES[node.state].mark]} " if node.state else ""
    facts = ", ".join([*([node.word] if node.word else []), *node.facts])
    place = places.get(node.group)
    return f"{mark}{node.kind} {node.name}{_where(place)}{': ' + facts if facts else ''}"


def _where(place: Group | None) -> str:
    if place is None:
        return ""
    words = _("on {name}") if place.kind == "Node" else _("in {kind} {name}") if place.kind else _("in: {name}")
    return " " + words.format(kind=place.kind, name=place.name)


# -- DOT ---------------------------------------------------------------------------------------------------


def source(graph: Graph) -> str:
    """The graph as DOT. ImportError without the package `graphviz`, which writes it (and is pure Python)."""
    import graphviz

    dot = graphviz.Digraph(
        graph_attr={
            "rankdir": "LR" if graph.across else "TB",
            "bgcolor": "transparent",
            "nodesep": "0.18",
            "ranksep": "0.24" if graph.chain else "0.55",
            "pad": "0.06",
            "fontname": _FONT,
            "fontcolor": SOFT,
            "fontsize": "11",
        },
        node_attr={"shape": "plain", "fontname": _FONT, "fontcolor": TEXT, "fontsize": "12"},
        edge_attr={"color": SOFT, "fontname": _FONT, "fontcolor": SOFT, "fontsize": "10", "arrowsize": "0.6"},
    )
    _fill(dot, graph, "")
    for edge in graph.edges:
        style = "dashed" if edge.faint else "solid"
        ends = (edge.head, edge.tail) if edge.back else (edge.tail, edge.head)
        turned = {"dir": "back"} if edge.back else {}
        dot.edge(*map(quoted, ends), label=_edge_label(edge.word, loop=edge.tail == edge.head), style=style, **turned)
    return str(dot.source)


def _fill(dot: Any, graph: Graph, group: str) -> None:
    """Write the nodes of a group, then the groups within it."""
    known = {each.id for each in graph.groups}
    for node in graph.nodes:
        if (node.group if node.group in known else "") == group:
            dot.node(quoted(node.id), label=_label(node, _short(node, graph), graph.chain))
    for inner in graph.groups:
        if inner.within == group:
            hue = theme.hue(theme.look(inner.kind).hue)
            with dot.subgraph(name=f"cluster_{quoted(inner.id)}") as box:
                box.attr(
                    style="rounded,filled", color=hue + "90", fillcolor=hue + theme.alpha(theme.GROUND), margin="10"
                )
                box.attr(label=_group_label(inner), labeljust="l")
                _fill(box, graph, inner.id)


def quoted(name: str) -> str:
    """An id that DOT does not take apart at colons."""
    return name.replace(":", "_")


def _edge_label(word: str, *, loop: bool = False) -> str:
    """The word of an edge; one with wide characters in a cell of the width that they need."""
    if not word or word.isascii():
        return f"{_SPACE if loop else ' '}{word} " if word else ""
    cell = f'<td width="{measure(word, 10)}">{html.escape(word)}</td>'
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="1"><tr>{cell}</tr></table>>'


def measure(words: str, size: float) -> int:
    """How wide words are at most in a font of that size, in points.

    Graphviz knows the widths of Latin letters in Helvetica and nothing of others: a Chinese character is as wide as
    it is high, and the fonts of some machines are wider than Helvetica.
    """
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in words)
    return round((wide * 1.02 + (len(words) - wide) * 0.6) * size)


def _short(node: Node, graph: Graph) -> str:
    """A pod's name without what it has from its owner, which stands beside it: `…-krnvg`."""
    owners = (edge.tail.partition("/")[2] for edge in graph.edges if edge.head == node.id and node.kind == "Pod")
    return next((f"…{node.name.removeprefix(name)}" for name in owners if node.name.startswith(f"{name}-")), node.name)


def _label(node: Node, name: str, chain: bool = False) -> str:
    hue = theme.hue(node.hue or theme.look(node.kind).hue)
    alone = f"{_mark(node.state)}&#160;" if node.state and not node.word else ""
    kind = "" if node.kind in _UNSAID else node.kind
    words = f"{f'{_soft(kind)}&#160;&#160;' if kind else ''}{alone}<b>{html.escape(name)}</b>"
    width = measure(kind, 10) + measure(f"  {name}", 12.5)
    head = _cells(_glyph(node.kind), words, width)
    room = f'align="left" fixedsize="true" width="{width + 24}" height="20"'
    rows = [f'<tr><td align="left">{_PLAIN.format(rows=head, room=room)}</td></tr>']
    for line in _facts(node, chain):
        width = measure(html.unescape(re.sub("<[^>]*>", "", line)), 10)
        rows.append(f'<tr><td align="left" width="{width}"><font point-size="10">{line}</font></td></tr>')
    shape = 'border="1" style="rounded" cellborder="0" cellspacing="1" cellpadding="2"'
    return f'<<table {shape} color="{hue}" bgcolor="{hue}{theme.alpha(theme.TINT)}">{"".join(rows)}</table>>'


def _mark(state: str) -> str:
    known = theme.STATES[state]
    return f'<font color="{theme.hue(known.hue)}">{MARKS[known.mark]}</font>'


def _facts(node: Node, chain: bool = False) -> list[str]:
    """The state and the facts of a node in short lines, as label text; in a chain the first stands alone."""
    most = measure("x" * (_LONG_LINE if chain else _LINE), 1)
    lines: list[str] = []
    for number, fact in enumerate(node.facts):
        if lines and not (chain and number == 1) and measure(lines[-1] + fact, 1) < most:
            lines[-1] += f" · {fact}"
        else:
            lines.append(fact)
    lines = [html.escape(line) for line in lines]
    if node.state and node.word:
        lines.insert(0, f"{_mark(node.state)}&#160;{html.escape(node.word)}")
    return lines


def _group_label(group: Group) -> str:
    facts = _soft("".join(f" · {html.escape(fact)}" for fact in group.facts)) if group.facts else ""
    kind = f"{_soft(group.kind)}&#160;&#160;" if group.kind else ""
    words = f"{kind}<b>{html.escape(group.name)}</b>{facts}"
    width = measure("".join([group.kind, *(f" · {fact}" for fact in group.facts)]), 10) + measure(group.name, 13)
    row = _cells(_glyph(group.kind) if kind else "", words, width)
    return f"<{_PLAIN.format(rows=row, room='')}>"


def _cells(glyph: str, words: str, width: int) -> str:
    return f'<tr>{glyph}<td align="left" width="{width}">{words}</td></tr>'


def _soft(words: str) -> str:
    return f'<font point-size="10" color="{SOFT}">{words}</font>'


def _glyph(kind: str) -> str:
    number = NAMES.index(kind) + 1 if kind in theme.KINDS else 0
    return f'<td fixedsize="true" width="16" height="16" bgcolor="#{GLYPH + number:06x}"></td>'
