"""How traffic finds pods: services, endpoints, ingresses, policies."""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.printing.columns import (
    AGE,
    NAME,
    NONE,
    Column,
    Printer,
    age,
    dig,
    format_labels,
    format_selector,
    joined,
    name_of,
    some_of,
    wide,
)
from k8snb.typing import Object


def _service(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    ips = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    return [
        name_of(obj),
        spec.get("type", ""),
        ips[0] if ips else NONE,
        _external_ip(spec, dig(obj, "status", "loadBalancer", "ingress", default=())),
        joined(map(_port, spec.get("ports") or ())),
        age(obj, now),
        format_labels(spec.get("selector")),
    ]


def _port(port: Object) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node_port}/{port.get('protocol', 'TCP')}"


def _external_ip(spec: Object, ingress: Any) -> str:
    external = spec.get("externalIPs") or []
    match spec.get("type"):
        case "ClusterIP" | "NodePort":
            return joined(external)
        case "LoadBalancer":
            return joined([*_points(ingress), *external], empty="<pending>")
        case "ExternalName":
            return str(spec.get("externalName", ""))
        case _:
            return "<unknown>"


def _points(ingress: Any) -> list[str]:
    """The addresses of a load balancer, each once, sorted."""
    return sorted({point.get("ip") or point.get("hostname") for point in ingress} - {None, ""})


def _host_port(address: str, port: Any) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _endpoints(obj: Object, now: float) -> list[Any]:
    subsets = obj.get("subsets") or ()
    shown: list[str] = []
    for subset in subsets:
        addresses = [address["ip"] for address in subset.get("addresses") or ()]
        if not subset.get("ports"):
            shown += addresses
        for port in subset.get("ports") or ():
            shown += [_host_port(address, port["port"]) for address in addresses]
    return [name_of(obj), some_of(shown, empty="") if subsets else NONE, age(obj, now)]


def _endpoint_slice(obj: Object, now: float) -> list[Any]:
    ports = [str(port.get("port") or port.get("name") or "*") for port in obj.get("ports") or ()]
    addresses = [a for endpoint in obj.get("endpoints") or () for a in endpoint.get("addresses") or ()]
    return [name_of(obj), obj.get("addressType", ""), some_of(ports), some_of(addresses), age(obj, now)]


def _ingress(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    return [
        name_of(obj),
        spec.get("ingressClassName") or NONE,
        _hosts(spec.get("rules") or ()),
        joined(_points(dig(obj, "status", "loadBalancer", "ingress", default=())), empty=""),
        "80, 443" if spec.get("tls") else "80",
        age(obj, now),
    ]


def _hosts(rules: Any) -> str:
    """The first three hosts; what is left out is counted in rules, with or without a host."""
    hosts = [rule["host"] for rule in rules if rule.get("host")]
    if len(hosts) > 3 or (len(hosts) == 3 and not rules[-1].get("host")):
        return f"{','.join(hosts[:3])} + {len(rules) - 3} more..."
    return joined(hosts, empty="*")


def _ingress_class(obj: Object, now: float) -> list[Any]:
    parameters = dig(obj, "spec", "parameters")
    shown = NONE
    if parameters is not None:
        group = parameters.get("apiGroup")
        shown = parameters["kind"] + (f".{group}" if group is not None else "") + f"/{parameters['name']}"
    return [name_of(obj), dig(obj, "spec", "controller", default=""), shown, age(obj, now)]


def _network_policy(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), format_selector(dig(obj, "spec", "podSelector")), age(obj, now)]


def _service_cidr(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), joined(dig(obj, "spec", "cidrs", default=()), empty=""), age(obj, now)]


def _ip_address(obj: Object, now: float) -> list[Any]:
    parent = dig(obj, "spec", "parentRef")
    shown = NONE
    if parent is not None:
        resource = ".".join(filter(None, (parent.get("resource", ""), parent.get("group", ""))))
        shown = "/".join(filter(None, (resource.lower(), parent.get("namespace", ""), parent.get("name", ""))))
    return [name_of(obj), shown, age(obj, now)]


_SERVICE, _SLICE = "api.core.v1.ServiceSpec", "api.discovery.v1.EndpointSlice"

PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "Service"): Printer(
        (
            NAME,
            Column("Type", doc=(_SERVICE, "type")),
            Column("Cluster-IP", doc=(_SERVICE, "clusterIP")),
            Column("External-IP", doc=(_SERVICE, "externalIPs")),
            Column("Port(s)", doc=(_SERVICE, "ports")),
            AGE,
            wide(Column("Selector", doc=(_SERVICE, "selector"))),
        ),
        _service,
    ),
    ("", "Endpoints"): Printer((NAME, Column("Endpoints", doc=("api.core.v1.Endpoints", "subsets")), AGE), _endpoints),
    ("discovery.k8s.io", "EndpointSlice"): Printer(
        (
            NAME,
            Column("AddressType", doc=(_SLICE, "addressType")),
            Column("Ports", doc=(_SLICE, "ports")),
            Column("Endpoints", doc=(_SLICE, "endpoints")),
            AGE,
        ),
        _endpoint_slice,
    ),
    ("networking.k8s.io", "Ingress"): Printer(
        (
            NAME,
            Column("Class", "The name of the IngressClass resource that should be used for additional configuration"),
            Column("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
            Column("Address", "Address is a list containing ingress points for the load-balancer"),
            Column("Ports", "Ports of TLS configurations that open"),
            AGE,
        ),
        _ingress,
    ),
    ("networking.k8s.io", "IngressClass"): Printer(
        (
            NAME,
            Column("Controller", "Controller that is responsible for handling this class"),
            Column("Parameters", "A reference to a resource with additional parameters"),
            AGE,
        ),
        _ingress_class,
    ),
    ("networking.k8s.io", "NetworkPolicy"): Printer(
        (NAME, Column("Pod-Selector", doc=("api.networking.v1.NetworkPolicySpec", "podSelector")), AGE),
        _network_policy,
    ),
    ("networking.k8s.io", "ServiceCIDR"): Printer(
        (NAME, Column("CIDRs", doc=("api.networking.v1.ServiceCIDRSpec", "cidrs")), AGE), _service_cidr
    ),
    ("networking.k8s.io", "IPAddress"): Printer(
        (NAME, Column("ParentRef", doc=("api.networking.v1.IPAddressSpec", "parentRef")), AGE), _ip_address
    ),
}
