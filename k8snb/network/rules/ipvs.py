"""kube-proxy with IPVS, deprecated since 1.35: one virtual server for each address and port of a Service.

The kernel finds a virtual server in a hash table and its scheduler (`rr` takes the endpoints in turn) picks a real one,
so a packet costs the same with any number of Services. The addresses lie on a dummy interface of the node.
Upstream: `pkg/proxy/ipvs/proxier.go`; shown as `ipvsadm -Ln` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from k8snb.network.rules.iptables_proxier import Place
from k8snb.network.rules.ports import Backend, ServicePort

_HEAD = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
"""


@dataclass(frozen=True, slots=True)
class Virtual:
    """A virtual server: an address and port, and the endpoints behind it."""

    protocol: str
    ip: str
    port: int
    endpoints: Sequence[Backend]
    affinity: int = 0

    def __str__(self) -> str:
        persistent = f" persistent {self.affinity}" if self.affinity else ""
        lines = [f"{self.protocol.upper():<4} {self.ip}:{self.port} rr{persistent}"]
        lines += [f"  -> {each!s:<28} Masq    1      0          0         " for each in self.endpoints]
        return "\n".join(lines)


def virtuals(ports: Sequence[ServicePort], place: Place) -> list[Virtual]:
    """The virtual servers of a node, in the order of names."""
    return [each for port in sorted(ports, key=lambda one: (one.name, one.protocol)) for each in _of(port, place)]


def _of(port: ServicePort, place: Place) -> Iterator[Virtual]:
    doors = [(port.cluster_ip, port.number, port.inside)]
    doors += [(ip, port.number, port.outside) for ip in (*port.external_ips, *port.balancers)]
    doors += [(place.ip, port.node_port, port.outside)] if port.node_port else []
    yield from (Virtual(port.protocol, ip, number, behind, port.affinity) for ip, number, behind in doors)


def listed(servers: Sequence[Virtual]) -> str:
    """What `ipvsadm -Ln` prints."""
    return _HEAD + "".join(f"{each}\n" for each in servers)
