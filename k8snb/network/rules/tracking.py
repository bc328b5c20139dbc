"""Connection tracking: what the kernel remembers of connections whose destination it has rewritten.

Only the first packet of a connection follows the rules. For all others, in both directions, the kernel looks up what
it did with the first: so a connection stays with its endpoint whatever becomes of the rules, and answers get back the
addresses that the caller knows. Upstream: the kernel's `nf_conntrack`, shown by `conntrack -L`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from k8snb.clock import Clock
from k8snb.network.rules.iptables import Packet

TIME_WAIT_SECONDS = 120
"""How long a connection is remembered after it has ended."""
FIRST_PORT, LAST_PORT = 32_768, 60_999
"""The ports from which callers open connections."""
KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Tracked:
    """A connection: where the caller thought that it went, and where it went."""

    at: float
    protocol: str
    source: str
    source_port: int
    destination: str
    """Address and port that were dialled."""
    endpoint: str
    """Address and port that answered."""
    seen: str
    """The address that the endpoint saw it come from."""

    def line(self, now: float) -> str:
        """As `conntrack -L` prints it."""
        left = max(0, int(TIME_WAIT_SECONDS - (now - self.at)))
        number = {"tcp": 6, "udp": 17, "sctp": 132}[self.protocol]
        to, port = self.destination.rsplit(":", 1)
        from_ip, from_port = self.endpoint.rsplit(":", 1)
        there = f"src={self.source} dst={to} sport={self.source_port} dport={port}"
        back = f"src={from_ip} dst={self.seen} sport={from_port} dport={self.source_port}"
        return f"{self.protocol:<8} {number} {left} TIME_WAIT {there} {back} [ASSURED] mark=0 use=1"


class Tracking:
    """The newest connections of one node."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: deque[Tracked] = deque(maxlen=KEPT)
        self._port = FIRST_PORT

    def note(self, source: str, destination: str, packet: Packet) -> None:
        """Remember what was done with a connection, whose caller and dialled destination are these."""
        self._port = self._port + 2 if self._port + 2 <= LAST_PORT else FIRST_PORT
        now = self._clock.now()
        made = Tracked(now, packet.protocol, source, self._port, destination, packet.destination, packet.source)
        self._known.append(made)

    def entries(self) -> Sequence[Tracked]:
        """Those that are remembered still, the newest first."""
        now = self._clock.now()
        return [each for each in reversed(self._known) if now - each.at < TIME_WAIT_SECONDS]

    def listed(self) -> str:
        """What `conntrack -L` prints."""
        now = self._clock.now()
        return "".join(f"{each.line(now)}\n" for each in self.entries())
