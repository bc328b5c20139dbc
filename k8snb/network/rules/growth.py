"""What a packet costs with more and more Services, counted by letting it follow the rules that are made for them.

The packet is one for the Service whose rules come last: with iptables it is compared with those of all others first.
With nftables and IPVS it is found by a look into a table, however many entries that has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8snb.network.rules import iptables_proxier, nft_walking, nftables_proxier, walking
from k8snb.network.rules.iptables import Kernel, Packet
from k8snb.network.rules.iptables_proxier import Place
from k8snb.network.rules.ipvs import virtuals
from k8snb.network.rules.ports import Backend, Endpoint, ServicePort
from k8snb.typing import Object

SERVICE_RANGE = "10.96.0.0/16"


@dataclass(frozen=True, slots=True)
class Cost:
    """With so many Services: how many rules and entries there are, and how many of them one packet is held against."""

    services: int
    iptables: int
    iptables_looks: int
    nftables: int
    nftables_looks: int
    ipvs: int
    ipvs_looks: int


@dataclass(frozen=True)
class Costs:
    """The costs for several numbers of Services, shown as a table."""

    rows: Sequence[Cost]

    def __repr__(self) -> str:
        head = ("services", "iptables", "looks", "nftables", "looks", "ipvs", "looks")
        lines = [
            (row.services, row.iptables, row.iptables_looks, row.nftables, row.nftables_looks, row.ipvs, row.ipvs_looks)
            for row in self.rows
        ]
        return "\n".join("  ".join(f"{each!s:>8}" for each in line) for line in (head, *lines))


def cost(ports: Sequence[ServicePort], place: Place, kernel: Kernel, source: str) -> Cost:
    """What the rules for some Service ports amount to, and a packet for the last of them."""
    last = max(ports, key=lambda port: (port.name, port.protocol))
    tables = iptables_proxier.tables(ports, place)
    table = nftables_proxier.table(ports, place, SERVICE_RANGE)
    linear = walking.walk(tables, _packet(last, source), kernel, arrives=True)
    mapped = nft_walking.walk(table, _packet(last, source), kernel, arrives=True)
    servers = virtuals(ports, place)
    entries = sum(1 + len(each.endpoints) for each in servers)
    return Cost(
        len({_service(port) for port in ports}), len(tables), linear.looked, len(table), mapped.looked, entries, 2
    )


def _service(port: ServicePort) -> tuple[str, str]:
    meta = port.service["metadata"]
    return meta["namespace"], meta["name"]


def _packet(port: ServicePort, source: str) -> Packet:
    return Packet(source, port.cluster_ip, port.number, port.protocol)


def growth(
    counts: Sequence[int], place: Place, kernel: Kernel, endpoints: int = 3, source: str = "10.244.0.9"
) -> Costs:
    """The costs with so many Services of so many endpoints each."""
    return Costs(
        [cost([_port(number, endpoints) for number in range(count)], place, kernel, source) for count in counts]
    )


def _port(number: int, endpoints: int) -> ServicePort:
    high, low = divmod(number, 250)
    spec: Object = {"clusterIP": f"10.96.{high}.{low + 1}", "ports": [{"port": 80, "protocol": "TCP"}]}
    service: Object = {"metadata": {"namespace": "default", "name": f"service-{number:05}"}, "spec": spec}
    found = [
        Endpoint(Backend(f"10.244.{1 + each}.{1 + number % 250}", 8080 + high), True, False, (), ())
        for each in range(endpoints)
    ]
    return ServicePort(service, spec["ports"][0], found, "", "")
