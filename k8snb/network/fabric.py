"""The fabric: it gives pods their addresses and carries what they send.

A connection is made in the steps that a real one takes, and every step is a `Hop`: the name is resolved, the
virtual address is rewritten on the client's node, the packet crosses to the node of the chosen pod and reaches
whoever listens there. A request uses the connection; the book draws the hops.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from k8snb.client.controller import Context
from k8snb.machinery.names import Lottery
from k8snb.network.dns import DNS, NAMESERVER
from k8snb.network.ipam import Exhausted, Range
from k8snb.network.proxy import Proxy
from k8snb.packet import Endpoint, HTTPRequest, HTTPResponse, NetworkError
from k8snb.typing import Object

TIMEOUT_SECONDS = 30.0
"""How long a client waits for an address that nobody answers on."""

_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a packet: what kind of step, on which node, in words, and where the packet goes now."""

    kind: str
    """`dns`, `service`, `node`, `pod` or `failed`."""
    node: str
    text: str
    address: str = ""


@dataclass(slots=True)
class Connection:
    """A connection that came about (`endpoint` is set) or failed (`error` is)."""

    hops: list[Hop] = field(default_factory=list)
    ip: str = ""
    port: int = 0
    endpoint: Endpoint | None = None
    error: NetworkError | None = None

    def fail(self, kind: str, node: str, text: str, address: str, seconds: float = 0.0) -> Connection:
        """Note that it ends here."""
        self.hops.append(Hop("failed", node, text, address))
        self.error = NetworkError(kind, address, seconds)
        return self


@dataclass(frozen=True, slots=True)
class _Attached:
    endpoint: Endpoint
    namespace: str
    name: str
    node: str


class Fabric:
    """The network of one cluster, as pods and kubelets use it."""

    def __init__(self, context: Context) -> None:
        informers = context.informers
        self._nodes = informers.of("nodes")
        self._nodes.add_index("ip", lambda node: tuple(_node_addresses(node)))
        self._lottery = Lottery(context.lottery.below(1 << 30))
        self.proxy = Proxy(informers, context.clock, self._lottery)
        self.dns = DNS(informers)
        self._ranges: dict[str, Range] = {}
        self._pods: dict[str, _Attached] = {}

    @property
    def nameserver(self) -> str:
        """The address of the cluster's DNS."""
        return NAMESERVER

    # -- addresses ---------------------------------------------------------------------------------

    def attach(self, pod: Object, host_ip: str, endpoint: Endpoint) -> str:
        """Connect a pod (CNI ADD) and return its address: `host_ip` if it uses the host's network."""
        spec, meta = pod["spec"], pod["metadata"]
        if spec.get("hostNetwork"):
            return host_ip
        node = spec["nodeName"]
        try:
            ip = self._range(node).take()
        except Exhausted as error:
            raise NetworkError("exhausted", str(error)) from None
        self._pods[ip] = _Attached(endpoint, meta["namespace"], meta["name"], node)
        return ip

    def _range(self, node: str) -> Range:
        found = self._ranges.get(node)
        if found is None:
            known = self._nodes.get("", node)
            cidr = (known or {}).get("spec", {}).get("podCIDR", "")
            if not cidr:
                raise NetworkError("exhausted", f"node {node} has no podCIDR")
            found = self._ranges[node] = Range(cidr)
        return found

    def detach(self, ip: str, endpoint: Endpoint) -> None:
        """Disconnect a pod (CNI DEL) and give its address back."""
        attached = self._pods.get(ip)
        if attached is not None and attached.endpoint is endpoint:
            del self._pods[ip]
            self._ranges[attached.node].give_back(ip)

    # -- names -------------------------------------------------------------------------------------

    def resolve(self, source: str, name: str) -> Sequence[str]:
        """The addresses of a name as the pod at `source` resolves it; raises NetworkError (`not found`)."""
        if _IPV4.fullmatch(name):
            return (name,)
        if name == "localhost":
            return ("127.0.0.1",)
        found = self.dns.resolve(name, self._namespace(source))
        if found is None or not found.addresses:
            raise NetworkError("not found", found.alias if found is not None and found.alias else name)
        return found.addresses

    def _namespace(self, source: str) -> str:
        attached = self._pods.get(source)
        return attached.namespace if attached else "default"

    def _node_of(self, source: str) -> str:
        attached = self._pods.get(source)
        if attached is not None:
            return attached.node
        nodes = self._nodes.by_index("ip", source)
        return str(nodes[0]["metadata"]["name"]) if nodes else ""

    # -- connections -------------------------------------------------------------------------------

    def connect(self, source: str, host: str, port: int) -> Connection:
        """Try to open a TCP connection from an address to a host and port, hop by hop."""
        connection = Connection()
        node = self._node_of(source)
        try:
            ip = self.resolve(source, host)[0]
        except NetworkError as error:
            return connection.fail("not found", node, f"{host}: NXDOMAIN", error.address)
        if ip != host:
            connection.hops.append(Hop("dns", node, f"{NAMESERVER} says {host} is {ip}", ip))
        if ip == "127.0.0.1":
            ip = source
        target, target_port = self._translated(connection, source, node, ip, port)
        if connection.error is not None:
            return connection
        return self._arrived(connection, node, target, target_port)

    def _translated(self, connection: Connection, source: str, node: str, ip: str, port: int) -> tuple[str, int]:
        """Where the packet goes once the rules of the client's node have seen it."""
        is_node = bool(self._nodes.by_index("ip", ip))
        rule = self.proxy.rule(ip, port, is_node=is_node)
        if rule is None:
            if self.proxy.knows(ip):
                connection.fail("timeout", node, f"no rule for {ip}:{port}", f"{ip}:{port}", TIMEOUT_SECONDS)
            return ip, port
        backend = self.proxy.choose(rule, source, node)
        if backend is None:
            connection.fail("refused", node, f"{rule.name} has no endpoints: rejected", f"{ip}:{port}")
            return ip, port
        words = f"{rule.via} of {rule.name}: {ip}:{port} becomes {backend.ip}:{backend.port}"
        connection.hops.append(Hop("service", node, words, f"{backend.ip}:{backend.port}"))
        return backend.ip, backend.port

    def _arrived(self, connection: Connection, node: str, ip: str, port: int) -> Connection:
        attached = self._pods.get(ip)
        if attached is None:
            nodes = self._nodes.by_index("ip", ip)
            if nodes:
                return connection.fail("refused", str(nodes[0]["metadata"]["name"]), "nobody listens", f"{ip}:{port}")
            return connection.fail("timeout", node, f"no pod has {ip}", f"{ip}:{port}", TIMEOUT_SECONDS)
        if attached.node != node:
            words = f"routed from {node or 'outside'} to {attached.node}"
            connection.hops.append(Hop("node", attached.node, words, ip))
        if not attached.endpoint.accepts(port):
            return connection.fail("refused", attached.node, f"nobody listens on {ip}:{port}", f"{ip}:{port}")
        connection.hops.append(Hop("pod", attached.node, f"pod {attached.name} answers", f"{ip}:{port}"))
        connection.ip, connection.port, connection.endpoint = ip, port, attached.endpoint
        return connection

    def request(self, request: HTTPRequest) -> HTTPResponse:
        """Send an HTTP request from `request.source`; raises NetworkError."""
        connection = self.connect(request.source, request.host, request.port)
        if connection.endpoint is None:
            raise connection.error or NetworkError("unreachable", request.host)
        return connection.endpoint.http(connection.port, replace(request))

    def tcp(self, source: str, host: str, port: int, data: str = "") -> str:
        """Open a TCP connection, say something and return what comes back; raises NetworkError."""
        connection = self.connect(source, host, port)
        if connection.endpoint is None:
            raise connection.error or NetworkError("unreachable", host)
        return connection.endpoint.tcp(connection.port, data, source)

    def owner(self, ip: str) -> tuple[str, str] | None:
        """Namespace and name of the pod that has the address."""
        attached = self._pods.get(ip)
        return (attached.namespace, attached.name) if attached else None


def _node_addresses(node: Object) -> Sequence[str]:
    found = (node.get("status") or {}).get("addresses") or ()
    return [each["address"] for each in found if each["type"] in ("InternalIP", "ExternalIP")]
