"""portmap: a port of the machine leads to one of the container (`hostPort`). It comes after another.

Which ports those are is the runtime's to say (`runtimeConfig.portMappings`), if the list grants the capability.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from k8snb.cni.errors import INVALID_CONFIG, CNIError
from k8snb.cni.plugins.plain import Plain
from k8snb.cni.protocol import Call, Document


class PortMap(Plain):
    """Writes DNAT rules into a chain for each container."""

    name = "portmap"

    def add(self, call: Call) -> Document:
        result = call.previous
        if result is None:
            raise CNIError(INVALID_CONFIG, "must be called as chained plugin")
        mappings = call.runtime.get("portMappings") or ()
        address = next((each["address"].partition("/")[0] for each in result.get("ips") or ()), "")
        if mappings and address:
            self._remove(call)
            call.world.iptables("-t", "nat", "-N", _chain(call))
            for rule in _rules(call, address):
                call.world.iptables("-t", "nat", "-A", *rule)
        return result

    def delete(self, call: Call) -> None:
        if call.runtime.get("portMappings"):
            self._remove(call)

    def _remove(self, call: Call) -> None:
        for words in (("-D", "PREROUTING", *_jump(call)), ("-F", _chain(call)), ("-X", _chain(call))):
            with suppress(CNIError):  # where it is not there, it need not go
                call.world.iptables("-t", "nat", *words)


def _chain(call: Call) -> str:
    return f"CNI-DN-{call.container[:20]}"


def _jump(call: Call) -> tuple[str, ...]:
    return ("-m", "addrtype", "--dst-type", "LOCAL", "-j", _chain(call))


def _rules(call: Call, address: str) -> Iterator[tuple[str, ...]]:
    yield ("PREROUTING", *_jump(call))
    for each in call.runtime["portMappings"]:
        protocol, target = str(each.get("protocol", "tcp")).lower(), f"{address}:{each['containerPort']}"
        ports = ("-p", protocol, "--dport", str(each["hostPort"]))
        yield (_chain(call), *ports, "-j", "DNAT", "--to-destination", target)
