"""portmap: a port of the machine leads to one of the container (`hostPort`). It comes after another.

Which ports those are is the runtime's to say (`runtimeConfig.portMappings`), if the list grants the capability. Each
container has a chain of its own, which a chain for all sends packets to by their port. What comes from the container's
own network or from the machine itself is marked, and masqueraded on its way out: the answer would take another way.
Source: containernetworking/plugins `plugins/meta/portmap/portmap_iptables.go`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Interface
from typing import Any, Protocol

from k8snb.cni.errors import INVALID_CONFIG, CNIError
from k8snb.cni.plugins.plain import Plain
from k8snb.cni.protocol import Call, Document
from k8snb.cni.world import Refused

DNAT, SETMARK, MASQ = "CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ"
MARK = "0x2000/0x2000"
_LOCAL = ("-m", "addrtype", "--dst-type", "LOCAL")
_MASQUERADES = ("-m", "comment", "--comment", "CNI portfwd requiring masquerade")
_MARKS = ("-m", "comment", "--comment", "CNI portfwd masquerade mark", "-j", "MARK", "--set-xmark", MARK)
_LONGEST_CHAIN = 28
_MOST_PORTS = 15
"""So many ports one rule can name."""

Mappings = Sequence[Mapping[str, Any]]


class Tells(Protocol):
    """A machine whose packet filter can be told something."""

    def iptables(self, *words: str) -> None: ...


class PortMap(Plain):
    """Writes DNAT rules into a chain for each container."""

    name = "portmap"

    def add(self, call: Call) -> Document:
        result = call.previous
        if result is None:
            raise CNIError(INVALID_CONFIG, "must be called as chained plugin")
        mappings = call.runtime.get("portMappings") or ()
        address = next((str(each["address"]) for each in result.get("ips") or ()), "")
        if mappings and address:
            forward(call.world, call.network, call.container, mappings, address)
        return result

    def delete(self, call: Call) -> None:
        mappings = call.runtime.get("portMappings") or ()
        if mappings:
            unforward(call.world, call.network, call.container, mappings)


def forward(world: Tells, network: str, container: str, mappings: Mappings, address: str) -> None:
    """Let ports of a machine lead to a container, whose address is given with the length of its network."""
    chain = chain_of(network, container)
    for name in (SETMARK, MASQ, DNAT, chain):
        with suppress(Refused):  # it is there already
            world.iptables("-t", "nat", "-N", name)
    _once(world, "-A", SETMARK, *_MARKS)
    _once(world, "-A", MASQ, "-m", "mark", "--mark", MARK, "-j", "MASQUERADE")
    _once(world, "-I", "POSTROUTING", *_MASQUERADES, "-j", MASQ)
    for hook in ("PREROUTING", "OUTPUT"):
        _once(world, "-A", hook, *_LOCAL, "-j", DNAT)
    for rule in _rules(mappings, IPv4Interface(address)):
        _once(world, "-A", chain, *rule)
    for rule in _entries(network, container, mappings):
        _once(world, "-A", DNAT, *rule, "-j", chain)


def unforward(world: Tells, network: str, container: str, mappings: Mappings) -> None:
    """Let them lead there no longer. The chains for all stay."""
    chain = chain_of(network, container)
    gone = (("-F", chain), *(("-D", DNAT, *rule, "-j", chain) for rule in _entries(network, container, mappings)))
    for words in (*gone, ("-X", chain)):
        with suppress(Refused):  # where it is not there, it need not go
            world.iptables("-t", "nat", *words)


def chain_of(network: str, container: str) -> str:
    """The name of a container's chain."""
    return f"CNI-DN-{hashlib.sha512(f'{network}{container}'.encode()).hexdigest()}"[:_LONGEST_CHAIN]


def _once(world: Tells, verb: str, chain: str, *rule: str) -> None:
    try:
        world.iptables("-t", "nat", "-C", chain, *rule)
    except Refused:
        world.iptables("-t", "nat", verb, chain, *rule)


def _entries(network: str, container: str, mappings: Mappings) -> Iterator[tuple[str, ...]]:
    """By which ports a packet comes to a container's chain."""
    comment = f'dnat name: "{network}" id: "{container}"'
    for protocol in sorted({_protocol(each) for each in mappings}):
        ports = list(dict.fromkeys(str(each["hostPort"]) for each in mappings if _protocol(each) == protocol))
        for first in range(0, len(ports), _MOST_PORTS):
            some = ",".join(ports[first : first + _MOST_PORTS])
            words = ("-m", "comment", "--comment", comment, "-m", "multiport", "-p", protocol)
            yield (*words, "--destination-ports", some)


def _rules(mappings: Mappings, address: IPv4Interface) -> Iterator[tuple[str, ...]]:
    """What becomes of a packet in it."""
    for each in mappings:
        host = str(each.get("hostIP") or "")
        at = ("-d", host) if host not in ("", "0.0.0.0", "::") else ()
        base = ("-p", _protocol(each), "--dport", str(each["hostPort"]), *at)
        yield (*base, "-s", str(address), "-j", SETMARK)
        yield (*base, "-s", "127.0.0.1", "-j", SETMARK)
        yield (*base, "-j", "DNAT", "--to-destination", f"{address.ip}:{each['containerPort']}")


def _protocol(mapping: Mapping[str, Any]) -> str:
    return str(mapping.get("protocol", "tcp")).lower()
