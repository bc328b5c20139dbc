"""Deployments, ReplicaSets, DaemonSets and ControllerRevisions.

Upstream: `pkg/apis/apps/v1/defaults.go`, `pkg/apis/apps/validation/validation.go` and
`pkg/registry/apps/*/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import ClassVar

from k8snb.apiserver.registry.filling import filled, within_new
from k8snb.apiserver.registry.rollouts import (
    validate_counts,
    validate_daemon_strategy,
    validate_deployment_strategy,
)
from k8snb.apiserver.registry.stateful_sets import StatefulSetStrategy
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.apiserver.registry.templates import (
    validate_always_restarting,
    validate_match,
    validate_matched_template,
    validate_selector,
    validate_template,
)
from k8snb.apiserver.registry.workload_status import validate_counters
from k8snb.apiserver.registry.workloads import WorkloadStrategy, rolling
from k8snb.errors import FieldError, invalid_value, required
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import annotations_of, with_meta
from k8snb.machinery.selectors import SelectorError
from k8snb.machinery.validation import IMMUTABLE, NOT_NEGATIVE, validate_label_selector
from k8snb.typing import Object

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
"""The annotation that counts the versions of a DaemonSet's template."""

_DEPLOYMENT = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}
_DEPLOYMENT_ROLLING = rolling({"maxUnavailable": "25%", "maxSurge": "25%"})
_DAEMON_ROLLING = rolling({"maxUnavailable": 1, "maxSurge": 0})
_REPLICAS = ("replicas", "readyReplicas", "availableReplicas")


class DeploymentStrategy(WorkloadStrategy):
    """The rules of Deployments."""

    def default_own(self, spec: Object) -> Object:
        return within_new(filled(spec, _DEPLOYMENT), "strategy", _DEPLOYMENT_ROLLING)

    def content(self, obj: Object) -> Object:
        """A Deployment's annotations count too: its ReplicaSets inherit them."""
        return {**super().content(obj), "annotations": annotations_of(obj)}

    def validate_spec(self, spec: Object) -> list[FieldError]:
        return list(_validate_deployment(spec))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        parts = ("updatedReplicas", "readyReplicas", "availableReplicas")
        return validate_counters(new, old, (*_REPLICAS, "updatedReplicas", "unavailableReplicas"), parts)


def _validate_deployment(spec: Object) -> Iterator[FieldError]:
    yield from validate_counts(spec, "spec", "replicas")
    yield from validate_selector(spec.get("selector"), "spec.selector", "deployment")
    yield from validate_matched_template(spec, "spec", "ReplicaSet")
    yield from validate_deployment_strategy(spec.get("strategy") or {}, "spec.strategy")
    yield from validate_counts(spec, "spec", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= (spec.get("minReadySeconds") or 0):
        yield invalid_value("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


class ReplicaSetStrategy(WorkloadStrategy):
    """The rules of ReplicaSets."""

    empty_status: ClassVar[Object] = {"replicas": 0}
    fields: Mapping[str, Field] = {"status.replicas": lambda obj: str(obj["status"].get("replicas", 0))}

    def default_own(self, spec: Object) -> Object:
        return filled(spec, {"replicas": 1})

    def validate_spec(self, spec: Object) -> list[FieldError]:
        return [
            *validate_counts(spec, "spec", "replicas", "minReadySeconds"),
            *validate_selector(spec.get("selector"), "spec.selector", "deployment"),
            *validate_matched_template(spec, "spec", "ReplicaSet"),
        ]

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        parts = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
        return validate_counters(new, old, (*_REPLICAS, "fullyLabeledReplicas"), parts)


class DaemonSetStrategy(WorkloadStrategy):
    """The rules of DaemonSets."""

    empty_status: ClassVar[Object] = {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
    }

    def default_own(self, spec: Object) -> Object:
        return within_new(filled(spec, {"revisionHistoryLimit": 10}), "updateStrategy", _DAEMON_ROLLING)

    def prepare_create(self, obj: Object) -> Object:
        return _with_template_generation(super().prepare_create(obj), max(_template_generation(obj), 1))

    def prepare_update(self, new: Object, old: Object) -> Object:
        changed = new["spec"].get("template") != old["spec"].get("template")
        generation = _template_generation(old) + (1 if changed else 0)
        return _with_template_generation(super().prepare_update(new, old), generation)

    def validate_spec(self, spec: Object) -> list[FieldError]:
        return list(_validate_daemon_set(spec))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        more = ("updatedNumberScheduled", "numberAvailable", "numberUnavailable")
        return validate_counters(new, old, (*self.empty_status, *more))


def _validate_daemon_set(spec: Object) -> Iterator[FieldError]:
    selector, template = spec.get("selector"), spec.get("template") or {}
    if selector is not None:
        yield from validate_label_selector(selector, "spec.selector")
    with suppress(SelectorError):
        yield from validate_match(selector, template, "spec.template")
    if selector is not None and not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid_value("spec.selector", selector, "empty selector is invalid for daemonset")
    yield from validate_template(template, "spec.template")
    yield from validate_always_restarting(template, "spec.template", "DaemonSet")
    yield from validate_counts(spec, "spec", "minReadySeconds")
    yield from validate_daemon_strategy(spec.get("updateStrategy") or {}, "spec.updateStrategy")
    yield from validate_counts(spec, "spec", "revisionHistoryLimit")


def _template_generation(obj: Object) -> int:
    text = annotations_of(obj).get(TEMPLATE_GENERATION, "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _with_template_generation(obj: Object, generation: int) -> Object:
    annotations = annotations_of(obj)
    if annotations.get(TEMPLATE_GENERATION) == str(generation):
        return obj
    return with_meta(obj, annotations={**annotations, TEMPLATE_GENERATION: str(generation)})


class ControllerRevisionStrategy(Strategy):
    """The rules of ControllerRevisions: numbered data that never changes."""

    counts_generation = False

    def validate(self, obj: Object) -> list[FieldError]:
        found = [] if obj.get("data") is not None else [required("data", "data is mandatory")]
        if (obj.get("revision") or 0) < 0:
            found.append(invalid_value("revision", obj["revision"], NOT_NEGATIVE))
        return found

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return [] if new.get("data") == old.get("data") else [invalid_value("data", new.get("data"), IMMUTABLE)]


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "deployments.apps": lambda _: DeploymentStrategy(),
    "replicasets.apps": lambda _: ReplicaSetStrategy(),
    "statefulsets.apps": lambda _: StatefulSetStrategy(),
    "daemonsets.apps": lambda _: DaemonSetStrategy(),
    "controllerrevisions.apps": lambda _: ControllerRevisionStrategy(),
}
