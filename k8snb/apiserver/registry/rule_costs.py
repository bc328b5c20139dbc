"""What the rules of a schema are estimated to cost, each in all places where it can be asked, and together.

Upstream: `apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go` and `cel_validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.errors import FieldError, field_forbidden
from k8snb.machinery.cel.ranges import MOST

PER_RULE = 10_000_000
PER_SCHEMA = 100_000_000
_NAMED = 4
"""How many of the most expensive rules are named where all together cost too much."""


class RuleCosts:
    """The costs of the rules of one schema."""

    def __init__(self) -> None:
        self._total = 0
        self._expensive: list[tuple[int, str]] = []

    def add(self, what: str, path: str, cost: int) -> Iterator[FieldError]:
        """Count a rule or the expression of a message, and complain if it alone costs too much."""
        self._total = min(self._total + cost, MOST)
        if cost >= PER_SCHEMA // 100:
            self._expensive.append((cost, path))
        if cost > PER_RULE:
            yield field_forbidden(path, _exceeds(f"estimated {what} cost", cost, PER_RULE))

    def excess(self, path: str) -> Iterator[FieldError]:
        """What is wrong if all together cost too much."""
        if self._total <= PER_SCHEMA:
            return
        for _, where in sorted(self._expensive, key=lambda each: -each[0])[:_NAMED]:
            why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
            yield field_forbidden(where, why)
        what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        yield field_forbidden(path, _exceeds(what, self._total, PER_SCHEMA))


def _exceeds(what: str, cost: int, limit: int) -> str:
    factor = cost / limit
    shown = "more than 100x" if factor > 100 else f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    return (
        f"{what} exceeds budget by factor of {shown} (try simplifying the rule, or adding maxItems, maxProperties, "
        "and maxLength where arrays, maps, and strings are declared)"
    )
