"""What is wrong with a HorizontalPodAutoscaler.

Upstream: `pkg/apis/autoscaling/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from k8snb.apiserver.registry.rollouts import validate_counts
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats, quantity
from k8snb.machinery.validation import NOT_NEGATIVE
from k8snb.typing import Object

Findings = Iterator[FieldError]

_LONGEST_PERIOD = 1800
_LONGEST_WINDOW = 3600
_SELECT = ("Disabled", "Max", "Min")
_POLICIES = ("Percent", "Pods")
_TARGETS = ("Utilization", "Value", "AverageValue")
_RAW_OR_UTILIZATION = "must set either a target raw value or a target utilization"
_NOT_BOTH = "may not set both a target raw value and a target utilization"


def validate_autoscaler(spec: Object) -> Findings:
    """The spec, as version 2 has it."""
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if least is not None and least < 1:
        yield invalid_value("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid_value("spec.maxReplicas", most, "must be greater than 0")
    if least is not None and most < least:
        yield invalid_value("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    target = spec.get("scaleTargetRef") or {}
    yield from _validate_reference(target, "spec.scaleTargetRef", target.get("kind") == "ReplicationController")
    metrics = spec.get("metrics") or ()
    for at, metric in enumerate(metrics):
        yield from _validate_metric(metric, f"spec.metrics[{at}]")
    if least == 0 and not any(metric.get("type") in ("Object", "External") for metric in metrics):
        text = "must specify at least one Object or External metric to support scaling to zero replicas"
        yield field_forbidden("spec.metrics", text)
    behavior = spec.get("behavior") or {}
    for direction in ("scaleUp", "scaleDown"):
        if behavior.get(direction) is not None:
            yield from _validate_rules(behavior[direction], f"spec.behavior.{direction}")


def validate_autoscaler_status(status: Object) -> Findings:
    """Its counters."""
    yield from validate_counts(status, "status", "currentReplicas")
    if (status.get("desiredReplicas") or 0) < 0:
        yield invalid_value("status.desiredReplicas", status["desiredReplicas"], NOT_NEGATIVE)


def _validate_reference(reference: Object, path: str, core: bool) -> Findings:
    for name in ("kind", "name"):
        text = reference.get(name) or ""
        if not text:
            yield required(f"{path}.{name}")
        for message in formats.path_segment(text):
            yield invalid_value(f"{path}.{name}", text, message)
    version = reference.get("apiVersion") or ""
    if version.count("/") > 1:
        yield invalid_value(f"{path}.apiVersion", version, f"unexpected GroupVersion string: {version}")
    elif not core and not version.rpartition("/")[0]:
        yield invalid_value(f"{path}.apiVersion", version, "apiVersion must specify API group")


def _validate_metric(metric: Object, path: str) -> Findings:
    type = metric.get("type") or ""
    if not type:
        yield required(f"{path}.type", "must specify a metric source type")
    if type not in _BY_TYPE:
        yield not_supported(f"{path}.type", type, sorted(_BY_TYPE))
    present = [name for name in _SOURCES if metric.get(name) is not None]
    if present:
        yield from _SOURCES[present[0]](metric[present[0]], f"{path}.{present[0]}")
    wanted = _BY_TYPE.get(type)
    if wanted is None:
        yield not_supported(f"{path}.type", type, sorted(_BY_TYPE))
    elif wanted not in present:
        yield required(f"{path}.{wanted}", "must populate information for the given metric source")
    if len(present) > 1:
        for name in present:
            if name != wanted:
                yield field_forbidden(f"{path}.{name}", "must populate the given metric source only")


def _object(source: Object, path: str) -> Findings:
    yield from _validate_reference(source.get("describedObject") or {}, f"{path}.describedObject", True)
    yield from _validate_name(source, path)
    target = source.get("target") or {}
    yield from _validate_target(target, f"{path}.target")
    if target.get("value") is None and target.get("averageValue") is None:
        yield required(f"{path}.target.averageValue", "must set either a target value or averageValue")


def _external(source: Object, path: str) -> Findings:
    yield from _validate_name(source, path)
    target = source.get("target") or {}
    yield from _validate_target(target, f"{path}.target")
    value, average = target.get("value"), target.get("averageValue")
    if value is None and average is None:
        text = "must set either a target value for metric or a per-pod target"
        yield required(f"{path}.target.averageValue", text)
    if value is not None and average is not None:
        text = "may not set both a target value for metric and a per-pod target"
        yield field_forbidden(f"{path}.target.value", text)


def _pods(source: Object, path: str) -> Findings:
    yield from _validate_name(source, path)
    target = source.get("target") or {}
    yield from _validate_target(target, f"{path}.target")
    if target.get("averageValue") is None:
        yield required(f"{path}.target.averageValue", "must specify a positive target averageValue")


def _resource(source: Object, path: str) -> Findings:
    if not source.get("name"):
        yield required(f"{path}.name", "must specify a resource name")
    yield from _validate_resource_target(source, path)


def _container_resource(source: Object, path: str) -> Findings:
    if not source.get("name"):
        yield required(f"{path}.name", "must specify a resource name")
    container = source.get("container") or ""
    if not container:
        yield required(f"{path}.container", "must specify a container")
    else:
        for message in formats.dns_label(container):
            yield invalid_value(f"{path}.container", container, message)
    yield from _validate_resource_target(source, path)


def _validate_resource_target(source: Object, path: str) -> Findings:
    target = source.get("target") or {}
    yield from _validate_target(target, f"{path}.target")
    utilization, average = target.get("averageUtilization"), target.get("averageValue")
    if utilization is None and average is None:
        yield required(f"{path}.target.averageUtilization", _RAW_OR_UTILIZATION)
    if utilization is not None and average is not None:
        yield field_forbidden(f"{path}.target.averageValue", _NOT_BOTH)


_SOURCES: Mapping[str, Callable[[Object, str], Findings]] = {
    "object": _object,
    "external": _external,
    "pods": _pods,
    "resource": _resource,
    "containerResource": _container_resource,
}
_BY_TYPE: Mapping[str, str] = {f"{name[:1].upper()}{name[1:]}": name for name in _SOURCES}


def _validate_name(source: Object, path: str) -> Findings:
    name = (source.get("metric") or {}).get("name") or ""
    if not name:
        yield required(f"{path}.metric.name", "must specify a metric name")
    for message in formats.path_segment(name):
        yield invalid_value(f"{path}.metric.name", name, message)


def _validate_target(target: Object, path: str) -> Findings:
    type = target.get("type") or ""
    if not type:
        yield required(f"{path}.type", "must specify a metric target type")
    if type not in _TARGETS:
        yield invalid_value(f"{path}.type", type, "must be either Utilization, Value, or AverageValue")
    for name in ("value", "averageValue"):
        amount = target.get(name)
        if amount is not None and quantity.parse(amount).nano <= 0:
            yield invalid_value(f"{path}.{name}", amount, "must be positive")
    utilization = target.get("averageUtilization")
    if utilization is not None and utilization < 1:
        yield invalid_value(f"{path}.averageUtilization", utilization, "must be greater than 0")


def _validate_rules(rules: Object, path: str) -> Findings:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        yield invalid_value(f"{path}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window is not None and window > _LONGEST_WINDOW:
        text = f"must be less than or equal to {_LONGEST_WINDOW}"
        yield invalid_value(f"{path}.stabilizationWindowSeconds", window, text)
    select = rules.get("selectPolicy")
    if select is not None and select not in _SELECT:
        yield not_supported(f"{path}.selectPolicy", select, _SELECT)
    policies = rules.get("policies") or ()
    if not policies:
        yield required(f"{path}.policies", "must specify at least one Policy")
    for at, policy in enumerate(policies):
        yield from _validate_policy(policy, f"{path}.policies[{at}]")
    tolerance = rules.get("tolerance")
    if tolerance is not None and quantity.parse(tolerance).nano < 0:
        yield invalid_value(f"{path}.tolerance", tolerance, NOT_NEGATIVE)


def _validate_policy(policy: Object, path: str) -> Findings:
    type, value, period = policy.get("type") or "", policy.get("value") or 0, policy.get("periodSeconds") or 0
    if type not in _POLICIES:
        yield not_supported(f"{path}.type", type, _POLICIES)
    if value <= 0:
        yield invalid_value(f"{path}.value", value, "must be greater than zero")
    if period <= 0:
        yield invalid_value(f"{path}.periodSeconds", period, "must be greater than zero")
    if period > _LONGEST_PERIOD:
        yield invalid_value(f"{path}.periodSeconds", period, f"must be less than or equal to {_LONGEST_PERIOD}")
