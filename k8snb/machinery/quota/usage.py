"""What one object uses: every object counts as one of its kind, some are measured as well.

A row of `MEASURED` is a kind that is measured: which names in a quota are for it, what an object of it uses, and
whether a change of it can set something free. Every other kind is only counted, as `count/<resource>.<group>`.
Upstream: `pkg/quota/v1/evaluator/core`, `apiserver/pkg/quota/v1/generic`, and `quota/v1/install/update_filter.go` for
what sets free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from k8snb.clock import parse_time
from k8snb.machinery.amounts import Amounts, asked_of, limits_of, requests_of
from k8snb.machinery.devices.claims import CLAIMS
from k8snb.machinery.devices.extended import IMPLICIT
from k8snb.machinery.quantity import compare, of_value, parse, value
from k8snb.machinery.quota.around import NOTHING, Around
from k8snb.machinery.quota.devices import REQUESTS, device_usage, is_device_name, is_extended
from k8snb.machinery.resizing import charged_spec
from k8snb.machinery.resourcenames import is_native
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
_DEMANDED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
"""What every container has to state where a quota limits it. Upstream calls this a mistake and keeps it."""

_STORAGE = ("persistentvolumeclaims", "requests.storage")
_OF_CLASS = ".storageclass.storage.k8s.io/"
_SERVICE_NAMES = frozenset({"count/services", "services", "services.nodeports", "services.loadbalancers"})


class Measure(NamedTuple):
    """How objects of one kind are measured."""

    is_for: Callable[[str, Around], bool]
    """Whether a name in a quota is for this kind."""

    usage: Callable[[Object, float, Around], Amounts]
    """What an object uses at a time."""

    frees: Callable[[Object, Object, float], bool]
    """Whether a change from one version to the next may set something free."""


def concerns(word: str, names: Iterable[str], around: Around = NOTHING) -> list[str]:
    """Those of a quota's names that objects of the resource count against, sorted."""
    if word not in MEASURED:
        return sorted(name for name in names if name in _counts(word))
    is_for = MEASURED[word].is_for
    return sorted(name for name in names if is_for(name, around))


def usage_of(word: str, obj: Object, now: float, around: Around = NOTHING) -> Amounts:
    """What an object of the resource uses."""
    return MEASURED[word].usage(obj, now, around) if word in MEASURED else dict.fromkeys(_counts(word), _ONE)


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
    return name in _POD_NAMES or name.startswith((_HUGE_PAGES, REQUESTS + _HUGE_PAGES)) or is_extended(name)


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
            result[name] = result[REQUESTS + name] = requests[name]
        if name in limits:
            result[f"limits.{name}"] = limits[name]
    for name, amount in requests.items():
        if name.startswith(_HUGE_PAGES):
            result[name] = result[REQUESTS + name] = amount
        elif name.startswith(IMPLICIT) or not is_native(name):
            result[REQUESTS + name] = amount
    return result


def _pod_frees(old: Object, new: Object, now: float) -> bool:
    """Whether it has ended, holds something else than before, or counts in another scope."""
    if old.get("status") is not new.get("status"):
        held, now_held = _held(old), _held(new)
        if any(name in now_held and now_held[name] != amounts for name, amounts in held.items()):
            return True
        if _is_charged(old, now) and not _is_charged(new, now):
            return True
    return ("activeDeadlineSeconds" in old["spec"]) != ("activeDeadlineSeconds" in new["spec"])


def _held(pod: Object) -> Mapping[str, Any]:
    """What its containers have been given, by their kubelet's word."""
    status = pod.get("status") or _NONE
    lists = (status.get("containerStatuses") or (), status.get("initContainerStatuses") or ())
    return {each["name"]: each.get("resources") for statuses in lists for each in statuses}


# -- claims ------------------------------------------------------------------------------------------


def _is_claim_name(name: str) -> bool:
    return name in (*_STORAGE, "count/persistentvolumeclaims") or name.endswith(tuple(_OF_CLASS + n for n in _STORAGE))


def _claim_usage(claim: Object) -> Amounts:
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
    return _claim_usage(old) != _claim_usage(new)


# -- services ----------------------------------------------------------------------------------------


def _service_usage(service: Object) -> Amounts:
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


MEASURED: Mapping[str, Measure] = {
    "pods": Measure(lambda name, around: _is_pod_name(name), lambda pod, now, around: _pod_usage(pod, now), _pod_frees),
    "persistentvolumeclaims": Measure(
        lambda name, around: _is_claim_name(name), lambda claim, now, around: _claim_usage(claim), _claim_frees
    ),
    CLAIMS: Measure(
        is_device_name,
        lambda claim, now, around: device_usage(claim, now, around, _pod_usage),
        lambda old, new, now: False,
    ),
    "services": Measure(
        lambda name, around: name in _SERVICE_NAMES,
        lambda service, now, around: _service_usage(service),
        _service_frees,
    ),
}
