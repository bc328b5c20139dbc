"""HorizontalPodAutoscalers: how many pods a workload should have, by what they use.

They are stored as `autoscaling/v2`; `autoscaler_versions` translates from and to version 1. Upstream:
`pkg/apis/autoscaling/v2/defaults.go` and `pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.apiserver.registry.autoscaler_rules import validate_autoscaler, validate_autoscaler_status
from k8snb.apiserver.registry.filling import filled, within, within_new
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

CPU_UTILIZATION = 80
"""The target of an autoscaler that names none, in percent of what its pods request."""

_CPU_TARGET: Object = {"type": "Utilization", "averageUtilization": CPU_UTILIZATION}
DEFAULT_METRICS = [{"type": "Resource", "resource": {"name": "cpu", "target": _CPU_TARGET}}]
_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_DOWN = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
_EMPTY_STATUS: Object = {"desiredReplicas": 0, "currentMetrics": None}


class AutoscalerStrategy(Strategy):
    """The rules of HorizontalPodAutoscalers."""

    counts_generation = False

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", _default_spec)

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": _EMPTY_STATUS}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(validate_autoscaler(obj.get("spec") or {}))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(validate_autoscaler_status(new.get("status") or {}))


def _default_spec(spec: Object) -> Object:
    spec = filled(spec, {"minReplicas": 1})
    if not spec.get("metrics"):
        spec = {**spec, "metrics": DEFAULT_METRICS}
    return within(spec, "behavior", _default_behavior)


def _default_behavior(behavior: Object) -> Object:
    behavior = within_new(behavior, "scaleUp", lambda rules: filled(rules, _UP))
    return within_new(behavior, "scaleDown", lambda rules: filled(rules, _DOWN))


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "horizontalpodautoscalers.autoscaling": lambda _: AutoscalerStrategy(),
}
