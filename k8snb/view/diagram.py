"""A graph that shows itself in a notebook: of the ways in which it can be drawn, the clearest one that fits.

DOT is laid out by the Graphviz that the `pygraphviz` wheel brings along, in process, or in a browser by the one that
stands beside the kernel; where there is none, the text and the DOT remain. The picture is inline SVG in the page's own
text colour, without ids, so that any number of them may share a page. A graph is drawn as it is meant, turned, and with
narrower boxes; of the drawings that fit into a column of text the first is shown whose words no line strikes. For
phones there is a second, narrow one beside it, of which a page shows one or the other by the room that it has.

Layout differs between versions of Graphviz, so nothing compares pictures: the text has the same nodes and edges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from k8snb.view.column import column
from k8snb.view.dot import AS_MEANT, NARROW, TIGHT, WIDE, Moves, Room, cluster, source
from k8snb.view.facing import faced
from k8snb.view.graph import Graph, alternative, text
from k8snb.view.strikes import clearest, struck
from k8snb.view.svg import SMALLEST, framed, layout, pair, pixels_of, themed

_COLUMN, _PHONE = 780, 328
"""How wide a page's column of text is, in pixels, on a desk and on a phone."""

_TRIES = 5
"""So often names of groups, frames and boxes are moved out of the way of lines."""


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
        return themed(self.drawing(), self.graph.title, alternative(self.graph))

    def html(self) -> str:
        """The picture as an output of a notebook: on a narrow screen another drawing stands in its place, if needed."""
        wide = self.drawing()
        name, description = self.graph.title, alternative(self.graph)
        if pixels_of(wide) * SMALLEST <= _PHONE:
            return framed(themed(wide, name, description))
        narrow = clearest(_fitting(self._drawings(NARROW, TIGHT), _PHONE))
        return framed(pair(wide, narrow or column(self.graph), name, description))

    def drawing(self) -> str:
        """What Graphviz draws: the clearest of the drawings that fit into a column of text, else the narrowest."""
        fitting = _fitting(self._drawings(WIDE, NARROW, TIGHT), _COLUMN)
        return clearest(fitting) or min(self._drawings(TIGHT), key=pixels_of)

    def _drawings(self, *rooms: Room) -> Iterator[str]:
        """In which ways a graph can be drawn, the best first: as it is meant and turned."""
        graph = faced(self.graph)
        ways = (graph,) if graph.chain else (graph, replace(graph, across=not graph.across))
        return (_drawn(way, room) for room in rooms for way in ways)

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


def _fitting(drawings: Iterable[str], column: int) -> Iterator[str]:
    """Those that need not scroll in a column of so many pixels."""
    return (each for each in drawings if pixels_of(each) * SMALLEST <= column)


def _drawn(graph: Graph, room: Room) -> str:
    """The drawing; as long as lines strike words, what can be moved is moved, and the clearest one counts."""
    moves, drawings = AS_MEANT, []
    for _try in range(_TRIES):
        drawings.append(layout(source(graph, room, moves)))
        if not struck(drawings[-1]):
            break
        moves = _moved(moves, graph, drawings[-1])
    return clearest(drawings)


def _moved(moves: Moves, graph: Graph, drawing: str) -> Moves:
    """What to try after a drawing: its struck names elsewhere, frames that strike wider, and all else further apart."""
    groups, strikes = {cluster(group) for group in graph.groups}, struck(drawing)
    names = Counter({each.words for each in strikes} & groups)
    frames = Counter({each.line for each in strikes} & groups)
    return Moves(moves.corners + names, moves.margins + frames, moves.air + (not names and not frames))
