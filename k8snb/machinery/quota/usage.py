"""What one object uses: every object counts as one of its kind, some are measured as well.

A row of `MEASURED` is a kind that is measured: which names in a quota are for it, what an object of it uses, and
whether a change of it can set something free. Every other kind is only counted, as `count/<resource>.<group>`.
Upstream: `pkg/quota/v1/evaluator/core`, `apiserver/pkg/quota/v1/generic`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from k8snb.clock import parse_time
from k8snb.machinery.amounts import Amounts, asked_of, limits_of, requests_of
from k8snb.machinery.devices.claims import MOST_DEVICES
from k8snb.machinery.devices.extended import ANNOTATION, IMPLICIT
from k8snb.machinery.objects import annotations_of
from k8snb.machinery.quantity import compare, of_value, parse, value
from k8snb.machinery.resizing import charged_spec
from k8snb.machinery.volumes import class_of
from k8snb.typing import Object

IGNORED = frozenset({"events", "events.events.k8s.io", "bindings"})
"""Resources that no quota counts."""

COUNT = "count/"
_NONE: Mapping[str, Any] = {}
_ONE = "1"
_ALIASED = frozenset({"configmaps", "replicationcontrollers", "resourcequotas", "secrets"})
"""Resources that a quota may also name without `count/`."""

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_POD_NAMES = frozenset(
    {"pods", "count/pods", *_COMPUTE, *(f"{kind}.{name}" for kind in ("requests", "limits") for name in _COMPUTE)}
)
_HUGE_PAGES = "hugepages-"
_REQUESTS = "requests."
_DEMANDED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
"""What every container has to state where a quota limits it. Upstream calls this a mistake and keeps it."""

_STORAGE = ("persistentvolumeclaims", "requests.storage")
_OF_CLASS = ".storageclass.storage.k8s.io/"
_CLAIMS = "count/resourceclaims.resource.k8s.io"
_OF_DEVICE_CLASS = ".deviceclass.resource.k8s.io/devices"
_SERVICE_NAMES = frozenset({"count/services", "services", "services.nodeports", "services.loadbalancers"})


class Measure(NamedTuple):
    """How objects of one kind are measured."""

    is_for: Callable[[str], bool]
    """Whether a name in a quota is for this kind."""

    usage: Callable[[Object, float], Amounts]
    """What an object uses at a time."""

    frees: Callable[[Object, Object, float], bool]
    """Whether a change from one version to the next may set something free."""


def concerns(word: str, names: Iterable[str]) -> list[str]:
    """Those of a quota's names that objects of the resource count against, sorted."""
    is_for = MEASURED[word].is_for if word in MEASURED else _counts(word).__contains__
    return sorted(name for name in names if is_for(name))


def usage_of(word: str, obj: Object, now: float) -> Amounts:
    """What an object of the resource uses."""
    return MEASURED[word].usage(obj, now) if word in MEASURED else dict.fromkeys(_counts(word), _ONE)


def frees(word: str, old: Object, new: Object, now: float) -> bool:
    """Whether a change of an object may have set something free."""
    return word in MEASURED and MEASURED[word].frees(old, new, now)


def _counts(word: str) -> tuple[str, ...]:
    return (COUNT + word, word) if word in _ALIASED else (COUNT + word,)


# -- pods --------------------------------------------------------------------------------------------


def missing(names: Iterable[str], pod: Object) -> str:
    """What the containers of a pod have to state and do not: `limits.cpu for: a,b; limits.memory for: a`."""
    spec = pod["spec"]
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    told = []
    for name in sorted(set(names).intersection(_DEMANDED)):
        silent = {each["name"] for each in containers if name not in _container_usage(each)}
        if silent:
            told.append(f"{name} for: {','.join(sorted(silent))}")
    return "; ".join(told)


def _container_usage(container: Object) -> Amounts:
    return _compute(asked_of(container, "requests"), asked_of(container, "limits"))


def _is_pod_name(name: str) -> bool:
    if name in _POD_NAMES or name.startswith((_HUGE_PAGES, _REQUESTS + _HUGE_PAGES, _REQUESTS + IMPLICIT)):
        return True
    return name.startswith(_REQUESTS) and "/" in name and "kubernetes.io/" not in name


def _pod_usage(pod: Object, now: float) -> Amounts:
    if not _is_charged(pod, now):
        return {"count/pods": _ONE}
    requests = requests_of({**pod, "spec": charged_spec(pod)})
    return {"count/pods": _ONE, "pods": _ONE, **_compute(requests, limits_of(pod))}


def _is_charged(pod: Object, now: float) -> bool:
    """Whether the pod still uses anything: it has not ended, nor outlived its grace period."""
    if (pod.get("status") or _NONE).get("phase") in ("Failed", "Succeeded"):
        return False
    meta = pod["metadata"]
    if "deletionTimestamp" not in meta or "deletionGracePeriodSeconds" not in meta:
        return True
    return now <= parse_time(meta["deletionTimestamp"]) + int(meta["deletionGracePeriodSeconds"])


def _compute(requests: Amounts, limits: Amounts) -> Amounts:
    result: dict[str, str] = {}
    for name in _COMPUTE:
        if name in requests:
            result[name] = result[_REQUESTS + name] = requests[name]
        if name in limits:
            result[f"limits.{name}"] = limits[name]
    for name, amount in requests.items():
        if name.startswith(_HUGE_PAGES):
            result[name] = result[_REQUESTS + name] = amount
        elif name.startswith(IMPLICIT) or ("/" in name and "kubernetes.io/" not in name):
            result[_REQUESTS + name] = amount
    return result


def _pod_frees(old: Object, new: Object, now: float) -> bool:
    if old.get("status") is not new.get("status") and _is_charged(old, now) and not _is_charged(new, now):
        return True
    return old["spec"] is not new["spec"] and _asked(old) != _asked(new)


def _asked(pod: Object) -> list[Any]:
    return [container.get("resources") for container in pod["spec"]["containers"]]


# -- claims ------------------------------------------------------------------------------------------


def _is_claim_name(name: str) -> bool:
    return name in (*_STORAGE, "count/persistentvolumeclaims") or name.endswith(tuple(_OF_CLASS + n for n in _STORAGE))


def _claim_usage(claim: Object, now: float) -> Amounts:
    result = {"persistentvolumeclaims": _ONE, "count/persistentvolumeclaims": _ONE}
    spec = claim.get("spec") or _NONE
    asked = ((spec.get("resources") or _NONE).get("requests") or _NONE).get("storage")
    allocated = ((claim.get("status") or _NONE).get("allocatedResources") or _NONE).get("storage")
    if asked is not None:
        most = allocated if allocated is not None and compare(allocated, asked) > 0 else asked
        result["requests.storage"] = of_value(value(most), parse(most).format)
    storage_class = class_of(claim)
    if storage_class:
        result |= {storage_class + _OF_CLASS + name: result[name] for name in _STORAGE if name in result}
    return result


def _claim_frees(old: Object, new: Object, now: float) -> bool:
    return _claim_usage(old, now) != _claim_usage(new, now)


# -- services ----------------------------------------------------------------------------------------


def _service_usage(service: Object, now: float) -> Amounts:
    spec = service.get("spec") or _NONE
    ports, balanced = spec.get("ports") or (), spec.get("type") == "LoadBalancer"
    node_ports = len(ports) if balanced or spec.get("type") == "NodePort" else 0
    if balanced and spec.get("allocateLoadBalancerNodePorts") is False:
        node_ports = sum(1 for port in ports if port.get("nodePort"))
    return {
        "count/services": _ONE,
        "services": _ONE,
        "services.loadbalancers": _ONE if balanced else "0",
        "services.nodeports": str(node_ports),
    }


def _service_frees(old: Object, new: Object, now: float) -> bool:
    types = [spec.get("type") for spec in (old["spec"], new["spec"])]
    before, after = (type if type in ("NodePort", "LoadBalancer") else "" for type in types)
    return before != after


# -- claims for devices ------------------------------------------------------------------------------


def _is_device_name(name: str) -> bool:
    return name == _CLAIMS or name.endswith(_OF_DEVICE_CLASS) or name.startswith(_REQUESTS + IMPLICIT)


def _device_usage(claim: Object, now: float) -> Amounts:
    """Devices by their class: of alternatives as many as any takes of a class, for all the most possible."""
    result: dict[str, int] = {}
    extended = annotations_of(claim).get(ANNOTATION) == "true"
    for request in (claim["spec"].get("devices") or _NONE).get("requests") or ():
        most: dict[str, int] = {}
        for each in request.get("firstAvailable") or [request.get("exactly") or _NONE]:
            name = each.get("deviceClassName", "")
            most[name] = max(most.get(name, 0), _devices(each))
        for name, count in most.items():
            for resource in (name + _OF_DEVICE_CLASS, *(() if extended else (_REQUESTS + IMPLICIT + name,))):
                result[resource] = result.get(resource, 0) + count
    return {_CLAIMS: _ONE, **{name: str(count) for name, count in result.items()}}


def _devices(request: Object) -> int:
    mode = request.get("allocationMode", "ExactCount" if request else "")
    return {"ExactCount": int(request.get("count") or 1), "All": MOST_DEVICES}.get(mode, 0)


MEASURED: Mapping[str, Measure] = {
    "pods": Measure(_is_pod_name, _pod_usage, _pod_frees),
    "persistentvolumeclaims": Measure(_is_claim_name, _claim_usage, _claim_frees),
    "resourceclaims.resource.k8s.io": Measure(_is_device_name, _device_usage, lambda old, new, now: False),
    "services": Measure(_SERVICE_NAMES.__contains__, _service_usage, _service_frees),
}
