"""Services and slices in one line each, as a proxy on `test-node` (192.168.0.2) sees them; pods are in 10.0.0.0/8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.network.rules.iptables import Packet
from k8snb.network.rules.iptables_proxier import Place
from k8snb.network.rules.ports import ServicePort, service_ports

NODE = "test-node"
PLACE = Place("192.168.0.2", "10.0.0.0/8")
RANGE = "172.30.0.0/16"


def ports(
    name: str, ip: str, *endpoints: str | dict[str, Any], node_port: int = 0, balancers: Sequence[str] = (), **spec: Any
) -> list[ServicePort]:
    """A Service `nsN/svcN` with the port `p80`; an endpoint is an address, `address@node`, or a whole entry."""
    namespace, _slash, plain = name.partition("/")
    port = {"name": "p80", "port": 80, "protocol": "TCP", **({"nodePort": node_port} if node_port else {})}
    status = {"loadBalancer": {"ingress": [{"ip": each} for each in balancers]}}
    meta = {"namespace": namespace, "name": plain}
    service = {"metadata": meta, "spec": {"clusterIP": ip, "ports": [port], **spec}, "status": status}
    listed = {
        "metadata": {"namespace": namespace, "name": f"{plain}-1"},
        "addressType": "IPv4",
        "ports": [{"name": "p80", "port": 80, "protocol": "TCP"}],
        "endpoints": [_endpoint(each) if isinstance(each, str) else each for each in endpoints],
    }
    return service_ports(service, [listed], NODE, "")


def _endpoint(text: str) -> dict[str, Any]:
    ip, _at, node = text.partition("@")
    return {"addresses": [ip], **({"nodeName": node} if node else {})}


class Fixed:
    """A kernel that always draws the same number (below what is asked for), and lets time be told."""

    def __init__(self, number: int = 0, own: Sequence[str] = (PLACE.ip,)) -> None:
        self.number = number
        self.own = own
        self.now = 0.0
        self.lists: dict[tuple[str, str], float] = {}

    def is_local(self, ip: str) -> bool:
        return ip in self.own

    def pick(self, of: int) -> int:
        return self.number % of

    def saw(self, name: str, source: str, seconds: int) -> bool:
        return self.now - self.lists.get((name, source), -1e9) <= seconds

    def remember(self, name: str, source: str, seconds: int) -> None:
        self.lists[name, source] = self.now


def packet(source: str, destination: str) -> Packet:
    ip, _colon, port = destination.partition(":")
    return Packet(source, ip, int(port))
