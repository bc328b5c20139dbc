"""PriorityClasses: how important pods are, as a word instead of a number.

Upstream: `pkg/apis/scheduling/validation/validation.go`, `pkg/apis/scheduling/helpers.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.filling import filled
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, field_forbidden
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

SYSTEM_PREFIX = "system-"
HIGHEST_USER_PRIORITY = 1_000_000_000
SYSTEM_CLASSES: tuple[Object, ...] = (
    {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "system-cluster-critical"},
        "value": 2_000_000_000,
        "description": (
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."
        ),
    },
    {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "system-node-critical"},
        "value": 2_000_001_000,
        "description": "Used for system critical pods that must not be moved from their current node.",
    },
)
"""The classes every cluster has from the start."""

_RESERVED = f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only."
_POLICIES = ("PreemptLowerPriority", "Never")


class PriorityClassStrategy(Strategy):
    """The rules of PriorityClasses: names that begin with `system-` are the system's."""

    def default(self, obj: Object) -> Object:
        return filled(obj, {"preemptionPolicy": "PreemptLowerPriority"})

    def validate(self, obj: Object) -> list[FieldError]:
        name, value = obj["metadata"].get("name", ""), obj.get("value", 0)
        errors = []
        if name.startswith(SYSTEM_PREFIX):
            problem = _system_problem(obj)
            if problem:
                errors.append(field_forbidden("metadata.name", f"{_RESERVED} error: {problem}"))
        elif value > HIGHEST_USER_PRIORITY:
            told = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
            errors.append(field_forbidden("value", told))
        return errors + checks.one_of("preemptionPolicy", obj.get("preemptionPolicy", ""), _POLICIES)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = []
        if new.get("value", 0) != old.get("value", 0):
            errors.append(field_forbidden("value", "may not be changed in an update."))
        return errors + checks.immutable("preemptionPolicy", new.get("preemptionPolicy"), old.get("preemptionPolicy"))

    def deletion_refusal(self, obj: Object) -> str:
        if any(known["metadata"]["name"] == obj["metadata"]["name"] for known in SYSTEM_CLASSES):
            return "this is a system priority class and cannot be deleted"
        return ""


def _system_problem(obj: Object) -> str:
    name = obj["metadata"]["name"]
    for known in SYSTEM_CLASSES:
        if known["metadata"]["name"] == name:
            if known["value"] != obj.get("value", 0):
                return f"value of {name} PriorityClass must be {known['value']}"
            if obj.get("globalDefault"):
                return f"globalDefault of {name} PriorityClass must be false"
            return ""
    return f"{name} is not a known system priority class"


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "priorityclasses.scheduling.k8s.io": lambda _: PriorityClassStrategy(),
}
