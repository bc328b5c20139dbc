"""StatefulSets: pods with names, and claims that stay with them.

Upstream: `SetDefaults_StatefulSet` in `pkg/apis/apps/v1/defaults.go`, `ValidateStatefulSetSpec` and
`ValidateStatefulSetUpdate` in `pkg/apis/apps/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from k8snb.apiserver.registry.checks import each
from k8snb.apiserver.registry.filling import filled, within_each, within_new, without
from k8snb.apiserver.registry.rollouts import validate_counts, validate_stateful_strategy
from k8snb.apiserver.registry.templates import validate_matched_template, validate_selector
from k8snb.apiserver.registry.volume_defaults import default_claim_spec
from k8snb.apiserver.registry.workload_status import validate_counters
from k8snb.apiserver.registry.workloads import WorkloadStrategy
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.typing import Object

_DEFAULTS = {"podManagementPolicy": "OrderedReady", "replicas": 1, "revisionHistoryLimit": 10}
_RETENTION = {"whenDeleted": "Retain", "whenScaled": "Retain"}
_CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
_UPDATABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_NOT_UPDATABLE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_PARTS = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")


class StatefulSetStrategy(WorkloadStrategy):
    """The rules of StatefulSets."""

    name_rule = "dns-label"
    empty_status: ClassVar[Object] = {"replicas": 0, "availableReplicas": 0}

    def default_own(self, spec: Object) -> Object:
        spec = within_new(filled(spec, _DEFAULTS), "updateStrategy", _rolling_partition)
        spec = within_new(spec, "persistentVolumeClaimRetentionPolicy", lambda policy: filled(policy, _RETENTION))
        return within_each(spec, "volumeClaimTemplates", _default_claim)

    def prepare_create(self, obj: Object) -> Object:
        return _without_max_unavailable(super().prepare_create(obj))

    def prepare_update(self, new: Object, old: Object) -> Object:
        return _without_max_unavailable(super().prepare_update(new, old))

    def validate_spec(self, spec: Object) -> list[FieldError]:
        return list(_validate_spec(spec))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        if without(new["spec"], *_UPDATABLE) == without(old["spec"], *_UPDATABLE):
            return []
        return [field_forbidden("spec", _NOT_UPDATABLE)]

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return validate_counters(
            new, old, ("replicas", *_PARTS), _PARTS, available="cannot be greater than status.readyReplicas"
        )


def _rolling_partition(strategy: Object) -> Object:
    if not strategy.get("type"):
        strategy = {"rollingUpdate": {}, **strategy, "type": "RollingUpdate"}
    if strategy["type"] != "RollingUpdate" or strategy.get("rollingUpdate") is None:
        return strategy
    return within_new(strategy, "rollingUpdate", lambda update: filled(update, {"partition": 0}))


def _without_max_unavailable(obj: Object) -> Object:
    """1.36 drops the field, because the feature MaxUnavailableStatefulSet is off there by default."""
    strategy = (obj.get("spec") or {}).get("updateStrategy") or {}
    if "maxUnavailable" not in (strategy.get("rollingUpdate") or {}):
        return obj
    update = without(strategy["rollingUpdate"], "maxUnavailable")
    return {**obj, "spec": {**obj["spec"], "updateStrategy": {**strategy, "rollingUpdate": update}}}


def _default_claim(claim: Object) -> Object:
    claim = within_new(filled(claim, _CLAIM), "spec", default_claim_spec)
    return within_new(claim, "status", lambda status: filled(status, {"phase": "Pending"}))


def _validate_spec(spec: Object) -> Iterator[FieldError]:
    policy = spec.get("podManagementPolicy") or ""
    if not policy:
        yield required("spec.podManagementPolicy")
    elif policy not in ("OrderedReady", "Parallel"):
        yield invalid_value("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
    yield from validate_stateful_strategy(spec.get("updateStrategy") or {}, "spec.updateStrategy")
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for name in ("whenDeleted", "whenScaled"):
        if name in retention and retention[name] not in ("Retain", "Delete"):
            at = f"spec.persistentVolumeClaimRetentionPolicy.{name}"
            yield not_supported(at, retention[name], ("Retain", "Delete"))
    yield from validate_counts(spec, "spec", "replicas", "minReadySeconds", "revisionHistoryLimit")
    yield from validate_counts(spec.get("ordinals") or {}, "spec.ordinals", "start")
    service = spec.get("serviceName") or ""
    if service:
        yield from each("spec.serviceName", service, formats.dns_label(service))
    yield from validate_selector(spec.get("selector"), "spec.selector", "statefulset")
    yield from validate_matched_template(_with_claimed_volumes(spec), "spec", "StatefulSet")


def _with_claimed_volumes(spec: Object) -> Object:
    """The spec with a volume in its template for every claim template, as its pods will have."""
    names = [(claim.get("metadata") or {}).get("name") or "" for claim in spec.get("volumeClaimTemplates") or ()]
    if not names:
        return spec
    template = spec.get("template") or {}
    pod_spec = template.get("spec") or {}
    volumes = [volume for volume in pod_spec.get("volumes") or () if volume.get("name") not in names]
    volumes += [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names]
    return {**spec, "template": {**template, "spec": {**pod_spec, "volumes": volumes}}}
