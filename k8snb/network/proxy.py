"""kube-proxy: from a Service's virtual address to one pod's.

On a real node kube-proxy writes rules into the kernel (iptables or nftables) and packets follow them. Here the
rules are worked out when a packet comes by, from the same Services and EndpointSlices and with the same outcome:
ready endpoints are chosen at random; if none is ready, those that still serve while they terminate; if there is
none at all, the connection is refused. Upstream: `pkg/proxy/topology.go`, `pkg/proxy/iptables/proxier.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.client.informer import Informers
from k8snb.clock import Clock
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import key_of
from k8snb.typing import Object

SERVICE_NAME = "kubernetes.io/service-name"
DEFAULT_AFFINITY_SECONDS = 10_800


@dataclass(frozen=True, slots=True)
class Backend:
    """One endpoint behind a Service port."""

    ip: str
    port: int
    node: str = ""
    pod: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a destination address and port are on every node: a port of a Service."""

    service: Object
    port: Object
    via: str
    """`cluster IP`, `node port`, `external IP` or `load balancer`."""

    @property
    def name(self) -> str:
        """`namespace/name:port`, as kube-proxy names it."""
        port = self.port.get("name", "")
        return f"{key_of(self.service)}:{port}" if port else str(key_of(self.service))


def _addresses(service: Object) -> Iterator[str]:
    spec = service["spec"]
    for ip in spec.get("clusterIPs") or ():
        if ip != "None":
            yield ip
    yield from spec.get("externalIPs") or ()
    for ingress in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
        if "ip" in ingress:
            yield ingress["ip"]


def _node_ports(service: Object) -> Iterator[str]:
    for port in service["spec"].get("ports") or ():
        if port.get("nodePort"):
            yield f"{port['nodePort']}/{port.get('protocol', 'TCP')}"


def _slice_service(slice: Object) -> Sequence[str]:
    meta = slice["metadata"]
    name = (meta.get("labels") or {}).get(SERVICE_NAME)
    return (f"{meta['namespace']}/{name}",) if name else ()


class Proxy:
    """The rules of all Services, and the choices made by them. Source addresses stick where affinity says so."""

    def __init__(self, informers: Informers, clock: Clock, lottery: Lottery) -> None:
        self._services = informers.of("services")
        self._services.add_index("address", lambda service: tuple(_addresses(service)))
        self._services.add_index("node port", lambda service: tuple(_node_ports(service)))
        self._slices = informers.of("endpointslices")
        self._slices.add_index("service", _slice_service)
        self._clock = clock
        self._lottery = lottery
        self._sticky: dict[tuple[str, str], tuple[Backend, float]] = {}

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

    def backends(self, rule: Rule, node: str) -> list[Backend]:
        """The endpoints that the rule may choose on a node."""
        found = [(e, port) for slice, port in self._ports(rule) for e in slice.get("endpoints") or ()]
        chosen = [_backend(e, p) for e, p in found if _is(e, "ready")]
        if not chosen:
            chosen = [_backend(e, p) for e, p in found if _is(e, "serving") and _is(e, "terminating", default=False)]
        spec = rule.service["spec"]
        policy = "internalTrafficPolicy" if rule.via == "cluster IP" else "externalTrafficPolicy"
        if spec.get(policy) == "Local":
            return [b for b in chosen if b.node == node]
        if spec.get("trafficDistribution") == "PreferSameNode":
            return [b for b in chosen if b.node == node] or chosen
        return chosen

    def _ports(self, rule: Rule) -> Iterator[tuple[Object, int]]:
        wanted = rule.port.get("name", "")
        for slice in self._slices.by_index("service", str(key_of(rule.service))):
            for port in slice.get("ports") or ():
                if port.get("name", "") == wanted:
                    yield slice, port["port"]

    def choose(self, rule: Rule, source: str, node: str) -> Backend | None:
        """One backend for a new connection; None if there is none to choose."""
        backends = self.backends(rule, node)
        spec = rule.service["spec"]
        if spec.get("sessionAffinity") != "ClientIP":
            return backends[self._lottery.below(len(backends))] if backends else None
        return self._stuck(rule, source, backends, _affinity_seconds(spec))

    def _stuck(self, rule: Rule, source: str, backends: list[Backend], seconds: float) -> Backend | None:
        key = (rule.name, source)
        known, until = self._sticky.get(key, (None, 0.0))
        if known not in backends or self._clock.now() > until:
            known = backends[self._lottery.below(len(backends))] if backends else None
        if known is not None:
            self._sticky[key] = (known, self._clock.now() + seconds)
        return known


def _affinity_seconds(spec: Object) -> float:
    config: Any = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return float(config.get("timeoutSeconds") or DEFAULT_AFFINITY_SECONDS)


def _via(service: Object, ip: str) -> str:
    spec = service["spec"]
    if ip in (spec.get("clusterIPs") or ()):
        return "cluster IP"
    return "external IP" if ip in (spec.get("externalIPs") or ()) else "load balancer"


def _is(endpoint: Object, condition: str, *, default: bool = True) -> bool:
    value = (endpoint.get("conditions") or {}).get(condition)
    return default if value is None else bool(value)


def _backend(endpoint: Object, port: int) -> Backend:
    target = endpoint.get("targetRef") or {}
    return Backend(endpoint["addresses"][0], port, endpoint.get("nodeName", ""), target.get("name", ""))
