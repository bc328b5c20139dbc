"""Pod affinity, parsed: which pods a term speaks of.

Upstream: `framework/types.go` (`AffinityTerm`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from k8snb.machinery.selectors import of_object
from k8snb.typing import Object

Labels = Mapping[str, str]


class AffinityTerm:
    """One pod affinity term: which pods it speaks of, and the label of nodes that makes a neighbourhood."""

    __slots__ = ("namespace_selector", "namespaces", "selector", "topology_key")

    def __init__(self, term: Object) -> None:
        self.selector = of_object(term.get("labelSelector"))
        self.namespaces = frozenset(term.get("namespaces") or ())
        chosen = term.get("namespaceSelector")
        self.namespace_selector = None if chosen is None else of_object(chosen)
        self.topology_key: str = term["topologyKey"]

    def matches(self, owner: str, namespace: str, labels: Labels, namespace_labels: Labels) -> bool:
        """Whether a pod is meant; `owner` is the namespace of the pod that has the term."""
        return self._covers(owner, namespace, namespace_labels) and self.selector.matches(labels)

    def _covers(self, owner: str, namespace: str, namespace_labels: Labels) -> bool:
        if namespace in self.namespaces:
            return True
        if self.namespace_selector is not None:
            return self.namespace_selector.matches(namespace_labels)
        return not self.namespaces and namespace == owner


class WeightedTerm:
    """A preferred term and how much it counts."""

    __slots__ = ("term", "weight")

    def __init__(self, weighted: Object) -> None:
        self.term = AffinityTerm(weighted["podAffinityTerm"])
        self.weight: int = weighted["weight"]


def terms(found: Iterable[Object] | None) -> tuple[AffinityTerm, ...]:
    """Required terms, parsed."""
    return tuple(AffinityTerm(term) for term in found or ())


def weighted_terms(found: Iterable[Object] | None) -> tuple[WeightedTerm, ...]:
    """Preferred terms, parsed."""
    return tuple(WeightedTerm(term) for term in found or ())
