"""The meter that runs while an expression is evaluated: what it has cost, and when that is too much.

Evaluation carries it among its values. Single steps only count; where something can be long (a loop, a call on long
values) it is also checked, and once more at the end. What one evaluation leaves over of a budget, the next one has.
Upstream: `cel-go/interpreter/runtimecost.go`, `apiserver/pkg/apis/cel/config.go`.
"""

from __future__ import annotations

from typing import Any

from k8snb.machinery.cel.values import EvaluationError

METER = "#"
"""Under this name the values hold a list with what may still be spent."""

PER_CALL = 1_000_000
PER_OBJECT = 10_000_000
PER_CONDITIONS = 2_500_000
"""What one evaluation may cost, all rules about one object, and all match conditions of one webhook or policy."""

EXHAUSTED = "operation cancelled: actual cost limit exceeded"


class TooExpensive(EvaluationError):
    """One evaluation costs more than it may."""

    def __init__(self) -> None:
        super().__init__(EXHAUSTED)


class OutOfBudget(EvaluationError):
    """Several evaluations together cost more than they may."""

    def __init__(self) -> None:
        super().__init__("validation failed due to running out of cost budget, no further validation rules will be run")


class Budget:
    """What several evaluations may still cost together."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, cost: int) -> None:
        """Raises OutOfBudget."""
        self.left -= cost
        if self.left < 0:
            raise OutOfBudget


def pay(values: dict[str, Any], cost: int) -> None:
    """Count a cost. Raises TooExpensive."""
    meter = values[METER]
    meter[0] -= cost
    if meter[0] < 0:
        raise TooExpensive
