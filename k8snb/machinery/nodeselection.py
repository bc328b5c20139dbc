"""Which nodes a pod accepts: node selectors and node affinity, parsed.

Upstream: `component-helpers/scheduling/corev1/nodeaffinity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8snb.machinery.selectors import EVERYTHING, LabelSelector, Requirement
from k8snb.typing import Object

Labels = Mapping[str, str]
_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!", "Gt": "gt", "Lt": "lt"}


class NodeTerm:
    """One term of a node selector: all its expressions have to hold. An empty term matches nothing."""

    __slots__ = ("empty", "labels", "names", "unwanted_names")

    def __init__(self, term: Object) -> None:
        expressions = term.get("matchExpressions") or ()
        fields = term.get("matchFields") or ()
        self.empty = not expressions and not fields
        self.labels = LabelSelector(_requirement(each) for each in expressions) if expressions else EVERYTHING
        wanted = [frozenset(each.get("values") or ()) for each in fields if each.get("operator") == "In"]
        self.names = frozenset.intersection(*wanted) if wanted else None
        """The only names of nodes that match, where the term says so (`metadata.name` is the one field there is)."""
        self.unwanted_names = frozenset(
            name for each in fields if each.get("operator") == "NotIn" for name in each.get("values") or ()
        )

    def matches(self, name: str, labels: Labels) -> bool:
        """Whether a node of that name with these labels is meant."""
        if self.empty or name in self.unwanted_names or (self.names is not None and name not in self.names):
            return False
        return self.labels.matches(labels)

    def key(self) -> tuple[Any, ...]:
        names = None if self.names is None else tuple(sorted(self.names))
        return self.empty, self.labels.requirements, names, tuple(sorted(self.unwanted_names))


def _requirement(expression: Object) -> Requirement:
    operator = _OPERATORS[expression["operator"]]
    return Requirement(expression["key"], operator, tuple(expression.get("values") or ()))


class NodeSelection:
    """What a pod demands of its node: `nodeSelector`, and one of the terms of its required node affinity."""

    __slots__ = ("_labels", "_selector", "_terms")

    def __init__(self, node_selector: Labels, required: Object | None) -> None:
        self._labels = node_selector
        self._selector = LabelSelector(Requirement(k, "=", (v,)) for k, v in node_selector.items())
        terms = None if required is None else tuple(NodeTerm(t) for t in required.get("nodeSelectorTerms") or ())
        self._terms: tuple[NodeTerm, ...] | None = terms

    def __bool__(self) -> bool:
        return bool(self._labels) or self._terms is not None

    def matches(self, name: str, labels: Labels) -> bool:
        """Whether the pod may run on the node."""
        if self._labels and not self._selector.matches(labels):
            return False
        return self._terms is None or any(term.matches(name, labels) for term in self._terms)

    @property
    def names(self) -> frozenset[str] | None:
        """The only nodes that can match, if every term names some: how daemon pods choose theirs."""
        if not self._terms or any(term.names is None for term in self._terms):
            return None
        return frozenset(name for term in self._terms for name in term.names or ())

    def key(self) -> tuple[Any, ...]:
        terms = None if self._terms is None else tuple(term.key() for term in self._terms)
        return tuple(sorted(self._labels.items())), terms


class PreferredNodes:
    """The weighted terms of a pod's preferred node affinity."""

    __slots__ = ("_terms",)

    def __init__(self, preferred: Iterable[Object]) -> None:
        self._terms = tuple((each["weight"], NodeTerm(each["preference"])) for each in preferred)

    def __bool__(self) -> bool:
        return bool(self._terms)

    def score(self, name: str, labels: Labels) -> int:
        """The sum of the weights of the terms that the node matches."""
        return sum(weight for weight, term in self._terms if weight and term.matches(name, labels))


def selection_of(pod: Object) -> NodeSelection:
    """What a pod (or anything with a pod's spec) demands of its node."""
    spec = pod["spec"]
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return NodeSelection(spec.get("nodeSelector") or {}, required)
