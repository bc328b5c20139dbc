"""What claims for devices use: devices by their class, and the same devices under the names of extended resources.

A class is an extended resource of its own name, and of another one if it says so. Under those names a claim counts as a
pod does that asks for the resource. Of the claim that was made for what a pod asks for, only what goes beyond the pod's
own usage counts.
Upstream: `pkg/quota/v1/evaluator/core/resource_claims.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from k8snb.machinery.amounts import Amounts
from k8snb.machinery.devices.claims import CLAIMS, CLASSES, MOST_DEVICES
from k8snb.machinery.devices.extended import ANNOTATION, IMPLICIT, class_of, status_of
from k8snb.machinery.objects import annotations_of, controller_of
from k8snb.machinery.quantity import value
from k8snb.machinery.quota.around import Around
from k8snb.machinery.resourcenames import is_native
from k8snb.typing import Object

COUNT = f"count/{CLAIMS}"
OF_CLASS = ".deviceclass.resource.k8s.io/devices"
REQUESTS = "requests."
_NONE: Mapping[str, Any] = {}

PodUsage: TypeAlias = Callable[[Object, float], Amounts]
"""What a pod uses at a time."""


def is_device_name(name: str, around: Around) -> bool:
    """Whether a name in a quota is for claims: an extended resource is if it is a class's."""
    if name == COUNT or name.endswith(OF_CLASS):
        return True
    if not is_extended(name):
        return False
    return class_of(name.removeprefix(REQUESTS), around.list(CLASSES, "")) is not None


def is_extended(name: str) -> bool:
    """Whether a name in a quota is that of an extended resource."""
    if name.startswith(REQUESTS + IMPLICIT):
        return True
    return name.startswith(REQUESTS) and not is_native(name)


def device_usage(claim: Object, now: float, around: Around, pod_usage: PodUsage) -> Amounts:
    """What a claim uses."""
    devices = _devices_by_class(claim)
    usage = {name + OF_CLASS: count for name, count in devices.items()}
    if devices:
        pod = _pod_of(claim, around)
        counted = pod_usage(pod, now) if pod is not None else _NONE
        for name, count in _under_other_names(devices, around):
            more = count - value(counted[name]) if name in counted else count
            if more > 0:
                usage[name] = more
    return {COUNT: "1", **{name: str(count) for name, count in usage.items()}}


def _under_other_names(devices: Mapping[str, int], around: Around) -> Iterator[tuple[str, int]]:
    for name, count in devices.items():
        yield REQUESTS + IMPLICIT + name, count
        found = around.get(CLASSES, "", name)
        extended = ((found or _NONE).get("spec") or _NONE).get("extendedResourceName")
        if extended:
            yield REQUESTS + extended, count


def _devices_by_class(claim: Object) -> dict[str, int]:
    """Of alternatives as many as any takes of a class, for all the most possible."""
    result: dict[str, int] = {}
    for request in (claim["spec"].get("devices") or _NONE).get("requests") or ():
        most: dict[str, int] = {}
        for each in request.get("firstAvailable") or [request.get("exactly") or _NONE]:
            name = each.get("deviceClassName", "")
            most[name] = max(most.get(name, 0), _devices(each))
        for name, count in most.items():
            result[name] = result.get(name, 0) + count
    return result


def _devices(request: Object) -> int:
    mode = request.get("allocationMode", "ExactCount" if request else "")
    return {"ExactCount": int(request.get("count") or 1), "All": MOST_DEVICES}.get(mode, 0)


def _pod_of(claim: Object, around: Around) -> Object | None:
    """The pod for whose extended resources a claim was made, if the pod does not say that it is another claim."""
    meta, owner = claim["metadata"], _owner(claim)
    pod = around.get("pods", meta.get("namespace", ""), owner["name"]) if owner is not None else None
    if pod is None or owner is None or pod["metadata"]["uid"] != owner["uid"]:
        return None
    status = status_of(pod)
    if status is not None:
        return pod if status.get("resourceClaimName") == meta["name"] else None
    others = (each for each in around.list(CLAIMS, meta.get("namespace", "")) if _owner(each) is not None)
    mine = [each for each in others if (_owner(each) or _NONE)["uid"] == owner["uid"]]
    return None if any(_came(each) < _came(claim) for each in mine) else pod


def _owner(claim: Object) -> Object | None:
    """The pod that a claim for extended resources says it was made for."""
    if annotations_of(claim).get(ANNOTATION) != "true":
        return None
    owner = controller_of(claim)
    return owner if owner is not None and (owner["kind"], owner["apiVersion"]) == ("Pod", "v1") else None


def _came(claim: Object) -> tuple[str, str]:
    meta = claim["metadata"]
    return meta.get("creationTimestamp") or "~", meta["name"]
