"""ReplicationControllers and PodTemplates, the core group's own kinds with a template.

Upstream: `SetDefaults_ReplicationController`, `ValidateReplicationControllerSpec` and
`ValidatePodTemplate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from k8snb.apiserver.registry.filling import filled, within_new
from k8snb.apiserver.registry.pod_defaults import default_template
from k8snb.apiserver.registry.pod_warnings import spec_warnings
from k8snb.apiserver.registry.rollouts import validate_counts
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.apiserver.registry.templates import MISMATCH, validate_always_restarting, validate_template
from k8snb.apiserver.registry.workload_status import validate_counters
from k8snb.apiserver.registry.workloads import WorkloadStrategy
from k8snb.errors import FieldError, invalid_value, required
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import labels_of, with_meta
from k8snb.typing import Object

_PARTS = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")


class ReplicationControllerStrategy(WorkloadStrategy):
    """The rules of ReplicationControllers: the selector is a plain label set and may change."""

    empty_status: ClassVar[Object] = {"replicas": 0}
    fields: Mapping[str, Field] = {"status.replicas": lambda obj: str(obj["status"].get("replicas", 0))}

    def default(self, obj: Object) -> Object:
        obj = super().default(obj)
        labels = _template_labels(obj["spec"])
        if not labels:
            return obj
        obj = within_new(obj, "spec", lambda spec: spec if spec.get("selector") else {**spec, "selector": labels})
        return obj if labels_of(obj) else with_meta(obj, labels=labels)

    def default_own(self, spec: Object) -> Object:
        return filled(spec, {"replicas": 1})

    def validate_spec(self, spec: Object) -> list[FieldError]:
        return list(_validate_controller(spec))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return []

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return validate_counters(new, old, ("replicas", *_PARTS), _PARTS)


def _template_labels(spec: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    return labels


def _validate_controller(spec: Object) -> Iterator[FieldError]:
    selector, template = spec.get("selector") or {}, spec.get("template")
    yield from validate_counts(spec, "spec", "minReadySeconds")
    if not selector:
        yield required("spec.selector")
    yield from validate_counts(spec, "spec", "replicas")
    if template is None:
        yield required("spec.template")
        return
    labels = _template_labels(spec)
    if not selector.items() <= labels.items():
        yield invalid_value("spec.template.metadata.labels", labels, MISMATCH)
    yield from validate_template(template, "spec.template")
    yield from validate_always_restarting(template, "spec.template", "ReplicationController")


class PodTemplateStrategy(Strategy):
    """The rules of PodTemplates, which nothing but a user reads."""

    def default(self, obj: Object) -> Object:
        return within_new(obj, "template", default_template)

    def validate(self, obj: Object) -> list[FieldError]:
        return list(validate_template(obj.get("template") or {}, "template"))

    def warnings(self, obj: Object) -> list[str]:
        template = obj.get("template") or {}
        annotations = (template.get("metadata") or {}).get("annotations") or {}
        return spec_warnings(template.get("spec") or {}, annotations, "template.")


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "replicationcontrollers": lambda _: ReplicationControllerStrategy(),
    "podtemplates": lambda _: PodTemplateStrategy(),
}
