"""The kernel's side of iptables: a packet follows the rules, and leaves a trail.

A packet passes the tables at fixed points. One that arrives goes through `nat PREROUTING`, then, if it is now for the
machine itself, through `filter INPUT`, else through `filter FORWARD`; one that a program on the machine sends goes
through `nat OUTPUT` and `filter OUTPUT` first. What leaves passes `nat POSTROUTING`. In every chain rules are compared
one after the other until one decides: that is what `looked` counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from k8snb.i18n import _
from k8snb.network.rules.iptables import Drawn, Kernel, Packet, Rule, Tables

PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING = "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"
_HOOKS = frozenset({PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING})
_VERDICTS = frozenset({"ACCEPT", "DROP", "REJECT"})


class Printed(Protocol):
    """A rule of either backend."""

    @property
    def printed(self) -> str:
        """As the tool prints it."""
        ...


@dataclass(frozen=True, slots=True)
class Passed:
    """A rule that held for the packet, and where it was met."""

    hook: str
    """The point of the kernel: `nat PREROUTING`."""
    chain: str
    rule: Printed
    target: str
    """The chain that it sent the packet to, or what it did."""


@dataclass(slots=True, repr=False)
class Walk:
    """What became of a packet, and the rules that made it so."""

    packet: Packet
    passed: list[Passed] = field(default_factory=list)
    verdict: str = "ACCEPT"
    """`ACCEPT`, `DROP` or `REJECT`."""
    looked: int = 0
    """How many rules (or, with nftables, rules and entries of maps) were looked at."""
    stuck: bool = False
    """Whether affinity chose the endpoint."""
    of: int = 0
    """From how many endpoints it was chosen."""
    service: str = ""
    """The Service port whose rule decided last, `namespace/name:port`; empty if none of a Service did."""

    def __repr__(self) -> str:
        lines: list[str] = []
        hook = ""
        for each in self.passed:
            lines += [each.hook] if each.hook != hook else []
            hook = each.hook
            lines.append(f"  {each.chain} → {each.target}")
        return "\n".join(
            (*lines, _("{outcome}; rules looked at: {count}").format(outcome=self.outcome, count=self.looked))
        )

    @property
    def outcome(self) -> str:
        """What became of it, in a word and two addresses."""
        if self.verdict != "ACCEPT":
            return self.verdict
        return f"{self.verdict} to {self.packet.destination}" + (", masqueraded" if self.packet.masqueraded else "")

    @property
    def chains(self) -> list[str]:
        """The chains of Kubernetes in which something was done, in order."""
        done = (each.chain for each in self.passed if each.target not in ("RETURN", "return"))
        return list(
            dict.fromkeys(chain for chain in done if chain.upper() not in _HOOKS and not chain.startswith("nat-"))
        )


def walk(tables: Tables, packet: Packet, kernel: Kernel, *, arrives: bool) -> Walk:
    """Let the first packet of a connection follow the rules; `arrives` unless a program of the machine sends it."""
    going = _Going(tables, Walk(packet), kernel)
    first = PREROUTING if arrives else OUTPUT
    going.through("nat", first)
    if not arrives:
        going.through("filter", OUTPUT)
    local = kernel.is_local(packet.ip)
    if local or arrives:
        going.through("filter", INPUT if local else FORWARD)
    going.through("nat", POSTROUTING)
    return going.walk


class _Going:
    """A packet under way."""

    def __init__(self, tables: Tables, walk: Walk, kernel: Kernel) -> None:
        self._tables = tables
        self.walk = walk
        self._kernel = kernel
        self._hook = ""

    def through(self, table: str, hook: str) -> None:
        """Pass one of the kernel's own chains, unless something has ended the packet already."""
        if self.walk.verdict == "ACCEPT":
            self._hook = f"{table} {hook}"
            self._chain(self._tables.table(table), hook)

    def _chain(self, table: dict[str, list[Rule]], name: str) -> bool:
        """Whether the packet is through with this hook; otherwise it goes on in the chain that it came from."""
        walk, packet = self.walk, self.walk.packet
        drawn = Drawn(self._kernel)
        for rule in table.get(name, ()):
            walk.looked += 1
            if not rule.holds(packet, drawn):
                continue
            target = rule.target
            if target:
                walk.passed.append(Passed(self._hook, name, rule, target))
            if target == "RETURN":
                return False
            if target in table:
                if target.startswith("KUBE-SEP-"):
                    walk.stuck = drawn.number < 0
                    walk.of = len({each.target for each in table[name] if each.target.startswith("KUBE-SEP-")})
                if self._chain(table, target):
                    return True
            elif self._do(target):
                walk.service = rule.service or walk.service
                return True
        return False

    def _do(self, target: str) -> bool:
        """What a target that is no chain does; whether that ends the hook."""
        packet = self.walk.packet
        kind, _space, argument = target.partition(" ")
        if kind in _VERDICTS:
            self.walk.verdict = kind
            return True
        if kind == "MARK":
            packet.mark(*argument.split())
        elif kind == "DNAT":
            ip, _colon, port = argument.rpartition(" ")[2].rpartition(":")
            packet.ip, packet.port, packet.rewritten = ip, int(port), True
            return True
        elif kind == "MASQUERADE":
            packet.masqueraded = True
            return True
        return False
