"""A packet on the wires: what the nodes do to carry it from pod to pod, with and without a tunnel.

Where `packet` says that a packet went from one node to another, here is how: which route the node found, what was
wrapped around the packet, and how that came off again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8snb.i18n import _
from k8snb.network.path import Hop
from k8snb.network.wiring import BRIDGE, TUNNEL, UPLINK, VXLAN_ID, VXLAN_PORT, Machine, Wiring
from k8snb.view.changes import Change
from k8snb.view.frames import Act, Frame
from k8snb.view.packet import PACKET, Journey


class WiredJourney(Journey):
    """A journey with everything that happens between two nodes."""

    def __init__(self, wiring: Wiring, *journey: Any) -> None:
        self._wiring = wiring
        super().__init__(*journey)
        self._at = self._delivery.request.source and self._place.removeprefix("Node/")

    def _hops(self, hop: Hop, before: tuple[str, str]) -> Iterator[Frame]:
        here, self._at = self._at, hop.node
        inner = hop.address.partition(":")[0]
        if hop.kind != "node" or hop.failed or here == hop.node or not self._is_on_pods(here, inner):
            yield from super()._hops(hop, before)
            return
        sender, receiver = self._wiring.machine(here), self._wiring.machine(hop.node)
        yield from (self._tunnelled if self._wiring.tunnel else self._routed)(sender, receiver, hop)
        act = Act(_("carry"), _("packet"), 0, 0)
        words = _("the kernel puts it on the bridge {bridge}, which knows the pod's port").format(bridge=BRIDGE)
        seen = [(_("route"), _said(receiver, inner)), (_("port"), _port(receiver, inner))]
        yield self._wire(f"kernel {hop.node}", hop.node, words, act, seen, hop.address)

    def _is_on_pods(self, node: str, address: str) -> bool:
        try:
            route = self._wiring.machine(node).host.namespaces[""].route(address)
        except KeyError:
            return False
        return route is not None and route.to.prefixlen > 0 and bool(route.via)

    def _looks_up(self, sender: Machine, hop: Hop, dev: str) -> Frame:
        words = _("the packet came over the bridge; the node looks up where it goes: {dev}").format(dev=dev)
        seen = [(_("route"), _said(sender, hop.address.partition(":")[0]))]
        return self._wire(f"kernel {sender.name}", sender.name, words, Act(_("route"), dev, 0, 0), seen, hop.address)

    def _tunnelled(self, sender: Machine, receiver: Machine, hop: Hop) -> Iterator[Frame]:
        yield self._looks_up(sender, hop, TUNNEL)
        outer = [
            (_("outer source"), f"{sender.address}:{_port_of(hop)}"),
            (_("outer destination"), f"{receiver.address}:{VXLAN_PORT}"),
            (_("outer protocol"), "UDP"),
            ("VNI", str(VXLAN_ID)),
            (_("inner Ethernet"), f"{_hardware(sender)} → {_hardware(receiver)}"),
        ]
        wrapped = f"{receiver.address}:{VXLAN_PORT}"
        act = Act(_("wrap"), _("packet"), 0, 0, changes=[Change(name, "", value) for name, value in outer])
        words = _("the whole packet becomes what a UDP packet between the two nodes carries; it is not changed itself")
        inner = [(_("inner source"), hop.source), (_("inner destination"), hop.address)]
        yield self._wire(f"{TUNNEL} {sender.name}", sender.name, words, act, inner, wrapped)
        words = _("the nodes' network carries it; it knows nodes, and no pods")
        yield self._wire(_("network"), receiver.name, words, Act(_("carry"), _("outer packet"), 0, 0), [], wrapped)
        act = Act(_("unwrap"), _("packet"), 0, 0, changes=[Change(name, value, "") for name, value in outer[:4]])
        words = _("the outer packet was for this node and this port: what it carried comes out")
        yield self._wire(f"{TUNNEL} {receiver.name}", receiver.name, words, act, inner, hop.address)

    def _routed(self, sender: Machine, receiver: Machine, hop: Hop) -> Iterator[Frame]:
        yield self._looks_up(sender, hop, UPLINK)
        ends = [
            (_("Ethernet source"), _hardware(sender, UPLINK)),
            (_("Ethernet destination"), _hardware(receiver, UPLINK)),
        ]
        act = Act(_("send"), _("packet"), 0, 0, changes=[Change(name, "", value) for name, value in ends])
        words = _("the packet goes to the other node as it is: only the Ethernet frame is addressed to it")
        yield self._wire(f"{UPLINK} {sender.name}", sender.name, words, act, [], hop.address)
        words = _("the nodes' network carries a packet whose addresses are those of pods; it has to let it pass")
        yield self._wire(_("network"), receiver.name, words, Act(_("carry"), _("packet"), 0, 0), [], hop.address)

    def _wire(self, actor: str, node: str, words: str, act: Act, seen: list[tuple[str, str]], packet: str) -> Frame:
        self._place = f"Node/{node}"
        return self._frame(actor, words, act, seen=seen, touched=[PACKET], packet=f"→ {packet}")


def _said(machine: Machine, address: str) -> str:
    """The route to an address, as `ip route` says it."""
    route = machine.host.namespaces[""].route(address)
    if route is None:
        return _("none")
    via = f" via {route.via}" if route.via else ""
    return f"{route.to}{via} dev {route.dev}"


def _port(machine: Machine, address: str) -> str:
    """The machine's end of the pair of the pod that has an address."""
    space = machine.host.namespaces.get(machine.netns(address) or "-")
    return space.links["eth0"].peer[1] if space is not None else ""


def _hardware(machine: Machine, name: str = TUNNEL) -> str:
    return machine.host.namespaces[""].links[name].address


def _port_of(hop: Hop) -> int:
    """The outer source port: made of the inner packet, so that one connection takes one way."""
    return 49152 + sum(hop.source.encode() + hop.address.encode()) % 16384
