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
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from k8snb.view.column import column
from k8snb.view.dot import AS_MEANT, NARROW, TIGHT, WIDE, Moves, Room, cluster, source
from k8snb.view.facing import faced
from k8snb.view.graph import Graph, alternative, text
from k8snb.view.strikes import Strike, clearest, struck
from k8snb.view.svg import SMALLEST, framed, layout, pair, pixels_of, themed

_SMALL_DESK, _DESK, _PHONE = 688, 780, 328
"""How wide a page's column of text is, in pixels, on small and large desks and on a phone."""

_TRIES = 6
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
        narrow = self._clearest(_PHONE, NARROW, TIGHT)
        return framed(pair(wide, narrow or column(self.graph), name, description))

    def drawing(self) -> str:
        """What Graphviz draws: the clearest of the drawings that fit into a column of text, else the narrowest.

        One that fits on any desk goes first; names are cut short only if they must be on a large one, too.
        """
        fitting = self._clearest(_SMALL_DESK, WIDE, NARROW) or self._clearest(_DESK, NARROW, TIGHT)
        narrowest = (layout(source(way, TIGHT)) for way in self._ways())
        return fitting or min(narrowest, key=pixels_of)

    def _clearest(self, pixels: int, *rooms: Room) -> str:
        """The drawing that fits so many pixels and strikes the fewest words; an empty one if none fits."""
        return clearest(_drawn(way, room, pixels) for room in rooms for way in self._ways())

    def _ways(self) -> tuple[Graph, ...]:
        """In which ways the graph can be drawn, the best first: as it is meant and turned."""
        graph = faced(self.graph)
        return (graph,) if graph.chain else (graph, replace(graph, across=not graph.across))

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


def _drawn(graph: Graph, room: Room, pixels: int) -> str:
    """The drawing, if it fits; while lines strike words, what can be moved is moved, and the clearest one counts."""
    moves, drawings = AS_MEANT, []
    for _try in range(_TRIES):
        drawing = layout(source(graph, room, moves))
        if pixels_of(drawing) * SMALLEST > pixels:
            break
        drawings.append(drawing)
        strikes = struck(drawing)
        if not strikes:
            break
        moves = _moved(moves, graph, strikes)
    return clearest(drawings)


def _moved(moves: Moves, graph: Graph, strikes: Sequence[Strike]) -> Moves:
    """What to try after these strikes: struck names elsewhere, frames that strike wider, and all else further apart."""
    groups = {cluster(group) for group in graph.groups}
    names = Counter({each.words for each in strikes} & groups)
    frames = Counter({each.line for each in strikes} & groups)
    return Moves(moves.corners + names, moves.margins + frames, moves.air + (not names and not frames))
