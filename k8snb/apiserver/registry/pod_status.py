"""The status of a pod: what the server fills in, and what a kubelet or controller may write.

Status is written several times in a pod's life, so these rules look first at whether there is anything to
do. Upstream: `podStatusStrategy` in `pkg/registry/core/pod/strategy.go` and `ValidatePodStatusUpdate` in
`pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from k8snb.apiserver.registry.checks import each
from k8snb.apiserver.registry.pod_validation import validate_ip
from k8snb.errors import FieldError, duplicate, field_forbidden, invalid_value, required
from k8snb.machinery import formats
from k8snb.machinery.qos import qos_class
from k8snb.machinery.validation import IMMUTABLE
from k8snb.typing import Object

Findings = Iterator[FieldError]

GATED = "Scheduling is blocked due to non-empty scheduling gates"

_KNOWN_CONDITIONS = {
    "PodScheduled",
    "Ready",
    "Initialized",
    "ContainersReady",
    "PodReadyToStartContainers",
    "DisruptionTarget",
    "PodResizePending",
    "PodResizeInProgress",
}
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)", re.ASCII)
_STATUS_LISTS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_is_ipv4 = _IPV4.fullmatch
_NONE: Mapping[str, Any] = {}
_KEPT = 16_384
"""How many lists are known by their identity."""


def initial_status(spec: Object) -> Object:
    """The status of a new pod."""
    status: dict[str, Any] = {"phase": "Pending"}
    if spec.get("schedulingGates"):
        status["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "lastProbeTime": None,
                "lastTransitionTime": None,
                "reason": "SchedulingGated",
                "message": GATED,
            }
        ]
    status["qosClass"] = qos_class(spec)
    return status


@lru_cache(maxsize=64)
def scheduled_condition(now: str, generation: int | None) -> Object:
    """The condition that a pod has been bound."""
    made: dict[str, Any] = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
    return made if generation is None else {**made, "observedGeneration": generation}


def is_sound(status: Object, pod: Object) -> bool:
    """Whether there is nothing to add to a pod's new status and nothing wrong with it, as far as a glance can tell.

    Lists that many pods share (their conditions, the addresses of their node) are looked at once and then known by
    their identity.
    """
    before: Object = pod["status"]
    conditions: Sequence[Object] | None = status.get("conditions")
    hosts: Sequence[Object] | None = status.get("hostIPs")
    if not conditions or not hosts or status.get("hostIP") != hosts[0]["ip"]:
        return False
    if _SOUND.get(id(conditions)) is not conditions:
        if not all("observedGeneration" in each and each["type"] in _KNOWN_CONDITIONS for each in conditions):
            return False
        _know(conditions)
    if _SOUND.get(id(hosts)) is not hosts:
        if [*_validate_ips(status, "hostIPs")]:
            return False
        _know(hosts)
    if "podIPs" in status:
        ips: Sequence[Object] = status["podIPs"]
        if not ips or len(ips) != 1 or (ip := ips[0]["ip"]) != status.get("podIP") or not _is_ipv4(ip):
            return False
    elif "podIP" in status:
        return False
    return (
        bool(status.get("qosClass") == before.get("qosClass"))
        and "observedGeneration" in status
        and "nominatedNodeName" not in status
        and "resourceClaimStatuses" not in status
        and "extendedResourceClaimStatus" not in status
        and "ephemeralContainerStatuses" not in before
        and pod["spec"].get("restartPolicy") == "Always"
    )


_SOUND: dict[int, Sequence[Object]] = {}


def _know(found: Sequence[Object]) -> None:
    if len(_SOUND) >= _KEPT:
        _SOUND.clear()
    _SOUND[id(found)] = found


def carried_status(new: Object, old: Object) -> Object:
    """The new status with what a writer may have left out: the QoS class, generations seen, the list of IPs."""
    status: Object = new.get("status") or {}
    before: Object = old.get("status") or _NONE
    added: dict[str, Any] = {}
    for name in ("qosClass", "observedGeneration"):
        if name not in status and name in before:
            added[name] = before[name]
    for one, many in (("podIP", "podIPs"),):
        if status.get(one) and not status.get(many):
            added[many] = [{"ip": status[one]}]
        elif status.get(many) and not status.get(one):
            added[one] = status[many][0]["ip"]
    conditions = status.get("conditions") or ()
    if conditions is not before.get("conditions") and any("observedGeneration" not in c for c in conditions):
        added["conditions"] = _with_generations(conditions, before.get("conditions") or ())
    return {**status, **added} if added else status


def _with_generations(conditions: Sequence[Object], old: Iterable[Object]) -> list[Object]:
    known = {c["type"]: c["observedGeneration"] for c in old if "observedGeneration" in c}
    return [
        {**c, "observedGeneration": known[c["type"]]} if "observedGeneration" not in c and c["type"] in known else c
        for c in conditions
    ]


def validate_pod_status(new: Object, old: Object) -> list[FieldError]:
    """What is wrong with a pod's new status."""
    status, before = new.get("status") or _NONE, old.get("status") or _NONE
    found: list[FieldError] = []
    conditions = status.get("conditions") or ()
    if not _KNOWN_CONDITIONS.issuperset([condition.get("type") for condition in conditions]):
        found += _validate_condition_types(conditions)
    nominated = status.get("nominatedNodeName") or ""
    if nominated and nominated != before.get("nominatedNodeName"):
        found += each("status.nominatedNodeName", nominated, formats.dns_subdomain(nominated))
    if status.get("qosClass") != before.get("qosClass"):
        found.append(invalid_value("status.qosClass", status.get("qosClass") or "", IMMUTABLE))
    if "ephemeralContainerStatuses" in before or old["spec"].get("restartPolicy") != "Always":
        found += _validate_transitions(status, before, old["spec"])
    for name in ("podIPs", "hostIPs"):
        if status.get(name) and status[name] != before.get(name):
            found += _validate_ips(status, name)
    if "resourceClaimStatuses" in status:
        found += _validate_claims(status["resourceClaimStatuses"], old["spec"])
    if "extendedResourceClaimStatus" in status:
        found += _validate_extended_claim(status["extendedResourceClaimStatus"], old["spec"])
    return found


def _validate_claims(claims: Sequence[Object], spec: Object) -> Findings:
    """The claims that were made from templates are those of entries in the spec."""
    known = {each["name"] for each in spec.get("resourceClaims") or ()}
    seen: set[str] = set()
    for index, claim in enumerate(claims or ()):
        path, name, made = f"status.resourceClaimStatuses[{index}].name", claim["name"], claim.get("resourceClaimName")
        if name not in known:
            yield invalid_value(path, name, "must match the name of an entry in `spec.resourceClaims`")
        if name in seen:
            yield duplicate(path, name)
        seen.add(name)
        if made is not None:
            yield from each(path, made, formats.dns_subdomain(made))


_CLAIM = "status.extendedResourceClaimStatus"
_NO_CONTAINER = "must match the name of an entry in spec.initContainers.name or spec.containers.name"
_NOT_ASKED_FOR = (
    "must match the extended resource name of an entry in spec.initContainers.resources.requests or "
    "spec.containers.resources.requests"
)


def _validate_extended_claim(claim: Object, spec: Object) -> Findings:
    """The claim for extended resources has a name, and says which container gets what that it asks for."""
    containers = {each["name"]: each for each in (*(spec.get("initContainers") or ()), *spec["containers"])}
    mappings = claim.get("requestMappings") or ()
    if not mappings:
        yield required(f"{_CLAIM}.requestMappings", "at least one request mapping is required")
    seen: set[tuple[str, ...]] = set()
    for index, mapping in enumerate(mappings):
        path = f"{_CLAIM}.requestMappings[{index}]"
        yield from _validate_mapping(path, mapping, containers)
        named = {name: mapping.get(name) or "" for name in ("containerName", "resourceName", "requestName")}
        key = tuple(named.values())
        if key in seen:
            yield from (duplicate(f"{path}.{name}", value) for name, value in named.items())
        seen.add(key)
    name = claim.get("resourceClaimName") or ""
    if not name:
        yield required(f"{_CLAIM}.resourceClaimName")
    yield from each(f"{_CLAIM}.resourceClaimName", name, formats.dns_subdomain(name) if name else ())


def _validate_mapping(path: str, mapping: Object, containers: Mapping[str, Object]) -> Findings:
    container, resource = mapping.get("containerName") or "", mapping.get("resourceName") or ""
    if container not in containers:
        yield invalid_value(f"{path}.containerName", container, _NO_CONTAINER)
    elif resource not in ((containers[container].get("resources") or _NONE).get("requests") or _NONE):
        yield invalid_value(f"{path}.resourceName", resource, _NOT_ASKED_FOR)
    request = mapping.get("requestName") or ""
    yield from each(f"{_CLAIM}.requestName", request, formats.dns_label(request))


def _validate_condition_types(conditions: Sequence[Object]) -> Findings:
    for index, condition in enumerate(conditions):
        name = condition.get("type") or ""
        if name not in _KNOWN_CONDITIONS:
            yield from each(f"status.conditions[{index}].Type", name, formats.qualified_name(name))


def _validate_transitions(status: Object, before: Object, spec: Object) -> Findings:
    """What has ended for good does not start again."""
    for name in _STATUS_LISTS:
        if before.get(name) is None or status.get(name) is before[name]:
            continue
        policy = "Never" if name == "ephemeralContainerStatuses" else spec.get("restartPolicy", "Always")
        if policy != "Always":
            now = {s["name"]: s.get("state") or _NONE for s in status.get(name) or ()}
            for index, old in enumerate(before[name]):
                if _is_final(old, policy, spec) and "terminated" not in now.get(old["name"], {"terminated": None}):
                    text = "may not be transitioned to non-terminated state"
                    yield field_forbidden(f"status.{name}[{index}].state", text)


def _is_final(status: Object, policy: str, spec: Object) -> bool:
    ended = (status.get("state") or _NONE).get("terminated")
    if ended is None or (policy == "OnFailure" and ended.get("exitCode", 0) != 0):
        return False
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    own = next((c for c in containers if c.get("name") == status["name"]), _NONE)
    return own.get("restartPolicy") in (None, "Never") and not own.get("restartPolicyRules")


def _validate_ips(status: Object, name: str) -> Findings:
    path = f"status.{name}"
    addresses = [entry.get("ip") or "" for entry in status[name]]
    if name == "hostIPs" and status.get("hostIP") != addresses[0]:
        yield invalid_value(f"{path}[0].ip", addresses[0], "must be equal to `hostIP`")
    for index, address in enumerate(addresses):
        if not _is_ipv4(address):
            yield from validate_ip(address, f"{path}[{index}]")
    if len(addresses) > 1:
        families = [":" in address for address in addresses]
        if len(set(families)) < len(families):
            text = "may specify no more than one IP for each IP family"
            yield invalid_value(path, status[name], text)
        for index, address in enumerate(addresses):
            if address in addresses[:index]:
                yield duplicate(f"{path}[{index}]", status[name][index])
