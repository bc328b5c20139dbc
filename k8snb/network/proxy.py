"""kube-proxy: from a Service's virtual address to one pod's.

Every node has a `Proxy` of its own. It makes rules of the Services and EndpointSlices that it knows
(`k8snb.network.rules`), and a packet that reaches the node follows them. Whole tables are made only when somebody wants
to see them. For a packet the proxy makes the rules of the Services that its destination could be about, and keeps them
until one of those objects changes: the rules of all others would be compared and passed over, so the outcome is the
same, which a property test checks.

A proxy that does not run leaves its node with the rules that it wrote last. Upstream: `pkg/proxy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import is_
from typing import TYPE_CHECKING

from k8snb.client.informer import Informers
from k8snb.clock import Clock
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import key_of
from k8snb.network.addresses import Addresses
from k8snb.network.kernel import NodeKernel, Thought
from k8snb.network.rules.hostports import beside, leads
from k8snb.network.rules.iptables import Packet, Tables
from k8snb.network.rules.iptables_proxier import Place, tables
from k8snb.network.rules.ports import ServicePort, is_routed, service_ports, vips
from k8snb.network.rules.walking import Walk, walk
from k8snb.network.wiring import Wiring
from k8snb.typing import Object, ObjectKey

if TYPE_CHECKING:  # what readers alone ask for is imported when they do
    from k8snb.network.rules.growth import Costs
    from k8snb.network.rules.nftables import Table

SERVICE_NAME = "kubernetes.io/service-name"
KEPT = 4_096
"""The rules of so many destinations are kept; then it begins anew, so that Services that are gone are forgotten."""


class Known:
    """The Services and slices that a proxy goes by: what its informers hold, or what they held when it stopped."""

    def __init__(self, services: Iterable[Object], slices: Iterable[Object]) -> None:
        self._services = list(services)
        self._addresses: dict[str, list[Object]] = {}
        self._ports: dict[str, list[Object]] = {}
        self._slices: dict[str, list[Object]] = {}
        for service in self._services:
            for index, values in ((self._addresses, _addresses(service)), (self._ports, _node_ports(service))):
                for value in values:
                    index.setdefault(value, []).append(service)
        for slice in slices:
            for value in slice_service(slice):
                self._slices.setdefault(value, []).append(slice)

    def services(self) -> Sequence[Object]:
        """All Services."""
        return self._services

    def at(self, ip: str) -> Sequence[Object]:
        """The Services that have an address."""
        return self._addresses.get(ip, ())

    def on_port(self, port: int, protocol: str) -> Sequence[Object]:
        """The Services that have a node port."""
        return self._ports.get(f"{port}/{protocol}", ())

    def slices(self, key: str) -> Sequence[Object]:
        """The slices of a Service, by `namespace/name`."""
        return self._slices.get(key, ())


class Followed(Known):
    """What the informers hold now."""

    def __init__(self, informers: Informers) -> None:
        super().__init__((), ())
        self._of_services = informers.of("services")
        self._of_services.add_index("address", lambda service: tuple(_addresses(service)))
        self._of_services.add_index("node port", lambda service: tuple(_node_ports(service)))
        self._of_slices = informers.of("endpointslices")
        self._of_slices.add_index("service", slice_service)

    def services(self) -> Sequence[Object]:
        return self._of_services.list()

    def at(self, ip: str) -> Sequence[Object]:
        return self._of_services.by_index("address", ip)

    def on_port(self, port: int, protocol: str) -> Sequence[Object]:
        return self._of_services.by_index("node port", f"{port}/{protocol}")

    def slices(self, key: str) -> Sequence[Object]:
        return self._of_slices.by_index("service", key)

    def kept(self) -> Known:
        """The same as it is now, whatever comes."""
        return Known(self._of_services.list(), self._of_slices.list())


@dataclass(frozen=True, slots=True)
class Found:
    """A port of a Service that a destination is about, and what kind of address it was found at."""

    port: ServicePort
    via: str
    """`cluster IP`, `node port`, `external IP` or `load balancer`."""

    @property
    def key(self) -> ObjectKey:
        """The Service's namespace and name."""
        return key_of(self.port.service)

    @property
    def is_external(self) -> bool:
        """Whether the address is one for callers outside the cluster."""
        return self.via != "cluster IP"


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made of some objects, and those objects, to see whether it still holds."""

    objects: Sequence[object]
    ports: Sequence[ServicePort]

    def still(self, objects: Sequence[object]) -> bool:
        return len(objects) == len(self.objects) and all(map(is_, objects, self.objects))


class Proxy:
    """kube-proxy on one node, and the part of the node's kernel that it writes."""

    def __init__(self, node: str, kernel: NodeKernel, known: Followed, wiring: Wiring) -> None:
        self.node = node
        self._wiring = wiring
        self.kernel = kernel
        self._follows = known
        self._known: Known = known
        self._ports: dict[str, _Made] = {}
        self._tables: dict[tuple[str, ...], tuple[Sequence[ServicePort], Tables]] = {}

    # -- running -------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether it follows what changes."""
        return self._known is self._follows

    def stop(self) -> None:
        """Stop following: the rules stay as they are."""
        if self.running:
            self._known = self._follows.kept()

    def start(self) -> None:
        """Follow again, beginning with all that has changed."""
        self._known = self._follows

    # -- rules ---------------------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """What it knows of its node."""
        return Place(self.kernel.ip, self.kernel.pods)

    def ports(self) -> list[ServicePort]:
        """Every port of every Service, as it sees them."""
        return [port for service in self._known.services() for port in self._of(service)]

    def tables(self) -> Tables:
        """All its rules, and those that portmap wrote beside them."""
        made, filter = tables(self.ports(), self.place), self._wiring.filter(self.node)
        return made if filter is None else beside(made, filter)

    def find(self, ip: str, port: int, decided: str = "") -> Found | None:
        """The port of a Service that a destination is about; None where no Service has it.

        Several Services may have one external address: then it is the one that `decided` (`Walk.service`).
        """
        found = list(self._about(ip, port))
        return next((each for each in found if each.port.name == decided), found[0] if found else None)

    def _about(self, ip: str, port: int) -> Iterator[Found]:
        for service in self._known.at(ip):
            for each in self._of(service):
                if each.number == port and each.protocol == "tcp":
                    yield Found(each, _via(each, ip))
        for service in self._known.on_port(port, "TCP") if self.kernel.is_local(ip) else ():
            for each in self._of(service):
                if each.node_port == port and each.protocol == "tcp":
                    yield Found(each, "node port")

    def knows(self, ip: str) -> bool:
        """Whether some Service has the address, on whatever port."""
        return bool(self._known.at(ip))

    def _of(self, service: Object) -> Sequence[ServicePort]:
        key = str(key_of(service))
        zone = self.kernel.zone
        objects = (service, zone, *self._known.slices(key))
        made = self._ports.get(key)
        if made is None or not made.still(objects):
            ports = service_ports(service, objects[2:], self.node, zone)  # type: ignore[arg-type]
            made = self._ports[key] = _Made(objects, ports)
        return made.ports

    # -- packets -------------------------------------------------------------------------------------

    def send(self, packet: Packet) -> Walk | None:
        """Let the first packet of a connection follow the rules; None if none of a Service or a port is about it."""
        services, filter = self._known.at(packet.ip), None
        if self.kernel.is_local(packet.ip):
            services = [*services, *self._known.on_port(packet.port, packet.protocol.upper())]
            filter = self._wiring.filter(self.node)
        if filter is not None and not leads(filter, packet):
            filter = None
        if not services and filter is None:
            return None
        source, dialled = packet.source, packet.destination
        rules = self._few(services)
        rules = rules if filter is None else beside(rules, filter)
        found = walk(rules, packet, self.kernel, arrives=not self.kernel.is_local(source))
        if packet.masqueraded:
            packet.source = self.kernel.ip or source
        if packet.rewritten and found.verdict == "ACCEPT":
            self.kernel.tracking.note(source, dialled, packet)
        return found

    def _few(self, services: Sequence[Object]) -> Tables:
        """The rules of some Services, among those that are there for all."""
        key = tuple(str(key_of(each)) for each in services)
        ports = [port for service in services for port in self._of(service)]
        known = self._tables.get(key)
        if known is not None and len(known[0]) == len(ports) and all(map(is_, known[0], ports)):
            return known[1]
        if len(self._tables) >= KEPT:
            self._tables.clear()
            self._ports.clear()
        made = tables(ports, self.place)
        self._tables[key] = (ports, made)
        return made

    # -- for readers ---------------------------------------------------------------------------------

    def iptables_save(self, service: str = "") -> str:
        """What `iptables-save` prints on the node; with a Service (`default/web`, or `web`) only the rules about it."""
        made = self.tables()
        return made.saved if not service else "".join(f"{rule.printed}\n" for rule in made.about(_full(service)))

    def iptables_restore(self) -> str:
        """What the proxy hands to `iptables-restore --noflush` when it writes everything anew."""
        return self.tables().restored

    def nft(self, service: str = "") -> str:
        """What `nft list ruleset` prints if nftables is the proxy's mode and portmap's backend.

        With a Service only what is about it.
        """
        made, ports = self._nftables(), self._ports_by_nft()
        if service:
            return made.about(_full(service))
        return made.listed + (f"\n{ports.listed}" if ports is not None else "")

    def _nftables(self) -> Table:
        from k8snb.network.rules.growth import SERVICE_RANGE
        from k8snb.network.rules.nftables_proxier import table

        return table(self.ports(), self.place, SERVICE_RANGE)

    def _ports_by_nft(self) -> Table | None:
        """What portmap would have written if its backend were nftables; None as long as that is nothing."""
        from k8snb.network.rules.hostports_nft import table

        told = self._wiring.filter(self.node)
        return table(self._wiring.ports(self.node)) if told is not None else None

    def ipvsadm(self) -> str:
        """What `ipvsadm -Ln` prints if the proxy's mode is IPVS."""
        from k8snb.network.rules.ipvs import listed, virtuals

        return listed(virtuals(self.ports(), self.place))

    def conntrack(self) -> str:
        """What `conntrack -L` prints of the connections to Services that callers on this node opened."""
        return self.kernel.tracking.listed()

    def walk(self, source: str, destination: str, *, mode: str = "iptables") -> Walk:
        """Follow a packet through all rules, without sending it: from an address to an address and port.

        `mode` is `iptables` or `nftables`. Chance has lots of its own here, so nothing else is decided otherwise.
        """
        ip, _colon, port = destination.rpartition(":")
        packet, kernel = Packet(source, ip, int(port)), self._thought()
        arrives = not kernel.is_local(source)
        if mode == "nftables":
            from k8snb.network.rules import nft_walking

            ports = self._ports_by_nft()
            return nft_walking.walk(self._nftables(), packet, kernel, arrives=arrives, ports=ports)
        return walk(self.tables(), packet, kernel, arrives=arrives)

    def lookups(self, *counts: int, endpoints: int = 3) -> Costs:
        """How many rules each mode needs and how many a packet is held against: for the Services that there are.

        With `counts`: for so many made-up Services of so many endpoints each.
        """
        from k8snb.network.rules.growth import Costs, cost, growth

        if counts:
            return growth(counts, self.place, self._thought(), endpoints)
        return Costs([cost(self.ports(), self.place, self._thought(), "10.244.0.9")])

    def _thought(self) -> Thought:
        return Thought(self.kernel, Lottery(1))


class Proxies:
    """The proxies of all nodes, made when a packet comes to a node or somebody looks."""

    def __init__(self, informers: Informers, addresses: Addresses, pods: str, clock: Clock, lottery: Lottery) -> None:
        self._known = Followed(informers)
        self._addresses = addresses
        self._pods = pods
        self._clock = clock
        self._lottery = lottery
        self._made: dict[str, Proxy] = {}

    def of(self, node: str) -> Proxy:
        """The proxy of a node. Without a node it is a load balancer's view of the cluster."""
        found = self._made.get(node)
        if found is None:
            kernel = NodeKernel(node, self._addresses, self._pods, self._clock, self._lottery)
            found = self._made[node] = Proxy(node, kernel, self._known, self._addresses.wiring)
        return found

    @property
    def outside(self) -> Proxy:
        """Of no node: what is known outside of addresses that lead in."""
        return self.of("")


# -- Services -----------------------------------------------------------------------------------------


def _addresses(service: Object) -> Iterator[str]:
    if is_routed(service):
        yield from service["spec"].get("clusterIPs") or ()
        yield from service["spec"].get("externalIPs") or ()
        yield from vips(service)


def _node_ports(service: Object) -> Iterator[str]:
    for port in service["spec"].get("ports") or () if is_routed(service) else ():
        if port.get("nodePort"):
            yield f"{port['nodePort']}/{port.get('protocol', 'TCP')}"


def slice_service(slice: Object) -> Sequence[str]:
    """The Service that an EndpointSlice belongs to, as the key of an index; none if it does not say."""
    meta = slice["metadata"]
    name = (meta.get("labels") or {}).get(SERVICE_NAME)
    return (f"{meta['namespace']}/{name}",) if name else ()


def _full(service: str) -> str:
    return service if "/" in service else f"default/{service}"


def _via(port: ServicePort, ip: str) -> str:
    if ip == port.cluster_ip:
        return "cluster IP"
    return "external IP" if ip in port.external_ips else "load balancer"
