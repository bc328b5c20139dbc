"""Ports of a node that lead to pods, as the plugin portmap writes them for nftables (`"backend": "nftables"`).

They are in a table of their own, `cni_hostport`, whose chains hang at the same hooks as those of kube-proxy and came
later: whatever kube-proxy has rewritten is left alone. Each rule bears the container that it is for as its comment,
which is how it is found again when the container goes. Unlike with iptables, a packet is masqueraded only if it comes
from the container itself or from the machine's loopback.
Source: containernetworking/plugins `plugins/meta/portmap/portmap_nftables.go`, version 1.9.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.network.rules.hostports import Mapped
from k8snb.network.rules.nftables import Chain, Match, Rule, Table

PREROUTING, OUTPUT, POSTROUTING = "prerouting", "output", "masquerading"
_PORTS, _ALL = "hostports", "hostports_all"
_HOOKS = {
    PREROUTING: ("type nat hook prerouting priority -100", "dstnat"),
    OUTPUT: ("type nat hook output priority -100", "-100"),
    POSTROUTING: ("type nat hook postrouting priority 100", "srcnat"),
}
_BY_ADDRESS = "hostip_hostports"
"""Where older versions put what has a `hostIP`; this one keeps it for what they have left."""


def table(mapped: Sequence[Mapped]) -> Table:
    """All rules for some containers."""
    made = Table(name="cni_hostport", comment="CNI portmap plugin")
    made.chains.update({name: Chain() for name in (_PORTS, _BY_ADDRESS, _ALL)})
    for name, (hook, priority) in _HOOKS.items():
        made.chains[name] = Chain([], hook, hook.rpartition(" ")[0] + f" {priority}")
    for rule in (*_fixed(), *(rule for each in mapped for rule in _rules(each))):
        made.chains[rule.chain].rules.append(rule)
    return made


def _fixed() -> Iterator[Rule]:
    yield from (Rule(_ALL, (), "jump", target) for target in (_BY_ADDRESS, _PORTS))
    yield from (Rule(hook, (Match("fib daddr type", ("local",)),), "jump", _ALL) for hook in (PREROUTING, OUTPUT))


def _rules(mapped: Mapped) -> Iterator[Rule]:
    for each in mapped.mappings:
        host, protocol = str(each.get("hostIP") or ""), str(each.get("protocol", "tcp")).lower()
        at = [Match("ip daddr", (host,))] if host not in ("", "0.0.0.0", "::") else []
        port = Match(f"{protocol} dport", (str(each["hostPort"]),))
        to = f"{mapped.address}:{each['containerPort']}"
        yield Rule(_PORTS, (*at, port), "dnat to", to, mapped.container)
    there = Match("ip daddr", (mapped.address,))
    for source in (mapped.address, "127.0.0.1"):
        yield Rule(POSTROUTING, (Match("ip saddr", (source,)), there), "masquerade", comment=mapped.container)
