"""Service discovery over the Kubernetes API: objects become targets with `__meta_kubernetes_…` labels.

Each role looks at one kind and says, per port, where it can be reached and what is known about it. These are pure
functions of objects; who calls them follows the objects with informers.
Source: `discovery/kubernetes/*.go`; https://prometheus.io/docs/prometheus/latest/configuration/configuration/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from k8snb.metrics.labels import NAME
from k8snb.typing import Object

Role = Literal["node", "pod", "service", "endpoints", "endpointslice", "ingress"]
ROLES: Mapping[str, str] = {
    "node": "nodes",
    "pod": "pods",
    "service": "services",
    "endpoints": "endpoints",
    "endpointslice": "endpointslices.discovery.k8s.io",
    "ingress": "ingresses.networking.k8s.io",
}
"""The resource that each role follows."""

ADDRESS = "__address__"
META = "__meta_kubernetes_"
_INVALID = re.compile(r"[^a-zA-Z0-9_]", re.ASCII)
_NODE_ADDRESSES = ("InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname")

Targets = Iterator[dict[str, str]]
Find = Callable[[str, str], Object | None]
"""(namespace, name) of a pod, to the pod."""


def _sanitized(name: str) -> str:
    return _INVALID.sub("_", name)


def _metadata(kind: str, obj: Object) -> dict[str, str]:
    """Labels and annotations of an object, each with a label that says that it is there."""
    meta = obj["metadata"]
    found = {}
    for field, word in (("labels", "label"), ("annotations", "annotation")):
        for name, value in (meta.get(field) or {}).items():
            found[f"{META}{kind}_{word}_{_sanitized(name)}"] = value
            found[f"{META}{kind}_{word}present_{_sanitized(name)}"] = "true"
    return found


def _namespace(obj: Object) -> dict[str, str]:
    return {f"{META}namespace": obj["metadata"]["namespace"]}


def nodes(node: Object) -> Targets:
    """One target: the kubelet."""
    status = node.get("status", {})
    addresses: dict[str, str] = {}
    for each in status.get("addresses", ()):
        addresses.setdefault(each["type"], each["address"])
    address = next((addresses[kind] for kind in _NODE_ADDRESSES if kind in addresses), None)
    if address is None:
        return
    port = status.get("daemonEndpoints", {}).get("kubeletEndpoint", {}).get("Port", 10250)
    yield {
        ADDRESS: f"{address}:{port}",
        "instance": node["metadata"]["name"],
        f"{META}node_name": node["metadata"]["name"],
        f"{META}node_provider_id": node.get("spec", {}).get("providerID", ""),
        **_metadata("node", node),
        **{f"{META}node_address_{_sanitized(kind)}": text for kind, text in addresses.items()},
    }


def _pod(pod: Object) -> dict[str, str]:
    meta, status = pod["metadata"], pod.get("status", {})
    ready = next((c["status"] for c in status.get("conditions", ()) if c["type"] == "Ready"), "unknown")
    owner = next((o for o in meta.get("ownerReferences", ()) if o.get("controller")), None)
    found = {
        f"{META}pod_name": meta["name"],
        f"{META}pod_ip": status.get("podIP", ""),
        f"{META}pod_ready": ready.lower(),
        f"{META}pod_phase": status.get("phase", ""),
        f"{META}pod_node_name": pod["spec"].get("nodeName", ""),
        f"{META}pod_host_ip": status.get("hostIP", ""),
        f"{META}pod_uid": meta["uid"],
        **_metadata("pod", pod),
    }
    if owner is not None:
        found |= {f"{META}pod_controller_kind": owner["kind"], f"{META}pod_controller_name": owner["name"]}
    return found


def _containers(pod: Object) -> Iterator[tuple[Object, bool]]:
    for container in pod["spec"].get("containers", ()):
        yield container, False
    for container in pod["spec"].get("initContainers", ()):
        yield container, True


def _container(pod: Object, container: Object, *, init: bool) -> dict[str, str]:
    statuses = pod.get("status", {}).get("initContainerStatuses" if init else "containerStatuses", ())
    identity = next((s.get("containerID", "") for s in statuses if s["name"] == container["name"]), "")
    return {
        f"{META}pod_container_name": container["name"],
        f"{META}pod_container_id": identity,
        f"{META}pod_container_image": container["image"],
        f"{META}pod_container_init": "true" if init else "false",
    }


def _container_port(port: Object) -> dict[str, str]:
    return {
        f"{META}pod_container_port_name": port.get("name", ""),
        f"{META}pod_container_port_number": str(port["containerPort"]),
        f"{META}pod_container_port_protocol": port.get("protocol", "TCP"),
    }


def pods(pod: Object) -> Targets:
    """One target per port that a container declares, or per container without one; a pod without address has none."""
    address = pod.get("status", {}).get("podIP", "")
    if not address:
        return
    common = {**_namespace(pod), **_pod(pod)}
    for container, init in _containers(pod):
        here = {**common, **_container(pod, container, init=init)}
        if not container.get("ports"):
            yield {**here, ADDRESS: address}
        for port in container.get("ports", ()):
            yield {**here, ADDRESS: f"{address}:{port['containerPort']}", **_container_port(port)}


def services(service: Object) -> Targets:
    """One target per port, at the Service's DNS name: for probes from outside, not for metrics of each pod."""
    meta, spec = service["metadata"], service["spec"]
    host = f"{meta['name']}.{meta['namespace']}.svc"
    where = (
        {f"{META}service_external_name": spec.get("externalName", "")}
        if spec.get("type") == "ExternalName"
        else {f"{META}service_cluster_ip": spec.get("clusterIP", "")}
    )
    for port in spec.get("ports", ()):
        yield {
            **_namespace(service),
            f"{META}service_name": meta["name"],
            **_metadata("service", service),
            ADDRESS: f"{host}:{port['port']}",
            f"{META}service_port_name": port.get("name", ""),
            f"{META}service_port_number": str(port["port"]),
            f"{META}service_port_protocol": port.get("protocol", "TCP"),
            f"{META}service_type": spec.get("type", "ClusterIP"),
            **where,
        }


def _behind(reference: Object | None, namespace: str, find: Find, port: int) -> dict[str, str]:
    """What is known about the pod behind an endpoint, and about the container whose port it is."""
    if not reference or reference.get("kind") != "Pod":
        return {}
    pod = find(reference.get("namespace", namespace), reference["name"])
    if pod is None:
        return {}
    found = _pod(pod)
    for container, init in _containers(pod):
        for each in container.get("ports", ()):
            if each["containerPort"] == port:
                return found | _container(pod, container, init=init) | _container_port(each)
    return found


def _target_kind(kind: str, reference: Object | None) -> dict[str, str]:
    if not reference:
        return {}
    return {
        f"{META}{kind}_address_target_kind": reference["kind"],
        f"{META}{kind}_address_target_name": reference["name"],
    }


def _service(service: Object | None) -> dict[str, str]:
    if service is None:
        return {}
    return {f"{META}service_name": service["metadata"]["name"], **_metadata("service", service)}


def endpoints(obj: Object, find: Find, service: Object | None) -> Targets:
    """One target per address and port of an Endpoints object, with what is known about Service and pod."""
    meta = obj["metadata"]
    common = {
        **_namespace(obj),
        f"{META}endpoints_name": meta["name"],
        **_metadata("endpoints", obj),
        **_service(service),
    }
    for subset in obj.get("subsets") or ():
        for port in subset.get("ports", ()):
            for ready, address in _addresses(subset):
                reference = address.get("targetRef")
                yield {
                    **common,
                    ADDRESS: f"{address['ip']}:{port['port']}",
                    f"{META}endpoint_port_name": port.get("name", ""),
                    f"{META}endpoint_port_protocol": port.get("protocol", "TCP"),
                    f"{META}endpoint_ready": ready,
                    **_known(f"{META}endpoint_node_name", address.get("nodeName")),
                    **_known(f"{META}endpoint_hostname", address.get("hostname")),
                    **_target_kind("endpoint", reference),
                    **_behind(reference, meta["namespace"], find, port["port"]),
                }


def _addresses(subset: Object) -> Iterator[tuple[str, Object]]:
    for address in subset.get("addresses") or ():
        yield "true", address
    for address in subset.get("notReadyAddresses") or ():
        yield "false", address


def _known(name: str, value: str | None) -> dict[str, str]:
    return {name: value} if value else {}


def endpoint_slices(obj: Object, find: Find, service: Object | None) -> Targets:
    """One target per address and port of an EndpointSlice, with what is known about Service and pod."""
    meta = obj["metadata"]
    kind = f"{META}endpointslice"
    common = {
        **_namespace(obj),
        f"{kind}_name": meta["name"],
        f"{kind}_address_type": obj["addressType"],
        **_metadata("endpointslice", obj),
        **_service(service),
    }
    for port in obj.get("ports") or ():
        for endpoint in obj.get("endpoints") or ():
            reference = endpoint.get("targetRef")
            conditions = {
                f"{kind}_endpoint_conditions_{name}": "true" if value else "false"
                for name, value in (endpoint.get("conditions") or {}).items()
            }
            for address in endpoint["addresses"]:
                yield {
                    **common,
                    ADDRESS: f"{address}:{port['port']}",
                    f"{kind}_port": str(port["port"]),
                    f"{kind}_port_name": port.get("name", ""),
                    f"{kind}_port_protocol": port.get("protocol", "TCP"),
                    **conditions,
                    **_known(f"{kind}_endpoint_hostname", endpoint.get("hostname")),
                    **_known(f"{kind}_endpoint_node_name", endpoint.get("nodeName")),
                    **_known(f"{kind}_endpoint_zone", endpoint.get("zone")),
                    **_target_kind("endpointslice", reference),
                    **_behind(reference, meta["namespace"], find, port["port"]),
                }


def ingresses(ingress: Object) -> Targets:
    """One target per host and path: for probes from outside."""
    meta, spec = ingress["metadata"], ingress["spec"]
    secure = {host for tls in spec.get("tls") or () for host in tls.get("hosts") or ()}
    for rule in spec.get("rules") or ():
        host = rule.get("host", "")
        scheme = "https" if host in secure else "http"
        for path in _paths(rule):
            yield {
                **_namespace(ingress),
                f"{META}ingress_name": meta["name"],
                **_known(f"{META}ingress_class_name", spec.get("ingressClassName")),
                **_metadata("ingress", ingress),
                ADDRESS: host,
                f"{META}ingress_scheme": scheme,
                f"{META}ingress_host": host,
                f"{META}ingress_path": path,
            }


def _paths(rule: Object) -> Sequence[str]:
    paths = (rule.get("http") or {}).get("paths") or ()
    return [each.get("path") or "/" for each in paths] or ["/"]


def is_meta(name: str) -> bool:
    """Whether a label is for relabelling only and no target keeps it."""
    return name.startswith("__") and name != NAME
