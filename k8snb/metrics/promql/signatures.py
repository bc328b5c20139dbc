"""What functions take and give: the table that the parser checks calls with.

A type that ends in `?` may be left out, one that ends in `*` may come any number of times.
Source: `promql/parser/functions.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from k8snb.metrics.promql.nodes import ValueType

_TYPES: Mapping[str, ValueType] = {each: each for each in get_args(ValueType)}


@dataclass(frozen=True, slots=True)
class Signature:
    """The types of a function's arguments and of its result."""

    arguments: tuple[ValueType, ...]
    result: ValueType
    optional: int = 0
    """How many of the last arguments may be left out; -1: the last may come any number of times, or not at all."""

    def fits(self, count: int) -> bool:
        """Whether it can be called with `count` arguments."""
        least = len(self.arguments) - abs(self.optional)
        return count >= least and (self.optional < 0 or count <= len(self.arguments))

    def expected(self, place: int) -> ValueType:
        """The type of the argument at `place`."""
        return self.arguments[min(place, len(self.arguments) - 1)]


def _read(line: str) -> tuple[str, Signature]:
    name, _, rest = line.partition("(")
    inner, _, result = rest.partition(")")
    types = [part.strip() for part in inner.split(",") if part.strip()]
    optional = -1 if types and types[-1].endswith("*") else sum(part.endswith("?") for part in types)
    plain = tuple(_TYPES[part.rstrip("?*")] for part in types)
    return name, Signature(plain, _TYPES[result.strip()], optional)


SIGNATURES = dict(
    _read(f"{name}{shape}")
    for shape, names in (
        (
            "(vector) vector",
            "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2 rad scalar_ sgn sin "
            "sinh sort sort_desc sqrt tan tanh timestamp",
        ),
        (
            "(matrix) vector",
            "absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time "
            "mad_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time "
            "sum_over_time",
        ),
        ("(vector?) vector", "day_of_month day_of_week day_of_year days_in_month hour minute month year"),
        ("(vector, scalar, scalar) vector", "clamp"),
        ("(vector, scalar) vector", "clamp_max clamp_min"),
        ("(vector, scalar?) vector", "round"),
        ("(scalar, vector) vector", "histogram_quantile"),
        ("(scalar, matrix) vector", "quantile_over_time"),
        ("(matrix, scalar) vector", "predict_linear"),
        ("(matrix, scalar, scalar) vector", "double_exponential_smoothing holt_winters"),
        ("(vector, string, string, string, string) vector", "label_replace"),
        ("(vector, string, string, string*) vector", "label_join"),
        ("(vector, string*) vector", "sort_by_label sort_by_label_desc"),
        ("(vector) scalar", "scalar"),
        ("(scalar) vector", "vector"),
        ("() scalar", "pi time"),
    )
    for name in names.split()
    if not name.endswith("_")
)
