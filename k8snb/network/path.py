"""The way of one connection, hop by hop: what a packet meets between a program that asks and one that answers.

A connection is made in the steps that a real one takes, and every step is a `Hop`: the name is resolved, the rules of
the node at which the packet is rewrite a virtual address, the packet crosses to the node of the chosen pod and reaches
whoever listens there. The rules that count are those of the node where the packet first arrives: the sender's own for
virtual addresses, the addressed one for a node port, any node for a load balancer's address.

Policies are asked on the node of the sender, once the rules have put a pod's address in place of a virtual one, and on
that of the receiver, before an address is masqueraded; what they do not let through is dropped.

Addresses are rewritten in both directions. Where an answer would otherwise take another way back (a caller from
outside, a pod that reaches itself through its Service), the node puts its own address in the sender's place
(masquerading); `externalTrafficPolicy: Local` is there to avoid that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from k8snb.i18n import _
from k8snb.machinery.names import Lottery
from k8snb.network.addresses import Addresses
from k8snb.network.dns import DNS, NAMESERVER, Answer, is_address
from k8snb.network.policies.enforcement import Enforcement
from k8snb.network.policies.judgement import EGRESS, Side
from k8snb.network.policies.wording import side_words
from k8snb.network.proxy import Found, Proxies
from k8snb.network.rules.iptables import Packet
from k8snb.network.rules.iptables_proxier import PROXY_FIREWALL
from k8snb.network.rules.walking import Walk
from k8snb.network.ways import Ways
from k8snb.packet import Endpoint, NetworkError, Unanswered

TIMEOUT_SECONDS = 30.0
"""How long a client waits for an address that nobody answers on."""

RESOLVER_SECONDS = 10.0
"""How long a resolver waits for a DNS server that says nothing: twice `timeout` of `/etc/resolv.conf`."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a packet: what kind of step, on which node, in words, and how the packet looks after it."""

    kind: str
    """`dns`, `service`, `policy`, `node` or `pod`."""
    node: str
    text: str
    source: str = ""
    address: str = ""
    """Where the packet goes now: an address, with a port once it is on its way."""
    saw: Sequence[tuple[str, str]] = ()
    """What decided it: labels and values, for readers."""
    objects: Sequence[str] = ()
    """The objects of the API that it rests on: `Service/my-service`."""
    failed: bool = False
    """Whether it ends here."""


@dataclass(slots=True)
class Connection:
    """A connection that came about (`endpoint` is set) or failed (`error` is)."""

    source: str = ""
    """The address that the other side sees."""
    node: str = ""
    """Where the packet is; empty outside the cluster."""
    home: str = ""
    """Where it came from: the node of the caller, and empty outside the cluster."""
    sender: str = ""
    """The address that the packet has on this node before it is masqueraded."""
    ip: str = ""
    port: int = 0
    namespace: str = ""
    """The namespace of the Service that is called, if any is."""
    hops: list[Hop] = field(default_factory=list)
    endpoint: Endpoint | None = None
    error: NetworkError | None = None

    @property
    def destination(self) -> str:
        """Address and port."""
        return f"{self.ip}:{self.port}"

    def note(self, kind: str, text: str, *objects: str, saw: Sequence[tuple[str, str]] = ()) -> None:
        """Keep a step, with the packet as it is now."""
        self.hops.append(Hop(kind, self.node, text, self.source, self.destination, saw, objects))

    def fail(
        self, step: str, kind: str, text: str, *objects: str, dialled: str, saw: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Note that it ends with this step, and how the program hears of it: about the address that it asked for."""
        self.hops.append(Hop(step, self.node, text, self.source, self.destination, saw, objects, failed=True))
        self.error = NetworkError(kind, dialled, TIMEOUT_SECONDS if kind == "timeout" else 0.0)


class Paths:
    """Finds the way of every connection in one cluster."""

    def __init__(
        self, addresses: Addresses, proxies: Proxies, dns: DNS, enforcement: Enforcement, lottery: Lottery
    ) -> None:
        self._addresses = addresses
        self._enforcement = enforcement
        self._proxies = proxies
        self._dns = dns
        self._lottery = lottery
        self._ways = Ways(addresses)

    def connect(self, source: str, host: str, port: int, node: str = "") -> Connection:
        """Try to open a TCP connection from an address (on a node, if several have it) to a host and port."""
        home = node or self._addresses.node_of(source)
        connection = Connection(source, home, home, source, port=port)
        self._resolve(connection, host)
        dialled = connection.destination
        for step in (self._reach_rules, self._apply_rules, self._leave_pod, self._reach_pod):
            if connection.error is None:
                step(connection, dialled)
        return connection

    # -- names -------------------------------------------------------------------------------------

    def lookup(self, source: str, name: str, node: str = "") -> Answer | None:
        """What a name is to the pod at `source`. Several addresses come in any order, so that callers spread.

        Raises Unanswered where nobody answers, or policies let the question not through.
        """
        if self._enforcement.silencing(source, node) is not None:
            raise Unanswered(name, RESOLVER_SECONDS)
        found = self._dns.resolve(name, self._addresses.namespace_of(source, node))
        if found is None or len(found.addresses) < 2:
            return found
        rest, shuffled = list(found.addresses), []
        while rest:
            shuffled.append(rest.pop(self._lottery.below(len(rest))))
        return Answer(found.name, tuple(shuffled), found.alias, found.service)

    def _resolve(self, connection: Connection, host: str) -> None:
        if is_address(host):
            connection.ip = host if not host.startswith("127.") else connection.source
        elif host == "localhost":
            connection.ip = connection.source
        else:
            self._look_up(connection, host)

    def _look_up(self, connection: Connection, host: str) -> None:
        try:
            found = self.lookup(connection.source, host, connection.node) if connection.node else None
        except Unanswered as error:
            side, objects = self._enforcement.silencing(connection.source, connection.home), []
            text = _("{server} does not answer").format(server=NAMESERVER)
            if side is not None:
                text, objects = side_words(side), [f"NetworkPolicy/{each.name}" for each in side.isolating]
            saw = [(_("name"), host)]
            connection.hops.append(Hop("dns", connection.node, text, connection.source, "", saw, objects, failed=True))
            connection.error = error
            return
        service = self._service_of(connection, found)
        saw = [(_("name"), host), (_("found as"), found.name)] if found is not None else [(_("name"), host)]
        if found is None or not found.addresses:
            words = _("{host}: no such name") if found is None else _("{host} is another name for {alias}")
            alias = found.alias if found is not None else ""
            text = words.format(host=host, alias=alias)
            connection.hops.append(Hop("dns", connection.node, text, connection.source, "", saw, service, failed=True))
            connection.error = NetworkError("not found", alias or host)
            return
        connection.ip = found.addresses[0]
        many = _("{server} answers: {count} addresses, the first of them {ip}")
        words = many if len(found.addresses) > 1 else _("{server} answers: {ip}")
        text = words.format(server=NAMESERVER, ip=connection.ip, count=len(found.addresses))
        connection.hops.append(Hop("dns", connection.node, text, connection.source, connection.ip, saw, service))

    def _service_of(self, connection: Connection, found: Answer | None) -> list[str]:
        """The Service behind a name, as an id."""
        if found is None or not found.service:
            return []
        connection.namespace, _slash, name = found.service.partition("/")
        return [f"Service/{name}"]

    # -- to the rules ------------------------------------------------------------------------------

    def _reach_rules(self, connection: Connection, dialled: str) -> None:
        """Bring the packet to the node whose rules it meets first."""
        place = self._addresses.node_at(connection.ip)
        if not connection.node:
            self._enter(connection, place, dialled)
        elif place and place != connection.node:
            self._leave_pod(connection, dialled)
            if connection.error is None:
                self._leave(connection, place)

    def _enter(self, connection: Connection, place: str, dialled: str) -> None:
        """Into the cluster from outside: to a node, or to an address that leads to one of them."""
        found = self._proxies.outside.find(connection.ip, connection.port)
        if found is not None and found.is_external:
            place = self._door(connection, found)
            text = _("{ip} leads to {node}: the load balancer chose it")
        elif not place and self._addresses.machine(connection.source) is not None:
            place = self._ways.door(connection.ip)
            text = _("from the API server to {node}, which has {ip}")
        else:
            text = _("from outside to {node}")
        if not place:
            words = _("outside the cluster nobody knows a way to {ip}").format(ip=connection.ip)
            connection.fail("node", "timeout", words, *_services(found), dialled=dialled)
            return
        connection.node = place
        connection.note("node", text.format(ip=connection.ip, node=place), f"Node/{place}", *_services(found))

    def _door(self, connection: Connection, found: Found) -> str:
        """The node that a load balancer hands a packet to: one that has an endpoint, where the policy is `Local`."""
        nodes = self._addresses.nodes()
        if found.port.external_local:
            at = (connection.ip, connection.port)
            known = ((node, self._proxies.of(node).find(*at)) for node in nodes)
            nodes = [node for node, there in known if there is not None and there.port.local]
        return nodes[self._lottery.below(len(nodes))] if nodes else ""

    def _leave(self, connection: Connection, place: str) -> None:
        """To the address of another node. That is no pod address, so the packet leaves as if its node had sent it."""
        home = connection.node
        connection.source = connection.sender = self._addresses.address_of(home) or connection.source
        connection.node = place
        text = _("from {here} to {node}, the node that was asked for").format(here=home, node=place)
        connection.note("node", text, f"Node/{place}")

    # -- the rules ---------------------------------------------------------------------------------

    def _apply_rules(self, connection: Connection, dialled: str) -> None:
        """What the rules of the node that the packet has reached make of its addresses."""
        proxy = self._proxies.of(connection.node)
        packet = Packet(connection.source, connection.ip, connection.port)
        walk = proxy.send(packet)
        if walk is None:
            return
        found = proxy.find(connection.ip, connection.port, walk.service)
        if found is None:
            if proxy.knows(connection.ip):
                words = _("no Service has port {port} at {ip}").format(ip=connection.ip, port=connection.port)
                connection.fail("service", "timeout", words, dialled=dialled)
            elif packet.rewritten:
                self._map_port(connection, walk)
            return
        connection.namespace = found.key.namespace
        if packet.rewritten and walk.verdict == "ACCEPT":
            self._rewrite(connection, found, walk)
        else:
            self._refuse(connection, found, walk, dialled)

    def _map_port(self, connection: Connection, walk: Walk) -> None:
        """A port of the node leads to a pod on it."""
        packet, port = walk.packet, connection.port
        connection.source, connection.ip, connection.port = packet.source, packet.ip, packet.port
        attached = self._addresses.pod(packet.ip, connection.node)
        objects = [f"Pod/{attached.name}"] if attached is not None else []
        text = _("port {port} of {node} leads to {ip}").format(port=port, node=connection.node, ip=packet.ip)
        connection.note("node", text, *objects, saw=[(_("rules"), _chain(walk))])

    def _refuse(self, connection: Connection, found: Found, walk: Walk, dialled: str) -> None:
        if walk.verdict == "REJECT":
            words = _("Service {name} has no endpoint: the connection is refused")
        elif walk.passed[-1].chain == PROXY_FIREWALL:
            words = _("Service {name} takes nothing from this source: the packet is dropped")
        elif walk.verdict == "DROP":
            words = _("Service {name} has no endpoint on {node}: the packet is dropped")
        else:
            words = _("no rule on {node} rewrites what goes to {name}: nobody answers at this address")
        text = words.format(name=found.port.name, node=connection.node)
        kind = "refused" if walk.verdict == "REJECT" else "timeout"
        connection.fail("service", kind, text, *_services(found), dialled=dialled, saw=[(_("rules"), _chain(walk))])

    def _rewrite(self, connection: Connection, found: Found, walk: Walk) -> None:
        packet = walk.packet
        backend = next(each for each in found.port.reachable if str(each) == packet.destination)
        connection.source, connection.ip, connection.port = packet.source, packet.ip, packet.port
        facts = {
            _("Service"): found.port.name,
            _("address"): _door_kind(found.via),
            _("usable"): str(walk.of),
            _("rules"): _chain(walk),
        }
        objects = [*_services(found), f"EndpointSlice/{backend.slice}"]
        if backend.pod:
            objects.append(f"Pod/{backend.pod}")
        text = _stay(walk).format(ip=backend.ip, count=walk.of)
        connection.note("service", text, *objects, saw=list(facts.items()))

    # -- policies ----------------------------------------------------------------------------------

    def _leave_pod(self, connection: Connection, dialled: str) -> None:
        """Past the policies of the pod that sends, if it is one and the packet is still on its node."""
        side = self._enforcement.leaving(connection.sender, connection.home, connection.ip, connection.port)
        self._is_barred(connection, side, dialled)

    def _is_barred(self, connection: Connection, side: Side | None, dialled: str) -> bool:
        """Whether a side lets the packet not through; notes what it says if it says anything."""
        if side is None or side.exempt or not side.isolating:
            return False
        text, counted = side_words(side), side.allowing or side.isolating
        objects = [f"NetworkPolicy/{each.name}" for each in counted]
        way = _("egress") if side.direction == EGRESS else _("ingress")
        saw = [(_("direction"), way), (_("sender"), connection.sender)]
        if side.allowed:
            connection.note("policy", text, *objects, saw=saw)
        else:
            connection.fail("policy", "timeout", text, *objects, dialled=dialled, saw=saw)
        return not side.allowed

    # -- to the pod --------------------------------------------------------------------------------

    def _reach_pod(self, connection: Connection, dialled: str) -> None:
        ip, port = connection.ip, connection.port
        attached = self._addresses.pod(ip)
        place = attached.node if attached is not None else self._addresses.node_at(ip)
        machine = self._addresses.machine(ip) if not place else None
        if machine is not None:
            self._reach_machine(connection, machine, dialled)
            return
        if not place:
            connection.fail("node", "timeout", _("nobody has the address {ip}").format(ip=ip), dialled=dialled)
            return
        if attached is not None and not self._ways.plain:
            sender = connection.sender if connection.destination == dialled else ""
            place, text = self._ways.exchange(connection.node, ip, connection.source, sender)
            if text:
                connection.node = place
                connection.fail("node", "timeout", text, f"Node/{place}", dialled=dialled)
                return
            attached = self._addresses.pod(ip, place)
        if place != connection.node:
            text = _("routed from {here} to {node}").format(here=connection.node, node=place)
            connection.node, connection.sender = place, connection.source
            connection.note("node", text, f"Node/{place}")
        if self._is_barred(connection, self._enforcement.entering(connection.sender, place, ip, port), dialled):
            return
        found = self._addresses.listener(ip, port, place)
        if found is None:
            who = f"Pod/{attached.name}" if attached is not None else f"Node/{place}"
            words = _("nobody listens on port {port} of {ip}").format(ip=ip, port=port)
            connection.fail("pod", "refused", words, who, dialled=dialled)
            return
        connection.endpoint = found.endpoint
        text = _("pod {name} accepts the connection").format(name=found.name)
        connection.note("pod", text, f"Pod/{found.name}", saw=[(_("caller"), connection.source)])

    def _reach_machine(self, connection: Connection, machine: Endpoint, dialled: str) -> None:
        """To a machine beside the nodes, which sees the packet come from the sender's node."""
        connection.source = self._addresses.address_of(connection.node) or connection.source
        if not machine.accepts(connection.port):
            words = _("nobody listens on port {port} of {ip}").format(ip=connection.ip, port=connection.port)
            connection.fail("node", "refused", words, dialled=dialled)
            return
        connection.endpoint = machine
        connection.note("node", _("{ip} is the machine of the API server").format(ip=connection.ip))


def _services(found: Found | None) -> list[str]:
    return [f"Service/{found.key.name}"] if found is not None else []


def _chain(walk: Walk) -> str:
    """The chains that the packet passed, in order."""
    return " → ".join(walk.chains)


def _door_kind(via: str) -> str:
    return {
        "cluster IP": _("cluster IP"),
        "node port": _("node port"),
        "external IP": _("external IP"),
        "load balancer": _("load balancer"),
    }[via]


def _stay(walk: Walk) -> str:
    """How the endpoint was chosen, as a sentence to fill in."""
    if walk.stuck:
        return _("this sender stays with the endpoint that it had: {ip}")
    if walk.of == 1:
        return _("the only endpoint: {ip}")
    return _("one of {count} endpoints, by chance: {ip}")
