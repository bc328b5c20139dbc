"""Aggregation: the samples of a vector in groups, and one or some per group.

Source: `aggregation` in `promql/engine.go`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from k8snb.metrics.labels import NAME, VALID_NAME, Labels, changed, only, without
from k8snb.metrics.numbers import shown
from k8snb.metrics.promql.lexer import PromQLError
from k8snb.metrics.promql.nodes import Aggregation
from k8snb.metrics.promql.values import Sample, Vector
from k8snb.metrics.promql.windows import least, mean, most, quantile, total, variance

_ONE: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": total,
    "avg": mean,
    "min": least,
    "max": most,
    "count": lambda values: float(len(values)),
    "group": lambda values: 1.0,
    "stddev": lambda values: math.sqrt(variance(values)),
    "stdvar": variance,
}
"""Operators that make one sample of a group."""


def aggregated(node: Aggregation, vector: Vector, parameter: float | str | None) -> Vector:
    """What the aggregation makes of the vector. Raises PromQLError for a parameter that cannot be."""
    match node.operator:
        case "topk" | "bottomk":
            return _extremes(node, vector, _count(parameter))
        case "count_values":
            return _counted(node, vector, str(parameter))
        case "quantile":
            share = float(parameter or 0.0)
            return [(of, quantile(share, [v for _, v in group])) for of, group in _groups(node, vector).items()]
    measure = _ONE[node.operator]
    return [(of, measure([v for _, v in group])) for of, group in _groups(node, vector).items()]


def _groups(node: Aggregation, vector: Vector) -> dict[Labels, list[Sample]]:
    found: dict[Labels, list[Sample]] = {}
    for sample in vector:
        found.setdefault(_group(node, sample[0]), []).append(sample)
    return found


def _group(node: Aggregation, of: Labels) -> Labels:
    return without(of, (NAME, *node.grouping)) if node.without else only(of, node.grouping)


def _count(parameter: float | str | None) -> int:
    number = float(parameter or 0.0)
    if number != number or math.isinf(number):
        raise PromQLError(f"Scalar value {shown(number)} overflows int64")
    return int(number)


def _extremes(node: Aggregation, vector: Vector, most_of: int) -> Vector:
    """The greatest or smallest samples of each group, with all their labels; NaN is the last choice."""
    if most_of < 1:
        return []
    sign = -1 if node.operator == "topk" else 1
    found: Vector = []
    for group in _groups(node, vector).values():
        found += sorted(group, key=lambda sample: (sample[1] != sample[1], sign * sample[1]))[:most_of]
    return found


def _counted(node: Aggregation, vector: Vector, label: str) -> Vector:
    """How often each value occurs, told in a label."""
    if not VALID_NAME.fullmatch(label):
        raise PromQLError(f'invalid label name "{label}"')
    counts: dict[Labels, float] = {}
    for of, number in vector:
        group = changed(_group(node, of), {label: shown(number)})
        counts[group] = counts.get(group, 0.0) + 1
    return list(counts.items())
