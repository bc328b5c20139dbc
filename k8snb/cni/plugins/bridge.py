"""bridge: a container hangs on a bridge of the machine by a pair of virtual interfaces (veth).

One end of the pair is in the container and gets an address from another plugin (`ipam.type`), the other end is a port
of the bridge. With `isGateway` the bridge has an address, too, and is the containers' router.
Upstream: `plugins/main/bridge`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.cni.errors import INTERNAL, INVALID_CONFIG, CNIError
from k8snb.cni.plugins.plain import Plain
from k8snb.cni.protocol import Call, Document
from k8snb.cni.world import link


class Bridge(Plain):
    """Makes the bridge, the pair, and the routes."""

    name = "bridge"

    def add(self, call: Call) -> Document:
        bridge = _bridge(call)
        if link(call.world, call.netns, call.ifname) is not None:
            raise CNIError(INTERNAL, f'container veth name ("{call.ifname}") already exists in {call.netns}')
        self._make_bridge(call, bridge)
        outer = self._make_pair(call, bridge)
        ipam = (call.config.get("ipam") or {}).get("type")
        try:
            given = call.delegate("ADD", ipam) if ipam else {}
            if ipam and not given.get("ips"):
                raise CNIError(INTERNAL, "IPAM plugin returned missing IP config")
            routes = self._configure(call, bridge, given)
        except CNIError:
            call.world.ip("", "link", "del", outer)
            raise
        names = (("", bridge), ("", outer), (call.netns, call.ifname))
        ips = [{"interface": 2, **_plain(each)} for each in given.get("ips") or ()]
        interfaces = [_interface(call, netns, name) for netns, name in names]
        return {"interfaces": interfaces, "ips": ips, "routes": routes, "dns": given.get("dns") or {}}

    def _make_bridge(self, call: Call, bridge: str) -> None:
        if link(call.world, "", bridge) is None:
            call.world.ip("", "link", "add", bridge, "type", "bridge")
            mtu = call.config.get("mtu")
            if mtu:
                call.world.ip("", "link", "set", bridge, "mtu", str(mtu))
        call.world.ip("", "link", "set", bridge, "up")

    def _make_pair(self, call: Call, bridge: str) -> str:
        """Both ends of the pair, each where it belongs; returns the name of the machine's end."""
        outer = "veth" + hashlib.sha256(f"{call.container}/{call.ifname}".encode()).hexdigest()[:8]
        words = ("link", "add", outer, "type", "veth", "peer", "name", call.ifname, "netns", call.netns)
        call.world.ip("", *words)
        call.world.ip("", "link", "set", outer, "master", bridge)
        call.world.ip("", "link", "set", outer, "up")
        call.world.ip(call.netns, "link", "set", call.ifname, "up")
        for netns, name in (("", outer), (call.netns, call.ifname)) if call.config.get("mtu") else ():
            call.world.ip(netns, "link", "set", name, "mtu", str(call.config["mtu"]))
        return outer

    def _configure(self, call: Call, bridge: str, given: Document) -> list[Document]:
        """Addresses and routes, in the container and on the bridge."""
        config, routes = call.config, list(given.get("routes") or ())
        for each in given.get("ips") or ():
            prefix = each["address"].partition("/")[2]
            gateway = each.get("gateway") or ""
            call.world.ip(call.netns, "addr", "add", each["address"], "dev", call.ifname)
            if gateway and (config.get("isGateway") or config.get("isDefaultGateway")):
                self._be_gateway(call, bridge, f"{gateway}/{prefix}")
            if config.get("isDefaultGateway") and not any(route["dst"] == "0.0.0.0/0" for route in routes):
                routes.append({"dst": "0.0.0.0/0", "gw": gateway})
            for route in routes:
                via = route.get("gw") or gateway
                call.world.ip(call.netns, "route", "add", route["dst"], "via", via, "dev", call.ifname)
        return routes

    def _be_gateway(self, call: Call, bridge: str, address: str) -> None:
        there = link(call.world, "", bridge) or {}
        if address not in _addresses(there):
            call.world.ip("", "addr", "add", address, "dev", bridge)
        call.world.sysctl("", "net.ipv4.ip_forward", "1")

    def delete(self, call: Call) -> None:
        ipam = (call.config.get("ipam") or {}).get("type")
        if ipam:
            call.delegate("DEL", ipam)
        if call.netns and call.world.exists(call.netns) and link(call.world, call.netns, call.ifname) is not None:
            call.world.ip(call.netns, "link", "del", call.ifname)

    def check(self, call: Call) -> None:
        ipam = (call.config.get("ipam") or {}).get("type")
        if ipam:
            call.delegate("CHECK", ipam)
        result = call.previous
        if result is None:
            raise CNIError(INVALID_CONFIG, "Required prevResult missing")
        for each in result.get("interfaces") or ():
            if link(call.world, each.get("sandbox", ""), each["name"]) is None:
                raise CNIError(INTERNAL, f"Link not found: {each['name']}")
        there = _addresses(link(call.world, call.netns, call.ifname) or {})
        for each in result.get("ips") or ():
            if each["address"] not in there:
                raise CNIError(INTERNAL, f"Failed to match addr {each['address']} on interface {call.ifname}")

    def status(self, call: Call) -> None:
        ipam = (call.config.get("ipam") or {}).get("type")
        if ipam:
            call.delegate("STATUS", ipam)

    def collect(self, call: Call, kept: Sequence[tuple[str, str]]) -> None:
        ipam = (call.config.get("ipam") or {}).get("type")
        if ipam:
            call.delegate("GC", ipam)


def _bridge(call: Call) -> str:
    return str(call.config.get("bridge") or "cni0")


def _plain(ip: Document) -> dict[str, Any]:
    return {key: value for key, value in ip.items() if key not in ("version", "interface")}


def _interface(call: Call, netns: str, name: str) -> Mapping[str, Any]:
    found = link(call.world, netns, name) or {}
    where = {"sandbox": netns} if netns else {}
    return {"name": name, "mac": found.get("address", ""), "mtu": found.get("mtu", 0), **where}


def _addresses(found: Mapping[str, Any]) -> list[str]:
    return [f"{each['local']}/{each['prefixlen']}" for each in found.get("addr_info") or () if each["family"] == "inet"]
