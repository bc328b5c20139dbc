"""A graph of things as data and in words: what a diagram shows.

Nodes have a kind, a name and facts, edges a word, and groups hold nodes (a machine, a pod). A graph is told in two
forms: as a tree of lines, with the same nodes and edges as the picture, and as the paragraph that describes the picture
to who cannot see it. `dot` draws it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from k8snb.i18n import _
from k8snb.view import theme
from k8snb.view.frames import MARKS

_MOST_SAID, _MOST_NAMED, _MOST_FACTS = 40, 12, 2
"""How many connections a description tells, how many names of one kind, and facts of each; the text has them all."""

UNSAID = frozenset({"Component", "Stage", "State"})
"""Kinds that are no words of the API: a glyph is enough."""

_NO_VERBS = UNSAID | {"EndpointSlice", "User"}
"""Kinds that are not the subject of their arrows' words."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing: its kind decides its glyph and hue (unless `hue` does), `state` (one of `theme.STATES`) its mark.

    Where its facts are many, `brief` is what a picture says instead; the text has them all.
    """

    id: str
    kind: str
    name: str
    facts: Sequence[str] = ()
    state: str = ""
    word: str = ""
    group: str = ""
    hue: str = ""
    brief: Sequence[str] = ()

    @property
    def drawn(self) -> Sequence[str]:
        """The facts that a picture shows."""
        return self.brief or self.facts


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
    """A sentence about arrows of one word, be it a verb (`owns`) or not (`bound to`)."""
    kinds: dict[str, list[str]] = {}
    for head in heads:
        kinds.setdefault(head.kind, []).append(_("itself") if head is tail else head.name)
    said = _joined([_of_kind(kind, _joined(names)) for kind, names in kinds.items()])
    if not word:
        return _("{tail} leads to {heads}.").format(tail=_called(tail), heads=said)
    stated = re.match(r"\w\w+s\b", word) and tail.kind not in _NO_VERBS
    form = _("{tail} {word} {heads}.") if stated else _("From {tail} to {heads}: {word}.")
    return form.format(tail=_called(tail), heads=said, word=word)


def _called(node: Node) -> str:
    return _of_kind(node.kind, node.name)


def _of_kind(kind: str, names: str) -> str:
    """Names after their kind, if that says something."""
    return names if kind in UNSAID or names == _("itself") else f"{kind} {names}"


def _joined(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return _("{these} and {last}").format(these=", ".join(words[:-1]), last=words[-1])


def _listed(nodes: Sequence[Node], places: dict[str, Group]) -> str:
    """The names of nodes of one kind, with their states and places."""
    said = [f"{node.name}{where(places.get(node.group))}{_in_brackets(node)}" for node in nodes]
    if len(said) > _MOST_NAMED:
        said = [*said[:_MOST_NAMED], _("{count} more").format(count=len(said) - _MOST_NAMED)]
    return _joined(said)


def _in_brackets(node: Node) -> str:
    """What a description says of a node: its state, or else the first of its facts."""
    said = node.word or ", ".join(node.facts[:_MOST_FACTS])
    return f" ({said})" if said else ""


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
    return f"{mark}{node.kind} {node.name}{where(place)}{': ' + facts if facts else ''}"


def where(place: Group | None) -> str:
    """In which box a node is, as words that follow its name."""
    if place is None:
        return ""
    words = _("on {name}") if place.kind == "Node" else _("in {kind} {name}") if place.kind else _("in: {name}")
    return " " + words.format(kind=place.kind, name=place.name)
