"""What a proxy makes of Services and EndpointSlices on its node: one `ServicePort` for every port of a Service.

Which endpoints count depends on the node. With the policy `Cluster` all ready ones do (those near by, if the slices
hint at it), with `Local` those on the node itself; where none is ready, those that still serve while they terminate.
Upstream: `pkg/proxy/serviceport.go`, `endpoint.go` and `topology.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from k8snb.typing import Object

DEFAULT_AFFINITY_SECONDS = 10_800


@dataclass(frozen=True, slots=True)
class Backend:
    """One endpoint behind a Service port."""

    ip: str
    port: int
    node: str = ""
    pod: str = ""
    slice: str = ""
    """The EndpointSlice that lists it."""

    def __str__(self) -> str:
        return f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as a slice has it: where it is, and whether it can be used."""

    backend: Backend
    ready: bool
    leaving: bool
    """It terminates and still serves."""
    nodes: Sequence[str]
    """The nodes that it is hinted for."""
    zones: Sequence[str]


@dataclass(frozen=True)
class ServicePort:
    """A port of a Service as a node's proxy sees it."""

    service: Object
    port: Object
    endpoints: Sequence[Endpoint]
    node: str
    zone: str

    # -- the Service ---------------------------------------------------------------------------------

    @cached_property
    def name(self) -> str:
        """`namespace/name:port`, as kube-proxy names it; without the port's name where it has none."""
        meta, port = self.service["metadata"], self.port.get("name", "")
        return f"{meta['namespace']}/{meta['name']}" + (f":{port}" if port else "")

    @property
    def protocol(self) -> str:
        """`tcp`, `udp` or `sctp`."""
        return str(self.port.get("protocol", "TCP")).lower()

    @property
    def number(self) -> int:
        """The port at the Service's own addresses."""
        return int(self.port["port"])

    @property
    def node_port(self) -> int:
        """The port on every node; 0 if it has none."""
        return int(self.port.get("nodePort") or 0)

    @property
    def cluster_ip(self) -> str:
        """The virtual address."""
        return next(iter(self._ipv4(self._spec.get("clusterIPs") or [self._spec["clusterIP"]])), "")

    @property
    def external_ips(self) -> Sequence[str]:
        """`externalIPs`."""
        return self._ipv4(self._spec.get("externalIPs") or ())

    @cached_property
    def balancers(self) -> Sequence[str]:
        """Addresses of load balancers that hand packets on as they are."""
        return self._ipv4(vips(self.service))

    @property
    def source_ranges(self) -> Sequence[str]:
        """From where load balancers' addresses may be used; none means from everywhere."""
        ranges = self._ipv4(each.strip() for each in self._spec.get("loadBalancerSourceRanges") or ())
        return [str(IPv4Network(each, strict=False)) for each in ranges]

    def admitted(self, node: str) -> Sequence[str]:
        """From where they may be used at a node of this address: it may do so itself, as the balancer, if in range."""
        ranges = self.source_ranges
        itself = node and any(IPv4Address(node) in IPv4Network(each) for each in ranges)
        return [*ranges, *self.balancers] if itself else ranges

    @property
    def affinity(self) -> int:
        """For how many seconds a caller stays with its endpoint; 0 if it does not."""
        if self._spec.get("sessionAffinity") != "ClientIP":
            return 0
        config: Any = (self._spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        return int(config.get("timeoutSeconds") or DEFAULT_AFFINITY_SECONDS)

    @property
    def health_port(self) -> int:
        """Where the proxy tells load balancers whether the node has endpoints; 0 if nowhere."""
        return int(self._spec.get("healthCheckNodePort") or 0) if self.external_local else 0

    @property
    def internal_local(self) -> bool:
        """Whether callers in the cluster reach endpoints of their own node only."""
        return bool(self._spec.get("internalTrafficPolicy") == "Local")

    @property
    def external_local(self) -> bool:
        """Whether callers outside reach endpoints of the node they come to only."""
        return bool(self._spec.get("externalTrafficPolicy") == "Local")

    @property
    def is_external(self) -> bool:
        """Whether there is any way to it from outside."""
        return bool(self.node_port or self.balancers or self.external_ips)

    @property
    def _spec(self) -> Any:
        return self.service["spec"]

    @staticmethod
    def _ipv4(addresses: Any) -> list[str]:
        return [each for each in addresses if ":" not in each]

    # -- its endpoints -------------------------------------------------------------------------------

    @property
    def uses_cluster(self) -> bool:
        """Whether some caller may reach endpoints anywhere; the node's own pods do at external addresses, always."""
        return not self.internal_local or self.is_external

    @property
    def uses_local(self) -> bool:
        """Whether some caller is limited to endpoints of the node."""
        return self.internal_local or (self.external_local and self.is_external)

    @cached_property
    def cluster(self) -> Sequence[Backend]:
        """The endpoints for the policy `Cluster`, near ones only if the slices hint at that."""
        if not self.uses_cluster:
            return ()
        ready = [each for each in self.endpoints if each.ready]
        return _backends(_near(ready, self.node, self.zone) or [each for each in self.endpoints if each.leaving])

    @cached_property
    def local(self) -> Sequence[Backend]:
        """The endpoints for the policy `Local`."""
        here = [each for each in self.endpoints if each.backend.node == self.node] if self.uses_local else []
        return _backends([each for each in here if each.ready] or [each for each in here if each.leaving])

    @cached_property
    def reachable(self) -> Sequence[Backend]:
        """All endpoints that rules of this node lead to."""
        return sorted({str(each): each for each in (*self.cluster, *self.local)}.values(), key=str)

    @cached_property
    def has_endpoints(self) -> bool:
        """Whether there is one that could be used, on whatever node."""
        return any(each.ready or each.leaving for each in self.endpoints)

    @property
    def inside(self) -> Sequence[Backend]:
        """The endpoints for callers in the cluster."""
        return self.local if self.internal_local else self.cluster

    @property
    def outside(self) -> Sequence[Backend]:
        """The endpoints for callers outside."""
        return self.local if self.external_local else self.cluster


def is_routed(service: Object) -> bool:
    """Whether nodes have rules for it: headless Services and aliases are matters of DNS alone."""
    spec = service["spec"]
    return spec.get("type") != "ExternalName" and spec.get("clusterIP") not in ("None", "", None)


def vips(service: Object) -> Iterator[str]:
    """The addresses of its load balancers at which packets arrive as they were sent."""
    for ingress in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
        if "ip" in ingress and ingress.get("ipMode", "VIP") == "VIP":
            yield ingress["ip"]


def service_ports(service: Object, slices: Sequence[Object], node: str, zone: str) -> list[ServicePort]:
    """Every port of a Service for one node; none if it is not routed."""
    if not is_routed(service):
        return []
    ports = service["spec"].get("ports") or ()
    return [ServicePort(service, each, list(_endpoints(each, slices)), node, zone) for each in ports]


def _endpoints(port: Object, slices: Sequence[Object]) -> Iterator[Endpoint]:
    name, protocol = port.get("name", ""), port.get("protocol", "TCP")
    for slice in slices:
        for each in slice.get("ports") or () if slice.get("addressType", "IPv4") == "IPv4" else ():
            if (each.get("name") or "") == name and (each.get("protocol") or "TCP") == protocol and each.get("port"):
                yield from (_endpoint(endpoint, each["port"], slice) for endpoint in slice.get("endpoints") or ())


def _endpoint(endpoint: Object, port: int, slice: Object) -> Endpoint:
    target, hints = endpoint.get("targetRef") or {}, endpoint.get("hints") or {}
    where, name = endpoint.get("nodeName", ""), slice["metadata"]["name"]
    conditions = endpoint.get("conditions") or {}
    ready = conditions.get("ready") is not False
    serving = ready if conditions.get("serving") is None else bool(conditions["serving"])
    return Endpoint(
        Backend(endpoint["addresses"][0], port, where, target.get("name", ""), name),
        ready,
        serving and bool(conditions.get("terminating")),
        [each["name"] for each in hints.get("forNodes") or ()],
        [each["name"] for each in hints.get("forZones") or ()],
    )


def _near(endpoints: list[Endpoint], node: str, zone: str) -> list[Endpoint]:
    """Those hinted for the node or else for its zone; all, unless every one has a hint and one of them fits."""
    hints: Sequence[tuple[Callable[[Endpoint], Sequence[str]], str]] = (
        (lambda each: each.nodes, node),
        (lambda each: each.zones, zone),
    )
    for hinted, here in hints:
        near = [each for each in endpoints if here in hinted(each)]
        if near and all(hinted(each) for each in endpoints):
            return near
    return endpoints


def _backends(endpoints: Sequence[Endpoint]) -> list[Backend]:
    """Each once, in the order in which the rules have them."""
    return sorted({str(each.backend): each.backend for each in endpoints}.values(), key=str)
