"""Which way arrows run: two things that lead to the same ones face each other, so that nothing crosses.

A Deployment and a Service lead to the same three pods. Drawn side by side, their arrows cross three times, whatever the
order. With the pods between them, none do: the arrows of one of the two are laid out against the way of reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations

from k8snb.view.graph import Graph

_SHARED = 2
"""Arrows to so many ends in common cross."""


def faced(graph: Graph) -> Graph:
    """The graph with the arrows turned of those roots that share ends with another one."""
    if graph.chain or any(edge.back for edge in graph.edges):
        return graph
    leads: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        leads.setdefault(edge.tail, []).append(edge.head)
    heads = {edge.head for edge in graph.edges}
    reach = {node.id: _reached(node.id, leads) for node in graph.nodes if node.id not in heads}
    turned = _turned(reach, leads)
    others = {name for root in reach if root not in turned for name in reach[root]}
    against = {name for root in turned for name in reach[root]} - others
    return replace(graph, edges=[replace(edge, back=edge.tail in against) for edge in graph.edges])


def _turned(reach: Mapping[str, set[str]], leads: Mapping[str, list[str]]) -> set[str]:
    """The roots that are drawn behind the ends that they share with one before."""
    behind: set[str] = set()
    for one, other in combinations(reach, 2):
        shared = _ends(reach[one] - reach[other], leads) & _ends(reach[other] - reach[one], leads)
        if len(shared) >= _SHARED and one not in behind:
            behind.add(other)
    return behind


def _ends(tails: Iterable[str], leads: Mapping[str, list[str]]) -> set[str]:
    """What these lead to and what leads no further."""
    return {head for tail in tails for head in leads.get(tail, ()) if not leads.get(head)}


def _reached(root: str, leads: Mapping[str, list[str]]) -> set[str]:
    """A root and what it leads to."""
    seen: set[str] = set()
    open_ = [root]
    while open_:
        name = open_.pop()
        if name not in seen:
            seen.add(name)
            open_ += leads.get(name, ())
    return seen
