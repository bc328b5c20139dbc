"""What the kinds with a pod template have in common.

A kind names its own defaults and checks; the template, the immutable selector and the advice are the same
for all of them. Upstream: `pkg/registry/apps/*/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from k8snb.apiserver.registry.filling import filled, within_new
from k8snb.apiserver.registry.pod_defaults import default_template
from k8snb.apiserver.registry.pod_warnings import spec_warnings
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, invalid_value
from k8snb.machinery.validation import IMMUTABLE
from k8snb.typing import Object


class WorkloadStrategy(Strategy):
    """A kind whose `spec` has a `template` of pods."""

    empty_status: ClassVar[Object] = {}
    """The status of a new object: the counters that are always there."""

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", self.default_spec)

    def default_spec(self, spec: Object) -> Object:
        """The workload's spec with its defaults, those of its template included."""
        return within_new(self.default_own(spec), "template", default_template)

    def default_own(self, spec: Object) -> Object:
        """The spec with the defaults of the kind's own fields."""
        return spec

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": self.empty_status}

    def validate(self, obj: Object) -> list[FieldError]:
        return self.validate_spec(obj.get("spec") or {})

    def validate_spec(self, spec: Object) -> list[FieldError]:
        """What is wrong with the workload's spec."""
        return []

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        selector = new["spec"].get("selector")
        if selector == old["spec"].get("selector"):
            return []
        return [invalid_value("spec.selector", selector, IMMUTABLE)]

    def warnings(self, obj: Object) -> list[str]:
        template = (obj.get("spec") or {}).get("template") or {}
        annotations = (template.get("metadata") or {}).get("annotations") or {}
        return spec_warnings(template.get("spec") or {}, annotations, "spec.template.")


def rolling(parameters: Object) -> Callable[[Object], Object]:
    """Fills an update strategy of type RollingUpdate, which is the default type, with its parameters."""

    def fill(strategy: Object) -> Object:
        strategy = filled(strategy, {"type": "RollingUpdate"})
        if strategy["type"] != "RollingUpdate":
            return strategy
        return within_new(strategy, "rollingUpdate", lambda update: filled(update, parameters))

    return fill
