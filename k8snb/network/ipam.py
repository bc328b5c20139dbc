"""Pod addresses: each node hands out those of its own range, one after the other.

As the `host-local` CNI plugin does it, the next address is the one after the last that was given, round the
range; the first one belongs to the node's bridge.
"""

from __future__ import annotations

from ipaddress import IPv4Network

RESERVED = 2
"""The network's own address and the bridge's."""


class Exhausted(Exception):
    """Every address of the range is in use."""


class Range:
    """The addresses of one node's pods."""

    def __init__(self, cidr: str) -> None:
        network = IPv4Network(cidr)
        self.cidr = cidr
        self._first = int(network.network_address)
        self._size = network.num_addresses - 1
        self._next = RESERVED
        self._used = bytearray(network.num_addresses)
        """One for each address that a pod has."""
        packed = network.network_address.packed
        self._prefix = f"{packed[0]}.{packed[1]}.{packed[2]}." if network.prefixlen >= 24 else ""
        self._last = packed[3]

    def take(self) -> str:
        """The next free address; raises Exhausted."""
        for _ in range(self._size):
            offset = self._next
            self._next = offset + 1 if offset + 1 < self._size else RESERVED
            if not self._used[offset]:
                self._used[offset] = 1
                return self._text(offset)
        first, last = self._text(RESERVED - 1), self._text(self._size - 1)
        raise Exhausted(f"failed to allocate for range 0: no IP addresses available in range set: {first}-{last}")

    def give_back(self, address: str) -> None:
        """The address may be given to another pod."""
        parts = [int(part) for part in address.split(".")]
        number = (parts[0] << 24) + (parts[1] << 16) + (parts[2] << 8) + parts[3]
        self._used[number - self._first] = 0

    def __contains__(self, address: str) -> bool:
        return bool(self._prefix) and address.startswith(self._prefix)

    def __len__(self) -> int:
        return self._used.count(1)

    def _text(self, offset: int) -> str:
        if self._prefix:
            return f"{self._prefix}{self._last + offset}"
        number = self._first + offset
        return f"{number >> 24 & 255}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
