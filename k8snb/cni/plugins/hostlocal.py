"""host-local: addresses from ranges of this machine, remembered in files. It gives addresses to other plugins.

An address that somebody has is a file of its name, with the container and interface in it. The next address is the one
after the last that was given, round the range, so that one that came back is not given away again at once. The files
are those of upstream's host-local, so that the two can take turns.
Upstream: `plugins/ipam/host-local`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from k8snb.cni.errors import INTERNAL, INVALID_CONFIG, CNIError
from k8snb.cni.plugins.plain import Plain
from k8snb.cni.protocol import Call, Document

DIRECTORY = "/var/lib/cni/networks"
_LAST = "last_reserved_ip."


@dataclass(frozen=True)
class Range:
    """Some addresses of a subnet, and the router's, which nobody gets."""

    subnet: IPv4Network
    first: int
    last: int
    gateway: int

    def __str__(self) -> str:
        return f"{IPv4Address(self.first)}-{IPv4Address(self.last)}"


class HostLocal(Plain):
    """Hands out addresses."""

    name = "host-local"

    def add(self, call: Call) -> Document:
        store, wanted = _Store(call), list(_requested(call))
        given: list[Document] = []
        try:
            for number, ranges in enumerate(_ranges(call)):
                asked = next((each for each in wanted if any(_holds(r, each) for r in ranges)), None)
                if asked is not None:
                    wanted.remove(asked)
                given.append(_take(store, number, ranges, asked))
            if wanted:
                named = " ".join(str(IPv4Address(each)) for each in wanted)
                raise CNIError(INTERNAL, f"failed to allocate all requested IPs: [{named}]")
        except CNIError:
            store.release()
            raise
        routes = list((call.config.get("ipam") or {}).get("routes") or ())
        return {"ips": given, **({"routes": routes} if routes else {})}

    def delete(self, call: Call) -> None:
        _Store(call).release()

    def check(self, call: Call) -> None:
        if not _Store(call).own():
            raise CNIError(INTERNAL, f"host-local: Failed to find address added by container {call.container}")

    def status(self, call: Call) -> None:
        list(_ranges(call))

    def collect(self, call: Call, kept: Sequence[tuple[str, str]]) -> None:
        store = _Store(call)
        for address, owner in store.owners():
            if owner not in kept:
                store.free(address)


class _Store:
    """The files of one network."""

    def __init__(self, call: Call) -> None:
        self._world = call.world
        self._owner = (call.container, call.ifname)
        directory = str((call.config.get("ipam") or {}).get("dataDir") or DIRECTORY)
        self._directory = f"{directory}/{call.network}"

    def reserve(self, address: int, number: int) -> bool:
        """Take an address, unless somebody has it."""
        text = str(IPv4Address(address))
        if not self._world.create(f"{self._directory}/{text}", "\r\n".join(self._owner)):
            return False
        self._world.write(f"{self._directory}/{_LAST}{number}", text)
        return True

    def last(self, number: int) -> int | None:
        """The address that was given last from a set of ranges."""
        found = self._world.read(f"{self._directory}/{_LAST}{number}")
        return int(IPv4Address(found.strip())) if found else None

    def owners(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Every address that somebody has, with the container and its interface."""
        for name in self._world.names(self._directory):
            if name[:1].isdigit():
                container, _line, ifname = (self._world.read(f"{self._directory}/{name}") or "").partition("\r\n")
                yield name, (container.strip(), ifname.strip())

    def own(self) -> list[str]:
        """The addresses of this container's interface."""
        return [address for address, owner in self.owners() if owner == self._owner]

    def release(self) -> None:
        """Give back what this container's interface has."""
        for address in self.own():
            self.free(address)

    def free(self, address: str) -> None:
        """Nobody has the address any more."""
        self._world.remove(f"{self._directory}/{address}")


def _ranges(call: Call) -> Iterator[list[Range]]:
    """The sets of ranges; from each there is one address."""
    ipam = call.config.get("ipam")
    if not ipam:
        raise CNIError(INVALID_CONFIG, "IPAM config missing 'ipam' key")
    sets = list(ipam.get("ranges") or ())
    if ipam.get("subnet"):
        sets.insert(0, [{key: ipam[key] for key in ("subnet", "rangeStart", "rangeEnd", "gateway") if key in ipam}])
    sets = list(call.runtime.get("ipRanges") or ()) + sets
    if not sets:
        raise CNIError(INVALID_CONFIG, "no IP ranges specified")
    for each in sets:
        yield [_range(entry) for entry in each]


def _range(entry: Document) -> Range:
    try:
        subnet = IPv4Network(str(entry.get("subnet", "")))
        base, end = int(subnet.network_address), int(subnet.broadcast_address)
        first = int(IPv4Address(entry["rangeStart"])) if entry.get("rangeStart") else base + 1
        last = int(IPv4Address(entry["rangeEnd"])) if entry.get("rangeEnd") else end - 1
        gateway = int(IPv4Address(entry["gateway"])) if entry.get("gateway") else base + 1
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise CNIError(INVALID_CONFIG, f"invalid range set 0: {error}") from None
    if subnet.num_addresses < 4:
        raise CNIError(INVALID_CONFIG, f"invalid range set 0: Network {subnet} too small to allocate from")
    for name, address in (("RangeStart", first), ("RangeEnd", last)):
        if IPv4Address(address) not in subnet:
            raise CNIError(
                INVALID_CONFIG, f"invalid range set 0: {name} {IPv4Address(address)} not in network {subnet}"
            )
    return Range(subnet, first, last, gateway)


def _requested(call: Call) -> Iterator[int]:
    """The addresses that were asked for by name: in the runtime's configuration, or in `CNI_ARGS`."""
    arguments = dict(part.split("=", 1) for part in call.environment.get("CNI_ARGS", "").split(";") if "=" in part)
    for text in [*(call.runtime.get("ips") or ()), *filter(None, arguments.get("IP", "").split(","))]:
        yield int(IPv4Address(str(text).partition("/")[0]))


def _holds(one: Range, address: int) -> bool:
    return one.first <= address <= one.last


def _take(store: _Store, number: int, ranges: Sequence[Range], asked: int | None) -> Document:
    lead = f"failed to allocate for range {number}"
    if store.own() and number == 0:
        raise CNIError(INTERNAL, f"{lead}: {store.own()[0]} has been allocated to this container already, duplicate "
                       "allocation is not allowed")  # fmt: skip
    candidates = _round(ranges, store.last(number)) if asked is None else [asked]
    for address in candidates:
        of = next(each for each in ranges if _holds(each, address))
        if address != of.gateway and store.reserve(address, number):
            network = f"{IPv4Address(address)}/{of.subnet.prefixlen}"
            return {"address": network, "gateway": str(IPv4Address(of.gateway))}
    names = ",".join(map(str, ranges))
    if asked is not None:
        raise CNIError(INTERNAL, f"{lead}: requested IP address {IPv4Address(asked)} is not available in range set "
                       f"{names}")  # fmt: skip
    raise CNIError(INTERNAL, f"{lead}: no IP addresses available in range set: {names}")


def _round(ranges: Sequence[Range], last: int | None) -> Iterator[int]:
    """All addresses, beginning after the last that was given."""
    every = [address for each in ranges for address in range(each.first, each.last + 1)]
    begin = every.index(last) + 1 if last is not None and last in every else 0
    yield from every[begin:]
    yield from every[:begin]
