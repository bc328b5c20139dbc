"""kube-proxy: from a Service's virtual address to one pod's.

On a real node kube-proxy writes rules into the kernel (iptables or nftables) and packets follow them. Here the rules
are worked out when a packet comes by, from the same Services and EndpointSlices and with the same outcome: ready
endpoints are chosen at random, those that are near if the slices hint at it; if none is ready, those that still serve
while they terminate; if there is none at all, the connection is refused. A policy `Local` looks at one node alone, and
drops what it cannot serve. Upstream: `pkg/proxy/topology.go`, `pkg/proxy/iptables/proxier.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from k8snb.client.informer import Informers
from k8snb.clock import Clock
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import key_of
from k8snb.typing import Object, ObjectKey

SERVICE_NAME = "kubernetes.io/service-name"
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


@dataclass(frozen=True, slots=True)
class Rule:
    """What a destination address and port are on every node: a port of a Service."""

    service: Object
    port: Object
    via: str
    """`cluster IP`, `node port`, `external IP` or `load balancer`."""

    @property
    def key(self) -> ObjectKey:
        """The Service's namespace and name."""
        return key_of(self.service)

    @property
    def name(self) -> str:
        """`namespace/name:port`, as kube-proxy names it."""
        port = self.port.get("name", "")
        return f"{self.key}:{port}" if port else str(self.key)

    @property
    def is_external(self) -> bool:
        """Whether the address is one for callers outside the cluster."""
        return self.via != "cluster IP"

    def is_local(self, *, inside: bool) -> bool:
        """Whether only endpoints on the packet's node count; not for the node's own pods at an external address."""
        spec = self.service["spec"]
        if self.is_external:
            return spec.get("externalTrafficPolicy") == "Local" and not inside
        return bool(spec.get("internalTrafficPolicy") == "Local")

    def admits(self, source: str) -> bool:
        """Whether the load balancer's address takes packets from there (`loadBalancerSourceRanges`)."""
        ranges = self.service["spec"].get("loadBalancerSourceRanges") or ()
        if self.via != "load balancer" or not ranges:
            return True
        return any(IPv4Address(source) in IPv4Network(each.strip(), strict=False) for each in ranges)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules do with a new connection: the endpoint that it goes to, and from how many it was chosen."""

    backend: Backend | None
    usable: int = 0
    reason: str = ""
    """`chance` or `affinity`; without a backend `no endpoints` (it is refused), `no local endpoints` or `source range`
    (it is dropped)."""


@dataclass(frozen=True, slots=True)
class _Endpoint:
    backend: Backend
    ready: bool
    leaving: bool
    """It terminates and still serves."""
    nodes: Sequence[str]
    zones: Sequence[str]


class Proxy:
    """The rules of all Services, and the choices made by them. Source addresses stick where affinity says so."""

    def __init__(self, informers: Informers, clock: Clock, lottery: Lottery, zone_of: Callable[[str], str]) -> None:
        self._services = informers.of("services")
        self._services.add_index("address", lambda service: tuple(_addresses(service)))
        self._services.add_index("node port", lambda service: tuple(_node_ports(service)))
        self._slices = informers.of("endpointslices")
        self._slices.add_index("service", slice_service)
        self._clock = clock
        self._lottery = lottery
        self._zone_of = zone_of
        self._sticky: dict[tuple[str, str], tuple[Backend, float]] = {}

    # -- rules -------------------------------------------------------------------------------------

    def rule(self, ip: str, port: int, *, is_node: bool, protocol: str = "TCP") -> Rule | None:
        """The rule for a destination; None where no Service has it."""
        for service in self._services.by_index("address", ip):
            for each in service["spec"].get("ports") or ():
                if each["port"] == port and each.get("protocol", "TCP") == protocol:
                    return Rule(service, each, _via(service, ip))
        if is_node:
            for service in self._services.by_index("node port", f"{port}/{protocol}"):
                for each in service["spec"]["ports"]:
                    if each.get("nodePort") == port:
                        return Rule(service, each, "node port")
        return None

    def knows(self, ip: str) -> bool:
        """Whether some Service has the address, on whatever port."""
        return bool(self._services.by_index("address", ip))

    # -- endpoints ---------------------------------------------------------------------------------

    def backends(self, rule: Rule, node: str, *, local: bool = False) -> list[Backend]:
        """The endpoints that the rule may choose on a node; with `local` only those that are there themselves."""
        return self._usable(list(self._endpoints(rule)), node, local=local)

    def _usable(self, endpoints: Sequence[_Endpoint], node: str, *, local: bool) -> list[Backend]:
        here = [each for each in endpoints if not local or each.backend.node == node]
        usable = [each for each in here if each.ready]
        if not usable:
            usable = [each for each in here if each.leaving]
        elif not local:
            usable = _near(usable, node, self._zone_of(node))
        return list({(each.backend.ip, each.backend.port): each.backend for each in usable}.values())

    def _endpoints(self, rule: Rule) -> Iterator[_Endpoint]:
        wanted = rule.port.get("name", "")
        for slice in self._slices.by_index("service", str(rule.key)):
            for port in slice.get("ports") or ():
                if port.get("name", "") == wanted:
                    yield from (_endpoint(each, port["port"], slice) for each in slice.get("endpoints") or ())

    # -- choosing ----------------------------------------------------------------------------------

    def choose(self, rule: Rule, source: str, node: str, *, inside: bool = True) -> Verdict:
        """Where a new connection goes that reaches the rules of a node; `inside` if it began on that node."""
        if not rule.admits(source):
            return Verdict(None, reason="source range")
        endpoints = list(self._endpoints(rule))
        backends = self._usable(endpoints, node, local=rule.is_local(inside=inside))
        if not backends:
            elsewhere = any(each.ready or each.leaving for each in endpoints)
            return Verdict(None, reason="no local endpoints" if elsewhere else "no endpoints")
        spec = rule.service["spec"]
        sticks = spec.get("sessionAffinity") == "ClientIP"
        backend, why = self._stuck(rule, source, backends) if sticks else (self._any(backends), "chance")
        return Verdict(backend, len(backends), why)

    def _any(self, backends: Sequence[Backend]) -> Backend:
        return backends[self._lottery.below(len(backends))]

    def _stuck(self, rule: Rule, source: str, backends: Sequence[Backend]) -> tuple[Backend, str]:
        """The endpoint that this source used last, if that was not long ago and it is still there."""
        key, now = (rule.name, source), self._clock.now()
        known, until = self._sticky.get(key, (None, 0.0))
        why = "affinity"
        if known is None or known not in backends or now > until:
            known, why = self._any(backends), "chance"
        self._sticky[key] = (known, now + _affinity_seconds(rule.service["spec"]))
        return known, why


# -- Services -----------------------------------------------------------------------------------------


def _is_routed(service: Object) -> bool:
    """Whether nodes have rules for it: headless Services and aliases are matters of DNS alone."""
    spec = service["spec"]
    return spec.get("type") != "ExternalName" and spec.get("clusterIP") not in ("None", "", None)


def _addresses(service: Object) -> Iterator[str]:
    if not _is_routed(service):
        return
    yield from service["spec"].get("clusterIPs") or ()
    yield from service["spec"].get("externalIPs") or ()
    for ingress in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
        if "ip" in ingress and ingress.get("ipMode", "VIP") == "VIP":
            yield ingress["ip"]


def _node_ports(service: Object) -> Iterator[str]:
    for port in service["spec"].get("ports") or () if _is_routed(service) else ():
        if port.get("nodePort"):
            yield f"{port['nodePort']}/{port.get('protocol', 'TCP')}"


def slice_service(slice: Object) -> Sequence[str]:
    """The Service that an EndpointSlice belongs to, as the key of an index; none if it does not say."""
    meta = slice["metadata"]
    name = (meta.get("labels") or {}).get(SERVICE_NAME)
    return (f"{meta['namespace']}/{name}",) if name else ()


def _affinity_seconds(spec: Object) -> float:
    config: Any = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return float(config.get("timeoutSeconds") or DEFAULT_AFFINITY_SECONDS)


def _via(service: Object, ip: str) -> str:
    spec = service["spec"]
    if ip in (spec.get("clusterIPs") or ()):
        return "cluster IP"
    return "external IP" if ip in (spec.get("externalIPs") or ()) else "load balancer"


# -- endpoints ----------------------------------------------------------------------------------------


def _endpoint(endpoint: Object, port: int, slice: Object) -> _Endpoint:
    target, hints = endpoint.get("targetRef") or {}, endpoint.get("hints") or {}
    where, name = endpoint.get("nodeName", ""), slice["metadata"]["name"]
    conditions = endpoint.get("conditions") or {}
    ready = conditions.get("ready") is not False
    serving = ready if conditions.get("serving") is None else bool(conditions["serving"])
    return _Endpoint(
        Backend(endpoint["addresses"][0], port, where, target.get("name", ""), name),
        ready,
        serving and bool(conditions.get("terminating")),
        [each["name"] for each in hints.get("forNodes") or ()],
        [each["name"] for each in hints.get("forZones") or ()],
    )


def _near(endpoints: list[_Endpoint], node: str, zone: str) -> list[_Endpoint]:
    """Those hinted for the node or else for its zone; all, unless every one has a hint and one of them fits."""
    for hinted, here in (([e.nodes for e in endpoints], node), ([e.zones for e in endpoints], zone)):
        near = [each for each, places in zip(endpoints, hinted, strict=True) if here in places]
        if near and all(hinted):
            return near
    return endpoints
