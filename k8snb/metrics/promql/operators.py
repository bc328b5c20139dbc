"""Operators between numbers and vectors, and how the samples of two vectors find each other.

Source: `VectorBinop`, `VectorscalarBinop` and their like in `promql/engine.go`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import cast

from k8snb.metrics.labels import Labels, changed, nameless, only, spelled, value, without
from k8snb.metrics.promql.lexer import PromQLError
from k8snb.metrics.promql.nodes import COMPARISONS, Binary, Matching
from k8snb.metrics.promql.values import Vector

Arithmetic = Callable[[float, float], float]


def _divided(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if not a or a != a else math.copysign(math.inf, a) * math.copysign(1, b)


def _remainder(a: float, b: float) -> float:
    return math.nan if not b or math.isinf(a) or a != a or b != b else math.fmod(a, b)


def _power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        return math.inf if not a else math.nan


ARITHMETIC: dict[str, Arithmetic] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": _remainder,
    "^": _power,
    "atan2": math.atan2,
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def of_numbers(symbol: str, a: float, b: float) -> float:
    """A number from two; a comparison says 1 or 0."""
    return float(_COMPARE[symbol](a, b)) if symbol in _COMPARE else ARITHMETIC[symbol](a, b)


def with_number(node: Binary, vector: Vector, number: float, *, swapped: bool) -> Vector:
    """Each sample with one number; `swapped`: the number stands on the left."""
    found: Vector = []
    for of, here in vector:
        a, b = (number, here) if swapped else (here, number)
        if node.operator not in COMPARISONS:
            found.append((nameless(of), ARITHMETIC[node.operator](a, b)))
        elif node.boolean:
            found.append((nameless(of), of_numbers(node.operator, a, b)))
        elif _COMPARE[node.operator](a, b):
            found.append((of, here))
    return found


def of_vectors(node: Binary, left: Vector, right: Vector) -> Vector:
    """The samples of two vectors that belong together. Raises PromQLError where it is not plain which do."""
    matching = cast(Matching, node.matching)
    match node.operator:
        case "and":
            here = {_key(matching, of) for of, _ in right}
            return [sample for sample in left if _key(matching, sample[0]) in here]
        case "unless":
            here = {_key(matching, of) for of, _ in right}
            return [sample for sample in left if _key(matching, sample[0]) not in here]
        case "or":
            here = {_key(matching, of) for of, _ in left}
            return left + [sample for sample in right if _key(matching, sample[0]) not in here]
    return _Pairing(node, matching).of(left, right)


def _key(matching: Matching, of: Labels) -> Labels:
    return only(of, matching.labels) if matching.on else without(of, ("__name__", *matching.labels))


class _Pairing:
    """Arithmetic and comparisons: each sample of the side of the many with its partner on the side of the one."""

    def __init__(self, node: Binary, matching: Matching) -> None:
        self.node, self.matching = node, matching
        self.swapped = matching.cardinality == "one-to-many"

    def of(self, left: Vector, right: Vector) -> Vector:
        many, one = (right, left) if self.swapped else (left, right)
        partners = self.partners(one)
        found: dict[Labels, float] = {}
        used: set[Labels] = set()
        for of, here in many:
            key = _key(self.matching, of)
            if key not in partners:
                continue
            partner, there = partners[key]
            a, b = (there, here) if self.swapped else (here, there)
            if not self.kept(a, b):
                continue
            shape = self.labels(of, partner)
            self.check(key, shape, used, found)
            found[shape] = self.value(a, b)
        return list(found.items())

    def partners(self, one: Vector) -> dict[Labels, tuple[Labels, float]]:
        found: dict[Labels, tuple[Labels, float]] = {}
        for of, here in one:
            key = _key(self.matching, of)
            if key in found:
                side = "left" if self.swapped else "right"
                raise PromQLError(
                    f"found duplicate series for the match group {spelled(key)} "
                    f"on the {side} hand-side of the operation: "
                    f"[{spelled(of)}, {spelled(found[key][0])}];"
                    "many-to-many matching not allowed: matching labels must be unique on one side"
                )
            found[key] = of, here
        return found

    def kept(self, a: float, b: float) -> bool:
        chooses = self.node.operator in COMPARISONS and not self.node.boolean
        return not chooses or _COMPARE[self.node.operator](a, b)

    def value(self, a: float, b: float) -> float:
        chooses = self.node.operator in COMPARISONS and not self.node.boolean
        return a if chooses else of_numbers(self.node.operator, a, b)

    def labels(self, of: Labels, partner: Labels) -> Labels:
        shape = nameless(of) if self.node.operator in ARITHMETIC or self.node.boolean else of
        if self.matching.cardinality == "one-to-one":
            labels = self.matching.labels
            shape = only(shape, labels) if self.matching.on else without(shape, labels)
        if self.matching.include:
            shape = changed(shape, {name: value(partner, name) for name in self.matching.include})
        return shape

    def check(self, key: Labels, shape: Labels, used: set[Labels], found: dict[Labels, float]) -> None:
        if self.matching.cardinality != "one-to-one":
            if shape in found:
                raise PromQLError("multiple matches for labels: grouping labels must ensure unique matches")
        elif key in used:
            raise PromQLError(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            )
        used.add(key)
