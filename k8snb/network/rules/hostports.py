"""The rules that the plugin portmap has told a node's packet filter, as data: for printing, and for packets to follow.

They lie beside those of kube-proxy, whose jumps were put first: a packet is looked up among Services before it is
looked up among host ports. Only what goes out is masqueraded by portmap's mark before kube-proxy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from k8snb.cni.filter import Filter
from k8snb.cni.plugins.portmap import Mappings
from k8snb.network.rules.iptables import (
    Comment,
    Destination,
    Drawn,
    Marked,
    Match,
    Own,
    Packet,
    Port,
    Rule,
    Source,
    Tables,
)

_FIRST = "POSTROUTING"
"""The kernel's chain in which portmap's jump comes before kube-proxy's."""


@dataclass(frozen=True)
class AnyPort(Match):
    """Of a protocol, to one of some ports."""

    protocol: str
    ports: tuple[int, ...]

    @property
    def written(self) -> str:  # type: ignore[override]
        return f"-m multiport -p {self.protocol} --destination-ports {self._ports}"

    @property
    def printed(self) -> str:
        return f"-m multiport --dports {self._ports}"

    @property
    def _ports(self) -> str:
        return ",".join(map(str, self.ports))

    @property
    def heads(self) -> dict[str, str]:  # type: ignore[override]
        return {"-p": f"-p {self.protocol}"}

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        return packet.protocol == self.protocol and packet.port in self.ports


@dataclass(frozen=True, slots=True)
class Mapped:
    """The ports of a node that lead to a container."""

    container: str
    address: str
    mappings: Mappings


def beside(own: Tables, filter: Filter) -> Tables:
    """The rules of kube-proxy, with those in a packet filter."""
    nat = {name: list(rules) for name, rules in own.nat.items()}
    for name, rules in filter.chains("nat").items():
        made = [_rule(name, words) for words in rules]
        known = nat.get(name, [])
        nat[name] = [*made, *known] if name == _FIRST else [*known, *made]
    return Tables(own.filter, nat)


def leads(filter: Filter, packet: Packet) -> bool:
    """Whether any host port is the packet's, so that it is worth following the rules."""
    port = str(packet.port)
    for rules in filter.chains("nat").values():
        for words in rules:
            if "--destination-ports" in words and port in words[words.index("--destination-ports") + 1].split(","):
                return True
    return False


def _rule(chain: str, words: Sequence[str]) -> Rule:
    """A rule as data, of the words that it was told in."""
    jump = words.index("-j")
    target = " ".join(words[jump + 1 :])
    return Rule(chain, tuple(_matches(words[:jump])), target)


def _matches(words: Sequence[str]) -> Iterator[Match]:
    options = dict(pairwise(words))
    for option, address in (("-s", Source), ("-d", Destination)):
        if option in options:
            yield address(options[option])
    if "--comment" in options:
        yield Comment(options["--comment"].replace('"', '\\"'))
    if "--destination-ports" in options:
        yield AnyPort(options["-p"], tuple(map(int, options["--destination-ports"].split(","))))
    elif "-p" in options:
        yield Port(options["-p"], int(options["--dport"]))
    if "--dst-type" in options:
        yield Own("dst")
    if "--mark" in options:
        yield Marked(bit=options["--mark"].partition("/")[0])
