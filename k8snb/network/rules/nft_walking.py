"""The kernel's side of nftables: a packet follows the rules of kube-proxy's table, and leaves a trail.

Chains hang at the kernel's hooks in order of their priority, so what `loadBalancerSourceRanges` forbids is dropped
before any destination is rewritten. A rule counts as one look, and so does an entry found in a map, however large.
"""

from __future__ import annotations

from k8snb.network.rules import hostports_nft
from k8snb.network.rules.iptables import MARK, Kernel, Packet
from k8snb.network.rules.nftables import Rule, Table
from k8snb.network.rules.walking import Passed, Walk


def walk(table: Table, packet: Packet, kernel: Kernel, *, arrives: bool, ports: Table | None = None) -> Walk:
    """Let the first packet of a connection follow the rules; `arrives` unless a program of the machine sends it.

    `ports` is the table for ports of the machine that lead to pods, whose chains come after those of kube-proxy.
    """
    made = Walk(packet)
    going, more = _Going(table, made, kernel), _Going(ports, made, kernel) if ports is not None else None
    going.through("filter-prerouting-pre-dnat" if arrives else "filter-output-pre-dnat")
    going.through("nat-prerouting" if arrives else "nat-output")
    if more is not None and not packet.rewritten:
        more.through(hostports_nft.PREROUTING if arrives else hostports_nft.OUTPUT)
    if not arrives:
        going.through("filter-output")
    local = kernel.is_local(packet.ip)
    if local or arrives:
        going.through("filter-input" if local else "filter-forward")
    going.through("nat-postrouting")
    if more is not None and not packet.masqueraded:
        more.through(hostports_nft.POSTROUTING)
    return made


class _Going:
    """A packet under way."""

    def __init__(self, table: Table, walk: Walk, kernel: Kernel) -> None:
        self._table = table
        self.walk = walk
        self._kernel = kernel
        self._hook = ""

    def through(self, chain: str) -> None:
        """Pass a chain at a hook, unless something has ended the packet already."""
        if self.walk.verdict == "ACCEPT":
            self._hook = chain
            self._chain(chain)

    def _chain(self, name: str) -> bool:
        """Whether the packet is through with this hook."""
        for rule in self._table.chains[name].rules:
            self.walk.looked += 1
            if not all(each.holds(self.walk.packet, self._kernel, self._table) for each in rule.matches):
                continue
            verdict = self._verdict(rule)
            if not verdict:
                continue
            self.walk.passed.append(Passed(self._hook, name, rule, verdict))
            if verdict == "return":
                return False
            verb, _space, chain = verdict.partition(" ")
            if verb == "goto":
                return self._enter(rule, name, chain)
            if (verb == "jump" and self._chain(chain)) or self._ends(verb):
                return True
        return False

    def _enter(self, rule: Rule, name: str, chain: str) -> bool:
        if chain.startswith("endpoint-"):
            self.walk.stuck = rule.verb == "goto"
            numbers = [each for each in self._table.chains[name].rules if each.verb == "numgen"]
            self.walk.of = len(numbers[0].choices)
        return self._chain(chain)

    def _verdict(self, rule: Rule) -> str:
        """What a rule has to say of the packet that it holds for; empty if it only did something."""
        packet = self.walk.packet
        if rule.verb == "vmap":
            self.walk.looked += 1
            return self._table.maps[rule.argument].find(packet)
        if rule.verb == "numgen":
            return f"goto {rule.choices[self._kernel.pick(len(rule.choices))]}"
        if rule.verb in ("jump", "goto"):
            return f"{rule.verb} {rule.argument}"
        return self._do(rule)

    def _do(self, rule: Rule) -> str:
        packet = self.walk.packet
        if rule.verb.startswith("mark"):
            packet.mark("--or-mark" if rule.verb == "mark or" else "--xor-mark", MARK)
        elif rule.verb == "update":
            self._kernel.remember(rule.argument, packet.source, self._table.sets[rule.argument].timeout)
        elif rule.verb == "masquerade":
            packet.masqueraded = True
            return "accept"
        elif rule.verb == "dnat to":
            ip, _colon, port = rule.argument.rpartition(":")
            packet.ip, packet.port, packet.rewritten = ip, int(port), True
            return "accept"
        else:
            return rule.verb
        return ""

    def _ends(self, verdict: str) -> bool:
        if verdict in ("drop", "reject"):
            self.walk.verdict = verdict.upper()
        return verdict in ("drop", "reject", "accept")
