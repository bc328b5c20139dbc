"""A graph as cards one below another fits a phone, and nothing of it is lost."""

from __future__ import annotations

import html
import re
from itertools import pairwise

from k8snb.view.column import WIDTH, column
from k8snb.view.graph import Edge, Graph, Group, Node
from k8snb.view.lettering import broken, measure


def pod(name: str, address: str, state: str = "ready", word: str = "Running", node: str = "node-1") -> Node:
    return Node(f"Pod/{name}", "Pod", name, [f"address {address}", "image nginx"], state, word, f"Node/{node}")


def replicas(*pods: Node) -> Graph:
    above = Node("ReplicaSet/web", "ReplicaSet", "web", ["wanted 4"])
    boxes = [Group(f"Node/node-{number}", "Node", f"node-{number}") for number in (1, 2)]
    return Graph("x", [above, *pods], [Edge(above.id, each.id, "owns") for each in pods], boxes)


def lines(graph: Graph) -> list[str]:
    """The lines of text of a drawing, from top to bottom."""
    texts = re.findall(r"<text [^>]*>(.*?)</text>", column(graph))
    return [html.unescape(re.sub("<[^>]*>", "", each)).replace("\u00a0", " ") for each in texts]


def test_pods_that_are_alike_are_a_stack_and_one_that_fails_stands_alone() -> None:
    failing = pod("web-c", "10.0.0.3", "failing", "Error")
    drawn = lines(
        replicas(pod("web-a", "10.0.0.1"), pod("web-b", "10.0.0.2", node="node-2"), failing, pod("web-d", "10.0.0.4"))
    )
    assert drawn == [
        *("ReplicaSet  web", "wanted 4", "owns"),
        *("Pod  × 3", "● Running · image nginx"),
        *(
            "…-a  on node-1 · address 10.0.0.1",
            "…-b  on node-2 · address 10.0.0.2",
            "…-d  on node-1 · address 10.0.0.4",
        ),
        *("Pod  …-c", "✕ Error · on node-1", "address 10.0.0.3 · image nginx"),
    ]


def test_of_two_each_has_a_card() -> None:
    assert lines(replicas(pod("web-a", "10.0.0.1"), pod("web-b", "10.0.0.2")))[3:] == [
        *("Pod  …-a", "● Running · on node-1", "address 10.0.0.1 · image nginx"),
        *("Pod  …-b", "● Running · on node-1", "address 10.0.0.2 · image nginx"),
    ]


def test_what_is_drawn_already_is_named_where_another_arrow_leads_to_it() -> None:
    ring = [Node(name, "State", name) for name in ("Waiting", "Running")]
    ways = (("Waiting", "Running", "started"), ("Running", "Waiting", "crashed"), ("Running", "Running", "seen"))
    assert lines(Graph("x", ring, [Edge(*way) for way in ways])) == [
        "Waiting",
        "started",
        "Running",
        "crashed  ↑ Waiting",
        "seen  ↻ itself",
    ]


def test_several_roots_stand_below_each_other_and_a_box_around_all_is_a_box() -> None:
    box = Group("Pod/two", "Pod", "two", ["Running"])
    parts = [Node(name, "Container", name, group="Pod/two") for name in ("one", "other")]
    assert lines(Graph("x", parts, (), [box])) == ["Pod  two  Running", "Container  one", "Container  other"]


def test_no_line_is_wider_than_the_drawing_however_deep_it_stands() -> None:
    long = [f"{number}-{'a-name-of-some-length-' * 4}" for number in range(9)]
    chain = [Node(name, "ConfigMap", name, [f"key {'x' * 90}"]) for name in long]
    drawn = column(Graph("x", chain, [Edge(a, b, "refers to") for a, b in pairwise(long)]))
    for x, words in re.findall(r'<text x="([\d.]+)"[^>]*>(.*?)</text>', drawn):
        assert float(x) + measure(html.unescape(re.sub("<[^>]*>", "", words)), 12.5) <= WIDTH


def test_a_hash_loses_its_middle_and_other_long_names_do_not() -> None:
    names = [f"csi-{'0123456789abcdef' * 4}", "a-name-of-forty-letters-" * 2 + "in-all"]
    shown = "".join(lines(Graph("x", [Node(name, "VolumeAttachment", name) for name in names], ())))
    assert (names[0] in shown, "csi-012345…89abcdef" in shown) == (False, True)
    assert names[1] in shown


def test_words_break_where_names_do() -> None:
    assert broken("registry.k8s.io/e2e-test-images/agnhost:2.53", 160, 10) == [
        "registry.k8s.io/e2e-test-",
        "images/agnhost:2.53",
    ]
    assert broken("NodeResourcesBalancedAllocation", 156, 10) == ["NodeResourcesBalanced", "Allocation"]
    assert broken("not from 10.244.0.0/16", 100, 10) == ["not from", "10.244.0.0/16"]
    assert broken("DNAT to 10.244.0.3:9376", 80, 10) == ["DNAT to", "10.244.0.3:9376"]
    assert broken("mounts at /var/lib/data", 80, 10) == ["mounts at", "/var/lib/data"]
    assert broken("a" * 30, 90, 10) == ["a" * 15, "a" * 15]
