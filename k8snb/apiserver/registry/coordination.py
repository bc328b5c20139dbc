"""Leases: who holds something, and until when it has to say so again.

Upstream: `pkg/apis/coordination/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

_STRATEGIES = ("OldestEmulationVersion",)


class LeaseStrategy(Strategy):
    """The rules of Leases. Every kubelet renews one every ten seconds, so they are cheap to check."""

    counts_generation = False

    def validate(self, obj: Object) -> list[FieldError]:
        spec = obj.get("spec")
        if not spec:
            return []
        errors = []
        if (seconds := spec.get("leaseDurationSeconds")) is not None and seconds <= 0:
            errors.append(invalid_value("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
        if (count := spec.get("leaseTransitions")) is not None and count < 0:
            errors += checks.non_negative("spec.leaseTransitions", count)
        if "strategy" in spec or "preferredHolder" in spec:
            errors += _validate_election(spec)
        return errors


def _validate_election(spec: Object) -> list[FieldError]:
    strategy = spec.get("strategy")
    errors: list[FieldError] = []
    if strategy is not None and "/" not in strategy:
        if strategy not in _STRATEGIES:
            errors.append(not_supported("spec.strategy.strategy", strategy, _STRATEGIES))
    elif strategy:
        errors += checks.qualified_name("spec.strategy.strategy", strategy)
    if spec.get("preferredHolder") and not strategy:
        errors.append(field_forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined"))
    return errors


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {"leases.coordination.k8s.io": lambda _: LeaseStrategy()}
