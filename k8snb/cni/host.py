"""A simulated machine: network namespaces with interfaces, addresses and routes, files, and a packet filter's rules.

It understands the `ip` commands that plugins and readers give, and answers as `ip -json` does. Hardware addresses and
the like follow from names, so that the same commands make the same machine.
Upstream: iproute2, and the part of Linux behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from k8snb.cni.errors import INVALID_ENVIRONMENT, CNIError
from k8snb.cni.filter import Filter
from k8snb.cni.plugins import PLUGINS
from k8snb.cni.protocol import run
from k8snb.cni.world import Refused

EXISTS, NO_SUCH = "RTNETLINK answers: File exists", "RTNETLINK answers: No such process"
UNREACHABLE = "RTNETLINK answers: Network is unreachable"


@dataclass(frozen=True)
class Link:
    """A network interface."""

    index: int
    name: str
    kind: str
    """`bridge`, `veth`, `vxlan`, `loopback` or `device`."""
    address: str
    mtu: int = 1500
    up: bool = False
    master: str = ""
    peer: tuple[str, str] = ("", "")
    """Of a veth: the namespace and name of the other end."""
    addresses: tuple[str, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)
    """Of a vxlan: its `id`, `local` address, `dev` and `dstport`."""


@dataclass(frozen=True)
class Route:
    """A line of a routing table. Those that come with an address are the kernel's (`source` is that address)."""

    to: IPv4Network
    dev: str
    via: str = ""
    source: str = ""
    onlink: bool = False


class Namespace:
    """A network namespace: its interfaces by name, its routes, its knobs."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.links: dict[str, Link] = {"lo": Link(1, "lo", "loopback", "00:00:00:00:00:00", 65536)}
        self.routes: list[Route] = []
        self.sysctls: dict[str, str] = {}

    def next_index(self) -> int:
        """The number of the next interface."""
        return max(each.index for each in self.links.values()) + 1

    def route(self, address: str) -> Route | None:
        """The way to an address: of all routes that lead there, the most specific."""
        fitting = [each for each in self.routes if IPv4Address(address) in each.to and self._is_up(each.dev)]
        return max(fitting, key=lambda each: each.to.prefixlen, default=None)

    def _is_up(self, name: str) -> bool:
        return name in self.links and self.links[name].up


class Host:
    """One machine."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.namespaces: dict[str, Namespace] = {"": Namespace("")}
        self.files: dict[str, str] = {}
        self.filter = Filter()

    # -- namespaces --------------------------------------------------------------------------------

    def add_namespace(self, path: str) -> None:
        """Make a namespace, as a runtime does for a pod's sandbox."""
        self.namespaces[path] = Namespace(path)

    def remove_namespace(self, path: str) -> None:
        """Remove one, and with it the interfaces in it and their other ends."""
        gone = self.namespaces.pop(path, None)
        for each in gone.links.values() if gone is not None else ():
            if each.kind == "veth" and each.peer[0] in self.namespaces:
                self._drop(self.namespaces[each.peer[0]], each.peer[1])

    def exists(self, netns: str) -> bool:
        """Whether there is such a namespace."""
        return netns in self.namespaces

    def _space(self, netns: str) -> Namespace:
        found = self.namespaces.get(netns)
        if found is None:
            raise Refused(f'Cannot open network namespace "{netns}": No such file or directory')
        return found

    # -- ip ----------------------------------------------------------------------------------------

    def ip(self, netns: str, *words: str) -> list[Mapping[str, Any]]:
        """What `ip -json` with these words says in a namespace; raises Refused."""
        space, (what, verb, *rest) = self._space(netns), words if len(words) > 1 else (*words, "show")
        commands: Mapping[tuple[str, str], Callable[[Namespace, Sequence[str]], None]] = {
            ("link", "add"): self._link_add,
            ("link", "set"): self._link_set,
            ("link", "del"): lambda space, rest: self._link_del(space, rest[-1]),
            ("addr", "add"): self._addr_add,
            ("route", "add"): self._route_add,
            ("route", "del"): self._route_del,
        }
        if verb in ("show", "list"):
            if what == "route":
                return _routes(space)
            named = [word for word in rest if word != "dev"]
            if named and named[0] not in space.links:
                raise Refused(f'Device "{named[0]}" does not exist.')
            return [_shown(each) for each in ([space.links[named[0]]] if named else space.links.values())]
        command = commands.get((what, verb))
        if command is None:
            raise Refused(f'Command "{verb}" is unknown, try "ip {what} help".')
        command(space, rest)
        return []

    def _link(self, space: Namespace, name: str) -> Link:
        found = space.links.get(name)
        if found is None:
            raise Refused(f'Cannot find device "{name}"')
        return found

    def _link_add(self, space: Namespace, rest: Sequence[str]) -> None:
        name, options = rest[0], _pairs(rest[1:])
        if name in space.links:
            raise Refused(EXISTS)
        kind = options["type"]
        made = Link(space.next_index(), name, kind, self._hardware(space, name))
        if kind == "veth":
            there, (_peer, other, *_rest) = (
                self._space(options.get("netns", space.path)),
                rest[rest.index("peer") + 1 :],
            )
            other = rest[rest.index("name") + 1]
            if other in there.links:
                raise Refused(EXISTS)
            mine, theirs = (space.path, name), (there.path, other)
            there.links[other] = Link(there.next_index(), other, kind, self._hardware(there, other), peer=mine)
            made = replace(made, peer=theirs, index=space.next_index())
        if kind == "vxlan":
            made = replace(
                made, mtu=1450, more={k: options[k] for k in ("id", "local", "dev", "dstport") if k in options}
            )
        space.links[name] = made

    def _link_set(self, space: Namespace, rest: Sequence[str]) -> None:
        words = [word for word in rest if word != "dev"]
        found = self._link(space, words[0])
        for word, value in zip(words[1:], [*words[2:], ""], strict=True):
            if word in ("up", "down"):
                found = replace(found, up=word == "up")
            elif word == "master":
                self._link(space, value)
                found = replace(found, master=value)
            elif word == "mtu":
                found = replace(found, mtu=int(value))
            elif word == "address":
                found = replace(found, address=value)
        space.links[found.name] = found

    def _link_del(self, space: Namespace, name: str) -> None:
        found = self._link(space, name)
        if found.kind == "veth" and found.peer[0] in self.namespaces:
            self._drop(self.namespaces[found.peer[0]], found.peer[1])
        self._drop(space, name)

    def _drop(self, space: Namespace, name: str) -> None:
        space.links.pop(name, None)
        space.routes = [each for each in space.routes if each.dev != name]

    def _addr_add(self, space: Namespace, rest: Sequence[str]) -> None:
        address, options = IPv4Interface(rest[0]), _pairs(rest[1:])
        found = self._link(space, options["dev"])
        if str(address) in found.addresses:
            raise Refused(EXISTS)
        space.links[found.name] = replace(found, addresses=(*found.addresses, str(address)))
        if address.network.prefixlen < 32:
            space.routes.append(Route(address.network, found.name, source=str(address.ip)))

    def _route_add(self, space: Namespace, rest: Sequence[str]) -> None:
        to, options = _network(rest[0]), _pairs([word for word in rest[1:] if word != "onlink"])
        if any(each.to == to for each in space.routes):
            raise Refused(EXISTS)
        via, dev, onlink = options.get("via", ""), options.get("dev", ""), "onlink" in rest
        if via and not onlink:
            near = next((each for each in space.routes if IPv4Address(via) in each.to and not each.via), None)
            if near is None:
                raise Refused("Error: Nexthop has invalid gateway." if dev else UNREACHABLE)
            dev = dev or near.dev
        self._link(space, dev)
        space.routes.append(Route(to, dev, via, onlink=onlink))

    def _route_del(self, space: Namespace, rest: Sequence[str]) -> None:
        to = _network(rest[0])
        left = [each for each in space.routes if each.to != to]
        if len(left) == len(space.routes):
            raise Refused(NO_SUCH)
        space.routes = left

    def _hardware(self, space: Namespace, name: str) -> str:
        digest = hashlib.sha256(f"{self.name}/{space.path}/{name}".encode()).digest()
        return ":".join(f"{byte:02x}" for byte in (digest[0] & 0xFC | 0x02, *digest[1:6]))

    # -- the rest of a machine ---------------------------------------------------------------------

    def sysctl(self, netns: str, name: str, value: str) -> None:
        """Set a knob of the kernel in a namespace."""
        self._space(netns).sysctls[name] = value

    def iptables(self, *words: str) -> None:
        """Change the packet filter; raises Refused for what is not there."""
        self.filter.iptables(*words)

    def read(self, path: str) -> str | None:
        """What is in a file; None if there is none."""
        return self.files.get(path)

    def create(self, path: str, text: str) -> bool:
        """Put this in a new file; False if there is one already."""
        if path in self.files:
            return False
        self.files[path] = text
        return True

    def write(self, path: str, text: str) -> None:
        """Put this in a file."""
        self.files[path] = text

    def remove(self, path: str) -> None:
        """Delete a file, if there is one."""
        self.files.pop(path, None)

    def names(self, directory: str) -> Sequence[str]:
        """The files in a directory, in order."""
        lead = f"{directory}/"
        return sorted(
            path.removeprefix(lead) for path in self.files if path.startswith(lead) and "/" not in path[len(lead) :]
        )

    def execute(self, plugin: str, environment: Mapping[str, str], stdin: str) -> tuple[str, int]:
        """Run a plugin of the book; raises CNIError if there is none of that name."""
        found = PLUGINS.get(plugin)
        if found is None:
            path = environment.get("CNI_PATH", "")
            raise CNIError(INVALID_ENVIRONMENT, f'failed to find plugin "{plugin}" in path [{path}]')
        return run(found, environment, stdin, self)


def _pairs(words: Sequence[str]) -> dict[str, str]:
    """Options, each a word and its value."""
    words = [word for word in words if word != "peer"]
    return dict(zip(words[::2], words[1::2], strict=False))


def _network(text: str) -> IPv4Network:
    return IPv4Network("0.0.0.0/0" if text == "default" else text)


def _shown(each: Link) -> dict[str, Any]:
    flags = ["LOOPBACK"] if each.kind == "loopback" else ["BROADCAST", "MULTICAST"]
    found: dict[str, Any] = {
        "ifindex": each.index,
        "ifname": each.name,
        "flags": [*flags, *(["UP", "LOWER_UP"] if each.up else [])],
        "mtu": each.mtu,
        **({"master": each.master} if each.master else {}),
        "operstate": "UP" if each.up else "DOWN",
        "link_type": "loopback" if each.kind == "loopback" else "ether",
        "address": each.address,
    }
    infos = [IPv4Interface(address) for address in each.addresses]
    found["addr_info"] = [{"family": "inet", "local": str(i.ip), "prefixlen": i.network.prefixlen} for i in infos]
    return found


def _routes(space: Namespace) -> list[Mapping[str, Any]]:
    ordered = sorted(space.routes, key=lambda each: (each.to.prefixlen, int(each.to.network_address)))
    return [_route(each) for each in ordered]


def _route(each: Route) -> dict[str, Any]:
    to = "default" if each.to.prefixlen == 0 else str(each.to)
    kernel = {"protocol": "kernel", "scope": "link", "prefsrc": each.source} if each.source else {}
    via = {"gateway": each.via} if each.via else {}
    return {"dst": to, **via, "dev": each.dev, **kernel, "flags": ["onlink"] if each.onlink else []}
