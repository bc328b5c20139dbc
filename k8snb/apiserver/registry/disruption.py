"""PodDisruptionBudgets: how many pods of a group may be missing at once.

Upstream: `pkg/apis/policy/validation/validation.go`, `pkg/registry/policy/poddisruptionbudget/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from k8snb.apiserver.registry.rollouts import validate_at_most_all, validate_counts, validate_share
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, Struct, invalid_value, not_supported
from k8snb.machinery.names import Lottery
from k8snb.machinery.validation import validate_label_selector
from k8snb.typing import Object

_COUNTERS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
_EMPTY: Object = dict.fromkeys(("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"), 0)


class DisruptionBudgetStrategy(Strategy):
    """The rules of PodDisruptionBudgets."""

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": _EMPTY}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_spec(obj.get("spec") or {}))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(validate_counts(new.get("status") or {}, "status", *_COUNTERS))


def _validate_spec(spec: Object) -> Iterator[FieldError]:
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    selector, policy = spec.get("selector"), spec.get("unhealthyPodEvictionPolicy")
    if least is not None and most is not None:
        shown = Struct(MinAvailable=least, Selector=selector, MaxUnavailable=most, UnhealthyPodEvictionPolicy=policy)
        yield invalid_value("spec", shown, "minAvailable and maxUnavailable cannot be both set")
    for name, share in (("minAvailable", least), ("maxUnavailable", most)):
        if share is not None:
            yield from validate_share(share, f"spec.{name}")
            yield from validate_at_most_all(share, f"spec.{name}")
    if selector is not None:
        yield from validate_label_selector(selector, "spec.selector")
    if policy is not None and policy not in _POLICIES:
        yield not_supported("spec.unhealthyPodEvictionPolicy", policy, _POLICIES)


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "poddisruptionbudgets.policy": lambda _: DisruptionBudgetStrategy(),
}
