"""LimitRanges and ResourceQuotas: what a namespace may use.

Upstream: `SetDefaults_LimitRangeItem`, `ValidateLimitRange`, `ValidateResourceQuota`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.filling import within_each, within_new
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, duplicate, field_forbidden, invalid_value, required
from k8snb.machinery import quantity, validation
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

_NONE: Mapping[str, Any] = {}
_LIMIT_TYPES = ("Pod", "Container", "PersistentVolumeClaim")
_COMPUTE = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
_POD_SCOPES = ("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity")
_EXISTS_ONLY = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
_CONTRADICTIONS = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
_SCOPES = ("BestEffort", "VolumeAttributesClass", *_POD_SCOPES)
_QUOTA_RESOURCES = _COMPUTE | {
    "ephemeral-storage",
    "requests.ephemeral-storage",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
    "requests.storage",
}


class LimitRangeStrategy(Strategy):
    """Bounds and defaults for each pod, container or claim of a namespace."""

    counts_generation = False

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", _default_limits)

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        seen: list[str] = []
        for index, limit in enumerate(checks.get(obj, "spec", "limits") or ()):
            errors += _validate_limit(f"spec.limits[{index}]", limit, seen)
            seen.append(limit.get("type", ""))
        return errors


def _default_limits(spec: Object) -> Object:
    """The limits, which are there, be it as nothing."""
    return within_each(spec, "limits", _default_limit) if "limits" in spec else {**spec, "limits": None}


def _default_limit(limit: Object) -> Object:
    """A container's default limit is the maximum; its default request the default limit, else the minimum."""
    if limit.get("type") != "Container":
        return limit
    given_limits, given_requests = limit.get("default") or _NONE, limit.get("defaultRequest") or _NONE
    limits = {**(limit.get("max") or _NONE), **given_limits}
    requests = {**(limit.get("min") or _NONE), **limits, **given_requests}
    if limits == given_limits and requests == given_requests:
        return limit
    changed = {"default": limits, "defaultRequest": requests}
    return {**limit, **{name: value for name, value in changed.items() if value}}


def _limit_type(path: str, value: str) -> list[FieldError]:
    errors = checks.qualified_name(path, value)
    if not errors and "/" not in value and value not in _LIMIT_TYPES:
        errors.append(invalid_value(path, value, "must be a standard limit type or fully qualified"))
    return errors


def _validate_limit(path: str, limit: Object, seen: Sequence[str]) -> list[FieldError]:
    kind = limit.get("type", "")
    errors = _limit_type(f"{path}.type", kind)
    if kind in seen:
        errors.append(duplicate(f"{path}.type", kind))
    errors += _resource_names(path, limit, kind, "max") + _resource_names(path, limit, kind, "min")
    if kind == "Pod":
        told = "may not be specified when `type` is 'Pod'"
        errors += [field_forbidden(f"{path}.{name}", told) for name in ("default", "defaultRequest") if limit.get(name)]
        limit = {name: value for name, value in limit.items() if name not in ("default", "defaultRequest")}
    else:
        errors += _resource_names(path, limit, kind, "default") + _resource_names(path, limit, kind, "defaultRequest")
    if kind == "PersistentVolumeClaim" and not any("storage" in (limit.get(n) or _NONE) for n in ("min", "max")):
        told = "either minimum or maximum storage value is required, but neither was provided"
        errors.append(required(f"{path}.limits", told))
    errors += _resource_names(path, limit, kind, "maxLimitRequestRatio")
    return errors + _validate_bounds(path, limit)


def _resource_names(path: str, limit: Object, kind: str, field: str) -> list[FieldError]:
    rule = checks.container_resource_name if kind in ("Pod", "Container") else checks.resource_name
    errors: list[FieldError] = []
    for name in sorted(limit.get(field) or _NONE):
        errors += rule(f"{path}.{field}[{name}]", name)
    return errors


def _validate_bounds(path: str, limit: Object) -> list[FieldError]:
    fields = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
    names = sorted({name for field in fields for name in limit.get(field) or _NONE})
    errors: list[FieldError] = []
    for name in names:
        errors += _validate_order(path, limit, name) + _validate_ratio(path, limit, name)
        most, request = (checks.get(limit, field, name) for field in ("default", "defaultRequest"))
        if most and request and not checks.is_overcommit_allowed(name) and quantity.compare(most, request):
            told = f"default value {most} must equal to defaultRequest value {request} in {name}"
            errors.append(invalid_value(f"{path}.defaultRequest[{name}]", request, told))
    return errors


_REQUEST = "default request value {}"
_ORDER = (
    ("min", "max", "min", "min value {} is greater than max value {}", 0),
    ("min", "defaultRequest", "defaultRequest", "min value {} is greater than default request value {}", 1),
    ("defaultRequest", "max", "defaultRequest", "default request value {} is greater than max value {}", 0),
    ("defaultRequest", "default", "defaultRequest", f"{_REQUEST} is greater than default limit value {{}}", 0),
    ("min", "default", "default", "min value {} is greater than default value {}", 0),
    ("default", "max", "default", "default value {} is greater than max value {}", 1),
)
"""Which amount may not exceed which, the field that is blamed, the words, and which of the two is shown."""


def _validate_order(path: str, limit: Object, name: str) -> list[FieldError]:
    errors = []
    for low, high, blamed, words, shown in _ORDER:
        pair = (checks.get(limit, low, name), checks.get(limit, high, name))
        if None not in pair and quantity.compare(*pair) > 0:
            errors.append(invalid_value(f"{path}.{blamed}[{name}]", pair[shown], words.format(*pair)))
    return errors


def _validate_ratio(path: str, limit: Object, name: str) -> list[FieldError]:
    ratio = checks.get(limit, "maxLimitRequestRatio", name)
    if ratio is None:
        return []
    where = f"{path}.maxLimitRequestRatio[{name}]"
    errors = []
    if quantity.compare(ratio, "1") < 0:
        errors.append(invalid_value(where, ratio, f"ratio {ratio} is less than 1"))
    low, high = checks.get(limit, "min", name), checks.get(limit, "max", name)
    if low and high and quantity.parse(low).nano > 0:
        bound = quantity.parse(high).nano / quantity.parse(low).nano
        if quantity.parse(ratio).nano / quantity.NANO > bound:
            errors.append(invalid_value(where, ratio, f"ratio {ratio} is greater than max/min = {bound:f}"))
    return errors


class ResourceQuotaStrategy(Strategy):
    """The most that all objects of a namespace may use together."""

    counts_generation = False

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", lambda spec: spec)

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or _NONE
        return _amounts("spec.hard", spec.get("hard") or _NONE) + _scopes(spec) + _scope_selector(spec)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        scopes = checks.get(new, "spec", "scopes") or []
        if sorted(set(scopes)) == sorted(set(checks.get(old, "spec", "scopes") or [])):
            return []
        return [invalid_value("spec.scopes", scopes, validation.IMMUTABLE)]

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        status = new.get("status") or _NONE
        hard, used = status.get("hard") or _NONE, status.get("used") or _NONE
        return _amounts("status.hard", hard) + _amounts("status.used", used)


def is_standard_quota_resource(name: str) -> bool:
    """A resource that Kubernetes itself counts against quotas."""
    return name in _QUOTA_RESOURCES or checks.is_huge_pages(name) or name.startswith("requests.hugepages-")


def _quota_resource(path: str, name: str) -> list[FieldError]:
    errors = checks.resource_name(path, name)
    if "/" not in name and not is_standard_quota_resource(name):
        errors.append(invalid_value(path, name, "must be a standard resource for quota"))
    return errors


def _amounts(path: str, amounts: Mapping[str, str]) -> list[FieldError]:
    errors: list[FieldError] = []
    for name in sorted(amounts):
        where = f"{path}[{name}]"
        errors += _quota_resource(where, name) + checks.resource_quantity(where, name, amounts[name])
    return errors


def _scope_fits(scope: str, resource: str) -> bool:
    if scope in _POD_SCOPES:
        return resource == "pods" or resource in _COMPUTE
    if scope == "BestEffort":
        return resource == "pods"
    if scope == "VolumeAttributesClass":
        return resource in ("persistentvolumeclaims", "requests.storage")
    return True


def _misfits(spec: Object, scope: str) -> list[str]:
    return [n for n in sorted(spec.get("hard") or _NONE) if is_standard_quota_resource(n) and not _scope_fits(scope, n)]


def _contradictions(scopes: Sequence[str]) -> int:
    return sum(all(scope in scopes for scope in pair) for pair in _CONTRADICTIONS)


def _scopes(spec: Object) -> list[FieldError]:
    scopes = spec.get("scopes") or []
    told = []
    for scope in scopes:
        if scope not in _SCOPES:
            told.append("unsupported scope")
        told += ["unsupported scope applied to resource" for _ in _misfits(spec, scope)]
    told += ["conflicting scopes"] * _contradictions(scopes)
    return checks.each("spec.scopes", scopes, told)


def _scope_selector(spec: Object) -> list[FieldError]:
    selector = spec.get("scopeSelector")
    if not selector:
        return []
    path = "spec.scopeSelector.matchExpressions"
    errors: list[FieldError] = []
    expressions = selector.get("matchExpressions") or ()
    for expression in expressions:
        scope = expression.get("scopeName", "")
        if scope not in _SCOPES:
            errors.append(invalid_value(f"{path}.scopeName", scope, "unsupported scope"))
        errors += checks.each(path, selector, ["unsupported scope applied to resource" for _ in _misfits(spec, scope)])
        errors += _scope_expression(path, scope, expression)
    told = ["conflicting scopes"] * _contradictions([expression.get("scopeName", "") for expression in expressions])
    return errors + checks.each("spec.scopeSelector.matchExpressions", spec.get("scopes") or [], told)


_EXISTS_TEXT = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


def _scope_expression(path: str, scope: str, expression: Object) -> list[FieldError]:
    operator, values = expression.get("operator", ""), expression.get("values") or []
    errors = []
    if scope in _EXISTS_ONLY and operator != "Exists":
        errors.append(invalid_value(f"{path}.operator", operator, _EXISTS_TEXT))
    if operator in ("In", "NotIn"):
        if not values:
            told = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            errors.append(required(f"{path}.values", told))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            told = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            errors.append(invalid_value(f"{path}.values", values, told))
    else:
        errors.append(invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    return errors


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "limitranges": lambda _: LimitRangeStrategy(),
    "resourcequotas": lambda _: ResourceQuotaStrategy(),
}
