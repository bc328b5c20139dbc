"""What a pod looks like behind a Service: its endpoint and its ports. Pure functions.

Upstream: `staging/src/k8s.io/endpointslice/utils.go` and `trafficdist`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.controllers.podstate import has_ended, is_ready
from k8snb.machinery.objects import labels_of
from k8snb.typing import Object

ZONE_LABEL = "topology.kubernetes.io/zone"
PREFER_CLOSE = ("PreferClose", "PreferSameZone", "PreferSameNode")
_NO_STATUS: Object = {}


def addresses(pod: Object) -> list[str]:
    """The pod's IPv4 addresses."""
    found = (pod.get("status") or _NO_STATUS).get("podIPs")
    return [each["ip"] for each in found if ":" not in each["ip"]] if found else []


def can_serve(pod: Object) -> bool:
    """Whether the pod belongs into a slice at all: it has an address and has not ended."""
    return not has_ended(pod) and bool(addresses(pod))


def matters(old: Object | None, new: Object | None) -> bool:
    """Whether a pod's change can alter its endpoint: readiness, address, end or deletion.

    One that arrives or leaves makes a difference if it has an address.
    """
    if old is None or new is None:
        pod = new if new is not None else old
        return pod is not None and bool(addresses(pod))
    if ("deletionTimestamp" in old["metadata"]) != ("deletionTimestamp" in new["metadata"]):
        return True
    before, after = old.get("status") or _NO_STATUS, new.get("status") or _NO_STATUS
    if before is after:
        return False
    if before.get("podIPs") != after.get("podIPs"):
        return True
    if not after.get("podIPs"):
        return False
    return has_ended(old) != has_ended(new) or is_ready(old) != is_ready(new)


def endpoint_of(pod: Object, service: Object, zone: str = "") -> Object:
    """The pod's endpoint; `zone` is that of its node."""
    meta, spec = pod["metadata"], pod["spec"]
    serving, terminating = is_ready(pod), "deletionTimestamp" in meta
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not terminating)
    endpoint: dict[str, Any] = {
        "addresses": addresses(pod),
        "conditions": _CONDITIONS[ready, serving, terminating],
    }
    if spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]:
        endpoint["hostname"] = spec["hostname"]
    endpoint["targetRef"] = {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}
    if spec.get("nodeName"):
        endpoint["nodeName"] = spec["nodeName"]
    if zone:
        endpoint["zone"] = zone
    if ready and "trafficDistribution" in service["spec"] and (hints := _hints(service, spec.get("nodeName"), zone)):
        endpoint["hints"] = hints
    return endpoint


_BOTH = (False, True)
_CONDITIONS: dict[tuple[bool, bool, bool], Object] = {
    (ready, serving, terminating): {"ready": ready, "serving": serving, "terminating": terminating}
    for ready in _BOTH
    for serving in _BOTH
    for terminating in _BOTH
}
"""Shared by all endpoints: there are only eight."""


def _hints(service: Object, node: str | None, zone: str) -> Object:
    """Where an endpoint should be preferred, by `trafficDistribution`."""
    distribution = service["spec"].get("trafficDistribution")
    if distribution not in PREFER_CLOSE:
        return {}
    hints: dict[str, Any] = {"forZones": [{"name": zone}]} if zone else {}
    if distribution == "PreferSameNode" and node:
        hints["forNodes"] = [{"name": node}]
    return hints


def is_headless(service: Object) -> bool:
    """Whether the Service has no virtual address."""
    return service["spec"].get("clusterIP", "") in ("", "None")


def ports_of(service: Object, pod: Object) -> list[Object]:
    """The ports at which the pod serves the Service; those whose name it does not know are left out."""
    found: list[Object] = []
    for port in service["spec"].get("ports") or ():
        number = find_port(pod, port)
        if number is None:
            continue
        entry = {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")}
        if "appProtocol" in port:
            entry["appProtocol"] = port["appProtocol"]
        found.append(entry)
    return found


def has_named_target(service: Object) -> bool:
    """Whether a port leads to a name, which each pod may give to another number."""
    return any(isinstance(port.get("targetPort"), str) for port in service["spec"].get("ports") or ())


def find_port(pod: Object, port: Object) -> int | None:
    """The container port that a Service port leads to; a name is looked up in containers and sidecars."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    sidecars = (c for c in pod["spec"].get("initContainers") or () if c.get("restartPolicy") == "Always")
    for container in [*pod["spec"]["containers"], *sidecars]:
        for each in container.get("ports") or ():
            if each.get("name") == target and each.get("protocol", "TCP") == port.get("protocol", "TCP"):
                number: int = each["containerPort"]
                return number
    return None


def port_key(ports: Sequence[Object] | None) -> str:
    """What tells two sets of ports apart, whatever their order."""
    fields = ("name", "port", "protocol", "appProtocol")
    return ";".join(sorted(",".join(str(port.get(field, "")) for field in fields) for port in ports or ()))


def name_prefix(service: str) -> str:
    """What the names of a Service's slices begin with: its own, and a dash if that fits."""
    return f"{service}-" if len(service) < MAX_NAME else service


def slice_labels(service: Object, managed_by: str) -> dict[str, str]:
    """The labels of a Service's slices: its own and three that are reserved."""
    labels = {k: v for k, v in labels_of(service).items() if k not in RESERVED_LABELS}
    if is_headless(service):
        labels[HEADLESS] = ""
    return {**labels, SERVICE_NAME: service["metadata"]["name"], MANAGED_BY: managed_by}


SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
HEADLESS = "service.kubernetes.io/headless"
RESERVED_LABELS = (SERVICE_NAME, MANAGED_BY, HEADLESS)
MAX_NAME = 253
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
