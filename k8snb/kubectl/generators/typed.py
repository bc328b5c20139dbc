"""Objects as Go's typed structs print them: fields that are never left out are there, empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.typing import Object

_STRATEGY = {"Deployment": "strategy", "DaemonSet": "updateStrategy", "StatefulSet": "updateStrategy"}
_STATUS: Mapping[str, Any] = {"Service": {"loadBalancer": {}}}
_CONTAINERS = ("initContainers", "containers")


def typed(obj: Object) -> Object:
    """A workload, pod or service with the empty fields that Go writes."""
    kind = obj.get("kind", "")
    spec: dict[str, Any] = dict(obj.get("spec") or {})
    if kind == "Pod":
        spec = dict(_pod_spec(spec))
    elif kind == "CronJob":
        job = spec["jobTemplate"]
        inner = {**job["spec"], "template": _template(job["spec"]["template"])}
        spec["jobTemplate"] = {**job, "metadata": _meta(job), "spec": inner}
    elif "template" in spec:
        spec["template"] = _template(spec["template"])
    if kind in _STRATEGY:
        spec.setdefault(_STRATEGY[kind], {})
    return {**obj, "metadata": _meta(obj), "spec": spec, "status": obj.get("status") or _STATUS.get(kind, {})}


def _meta(obj: Object) -> Object:
    return obj.get("metadata") or {}


def _template(template: Object) -> Object:
    return {**template, "metadata": _meta(template), "spec": _pod_spec(template.get("spec") or {})}


def _pod_spec(spec: Object) -> Object:
    containers = {key: [{"resources": {}, **each} for each in spec[key]] for key in _CONTAINERS if spec.get(key)}
    return {**spec, **containers}
