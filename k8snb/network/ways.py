"""Where packets for pods come out: what the routing tables of nodes say, one node after the other.

As long as nobody has touched the network of a node, an address belongs to one pod and every node has a route to it, so
there is nothing to look up. Otherwise two pods can have one address on two nodes, or a pod one to which no route leads.
Then tables decide as on real machines: a pod reaches what is in the range of its own interface over the bridge, without
asking the node; everything else goes where the node's most specific route leads, and of two that are as specific, where
the older one does. So a packet can come to a bridge on which nobody has its address, and an answer to somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from k8snb.i18n import _
from k8snb.network.addresses import Addresses
from k8snb.network.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Way:
    """Where a packet got to: the node on whose bridge it is, or which knows no way on if it is lost."""

    node: str
    lost: bool = False


class Ways:
    """The routes of one cluster's nodes, followed."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    @property
    def plain(self) -> bool:
        """Whether everything is as the nodes came: who has an address can be reached there."""
        wiring = self._addresses.wiring
        return not (wiring.called or wiring.cuts or self._addresses.doubled)

    def follow(self, node: str, ip: str, sender: str = "") -> Way:
        """Follow a packet for a pod's address from a node on; from the pod `sender` there, if that has just sent it."""
        wiring, seen = self._addresses.wiring, {""}
        if sender and wiring.is_near(node, sender, ip):
            return Way(node)
        while node not in seen:
            seen.add(node)
            following = wiring.leads(node, ip)
            if following == node:
                return Way(node)
            if not following:
                break
            node = following
        return Way(node, lost=True)

    def exchange(self, here: str, ip: str, source: str, sender: str) -> tuple[str, str]:
        """The node on whose bridge a packet from a node comes to the pod that has an address.

        With it, why it does not, or why the answer to `source` does not come back; empty if both do.
        """
        way = self.follow(here, ip, sender)
        if way.lost:
            return way.node, _no_route().format(node=way.node, ip=ip)
        if self._addresses.pod(ip, way.node) is None:
            return way.node, _("routes lead to {node}, where nobody has the address {ip}").format(node=way.node, ip=ip)
        if self._addresses.pod(source, here) is None:
            return way.node, ""
        back = self.follow(way.node, source, ip)
        if back.lost:
            words = _("{node} has no route back to {ip}: the answer leaves by the default route, and is lost")
            return way.node, words.format(node=back.node, ip=source)
        words = _("{node} sends what is for {ip} to {other}, so whoever asked hears nothing")
        return way.node, words.format(node=way.node, ip=source, other=back.node) if back.node != here else ""

    def door(self, ip: str) -> str:
        """The node to which machines beside the nodes send what is for a pod's address; empty if they know none."""
        if self.plain:
            attached = self._addresses.pod(ip)
            return attached.node if attached is not None else ""
        return home(self._addresses.wiring, ip)


def _no_route() -> str:
    return _("{node} has no route to {ip}: the packet leaves by the default route, and nobody out there knows it")


def home(wiring: Wiring, ip: str) -> str:
    """The node whose range an address is of; empty if it is of none."""
    return next((name for name, _address, cidr in wiring.places() if IPv4Address(ip) in IPv4Network(cidr)), "")
