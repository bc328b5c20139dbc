"""Rules of nftables as data: sets, maps from destinations to chains, and chains of rules.

What makes this backend different is the map. Where iptables compares a packet with one rule for each Service, nftables
looks its destination up once, whatever the number of Services. `added` is a rule as kube-proxy adds it, `listed` as
`nft list ruleset` shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

from k8snb.network.rules.iptables import MARK, Kernel, Packet

TABLE = "kube-proxy"
DESTINATION = "ip daddr . meta l4proto . th dport"
PORT = "meta l4proto . th dport"


@dataclass(frozen=True)
class Match:
    """One thing that a rule compares: `what` of a packet with some values, or with the elements of a named set."""

    what: str
    values: Sequence[str] = ()
    negated: bool = False
    set: str = ""
    braces: bool = False
    """Whether kube-proxy writes the values as a set."""

    @property
    def added(self) -> str:
        """As kube-proxy writes it."""
        if self.what == "mark":
            return f"mark and {MARK} == 0"
        values = f"@{self.set}" if self.set else " , ".join(self.values)
        return self._said(f"{{ {values} }}" if self.braces else values)

    @property
    def listed(self) -> str:
        """As `nft` shows it: a set of one value is that value."""
        if self.what == "mark":
            return "meta mark & 0x00004000 == 0x00000000"
        if len(self.values) > 1:
            return self._said(f"{{ {', '.join(sorted(self.values, key=_number))} }}")
        return self._said(f"@{self.set}" if self.set else self.values[0])

    def _said(self, values: str) -> str:
        return f"{self.what} {'!= ' if self.negated else ''}{values}"

    @cached_property
    def _nets(self) -> Sequence[IPv4Network]:
        return [IPv4Network(each) for each in self.values]

    def holds(self, packet: Packet, kernel: Kernel, table: Table) -> bool:
        """Whether it is so for a packet, the first one of its connection."""
        ip = packet.source if "saddr" in self.what else packet.ip
        if self.set:
            named = table.sets[self.set]
            return kernel.saw(self.set, ip, named.timeout) if named.timeout else ip in named.elements
        if self.what.startswith("ip "):
            return any(IPv4Address(ip) in net for net in self._nets) != self.negated
        facts = {
            "mark": lambda: not packet.marked,
            "ct state": lambda: "new" in self.values,
            "fib saddr type": lambda: kernel.is_local(ip),
            "fib daddr type": lambda: kernel.is_local(ip),
            "meta l4proto": lambda: packet.protocol in self.values,
            f"{packet.protocol} dport": lambda: str(packet.port) in self.values,
        }
        return bool(facts.get(self.what, lambda: False)())


@dataclass(frozen=True)
class Rule:
    """A rule of a chain: if all matches hold, `verb` is done, with an argument (`goto` a chain, `dnat to` an address).

    The verbs `vmap` and `numgen` look up what to do: in a named map by `key`, or among `choices` by chance.
    """

    chain: str
    matches: Sequence[Match]
    verb: str
    argument: str = ""
    comment: str = ""
    key: str = ""
    choices: Sequence[str] = ()
    service: str = ""

    @property
    def added(self) -> str:
        """As kube-proxy adds it."""
        verb = {"mark or": f"mark set mark or {MARK}", "mark xor": f"mark set mark xor {MARK}"}.get(self.verb)
        words = [each.added for each in self.matches]
        choices = " , ".join(f"{index} : goto {each}" for index, each in enumerate(self.choices))
        return self._joined(words, verb or self._does(choices))

    @cached_property
    def printed(self) -> str:
        """As `nft` shows it."""
        verb = {"mark or": "meta mark set meta mark | 0x00004000", "mark xor": "meta mark set meta mark ^ 0x00004000"}
        words = [each.listed for each in self.matches]
        choices = ", ".join(f"{index} : goto {each}" for index, each in enumerate(self.choices))
        return self._joined(words, verb.get(self.verb) or self._does(choices))

    @property
    def target(self) -> str:
        """The chain that it goes to, or what it does."""
        return self.argument if self.verb in ("jump", "goto") else self.verb

    def _does(self, choices: str) -> str:
        if self.verb == "vmap":
            return f"{self.key} vmap @{self.argument}"
        if self.verb == "numgen":
            return f"numgen random mod {len(self.choices)} vmap {{ {choices} }}"
        if self.verb == "update":
            return f"update @{self.argument} {{ ip saddr }}"
        return f"{self.verb} {self.argument}".strip()

    def _joined(self, words: Sequence[str], verb: str) -> str:
        return " ".join((*words, verb)) + (f' comment "{self.comment}"' if self.comment else "")


@dataclass(frozen=True)
class Set:
    """A named set of addresses; with a `timeout` the kernel fills it, and forgets after so many seconds."""

    comment: str = ""
    elements: dict[str, None] = field(default_factory=dict)
    timeout: int = 0


@dataclass(frozen=True)
class Verdicts:
    """A named map from what `key` says of a packet to a verdict; each entry can have a comment."""

    key: str
    comment: str
    elements: dict[tuple[str, ...], tuple[str, str]] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The types of its keys and values."""
        return ("ipv4_addr . " if self.key == DESTINATION else "") + "inet_proto . inet_service : verdict"

    def find(self, packet: Packet) -> str:
        """What is to be done with a packet; empty if nothing is said."""
        at = (packet.protocol, str(packet.port))
        return self.elements.get((packet.ip, *at) if self.key == DESTINATION else at, ("", ""))[0]


@dataclass(frozen=True)
class Chain:
    """A chain of rules; with a hook, one that the kernel sends packets to."""

    rules: list[Rule] = field(default_factory=list)
    hook: str = ""
    """`type filter hook input priority 0`, as kube-proxy writes it."""
    listed: str = ""
    """The same as `nft` shows it."""
    comment: str = ""


@dataclass(frozen=True)
class Table:
    """A table of rules: kube-proxy's own, unless another is named. It touches no other one."""

    sets: dict[str, Set] = field(default_factory=dict)
    maps: dict[str, Verdicts] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    name: str = TABLE
    comment: str = "rules for kube-proxy"

    def __len__(self) -> int:
        """How many rules and entries of maps there are."""
        rules = sum(len(each.rules) for each in self.chains.values())
        return rules + sum(len(each.elements) for each in self.maps.values())

    # -- as it is added ------------------------------------------------------------------------------

    @property
    def added(self) -> list[str]:
        """The commands that make it, one a line."""
        return [f"add {line}" for line in self._added()]

    def _added(self) -> Iterator[str]:
        at = f"ip {self.name}"
        yield f"table {at} {{{_comment(self.comment)} }}"
        for name, named in self.sets.items():
            timeout = f" flags dynamic,timeout ; timeout {named.timeout}s ;" if named.timeout else ""
            yield f"set {at} {name} {{ type ipv4_addr ;{timeout}{_comment(named.comment)} }}"
        for name, verdicts in self.maps.items():
            yield f"map {at} {name} {{ type {verdicts.type} ;{_comment(verdicts.comment)} }}"
        for name, chain in self.chains.items():
            said = (f" {chain.hook} ;" if chain.hook else "") + _comment(chain.comment)
            yield f"chain {at} {name}" + (f" {{{said} }}" if said else "")
        yield from (f"rule {at} {name} {rule.added}" for name, chain in self.chains.items() for rule in chain.rules)
        yield from (f"element {at} {name} {{ {each} }}" for name, named in self.sets.items() for each in named.elements)
        for name, verdicts in self.maps.items():
            yield from (f"element {at} {name} {{ {entry} }}" for entry in _entries(verdicts))

    # -- as nft shows it -----------------------------------------------------------------------------

    @property
    def listed(self) -> str:
        """What `nft list ruleset` prints of it."""
        blocks = (*self._listed_sets(), *self._listed_maps(), *self._listed_chains())
        body = "\n\n".join("\n".join(f"\t{line}" for line in block) for block in blocks)
        return f'table ip {self.name} {{\n\tcomment "{self.comment}"\n{body}\n}}\n'

    def about(self, service: str) -> str:
        """The same of what is about one Service (`namespace/name`) only: entries of maps, chains."""
        chains = {
            name: chain
            for name, chain in self.chains.items()
            if any(rule.service == service or rule.service.startswith(f"{service}:") for rule in chain.rules)
        }
        maps: dict[str, Verdicts] = {}
        for name, verdicts in self.maps.items():
            found = {
                key: (verdict, said)
                for key, (verdict, said) in verdicts.elements.items()
                if verdict.rpartition(" ")[2] in chains or said == service or said.startswith(f"{service}:")
            }
            maps |= {name: Verdicts(verdicts.key, verdicts.comment, found)} if found else {}
        sets = {name: named for name, named in self.sets.items() if f"-{service}/" in name}
        return Table(sets, maps, chains).listed

    def _listed_sets(self) -> Iterator[list[str]]:
        for name, named in self.sets.items():
            about = ["\ttype ipv4_addr"]
            if named.timeout:
                about += ["\tsize 65535", "\tflags dynamic,timeout", f"\ttimeout {duration(named.timeout)}"]
            about += [f'\tcomment "{named.comment}"'] if named.comment else []
            yield _block(f"set {name}", about, sorted(named.elements, key=_number), 2)

    def _listed_maps(self) -> Iterator[list[str]]:
        for name, verdicts in self.maps.items():
            about = [f"\ttype {verdicts.type}", f'\tcomment "{verdicts.comment}"']
            yield _block(f"map {name}", about, _entries(verdicts), 1)

    def _listed_chains(self) -> Iterator[list[str]]:
        for name, chain in self.chains.items():
            about = [f"\t{chain.listed}; policy accept;"] if chain.hook else []
            about += [f'\tcomment "{chain.comment}"'] if chain.comment else []
            yield _block(f"chain {name}", [*about, *(f"\t{rule.printed}" for rule in chain.rules)], (), 1)


def _block(head: str, about: Sequence[str], elements: Sequence[str], wide: int) -> list[str]:
    lines = [", ".join(elements[at : at + wide]) for at in range(0, len(elements), wide)]
    listed = ",\n\t\t\t     ".join(lines)
    return [f"{head} {{", *about, *([f"\telements = {{ {listed} }}"] if listed else []), "}"]


def _entries(verdicts: Verdicts) -> list[str]:
    found = sorted(verdicts.elements.items(), key=lambda entry: [_number(each) for each in entry[0]])
    return [
        " . ".join(key) + (f' comment "{said}"' if said else "") + f" : {verdict}" for key, (verdict, said) in found
    ]


def _comment(text: str) -> str:
    return f' comment "{text}" ;' if text else ""


def _number(text: str) -> tuple[int, str]:
    """How the kernel orders addresses and ports: as numbers."""
    if "." in text:
        return int(IPv4Address(text.partition("/")[0])), text
    return (int(text), "") if text.isdigit() else (_PROTOCOLS.get(text, 0), text)


_PROTOCOLS: Mapping[str, int] = {"tcp": 6, "udp": 17, "sctp": 132}


def duration(seconds: int) -> str:
    """So many seconds as `nft` writes them: `1h30m`."""
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
