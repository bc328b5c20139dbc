"""It is seen which words of a drawing are struck by a line, and the clearest drawing is the one that is shown."""

from __future__ import annotations

import html
import re

import pytest

from k8snb.view.diagram import Diagram
from k8snb.view.dot import source
from k8snb.view.graph import Edge, Graph, Group, Node
from k8snb.view.strikes import Strike, clearest, struck
from k8snb.view.svg import layout, themed


def part(sort: str, name: str, drawn: str) -> str:
    return f'<g id="x1" class="{sort}">\n<title>{name}</title>\n{drawn}</g>'


def word(x: int, y: int, words: str) -> str:
    return f'<text xml:space="preserve" text-anchor="middle" x="{x}" y="{y}" font-size="10.00" fill="x">{words}</text>'


LINE = '<path fill="none" d="M0,0C30,0 60,0 90,0"/>'
CLEAR = part("edge", "a&#45;&gt;b", LINE + word(45, -6, "owns"))
STRUCK = part("edge", "a&#45;&gt;b", LINE + word(45, 3, "owns"))


def test_a_word_on_a_line_is_struck_and_one_above_it_is_not() -> None:
    assert struck(STRUCK) == [Strike("a->b", "a->b")]
    assert struck(CLEAR) == []


def test_a_word_is_struck_by_the_line_of_another() -> None:
    assert struck(CLEAR + part("cluster", "cluster_c", '<path d="M45,-30C45,-20 45,20 45,30"/>')) == [
        Strike("a->b", "cluster_c")
    ]


def test_the_glyph_before_a_groups_name_is_part_of_it() -> None:
    glyph = '<polygon fill="#00a02e" stroke="none" points="40,-8 40,8 56,8 56,-8 40,-8"/>'
    assert struck(part("edge", "a", LINE) + part("cluster", "cluster_c", glyph)) == [Strike("cluster_c", "a")]


def test_the_clearest_drawing_is_the_first_of_those_with_the_fewest_strikes() -> None:
    assert clearest([STRUCK, CLEAR, CLEAR + "again"]) == CLEAR
    assert clearest([STRUCK, STRUCK + "again"]) == STRUCK
    assert clearest([]) == ""


def fans() -> Graph:
    """Three pods on nodes of their own, with arrows into each of them from both sides."""
    pods = [Node(f"p{n}", "Pod", f"web-{n}", ["address 10.244.0.2"], group=f"n{n}") for n in range(3)]
    ends = [Node("set", "ReplicaSet", "web"), Node("slice", "EndpointSlice", "web")]
    edges = [Edge("set", pod.id, "owns") for pod in pods] + [Edge("slice", pod.id, "ready", back=True) for pod in pods]
    groups = [Group(f"n{n}", "Node", f"node-{n}") for n in range(3)]
    return Graph("fans", [*ends, *pods], edges, groups, across=False)


def test_the_name_of_a_group_moves_out_of_the_way_of_an_arrow() -> None:
    pytest.importorskip("pygraphviz")
    assert {each.words for each in struck(layout(source(fans())))} == {"cluster_n2"}
    assert struck(Diagram(fans()).drawing()) == []


def above_lines(graph: Graph) -> str:
    """What stands above all lines of a picture."""
    svg = themed(layout(source(graph)), "x")
    return html.unescape(svg[svg.rindex("<g style=") :])


def test_words_of_arrows_stand_above_all_lines_and_have_a_rim() -> None:
    pytest.importorskip("pygraphviz")
    above = above_lines(fans())
    assert "paint-order:stroke" in above
    assert "<path" not in above
    assert re.findall(">(owns|ready)<", above) == ["owns"] * 3 + ["ready"] * 3


def test_so_does_the_name_of_a_group_that_a_line_strikes_all_the_same() -> None:
    pytest.importorskip("pygraphviz")
    assert re.findall(">(node-.)<", above_lines(fans())) == ["node-2"]
