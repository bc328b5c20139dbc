"""LimitRanger: fills in what containers may use where they do not say, and refuses what is out of bounds.

Both phases read the namespace's LimitRanges. What was filled in is noted in an annotation of the pod. On updates only
a claim's size and a resize of a pod can change what counts. Upstream: `plugin/pkg/admission/limitranger`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, aggregate, denied
from k8snb.machinery.amounts import Amounts, asked_of, asked_of_containers
from k8snb.machinery.quantity import compare, parse
from k8snb.typing import Object

ANNOTATION = "kubernetes.io/limit-ranger"
RANGES = "limitranges"
_NONE: Mapping[str, Any] = {}
_CONTAINERS = (("containers", "container"), ("initContainers", "init container"))


class LimitRanger(Plugin):
    """Upstream: `LimitRanger`, `DefaultLimitRangerActions`."""

    name = "LimitRanger"
    resources = ("pods", "pods/resize", "persistentvolumeclaims")
    operations = ("CREATE", "UPDATE")

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        """Requests and limits that a container lacks are taken from the ranges' defaults."""
        pod = attributes.object
        if attributes.resource.plural != "pods" or attributes.operation != "CREATE" or pod is None:
            return None
        changed = pod
        for found in reader.list(RANGES, attributes.namespace):
            changed = _filled(changed, found)
        return None if changed is pod else changed

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        new, old = attributes.object, attributes.old
        if new is None or (old is not None and "deletionTimestamp" in old["metadata"]):
            return
        is_pod = attributes.resource.plural == "pods"
        if is_pod and attributes.operation == "UPDATE" and attributes.subresource != "resize":
            return
        for found in reader.list(RANGES, attributes.namespace):
            limits = found["spec"].get("limits") or ()
            told = list(_pod_errors(limits, new) if is_pod else _claim_errors(limits, new))
            if told:
                raise denied(attributes, aggregate(told))


# -- filling in --------------------------------------------------------------------------------------


def _filled(pod: Object, limit_range: Object) -> Object:
    """The pod with the defaults of a range where its containers say nothing."""
    requests, limits = _defaults(limit_range)
    if not requests and not limits:
        return pod
    spec = dict(pod["spec"])
    notes: list[str] = []
    for field, what in _CONTAINERS:
        if spec.get(field):
            spec[field] = [_with_defaults(each, requests, limits, what, notes) for each in spec[field]]
    if not notes:
        return pod
    meta = pod["metadata"]
    annotations = {**(meta.get("annotations") or _NONE), ANNOTATION: f"LimitRanger plugin set: {'; '.join(notes)}"}
    return {**pod, "metadata": {**meta, "annotations": annotations}, "spec": spec}


def _defaults(limit_range: Object) -> tuple[Amounts, Amounts]:
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    for limit in limit_range["spec"].get("limits") or ():
        if limit.get("type") == "Container":
            requests |= limit.get("defaultRequest") or _NONE
            limits |= limit.get("default") or _NONE
    return requests, limits


def _with_defaults(container: Object, requests: Amounts, limits: Amounts, what: str, notes: list[str]) -> Object:
    resources = dict(container.get("resources") or _NONE)
    noted = len(notes)
    for kind, word, defaults in (("requests", "request", requests), ("limits", "limit", limits)):
        given = resources.get(kind) or _NONE
        added = {name: defaults[name] for name in sorted(defaults) if name not in given}
        if added:
            resources[kind] = {**given, **added}
            notes.append(f"{', '.join(added)} {word} for {what} {container['name']}")
    return {**container, "resources": resources} if len(notes) > noted else container


# -- bounds ------------------------------------------------------------------------------------------


def _pod_errors(limits: Iterable[Object], pod: Object) -> Iterator[str]:
    for limit in limits:
        if limit["type"] == "Container":
            for field, _ in _CONTAINERS:
                for container in pod["spec"].get(field) or ():
                    yield from _bounds(limit, asked_of(container, "requests"), asked_of(container, "limits"))
        elif limit["type"] == "Pod":
            yield from _bounds(limit, asked_of_containers(pod, "requests"), asked_of_containers(pod, "limits"))


def _claim_errors(limits: Iterable[Object], claim: Object) -> Iterator[str]:
    requests = asked_of(claim["spec"], "requests")
    for limit in limits:
        if limit["type"] == "PersistentVolumeClaim":
            yield from _too_little(limit, requests, _NONE)
            for name, most in sorted((limit.get("max") or _NONE).items()):
                asked = requests.get(name)
                if asked is None:
                    yield f"maximum {name} usage per {limit['type']} is {most}.  No request is specified"
                elif compare(asked, most) > 0:
                    yield f"maximum {name} usage per {limit['type']} is {most}, but request is {asked}"


def _bounds(limit: Object, requests: Amounts, limits: Amounts) -> Iterator[str]:
    yield from _too_little(limit, requests, limits)
    yield from _too_much(limit, requests, limits)
    yield from _too_far_apart(limit, requests, limits)


def _too_little(limit: Object, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, least in sorted((limit.get("min") or _NONE).items()):
        told = f"minimum {name} usage per {limit['type']} is {least}"
        if name not in requests:
            yield f"{told}.  No request is specified"
        elif compare(requests[name], least) < 0:
            yield f"{told}, but request is {requests[name]}"
        elif name in limits and compare(limits[name], least) < 0:
            yield f"{told}, but limit is {limits[name]}"


def _too_much(limit: Object, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, most in sorted((limit.get("max") or _NONE).items()):
        told = f"maximum {name} usage per {limit['type']} is {most}"
        if name not in limits:
            yield f"{told}.  No limit is specified"
        elif compare(limits[name], most) > 0:
            yield f"{told}, but limit is {limits[name]}"
        elif name in requests and compare(requests[name], most) > 0:
            yield f"{told}, but request is {requests[name]}"


def _too_far_apart(limit: Object, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, ratio in sorted((limit.get("maxLimitRequestRatio") or _NONE).items()):
        told = f"{name} max limit to request ratio per {limit['type']} is {ratio}"
        request, most = (parse(amounts.get(name, "0")).nano for amounts in (requests, limits))
        if not request:
            yield f"{told}, but no request is specified or request is 0"
        elif not most:
            yield f"{told}, but no limit is specified or limit is 0"
        elif most / request > parse(ratio).nano / parse("1").nano:
            yield f"{told}, but provided ratio is {most / request:f}"
