"""Pods: what happens to one when it is written.

Pods of one ReplicaSet share their `spec` by identity, so everything that depends on the spec alone is a
function of the spec (`default_spec`, `validate_pod_spec`, `qos_class`) whose answer a caller may remember;
the strategy below only puts them together. Upstream: `pkg/registry/core/pod/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apiserver.registry.alike import Alike
from k8snb.apiserver.registry.filling import within_new, without
from k8snb.apiserver.registry.label_keys import with_label_keys
from k8snb.apiserver.registry.pod_defaults import default_spec
from k8snb.apiserver.registry.pod_status import carried_status, initial_status, validate_pod_status
from k8snb.apiserver.registry.pod_updates import (
    only_ephemeral_containers,
    only_resources,
    validate_ephemeral_update,
    validate_pod_update,
    validate_resize,
)
from k8snb.apiserver.registry.pod_validation import (
    validate_annotations,
    validate_new_pod_spec,
    validate_pod_spec,
)
from k8snb.apiserver.registry.pod_warnings import name_warnings, spec_warnings
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import FieldError
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import annotations_of, labels_of
from k8snb.typing import Object


def _spec_field(name: str) -> Field:
    return lambda pod: pod["spec"].get(name) or ""


def _status_field(name: str) -> Field:
    return lambda pod: (pod.get("status") or {}).get(name) or ""


def _host_network(pod: Object) -> str:
    return "true" if pod["spec"].get("hostNetwork") else "false"


def _defaults(spec: Object) -> Object | None:
    """The spec with its defaults; None if it has them all."""
    filled = default_spec(spec)
    return None if filled is spec else filled


_DEFAULTS = Alike(_defaults)
_FINDINGS = Alike(lambda spec: (*validate_pod_spec(spec),))
_STATUS = Alike(initial_status)
_WARNINGS = Alike(lambda spec: (*spec_warnings(spec, {}, ""),))


def _with_defaults(spec: Object) -> Object:
    return _DEFAULTS(spec) or spec


class _PodRules(Strategy):
    """What holds for a pod however it is written."""

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", _with_defaults)

    def validate(self, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        found = _FINDINGS(spec)
        annotations = annotations_of(obj)
        return [*validate_annotations(annotations, spec, "metadata.annotations"), *found] if annotations else [*found]


class EphemeralContainersStrategy(_PodRules):
    """The rules of updates through `pods/ephemeralcontainers`."""

    def prepare_update(self, new: Object, old: Object) -> Object:
        return _with_new_metadata(only_ephemeral_containers(new, old), new)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return validate_ephemeral_update(new, old)


class ResizeStrategy(_PodRules):
    """The rules of updates through `pods/resize`."""

    def prepare_update(self, new: Object, old: Object) -> Object:
        return _with_new_metadata(only_resources(new, old), new)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return validate_resize(new, old)


class PodStrategy(_PodRules):
    """The rules of pods."""

    fields: Mapping[str, Field] = {
        "spec.nodeName": _spec_field("nodeName"),
        "spec.restartPolicy": _spec_field("restartPolicy"),
        "spec.schedulerName": _spec_field("schedulerName"),
        "spec.serviceAccountName": _spec_field("serviceAccountName"),
        "spec.hostNetwork": _host_network,
        "status.phase": _status_field("phase"),
        "status.podIP": _status_field("podIP"),
        "status.nominatedNodeName": _status_field("nominatedNodeName"),
    }

    parts: Mapping[str, Strategy] = {
        "ephemeralcontainers": EphemeralContainersStrategy(),
        "resize": ResizeStrategy(),
    }

    def prepare_create(self, obj: Object) -> Object:
        spec = with_label_keys(obj["spec"], labels_of(obj))
        return {**obj, "spec": spec, "status": _STATUS(spec)}

    def validate_create(self, obj: Object) -> list[FieldError]:
        return [*self.validate(obj), *validate_new_pod_spec(obj["spec"])]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return validate_pod_update(new, old)

    def prepare_status(self, new: Object, old: Object) -> Object:
        return _with_new_metadata({**old, "status": carried_status(new, old)}, new)

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return validate_pod_status(new, old)

    def grace_seconds(self, obj: Object) -> int:
        return int(obj["spec"].get("terminationGracePeriodSeconds", 0))

    def warnings(self, obj: Object) -> list[str]:
        annotations = annotations_of(obj)
        found = spec_warnings(obj["spec"], annotations, "") if annotations else _WARNINGS(obj["spec"])
        return [*name_warnings(obj["metadata"]["name"]), *found]


def _with_new_metadata(obj: Object, new: Object) -> Object:
    """The object with the labels, annotations and finalizers of `new`, which every writer may change."""
    meta: Mapping[str, Any] = obj["metadata"]
    given: Mapping[str, Any] = new["metadata"]
    names = ("labels", "annotations", "finalizers", "managedFields")
    if given is meta or all(given.get(name) == meta.get(name) for name in names):
        return obj
    kept = without(meta, *names)
    return {**obj, "metadata": {**kept, **{name: given[name] for name in names if name in given}}}


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {"pods": lambda _: PodStrategy()}
