"""Rules of iptables as data: what one compares of a packet, what it does, and how tools write it.

A rule has two spellings. `written` is what kube-proxy hands to `iptables-restore`, `printed` what `iptables-save` makes
of it once it is in the kernel: addresses with their length first, then the matches in order, values as the kernel keeps
them. Only IPv4, only the matches that kube-proxy uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import Protocol

MARK = "0x4000"
"""The bit of a packet's mark that says: masquerade it on its way out."""
_MARK = int(MARK, 16)


@dataclass(slots=True)
class Packet:
    """The first packet of a connection as the kernel holds it; rules change its destination, mark and source."""

    source: str
    ip: str
    port: int
    protocol: str = "tcp"
    marks: int = 0
    """The bits of its mark."""
    rewritten: bool = False
    """Whether its destination was changed (DNAT)."""
    masqueraded: bool = False

    @property
    def destination(self) -> str:
        """Address and port."""
        return f"{self.ip}:{self.port}"

    @property
    def marked(self) -> bool:
        """Whether kube-proxy has marked it."""
        return bool(self.marks & _MARK)

    def mark(self, how: str, value: str) -> None:
        """Change its mark as the target `MARK` does: `--or-mark 0x4000`, `--xor-mark`, `--set-xmark VALUE/MASK`."""
        bits, _slash, mask = value.partition("/")
        if how == "--set-xmark":
            self.marks = self.marks & ~int(mask, 16) ^ int(bits, 16)
        else:
            self.marks = self.marks | int(bits, 16) if how == "--or-mark" else self.marks ^ int(bits, 16)


class Kernel(Protocol):
    """What rules ask of the machine that they are on."""

    def is_local(self, ip: str) -> bool:
        """Whether the address is one of the machine's own."""
        ...

    def pick(self, of: int) -> int:
        """A number below `of`, by chance."""
        ...

    def saw(self, name: str, source: str, seconds: int) -> bool:
        """Whether a source was put on a list within so many seconds."""
        ...

    def remember(self, name: str, source: str, seconds: int) -> None:
        """Put a source on a list, or renew it there."""
        ...


@dataclass(slots=True)
class Drawn:
    """What chance has decided while a packet is in one chain."""

    kernel: Kernel
    number: int = -1


class Match:
    """One thing that a rule compares."""

    written = ""
    """As kube-proxy writes it."""
    heads: Mapping[str, str] = {}
    """What `iptables-save` prints before all matches, by `-s`, `-d` and `-p`."""

    @property
    def printed(self) -> str:
        """As `iptables-save` prints it, without what comes before."""
        return self.written

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        """Whether it is so for a packet."""
        return True


@dataclass(frozen=True)
class Comment(Match):
    """Words for whoever reads the rules. A name alone is written without quotes."""

    text: str
    bare: bool = False

    @property
    def written(self) -> str:  # type: ignore[override]
        return f"-m comment --comment {self.text}" if self.bare else self.printed

    @property
    def printed(self) -> str:
        return f'-m comment --comment "{self.text}"'


@lru_cache(maxsize=4096)
def _lies_in(ip: str, net: IPv4Network) -> bool:
    return IPv4Address(ip) in net


@dataclass(frozen=True)
class Source(Match):
    """From an address or range, or from outside of it."""

    net: str
    negated: bool = False

    @property
    def written(self) -> str:  # type: ignore[override]
        return f"{'! ' if self.negated else ''}-s {self.net}"

    @property
    def printed(self) -> str:
        return ""

    @property
    def heads(self) -> Mapping[str, str]:  # type: ignore[override]
        return {"-s": f"{'! ' if self.negated else ''}-s {self._net}"}

    @cached_property
    def _net(self) -> IPv4Network:
        return IPv4Network(self.net, strict=False)

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        return (packet.source == self.net or _lies_in(packet.source, self._net)) != self.negated


@dataclass(frozen=True)
class Destination(Match):
    """To an address or range."""

    net: str

    @property
    def written(self) -> str:  # type: ignore[override]
        return f"-d {self.net}"

    @property
    def printed(self) -> str:
        return ""

    @property
    def heads(self) -> Mapping[str, str]:  # type: ignore[override]
        return {"-d": f"-d {self.net if '/' in self.net else self.net + '/32'}"}

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        return packet.ip == self.net or ("/" in self.net and IPv4Address(packet.ip) in IPv4Network(self.net))


@dataclass(frozen=True)
class Port(Match):
    """Of a protocol, to a port if one is given. `at` is an address that is written between the two."""

    protocol: str
    port: int = 0
    at: str = ""

    @property
    def written(self) -> str:  # type: ignore[override]
        where = f" -d {self.at}" if self.at else ""
        return f"-m {self.protocol} -p {self.protocol}{where}{self._port}"

    @property
    def printed(self) -> str:
        return f"-m {self.protocol}{self._port}"

    @property
    def _port(self) -> str:
        return f" --dport {self.port}" if self.port else ""

    @property
    def heads(self) -> Mapping[str, str]:  # type: ignore[override]
        return {"-p": f"-p {self.protocol}", **({"-d": f"-d {self.at}/32"} if self.at else {})}

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        if self.port and packet.port != self.port:
            return False
        return packet.protocol == self.protocol and (not self.at or packet.ip == self.at)


@dataclass(frozen=True)
class Own(Match):
    """From (`src`) or to (`dst`) an address of the machine itself."""

    end: str

    @property
    def written(self) -> str:  # type: ignore[override]
        return f"-m addrtype --{self.end}-type LOCAL"

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        return drawn.kernel.is_local(packet.ip if self.end == "dst" else packet.source)


@dataclass(frozen=True)
class State(Match):
    """What the kernel knows of the connection. The packets here are the first of theirs: `NEW`, and `DNAT` if so."""

    states: str
    negated: bool = False

    @property
    def written(self) -> str:  # type: ignore[override]
        return f"-m conntrack {'! ' if self.negated else ''}--ctstate {self.states}"

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        known = self.states.split(",")
        return ("NEW" in known or (packet.rewritten and "DNAT" in known)) != self.negated


@dataclass(frozen=True)
class Marked(Match):
    """Marked for masquerading, or not."""

    negated: bool = False
    bit: str = MARK

    @property
    def written(self) -> str:  # type: ignore[override]
        return f"-m mark {'! ' if self.negated else ''}--mark {self.bit}/{self.bit}"

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        return bool(packet.marks & int(self.bit, 16)) != self.negated


@dataclass(frozen=True)
class Chance(Match):
    """The lot falls on the endpoint `index` of so many. The last one takes what is left, and needs no lot.

    The lots of one chain are drawn as one number, to the same effect: each endpoint has its equal share.
    """

    index: int
    of: int

    @property
    def written(self) -> str:  # type: ignore[override]
        left = self.of - self.index
        return f"-m statistic --mode random --probability {1 / left:.10f}" if left > 1 else ""

    @property
    def printed(self) -> str:
        left = self.of - self.index
        kept = round((1 << 31) * float(f"{1 / left:.10f}")) / (1 << 31)
        return f"-m statistic --mode random --probability {kept:.11f}" if left > 1 else ""

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        if drawn.number < 0:
            drawn.number = drawn.kernel.pick(self.of)
        return drawn.number == self.index


@dataclass(frozen=True)
class Recent(Match):
    """On the list of those who used an endpoint within so many seconds."""

    name: str
    seconds: int

    @property
    def written(self) -> str:  # type: ignore[override]
        return f"-m recent --name {self.name} --rcheck --seconds {self.seconds} --reap"

    @property
    def printed(self) -> str:
        when = f"--rcheck --seconds {self.seconds} --reap"
        return f"-m recent {when} --name {self.name} --mask 255.255.255.255 --rsource"

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        return drawn.kernel.saw(self.name, packet.source, self.seconds)


@dataclass(frozen=True)
class Noted(Match):
    """Holds always, and puts the sender on the list of those who use an endpoint."""

    name: str
    seconds: int

    @property
    def written(self) -> str:  # type: ignore[override]
        return f"-m recent --name {self.name} --set"

    @property
    def printed(self) -> str:
        return f"-m recent --set --name {self.name} --mask 255.255.255.255 --rsource"

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        drawn.kernel.remember(self.name, packet.source, self.seconds)
        return True


_PRINTED = {
    f"MARK --or-mark {MARK}": f"MARK --set-xmark {MARK}/{MARK}",
    f"MARK --xor-mark {MARK}": f"MARK --set-xmark {MARK}/0x0",
    "REJECT": "REJECT --reject-with icmp-port-unreachable",
}


@dataclass(frozen=True)
class Rule:
    """A rule of a chain: if all matches hold, the packet goes to `target`, which is a chain or a verdict."""

    chain: str
    matches: Sequence[Match]
    target: str = ""
    service: str = ""
    """The Service port that it is for, `namespace/name:port`; empty for those of all."""

    @property
    def written(self) -> str:
        """As kube-proxy hands it to `iptables-restore`."""
        words = [each.written for each in self.matches]
        return " ".join(filter(None, ("-A", self.chain, *words, self.target and f"-j {self.target}")))

    @cached_property
    def printed(self) -> str:
        """As `iptables-save` prints it."""
        heads = {option: text for each in self.matches for option, text in each.heads.items()}
        first = [heads[option] for option in ("-s", "-d", "-p") if option in heads]
        target = _PRINTED.get(self.target, self.target)
        words = [each.printed for each in self.matches]
        return " ".join(filter(None, ("-A", self.chain, *first, *words, target and f"-j {target}")))

    @property
    def comment(self) -> str:
        """What it says about itself; empty if nothing."""
        return next((each.text for each in self.matches if isinstance(each, Comment)), "")

    def holds(self, packet: Packet, drawn: Drawn) -> bool:
        """Whether it is about a packet."""
        for each in self.matches:  # noqa: SIM110 (half of the time of a packet is spent here)
            if not each.holds(packet, drawn):
                return False
        return True


BUILT_IN = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
}
"""The chains that the kernel itself sends packets to, by table."""


@dataclass(frozen=True)
class Tables:
    """The rules of one machine: chains by table and name, in order."""

    filter: dict[str, list[Rule]] = field(default_factory=dict)
    nat: dict[str, list[Rule]] = field(default_factory=dict)

    def table(self, name: str) -> dict[str, list[Rule]]:
        """`filter` or `nat`."""
        return self.filter if name == "filter" else self.nat

    def __len__(self) -> int:
        """How many rules there are."""
        return sum(len(rules) for name in BUILT_IN for rules in self.table(name).values())

    def about(self, service: str) -> list[Rule]:
        """The rules about a Service (`namespace/name`), the table `nat` first."""
        rules = [rule for name in ("nat", "filter") for chain in self.table(name).values() for rule in chain]
        return [rule for rule in rules if rule.service == service or rule.service.startswith(f"{service}:")]

    @property
    def saved(self) -> str:
        """What `iptables-save` prints, but for the dates."""
        return "\n".join(line for name in BUILT_IN for line in self._saved(name)) + "\n"

    def _saved(self, name: str) -> Iterator[str]:
        table, built_in = self.table(name), BUILT_IN[name]
        chains = (*built_in, *sorted(each for each in table if each not in built_in))
        yield f"*{name}"
        yield from (f":{chain} {'ACCEPT' if chain in built_in else '-'} [0:0]" for chain in chains)
        yield from (rule.printed for chain in chains for rule in table.get(chain, ()))
        yield "COMMIT"

    @property
    def restored(self) -> str:
        """What kube-proxy hands to `iptables-restore --noflush`: its own chains."""
        return "\n".join(line for name in BUILT_IN for line in self._restored(name)) + "\n"

    def _restored(self, name: str) -> Iterator[str]:
        own = {chain: rules for chain, rules in self.table(name).items() if chain not in BUILT_IN[name]}
        yield f"*{name}"
        yield from (f":{chain} - [0:0]" for chain in own)
        yield from (rule.written for rules in own.values() for rule in rules)
        yield "COMMIT"
