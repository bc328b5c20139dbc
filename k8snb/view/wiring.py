"""The wires of a node as a diagram: its pods' interfaces, the bridge that they hang on, and where the routes lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from k8snb.cni.host import Link, Route
from k8snb.i18n import _
from k8snb.network.wiring import Machine
from k8snb.view.graph import Edge, Graph, Group, Node

_TABLE = "Routes/table"


def wiring(machine: Machine, pods: Mapping[str, str]) -> Graph:
    """The interfaces and routes of a node; `pods` are the names of its pods, by address."""
    box = f"Node/{machine.name}"
    groups = [Group(box, "Node", machine.name, [machine.address])]
    nodes = [_interface(box, link) for link in machine.host.namespaces[""].links.values() if link.kind != "loopback"]
    edges = list(_ports(machine))
    for address, name in pods.items():
        netns = machine.netns(address)
        if netns:
            group = f"{box}/{name}"
            groups.append(Group(group, "Pod", name, within=box))
            inner = machine.host.namespaces[netns].links["eth0"]
            nodes.append(_interface(group, inner, id=netns))
            edges.append(Edge(netns, f"Interface/{inner.peer[1]}", _("other end of the pair")))
    nodes.append(Node(_TABLE, "Routes", _("routing table"), group=box))
    routes = sorted(machine.host.namespaces[""].routes, key=lambda each: (each.to.prefixlen, each.to))
    edges += [_led(route) for route in reversed(routes)]
    title = _("How {node} is wired: interfaces, bridge and routes").format(node=machine.name)
    return Graph(title, nodes, edges, groups)


def _interface(group: str, link: Link, id: str = "") -> Node:
    kinds = {"bridge": _("bridge"), "veth": _("veth"), "vxlan": _("tunnel (VXLAN {id})"), "device": _("network card")}
    said = kinds[link.kind].format(id=link.more.get("id", ""))
    facts = [said, *link.addresses, _("MTU {size}").format(size=link.mtu)]
    return Node(
        id or f"Interface/{link.name}", "Interface", link.name, facts, "ready" if link.up else "failing", "", group
    )


def _ports(machine: Machine) -> Iterator[Edge]:
    """Which interfaces are ports of the bridge, what looks up the routes, and what the tunnel goes through."""
    for link in machine.host.namespaces[""].links.values():
        if link.master:
            yield Edge(f"Interface/{link.name}", f"Interface/{link.master}", _("port of"))
        if link.kind == "bridge":
            yield Edge(f"Interface/{link.name}", _TABLE, _("to other addresses"))
        if link.kind == "vxlan":
            words = _("wrapped in UDP {port}").format(port=link.more["dstport"])
            yield Edge(f"Interface/{link.name}", f"Interface/{link.more['dev']}", words)


def _led(route: Route) -> Edge:
    to = _("all else") if route.to.prefixlen == 0 else str(route.to)
    via = _(", by {address}").format(address=route.via) if route.via else ""
    return Edge(_TABLE, f"Interface/{route.dev}", f"{to}{via}", back=route.dev == "cni0")


def addresses_on(pods: Mapping[str, str]) -> dict[str, str]:
    """Names by address, in the order of the addresses."""
    return {address: pods[address] for address in sorted(pods, key=IPv4Address)}
