"""kube-proxy with nftables: the table that a node gets for its Services.

`service-ips` and `service-nodeports` lead from a destination to the chain of its Service: `service-…` with all
endpoints, `local-…` with those of the node, `external-…` first for addresses from outside. From there it goes to one
`endpoint-…` by a number drawn at random. `no-endpoint-…` says what becomes of the others, `firewall-ips` whose sources
are limited. Upstream: `pkg/proxy/nftables/proxier.go`.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterator, Sequence
from hashlib import sha256

from k8snb.network.rules.iptables_proxier import Place
from k8snb.network.rules.nftables import DESTINATION, PORT, Chain, Match, Rule, Set, Table, Verdicts
from k8snb.network.rules.ports import Backend, ServicePort

MASQUERADE = "mark-for-masquerade"
REJECT = "reject-chain"

_NEW = Match("ct state", ("new",))
_NODE_PORTS = Match("ip daddr", set="nodeport-ips")

_BASE = {
    "filter-prerouting-pre-dnat": ("type filter hook prerouting priority -110", "dstnat - 10"),
    "filter-output-pre-dnat": ("type filter hook output priority -110", "-110"),
    "filter-forward": ("type filter hook forward priority 0", "filter"),
    "filter-input": ("type filter hook input priority 0", "filter"),
    "filter-output": ("type filter hook output priority 0", "filter"),
    "nat-output": ("type nat hook output priority -100", "-100"),
    "nat-postrouting": ("type nat hook postrouting priority 100", "srcnat"),
    "nat-prerouting": ("type nat hook prerouting priority -100", "dstnat"),
}
"""The chains that the kernel sends packets to, and their priorities in words."""

_OTHERS = (
    "cluster-ips-check",
    "firewall-check",
    MASQUERADE,
    "masquerading",
    "nodeport-endpoints-check",
    REJECT,
    "services",
    "service-endpoints-check",
)

_JUMPS = (
    ("filter-prerouting-pre-dnat", "firewall-check"),
    ("filter-output-pre-dnat", "firewall-check"),
    ("filter-forward", "service-endpoints-check"),
    ("filter-forward", "cluster-ips-check"),
    ("filter-input", "nodeport-endpoints-check"),
    ("filter-input", "service-endpoints-check"),
    ("filter-output", "service-endpoints-check"),
    ("filter-output", "cluster-ips-check"),
)


def table(ports: Sequence[ServicePort], place: Place, service_range: str) -> Table:
    """All rules of a node for these Service ports; `service_range` is where cluster IPs come from."""
    made = Table(_sets(place), _maps(), _chains())
    for rule in _fixed(service_range):
        made.chains[rule.chain].rules.append(rule)
    for port in sorted(ports, key=lambda each: (each.name, each.protocol)):
        _Writing(port, place, made).write()
    return made


def _sets(place: Place) -> dict[str, Set]:
    return {
        "cluster-ips": Set("Active ClusterIPs"),
        "nodeport-ips": Set("IPs that accept NodePort traffic", {place.ip: None} if place.ip else {}),
    }


def _maps() -> dict[str, Verdicts]:
    unserved = "vmap to drop or reject packets to {} with no endpoints"
    return {
        "firewall-ips": Verdicts(DESTINATION, "destinations that are subject to LoadBalancerSourceRanges"),
        "no-endpoint-nodeports": Verdicts(PORT, unserved.format("service nodeports")),
        "no-endpoint-services": Verdicts(DESTINATION, unserved.format("services")),
        "service-ips": Verdicts(DESTINATION, "ClusterIP, ExternalIP and LoadBalancer IP traffic"),
        "service-nodeports": Verdicts(PORT, "NodePort traffic"),
    }


def _chains() -> dict[str, Chain]:
    made = {name: Chain([], hook, hook.rpartition(" ")[0] + f" {priority}") for name, (hook, priority) in _BASE.items()}
    helper = {REJECT: "helper for @no-endpoint-services / @no-endpoint-nodeports"}
    return made | {name: Chain([], comment=helper.get(name, "")) for name in _OTHERS}


def _fixed(service_range: str) -> Iterator[Rule]:
    """What is there without any Service."""
    yield from (Rule(chain, (_NEW,), "jump", target) for chain, target in _JUMPS)
    for chain, target in (
        ("nat-output", "services"),
        ("nat-postrouting", "masquerading"),
        ("nat-prerouting", "services"),
    ):
        yield Rule(chain, (), "jump", target)
    check = "cluster-ips-check"
    words = "Reject traffic to invalid ports of ClusterIPs"
    yield Rule(check, (Match("ip daddr", set="cluster-ips"),), "reject", comment=words)
    everywhere = Match("ip daddr", (service_range,), braces=True)
    yield Rule(check, (everywhere,), "drop", comment="Drop traffic to unallocated ClusterIPs")
    yield Rule("firewall-check", (), "vmap", "firewall-ips", key=DESTINATION)
    yield Rule(MASQUERADE, (), "mark or")
    yield Rule("masquerading", (Match("mark"),), "return")
    yield Rule("masquerading", (), "mark xor")
    yield Rule("masquerading", (), "masquerade", "fully-random")
    yield Rule("nodeport-endpoints-check", (_NODE_PORTS,), "vmap", "no-endpoint-nodeports", key=PORT)
    yield Rule(REJECT, (), "reject")
    yield Rule("services", (), "vmap", "service-ips", key=DESTINATION)
    yield Rule("services", (_NODE_PORTS,), "vmap", "service-nodeports", key=PORT)
    yield Rule("service-endpoints-check", (), "vmap", "no-endpoint-services", key=DESTINATION)


def hashed(name: str) -> str:
    """A name with the beginning of its hash in front, so that names which differ at their end are told apart."""
    return f"{b32encode(sha256(name.encode()).digest()[:5]).decode()}-{name}"


class _Writing:
    """Writes what one Service port adds to the table."""

    def __init__(self, port: ServicePort, place: Place, table: Table) -> None:
        self._port = port
        self._place = place
        self._table = table
        meta = port.service["metadata"]
        self._base = f"{meta['namespace']}/{meta['name']}/{port.protocol}/{port.port.get('name', '')}"
        own = hashed(self._base)
        self._cluster, self._local = f"service-{own}", f"local-{own}"
        self._external, self._firewall = f"external-{own}", f"firewall-{own}"

    def write(self) -> None:
        """Add all of it."""
        port = self._port
        if port.cluster_ip:
            self._table.sets["cluster-ips"].elements[port.cluster_ip] = None
        self._unserved()
        if not port.has_endpoints:
            return
        self._ways_in()
        if port.inside:
            inside = self._local if port.internal_local else self._cluster
            at = (Match("ip daddr", (port.cluster_ip,)), Match("ip saddr", (self._place.pods,), negated=True))
            self._rule(inside, at, "jump", MASQUERADE)
        if port.is_external:
            self._from_outside()
        for chain, backends in ((self._cluster, port.cluster), (self._local, port.local)):
            if backends:
                self._choice(chain, backends)
        for backend in port.reachable:
            self._endpoint(backend)

    def _rule(self, chain: str, matches: Sequence[Match], verb: str, argument: str = "", comment: str = "") -> None:
        rule = Rule(chain, matches, verb, argument, comment, service=self._port.name)
        self._table.chains.setdefault(chain, Chain()).rules.append(rule)

    def _entry(self, name: str, ip: str, verdict: str, comment: str = "") -> None:
        """An entry of a map, for the Service's port at an address, or for its node port."""
        port = self._port
        key = (ip, port.protocol, str(port.number)) if ip else (port.protocol, str(port.node_port))
        self._table.maps[name].elements[key] = (verdict, comment)

    # -- what nobody serves ----------------------------------------------------------------------------

    def _unserved(self) -> None:
        port = self._port
        verdict = "drop" if port.has_endpoints else f"goto {REJECT}"
        if not port.inside:
            self._entry("no-endpoint-services", port.cluster_ip, verdict, port.name)
        if not port.outside:
            for ip in (*port.external_ips, *port.balancers):
                self._entry("no-endpoint-services", ip, verdict, port.name)
            if port.node_port:
                self._entry("no-endpoint-nodeports", "", verdict, port.name)
        if port.balancers and port.source_ranges:
            self._sources()

    def _sources(self) -> None:
        """Who may use the load balancer's addresses."""
        port = self._port
        allowed = port.admitted(self._place.ip)
        self._rule(self._firewall, (Match("ip saddr", allowed, negated=True, braces=True),), "drop")
        for ip in port.balancers:
            self._entry("firewall-ips", ip, f"goto {self._firewall}")

    # -- from an address to an endpoint ----------------------------------------------------------------

    def _ways_in(self) -> None:
        port = self._port
        if port.inside:
            self._entry("service-ips", port.cluster_ip, f"goto {self._local if port.internal_local else self._cluster}")
        for ip in (*port.external_ips, *port.balancers):
            self._entry("service-ips", ip, f"goto {self._external}")
        if port.node_port:
            self._entry("service-nodeports", "", f"goto {self._external}")

    def _from_outside(self) -> None:
        port, chain = self._port, self._external
        if port.external_local:
            own = Match("fib saddr type", ("local",))
            pods = Match("ip saddr", (self._place.pods,))
            self._rule(chain, (pods,), "goto", self._cluster, "short-circuit pod traffic")
            self._rule(chain, (own,), "jump", MASQUERADE, "masquerade local traffic")
            self._rule(chain, (own,), "goto", self._cluster, "short-circuit local traffic")
        else:
            self._rule(chain, (), "jump", MASQUERADE)
        if port.outside:
            self._rule(chain, (), "goto", self._local if port.external_local else self._cluster)

    def _choice(self, chain: str, backends: Sequence[Backend]) -> None:
        """To the endpoint that the caller had, or to one by chance."""
        if self._port.affinity:
            for backend in backends:
                named = self._name(backend)
                self._table.sets[f"affinity-{named}"] = Set(timeout=self._port.affinity)
                self._rule(chain, (Match("ip saddr", set=f"affinity-{named}"),), "goto", f"endpoint-{named}")
        choices = [f"endpoint-{self._name(each)}" for each in backends]
        rule = Rule(chain, (), "numgen", choices=choices, service=self._port.name)
        self._table.chains.setdefault(chain, Chain()).rules.append(rule)

    def _endpoint(self, backend: Backend) -> None:
        chain, port = f"endpoint-{self._name(backend)}", self._port
        self._rule(chain, (Match("ip saddr", (backend.ip,)),), "jump", MASQUERADE)
        if port.affinity:
            self._rule(chain, (), "update", f"affinity-{self._name(backend)}")
        self._rule(chain, (Match("meta l4proto", (port.protocol,)),), "dnat to", str(backend))

    def _name(self, backend: Backend) -> str:
        return hashed(f"{self._base}__{backend.ip}/{backend.port}")
