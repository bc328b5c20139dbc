"""The kernel of a node, as far as rules ask it: its addresses, its lots, who called lately, and its connections."""

from __future__ import annotations

from k8snb.clock import Clock
from k8snb.machinery.names import Lottery
from k8snb.network.addresses import Addresses
from k8snb.network.rules.tracking import Tracking


class NodeKernel:
    """One node's kernel. `pods` is the range of the cluster's pod addresses."""

    def __init__(self, node: str, addresses: Addresses, pods: str, clock: Clock, lottery: Lottery) -> None:
        self.node = node
        self.pods = pods
        self.tracking = Tracking(clock)
        self._addresses = addresses
        self._clock = clock
        self._lottery = lottery
        self._recent: dict[str, dict[str, float]] = {}

    @property
    def ip(self) -> str:
        """The node's address."""
        return self._addresses.address_of(self.node)

    @property
    def zone(self) -> str:
        """The zone that the node is in; empty if nobody has said."""
        return self._addresses.zone_of(self.node)

    def is_local(self, ip: str) -> bool:
        """Whether the address is one of the node's own."""
        return (bool(self.node) and self._addresses.node_at(ip) == self.node) or ip.startswith("127.")

    def pick(self, of: int) -> int:
        """A number below `of`, by chance."""
        return self._lottery.below(of)

    def saw(self, name: str, source: str, seconds: int) -> bool:
        """Whether a source was put on a list within so many seconds."""
        last = self._recent.get(name, {}).get(source)
        return last is not None and self._clock.now() - last <= seconds

    def remember(self, name: str, source: str, seconds: int) -> None:
        """Put a source on a list, and forget those of it that are due."""
        now = self._clock.now()
        listed = self._recent.get(name, {})
        kept = {each: last for each, last in listed.items() if now - last <= seconds}
        self._recent[name] = {**kept, source: now}


class Thought(NodeKernel):
    """A kernel that answers as another one would, with lots of its own, and remembers nothing."""

    def __init__(self, kernel: NodeKernel, lottery: Lottery) -> None:
        super().__init__(kernel.node, kernel._addresses, kernel.pods, kernel._clock, lottery)
        self._recent = kernel._recent

    def remember(self, name: str, source: str, seconds: int) -> None:
        """Nothing."""
