"""kube-proxy with iptables, its default: the chains that a node gets for its Services.

A packet to a Service is found in `KUBE-SERVICES` by address and port. From there it goes to the Service's own chain:
`KUBE-SVC-` with all endpoints, `KUBE-SVL-` with those of the node, `KUBE-EXT-` first if it came to an external address,
`KUBE-FW-` before that if the load balancer's sources are limited. The chain sends it to one endpoint's `KUBE-SEP-`,
where its destination is rewritten. What has no endpoint is rejected or dropped in the table `filter`.
Upstream: `pkg/proxy/iptables/proxier.go`.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from k8snb.network.rules.iptables import (
    MARK,
    Chance,
    Comment,
    Destination,
    Marked,
    Match,
    Noted,
    Own,
    Port,
    Recent,
    Rule,
    Source,
    State,
    Tables,
)
from k8snb.network.rules.ports import Backend, ServicePort

SERVICES = "KUBE-SERVICES"
EXTERNAL_SERVICES = "KUBE-EXTERNAL-SERVICES"
NODE_PORTS = "KUBE-NODEPORTS"
POSTROUTING = "KUBE-POSTROUTING"
MARK_MASQ = "KUBE-MARK-MASQ"
FORWARD = "KUBE-FORWARD"
FIREWALL = "KUBE-FIREWALL"
PROXY_FIREWALL = "KUBE-PROXY-FIREWALL"
LARGE = 1000
"""With more endpoints than that the rules of single endpoints carry no comments, to be smaller."""

_NEW = State("NEW")
_PORTALS = Comment("kubernetes service portals")
_VISIBLE = Comment("kubernetes externally-visible service portals")
_BALANCERS = Comment("kubernetes load balancer firewall")
_HEALTH = Comment("kubernetes health check service ports")

_FILTER_JUMPS = (
    ("INPUT", (_NEW, _BALANCERS), PROXY_FIREWALL),
    ("INPUT", (_HEALTH,), NODE_PORTS),
    ("INPUT", (_NEW, _VISIBLE), EXTERNAL_SERVICES),
    ("INPUT", (), FIREWALL),
    ("FORWARD", (_NEW, _BALANCERS), PROXY_FIREWALL),
    ("FORWARD", (Comment("kubernetes forwarding rules"),), FORWARD),
    ("FORWARD", (_NEW, _PORTALS), SERVICES),
    ("FORWARD", (_NEW, _VISIBLE), EXTERNAL_SERVICES),
    ("OUTPUT", (_NEW, _BALANCERS), PROXY_FIREWALL),
    ("OUTPUT", (_NEW, _PORTALS), SERVICES),
    ("OUTPUT", (), FIREWALL),
)
"""The ways from the kernel's own chains into those of Kubernetes, as they lie after each was put first in its turn."""

_NAT_JUMPS = (
    ("PREROUTING", (_PORTALS,), SERVICES),
    ("OUTPUT", (_PORTALS,), SERVICES),
    ("POSTROUTING", (Comment("kubernetes postrouting rules"),), POSTROUTING),
)

_NAT_RULES = (
    Rule(POSTROUTING, (Marked(negated=True),), "RETURN"),
    Rule(POSTROUTING, (), f"MARK --xor-mark {MARK}"),
    Rule(POSTROUTING, (Comment("kubernetes service traffic requiring SNAT"),), "MASQUERADE --random-fully"),
    Rule(MARK_MASQ, (), f"MARK --or-mark {MARK}"),
)

_LOOPBACK = "127.0.0.0/8"
_FILTER_RULES = (
    Rule(
        FIREWALL,
        (
            Comment("block incoming localnet connections"),
            Destination(_LOOPBACK),
            Source(_LOOPBACK, negated=True),
            State("RELATED,ESTABLISHED,DNAT", negated=True),
        ),
        "DROP",
    ),
    Rule(FORWARD, (State("INVALID"),), "DROP"),
    Rule(FORWARD, (Comment("kubernetes forwarding rules"), Marked()), "ACCEPT"),
    Rule(FORWARD, (Comment("kubernetes forwarding conntrack rule"), State("RELATED,ESTABLISHED")), "ACCEPT"),
)
_LAST = (
    Comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain"),
    Own("dst"),
)


@dataclass(frozen=True)
class Place:
    """What a proxy knows of its node: its address, and where the cluster's pods have theirs from."""

    ip: str
    pods: str


def chain_name(prefix: str, *parts: str) -> str:
    """The name of a chain of one Service port or endpoint: short enough for the kernel, and the same everywhere."""
    return prefix + b32encode(sha256("".join(parts).encode()).digest()[:10]).decode()


def tables(ports: Sequence[ServicePort], place: Place) -> Tables:
    """All rules of a node for these Service ports."""
    found = Tables(
        {name: [] for name in (*_chains(_FILTER_JUMPS), SERVICES, EXTERNAL_SERVICES, FORWARD, NODE_PORTS)},
        {name: [] for name in (*_chains(_NAT_JUMPS), SERVICES, NODE_PORTS, POSTROUTING, MARK_MASQ)},
    )
    found.filter.update({PROXY_FIREWALL: [], FIREWALL: []})
    for table, rules in (("filter", _FILTER_RULES), ("nat", _NAT_RULES)):
        for rule in rules:
            found.table(table)[rule.chain].append(rule)
    for table, jumps in (("filter", _FILTER_JUMPS), ("nat", _NAT_JUMPS)):
        for chain, matches, target in jumps:
            found.table(table)[chain].append(Rule(chain, matches, target))
    large = sum(len(each.endpoints) for each in ports) > LARGE
    for port in sorted(ports, key=lambda each: (each.name, each.protocol)):
        for table, rule in _Chains(port, place, comments=not large).rules():
            found.table(table).setdefault(rule.chain, []).append(rule)
    found.nat[SERVICES].append(Rule(SERVICES, _LAST, NODE_PORTS))
    return found


def _chains(jumps: Sequence[tuple[str, Sequence[Match], str]]) -> list[str]:
    return list(dict.fromkeys(chain for chain, _matches, _target in jumps))


class _Chains:
    """The rules of one Service port, each with its table."""

    def __init__(self, port: ServicePort, place: Place, *, comments: bool) -> None:
        self._port = port
        self._place = place
        self._comments = comments
        named = (port.name, port.protocol)
        self._cluster, self._local = chain_name("KUBE-SVC-", *named), chain_name("KUBE-SVL-", *named)
        self._external, self._firewall = chain_name("KUBE-EXT-", *named), chain_name("KUBE-FW-", *named)

    def rules(self) -> Iterator[tuple[str, Rule]]:
        """All of them, in the order in which kube-proxy writes them."""
        for rule in self._unserved():
            yield "filter", rule
        if self._port.has_endpoints:
            for rule in (*self._ways_in(), *self._ways_on()):
                yield "nat", rule

    def _rule(self, chain: str, matches: Sequence[Match], target: str = "") -> Rule:
        return Rule(chain, matches, target, self._port.name)

    def _at(self, ip: str, comment: str) -> tuple[Match, ...]:
        port = self._port
        return (Comment(f"{port.name} {comment}"), Port(port.protocol, port.number, ip))

    # -- what nobody serves ----------------------------------------------------------------------------

    def _unserved(self) -> Iterator[Rule]:
        """What of it is rejected, dropped or only let through, in the table `filter`."""
        port = self._port
        verdict, why = ("DROP", "has no local endpoints") if port.has_endpoints else ("REJECT", "has no endpoints")
        if not port.inside:
            yield self._rule(SERVICES, self._at(port.cluster_ip, why), verdict)
        if not port.outside:
            for ip in port.external_ips:
                yield self._rule(EXTERNAL_SERVICES, self._at(ip, why), verdict)
        if self._has_firewall:
            for ip in port.balancers:
                yield self._rule(PROXY_FIREWALL, self._at(ip, f"traffic not accepted by {self._firewall}"), "DROP")
        if not port.outside:
            for ip in port.balancers:
                yield self._rule(EXTERNAL_SERVICES, self._at(ip, why), verdict)
            if port.node_port:
                matches = (Comment(f"{port.name} {why}"), Own("dst"), Port(port.protocol, port.node_port))
                yield self._rule(EXTERNAL_SERVICES, matches, verdict)
        if port.health_port:
            health = (Comment(f"{port.name} health check node port"), Port("tcp", port.health_port))
            yield self._rule(NODE_PORTS, health, "ACCEPT")

    @property
    def _has_firewall(self) -> bool:
        return bool(self._port.has_endpoints and self._port.balancers and self._port.source_ranges)

    # -- from an address to the Service ----------------------------------------------------------------

    def _ways_in(self) -> Iterator[Rule]:
        port = self._port
        if port.inside:
            inside = self._local if port.internal_local else self._cluster
            yield self._rule(SERVICES, self._at(port.cluster_ip, "cluster IP"), inside)
        for ip in port.external_ips:
            yield self._rule(SERVICES, self._at(ip, "external IP"), self._external)
        for ip in port.balancers:
            target = self._firewall if self._has_firewall else self._external
            yield self._rule(SERVICES, self._at(ip, "loadbalancer IP"), target)
        if port.node_port:
            matches = (Comment(port.name, bare=True), Port(port.protocol, port.node_port))
            yield self._rule(NODE_PORTS, matches, self._external)

    # -- from the Service to an endpoint ---------------------------------------------------------------

    def _ways_on(self) -> Iterator[Rule]:
        port = self._port
        if port.inside:
            inside = self._local if port.internal_local else self._cluster
            matches = (*self._at(port.cluster_ip, "cluster IP"), Source(self._place.pods, negated=True))
            yield self._rule(inside, matches, MARK_MASQ)
        if port.is_external:
            yield from self._from_outside()
        if self._has_firewall:
            yield from self._sources()
        if port.cluster:
            yield from self._choice(self._cluster, port.cluster)
        if port.local:
            yield from self._choice(self._local, port.local)
        for backend in port.reachable:
            yield from self._endpoint(backend)

    def _from_outside(self) -> Iterator[Rule]:
        port = self._port

        def said(words: str) -> Comment:
            return Comment(f"{words} for {port.name} external destinations")

        if not port.external_local:
            yield self._rule(self._external, (said("masquerade traffic"),), MARK_MASQ)
        else:
            own = Own("src")
            yield self._rule(self._external, (said("pod traffic"), Source(self._place.pods)), self._cluster)
            yield self._rule(self._external, (said("masquerade LOCAL traffic"), own), MARK_MASQ)
            yield self._rule(self._external, (said("route LOCAL traffic"), own), self._cluster)
        if port.outside:
            yield self._rule(self._external, (), self._local if port.external_local else self._cluster)

    def _sources(self) -> Iterator[Rule]:
        """Who may use the load balancer's addresses."""
        port, said = self._port, Comment(f"{self._port.name} loadbalancer IP")
        for source in port.admitted(self._place.ip):
            yield self._rule(self._firewall, (said, Source(source)), self._external)
        words = f"other traffic to {port.name} will be dropped by {PROXY_FIREWALL}"
        yield self._rule(self._firewall, (Comment(words),))

    def _choice(self, chain: str, backends: Sequence[Backend]) -> Iterator[Rule]:
        """To the endpoint that the caller had, or to one by chance."""
        if self._port.affinity:
            for backend in backends:
                name = self._name(backend)
                yield self._rule(chain, (*self._to(backend), Recent(name, self._port.affinity)), name)
        for index, backend in enumerate(backends):
            yield self._rule(chain, (*self._to(backend), Chance(index, len(backends))), self._name(backend))

    def _endpoint(self, backend: Backend) -> Iterator[Rule]:
        name, port = self._name(backend), self._port
        said = (Comment(port.name, bare=True),) if self._comments else ()
        yield self._rule(name, (*said, Source(backend.ip)), MARK_MASQ)
        noted = (Noted(name, port.affinity),) if port.affinity else ()
        yield self._rule(name, (*said, *noted, Port(port.protocol)), f"DNAT --to-destination {backend}")

    def _to(self, backend: Backend) -> tuple[Match, ...]:
        return (Comment(f"{self._port.name} -> {backend}"),) if self._comments else ()

    def _name(self, backend: Backend) -> str:
        return chain_name("KUBE-SEP-", self._port.name, self._port.protocol, str(backend))
