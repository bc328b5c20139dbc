"""HorizontalPodAutoscalers in version 1 and version 2.

Version 1 knows the use of the CPU and nothing else. What it cannot say goes into annotations, as JSON, and comes
back from there. Upstream: `pkg/apis/autoscaling/v1/conversion.go`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry.autoscaling import DEFAULT_METRICS
from k8snb.typing import Object

_PREFIX = "autoscaling.alpha.kubernetes.io"
_METRICS = f"{_PREFIX}/metrics"
_CURRENT = f"{_PREFIX}/current-metrics"
_CONDITIONS = f"{_PREFIX}/conditions"
_BEHAVIOR = f"{_PREFIX}/behavior"
_ANNOTATIONS = (_METRICS, _CURRENT, _CONDITIONS, _BEHAVIOR)
_UTILIZATION = "targetCPUUtilizationPercentage"
_CURRENT_UTILIZATION = "currentCPUUtilizationPercentage"


def to_v1(stored: Object) -> Object:
    """A stored autoscaler as `autoscaling/v1` shows it."""
    spec, status = stored.get("spec") or {}, stored.get("status") or {}
    metrics, current = spec.get("metrics") or (), status.get("currentMetrics") or ()
    others = [metric for metric in metrics if _cpu(metric, "target") is None]
    kept: dict[str, Any] = {
        _METRICS: [_flat(metric, "target", "target") for metric in others],
        _CURRENT: [_flat(metric, "current", "current") for metric in current],
        _CONDITIONS: status.get("conditions"),
        _BEHAVIOR: spec.get("behavior"),
    }
    target = next((found for metric in metrics if (found := _cpu(metric, "target")) is not None), None)
    used = next((found for metric in current if (found := _cpu(metric, "current")) is not None), None)
    plain = {k: v for k, v in spec.items() if k not in ("metrics", "behavior")}
    shown = {k: v for k, v in status.items() if k not in ("currentMetrics", "conditions")}
    return {
        **stored,
        "apiVersion": "autoscaling/v1",
        "metadata": _annotated(stored["metadata"], kept),
        "spec": plain if target is None else {**plain, _UTILIZATION: target},
        "status": {"currentReplicas": 0, "desiredReplicas": 0, **shown}
        | ({} if used is None else {_CURRENT_UTILIZATION: used}),
    }


def from_v1(obj: Object) -> Object:
    """An autoscaler of `autoscaling/v1` in the form that is stored."""
    meta, spec, status = obj.get("metadata") or {}, obj.get("spec") or {}, obj.get("status") or {}
    annotations = meta.get("annotations") or {}
    others = _parsed(annotations.get(_METRICS), [])
    metrics = [_deep(metric, "target", "target") for metric in others]
    if spec.get(_UTILIZATION) is not None:
        target = {"type": "Utilization", "averageUtilization": spec[_UTILIZATION]}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    plain = {k: v for k, v in spec.items() if k != _UTILIZATION}
    behavior = _parsed(annotations.get(_BEHAVIOR), None)
    shown = {k: v for k, v in status.items() if k != _CURRENT_UTILIZATION}
    current = [_deep(metric, "current", "current") for metric in _parsed(annotations.get(_CURRENT), [])]
    conditions = _parsed(annotations.get(_CONDITIONS), None)
    return {
        **obj,
        "apiVersion": "autoscaling/v2",
        "metadata": _plain(meta),
        "spec": {**plain, "metrics": metrics or DEFAULT_METRICS} | ({"behavior": behavior} if behavior else {}),
        "status": {**shown, "currentMetrics": current or None} | ({"conditions": conditions} if conditions else {}),
    }


def _cpu(metric: Object, side: str) -> Any:
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    return (resource.get(side) or {}).get("averageUtilization")


def _annotated(meta: Object, kept: Mapping[str, Any]) -> Object:
    texts = {name: json.dumps(value, separators=(",", ":")) for name, value in kept.items() if value}
    return {**meta, "annotations": {**(meta.get("annotations") or {}), **texts}} if texts else meta


def _plain(meta: Object) -> Object:
    annotations = meta.get("annotations")
    if not annotations or not any(name in annotations for name in _ANNOTATIONS):
        return meta
    rest = {name: value for name, value in annotations.items() if name not in _ANNOTATIONS}
    return {**{k: v for k, v in meta.items() if k != "annotations"}, **({"annotations": rest} if rest else {})}


def _parsed(text: str | None, otherwise: Any) -> Any:
    try:
        return json.loads(text) if text else otherwise
    except ValueError:
        return otherwise


_SOURCES = ("object", "external", "pods", "resource", "containerResource")
_NAMES = {"value": "Value", "averageValue": "AverageValue", "averageUtilization": "AverageUtilization"}


def _flat(metric: Object, side: str, prefix: str) -> Object:
    """A metric as version 1 writes it into an annotation: `target.averageValue` is `targetAverageValue`."""
    found: dict[str, Any] = {"type": metric.get("type", "")}
    for name in _SOURCES:
        source = metric.get(name)
        if source is None:
            continue
        rest = {k: v for k, v in source.items() if k not in (side, "metric", "describedObject")}
        if "describedObject" in source:
            rest["target"] = source["describedObject"]
        identifier = source.get("metric") or {}
        if identifier:
            rest["metricName"] = identifier.get("name", "")
            if "selector" in identifier:
                rest["metricSelector" if name == "external" else "selector"] = identifier["selector"]
        for field, value in (source.get(side) or {}).items():
            if field in _NAMES:
                rest[_flat_name(name, field, prefix)] = value
        found[name] = rest
    return found


def _flat_name(source: str, field: str, prefix: str) -> str:
    if source == "object" and field == "averageValue":
        return field
    return f"{prefix}{_NAMES[field]}"


def _deep(metric: Object, side: str, prefix: str) -> Object:
    """The reverse of `_flat`."""
    found: dict[str, Any] = {"type": metric.get("type", "")}
    for name in _SOURCES:
        source = metric.get(name)
        if source is None:
            continue
        amounts = {f: source[n] for f in _NAMES if (n := _flat_name(name, f, prefix)) in source}
        if side == "target":
            amounts = {"type": _target_type(amounts), **amounts}
        rest: dict[str, Any] = {k: source[k] for k in ("name", "container") if k in source}
        if "target" in source:
            rest["describedObject"] = source["target"]
        if "metricName" in source:
            selector = source.get("metricSelector", source.get("selector"))
            rest["metric"] = {"name": source["metricName"]} | ({} if selector is None else {"selector": selector})
        found[name] = {**rest, side: amounts}
    return found


def _target_type(amounts: Mapping[str, Any]) -> str:
    order: Sequence[tuple[str, str]] = (
        ("averageUtilization", "Utilization"),
        ("averageValue", "AverageValue"),
        ("value", "Value"),
    )
    return next((type for field, type in order if field in amounts), "Value")
