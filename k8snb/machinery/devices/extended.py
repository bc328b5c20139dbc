"""Devices that are asked for as an extended resource: `example.com/gpu: 2` instead of a claim.

A DeviceClass says as which resource its devices are asked for (`extendedResourceName`); besides, every class is one of
its own name. For a node that has no such resource of its own, the scheduler makes one claim for all that the pod asks
for in this way, with a request for each container, and says in the pod's status which container gets which. A container
that ends before another begins leaves its devices to that one.
Upstream: `plugins/dynamicresources/extendeddynamicresources.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.machinery import quantity
from k8snb.machinery.objects import annotations_of, controller_of, controller_reference
from k8snb.machinery.resourcenames import is_native
from k8snb.typing import Object

ANNOTATION = "resource.kubernetes.io/extended-resource-claim"
"""Marks a claim that the scheduler made for what a pod asks for as extended resources."""
IMPLICIT = "deviceclass.resource.kubernetes.io/"
"""What comes before the name of a class in the resource that every class is."""
IN_MEMORY = "<extended-resources>"
"""What the claim is called as long as it is not written; no claim can have that name."""
_NOTHING: Mapping[str, Any] = {}

ClassOf = Callable[[str], Object | None]
"""`class_of(resource)`: the class whose devices the resource is."""


def may_be_devices(name: str) -> bool:
    """Whether a resource can be one that a class has."""
    if name.startswith(IMPLICIT):
        return True
    return not is_native(name) and not name.startswith("requests.")


def may_claim(spec: Object) -> bool:
    """Whether a pod has claims, or asks for resources for which a claim may be made."""
    if spec.get("resourceClaims"):
        return True
    containers = (*spec["containers"], *(spec.get("initContainers") or ()))
    asked = ((each.get("resources") or _NOTHING).get("requests") or _NOTHING for each in containers)
    return any(may_be_devices(name) for names in asked for name in names)


def class_of(resource: str, classes: Iterable[Object]) -> Object | None:
    """The class whose devices the resource is; of several the one made last, of those the first by name."""
    named = [each for each in classes if (each.get("spec") or {}).get("extendedResourceName") == resource]
    if named:
        newest = max(each["metadata"].get("creationTimestamp") or "" for each in named)
        same = [each for each in named if (each["metadata"].get("creationTimestamp") or "") == newest]
        return min(same, key=lambda each: str(each["metadata"]["name"]))
    if not resource.startswith(IMPLICIT):
        return None
    name = resource.removeprefix(IMPLICIT)
    return next((each for each in classes if each["metadata"]["name"] == name), None)


def claim_of(pod: Object, claims: Iterable[Object]) -> Object | None:
    """The claim that was made for the pod's extended resources."""
    for each in claims:
        if annotations_of(each).get(ANNOTATION) == "true":
            owner = controller_of(each)
            if owner is not None and owner["uid"] == pod["metadata"]["uid"]:
                return each
    return None


def status_of(pod: Object) -> Object | None:
    """What the pod's status says of that claim."""
    found: Object | None = (pod.get("status") or {}).get("extendedResourceClaimStatus")
    return found


def new_claim(pod: Object) -> Object:
    """The claim before anybody knows what has to be in it."""
    meta = pod["metadata"]
    body = {
        "name": IN_MEMORY,
        "namespace": meta["namespace"],
        "uid": f"{IN_MEMORY}{meta['uid']}",
        "generateName": f"{meta['name']}-extended-resources-",
        "annotations": {ANNOTATION: "true"},
        "ownerReferences": [{k: v for k, v in controller_reference(pod).items() if k != "blockOwnerDeletion"}],
    }
    return {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": body, "spec": {}}


class Demand(NamedTuple):
    """What a claim has to ask for, and which container gets what of it."""

    requests: Sequence[Object]
    mappings: Sequence[Object]


def demand(pod: Object, resources: Iterable[str], find: ClassOf) -> Demand:
    """What to ask for where the node has none of these resources."""
    requests: list[Object] = []
    mappings: list[Object] = []
    for resource in sorted(resources):
        device_class = find(resource)
        if device_class is not None:
            part = _Resource(pod["spec"], resource, device_class["metadata"]["name"])
            requests += part.requests
            mappings += part.mappings
    return Demand(sorted(requests, key=lambda each: str(each["name"])), mappings)


class _Resource:
    """One resource of all containers of a pod."""

    def __init__(self, spec: Object, resource: str, class_name: str) -> None:
        self._resource = resource
        self._class_name = class_name
        inits = list(spec.get("initContainers") or ())
        containers = [*inits, *spec["containers"]]
        short = [at for at, each in enumerate(inits) if each.get("restartPolicy") != "Always"]
        self.mappings: list[Object] = []
        lasting: list[Object | None] = [None] * len(containers)
        for at, container in enumerate(containers):
            if at not in short:
                lasting[at] = self._ask(at, container, ())
        most = self._most_of_short(short, containers, lasting)
        self.requests = [each for each in (most, *lasting) if each is not None]

    def _most_of_short(
        self, short: Sequence[int], containers: Sequence[Object], lasting: Sequence[Object | None]
    ) -> Object | None:
        """The largest request of the containers that end before others begin; all of them share it."""
        before = len(self.mappings)
        asked = [self._ask(at, containers[at], lasting[at:]) for at in short]
        made = [each for each in asked if each is not None]
        if not made:
            return None
        most = max(made, key=lambda each: int(each["exactly"]["count"]))
        names = {each["name"] for each in made}
        for at in range(before, len(self.mappings)):
            if self.mappings[at]["requestName"] in names:
                self.mappings[at] = {**self.mappings[at], "requestName": most["name"]}
        return most

    def _ask(self, at: int, container: Object, reusable: Iterable[Object | None]) -> Object | None:
        """A request for what a container needs beyond what it can take over from others."""
        asked: Mapping[str, Any] = (container.get("resources") or {}).get("requests") or {}
        count = quantity.value(str(asked[self._resource])) if self._resource in asked else 0
        if not count:
            return None
        have = 0
        for each in reusable:
            if each is not None:
                have += each["exactly"]["count"]
                self._map(container, each["name"])
                if have >= count:
                    return None
        name = f"container-{at}-request-{sorted(asked).index(self._resource)}"
        self._map(container, name)
        exactly = {"deviceClassName": self._class_name, "allocationMode": "ExactCount", "count": count - have}
        return {"name": name, "exactly": exactly}

    def _map(self, container: Object, request: str) -> None:
        part = {"containerName": container["name"], "resourceName": self._resource, "requestName": request}
        self.mappings.append(part)
