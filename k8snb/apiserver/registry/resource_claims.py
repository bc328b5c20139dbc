"""Claims to devices: ResourceClaims, their templates and the classes of what can be claimed.

Upstream: `pkg/registry/resource`, `pkg/apis/resource/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from k8snb.apiserver.registry.claim_status import validate_status
from k8snb.apiserver.registry.device_requests import (
    default_claim,
    each_of,
    validate_claim,
    validate_config,
    validate_selectors,
)
from k8snb.apiserver.registry.device_slices import ResourceSliceStrategy
from k8snb.apiserver.registry.filling import filled, within_new
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, invalid_value
from k8snb.machinery.names import Lottery
from k8snb.machinery.resourcenames import is_extended
from k8snb.machinery.validation import IMMUTABLE
from k8snb.typing import Object

Findings = Iterator[FieldError]

_MOST_CONFIGS = 32


class ResourceClaimStrategy(Strategy):
    """The rules of ResourceClaims."""

    counts_generation = False

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", default_claim)

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(validate_claim(obj.get("spec") or {}, "spec"))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return _kept(new, old)

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(validate_status(new, old))


class ResourceClaimTemplateStrategy(Strategy):
    """The rules of ResourceClaimTemplates."""

    counts_generation = False

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", lambda spec: within_new(spec, "spec", default_claim))

    def validate(self, obj: Object) -> list[FieldError]:
        return list(validate_claim((obj.get("spec") or {}).get("spec") or {}, "spec.spec"))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return _kept(new, old)


def _kept(new: Object, old: Object) -> list[FieldError]:
    return [] if new.get("spec") == old.get("spec") else [invalid_value("spec", new.get("spec"), IMMUTABLE)]


class DeviceClassStrategy(Strategy):
    """The rules of DeviceClasses."""

    def default(self, obj: Object) -> Object:
        return filled(obj, {"spec": {}})

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_class(obj.get("spec") or {}))


def _validate_class(spec: Object) -> Findings:
    yield from validate_selectors(spec.get("selectors"), "spec.selectors")
    yield from each_of(spec.get("config"), _MOST_CONFIGS, "spec.config", validate_config)
    name = spec.get("extendedResourceName")
    if name is not None and not is_extended(name):
        yield invalid_value("spec.extendedResourceName", name, "must be a valid extended resource name")


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "resourceclaims.resource.k8s.io": lambda _: ResourceClaimStrategy(),
    "resourceclaimtemplates.resource.k8s.io": lambda _: ResourceClaimTemplateStrategy(),
    "deviceclasses.resource.k8s.io": lambda _: DeviceClassStrategy(),
    "resourceslices.resource.k8s.io": lambda _: ResourceSliceStrategy(),
}
