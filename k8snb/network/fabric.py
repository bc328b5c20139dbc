"""The fabric: it gives pods their addresses and carries what they send.

`Addresses` knows who has which address, `Paths` finds the way of a connection hop by hop, and what is sent uses the
connection. To kubelets this is the whole network; the book draws the hops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from k8snb.apiserver.registry.service_plan import SERVICE_CIDR
from k8snb.client.controller import Context
from k8snb.machinery.names import Lottery
from k8snb.network.addresses import Addresses
from k8snb.network.dns import DNS, NAMESERVER, is_address
from k8snb.network.path import Connection, Paths
from k8snb.network.policies.enforcement import Enforcement
from k8snb.network.proxy import Proxies
from k8snb.packet import Endpoint, HTTPRequest, HTTPResponse, NetworkError
from k8snb.typing import Object


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request on its way: over which connection it was sent, and what came back, if anything did."""

    request: HTTPRequest
    connection: Connection
    response: HTTPResponse | None = None


class Fabric:
    """The network of one cluster, as pods and kubelets use it. `pods` is the range of pod addresses."""

    def __init__(self, context: Context, pods: str) -> None:
        self._own = (ip_network(pods), SERVICE_CIDR)
        informers = context.informers
        lottery = Lottery(context.lottery.below(1 << 30))
        self.addresses = Addresses(informers.of("nodes"), record=context.trace.enabled)
        self.proxies = Proxies(informers, self.addresses, pods, context.clock, lottery)
        self.dns = DNS(informers)
        self.enforcement = Enforcement(context.separate("system:network", "system:masters"), self.addresses)
        self.paths = Paths(self.addresses, self.proxies, self.dns, self.enforcement, lottery)

    @property
    def nameserver(self) -> str:
        """The address of the cluster's DNS."""
        return NAMESERVER

    # -- addresses ---------------------------------------------------------------------------------

    def attach(self, pod: Object, host_ip: str, endpoint: Endpoint) -> str:
        """Connect a pod (CNI ADD) and return its address: `host_ip` if it uses the host's network."""
        return self.addresses.attach(pod, host_ip, endpoint)

    def detach(self, ip: str, endpoint: Endpoint) -> None:
        """Disconnect a pod (CNI DEL) and give its address back."""
        self.addresses.detach(ip, endpoint)

    def problem(self, node: str) -> str:
        """Why no pod can be connected on a node; empty if pods can."""
        machine = self.addresses.wiring.called.get(node)
        return machine.problem if machine is not None else ""

    def may_have(self, ip: str) -> bool:
        """Whether an address is one of the cluster's: of a pod or Service, now or another time, a node, a machine."""
        found = ip_address(ip)
        there = self.addresses.machine(ip) is not None or bool(self.addresses.node_at(ip))
        return there or self.proxies.outside.knows(ip) or any(found in each for each in self._own)

    # -- names -------------------------------------------------------------------------------------

    def resolve(self, source: str, name: str, node: str = "") -> Sequence[str]:
        """The addresses of a name as the pod at `source` (on `node`) resolves it; raises NetworkError (`not found`)."""
        if is_address(name):
            return (name,)
        if name == "localhost":
            return ("127.0.0.1",)
        found = self.paths.lookup(source, name, node)
        if found is None or not found.addresses:
            raise NetworkError("not found", name)
        return found.addresses

    def alias(self, source: str, name: str, node: str = "") -> str:
        """The name that a name is only another word for (an ExternalName Service's); empty if it is none."""
        if not self.dns.running or self.enforcement.silencing(source, node) is not None:
            return ""
        found = self.dns.resolve(name, self.addresses.namespace_of(source, node))
        return found.alias if found is not None else ""

    # -- connections -------------------------------------------------------------------------------

    def connect(self, source: str, host: str, port: int, node: str = "") -> Connection:
        """Try to open a TCP connection from an address to a host and port, hop by hop.

        Where several have that address, `node` says where the one is that asks.
        """
        return self.paths.connect(source, host, port, node)

    def send(self, request: HTTPRequest) -> Delivery:
        """Send an HTTP request from `request.source` and say what became of it."""
        connection = self.connect(request.source, request.host, request.port, request.node)
        endpoint = connection.endpoint
        if endpoint is None:
            return Delivery(request, connection)
        try:
            response = endpoint.http(connection.port, replace(request, source=connection.source))
        except NetworkError as error:
            connection.error = error
            return Delivery(request, connection)
        return Delivery(request, connection, response)

    def fetch(self, source: str, url: str, to: str = "") -> Delivery:
        """GET a URL (`my-service`, `http://my-service:8080/path`) from an address.

        `to` is the address (and port) that the URL's host stands for, where no DNS knows it.
        """
        parts = urlsplit(url if "://" in url else f"http://{url}")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        headers = {"host": parts.netloc} if to else {}
        name = "" if is_address(host) or parts.scheme != "https" else host
        address, _colon, given = to.partition(":")
        there, at = address or host, int(given or port)
        return self.send(HTTPRequest("GET", there, at, path, headers, "", parts.scheme, source, name))

    def request(self, request: HTTPRequest) -> HTTPResponse:
        """What a request from `request.source` is answered; raises NetworkError."""
        delivery = self.send(request)
        if delivery.response is None:
            raise delivery.connection.error or NetworkError("unreachable", request.host)
        return delivery.response

    def tcp(self, source: str, host: str, port: int, data: str = "", node: str = "") -> str:
        """Open a TCP connection, say something and return what comes back; raises NetworkError."""
        connection = self.connect(source, host, port, node)
        if connection.endpoint is None:
            raise connection.error or NetworkError("unreachable", host)
        return connection.endpoint.tcp(connection.port, data, connection.source)
