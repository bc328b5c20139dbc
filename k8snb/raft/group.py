"""A group of members with disks and wires between them: what drives the state machines, and what goes wrong there.

Time is counted in ticks. A message takes a tick or more, and the `Weather` decides what becomes of it; members that are
cut off from each other hear nothing. Whoever crashes loses what was not on the disk. Everything is drawn by lot from
one generator, so a run repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from k8snb.machinery.names import Lottery
from k8snb.raft.member import Member
from k8snb.raft.messages import NO_VOTE, Change, Entry, Members, Message, Read, Ready, Snapshot
from k8snb.raft.roles import LEADER, MOST_ENTRIES


class Machine(Protocol):
    """What the log describes: everybody who applies the same entries has the same."""

    def apply(self, entry: Entry) -> None: ...

    def save(self) -> Any: ...

    def load(self, data: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Weather:
    """What the wires do: shares of messages that are lost or come twice, and the most ticks that one takes."""

    lose: float = 0.0
    duplicate: float = 0.0
    delay: int = 1


class Disk:
    """What a member has when it starts: its newest snapshot, its vote, and the entries since."""

    def __init__(self, members: Members) -> None:
        self.snapshot = Snapshot(0, 0, members)
        self.vote = NO_VOTE
        self.entries: list[Entry] = []

    def keep(self, ready: Ready) -> None:
        """Write what has to be kept."""
        if ready.snapshot is not None:
            self.snapshot, self.entries = ready.snapshot, []
        if ready.entries:
            at = ready.entries[0].index - self.snapshot.index - 1
            self.entries[at:] = ready.entries
        if ready.vote is not None:
            self.vote = ready.vote

    def compact(self, snapshot: Snapshot) -> None:
        """Put a snapshot in the place of the entries up to it."""
        self.entries = [entry for entry in self.entries if entry.index > snapshot.index]
        self.snapshot = snapshot


@dataclass
class Server:
    """A member, its disk, and what it has applied; no member while it is down."""

    name: str
    disk: Disk
    make: Callable[[], Machine]
    member: Member | None = None
    machine: Machine = field(init=False)
    applied: int = 0
    reads: list[Read] = field(default_factory=list)
    """Reads that may be answered once their index is applied."""

    def start(self, draw: Callable[[int], int], settings: Mapping[str, Any]) -> None:
        """Start from what is on the disk."""
        disk = self.disk
        self.member = Member(self.name, draw, disk.snapshot, disk.vote, disk.entries, **settings)
        self.machine = self.make()
        self.applied = disk.snapshot.index
        self.reads = []
        if disk.snapshot.data is not None:
            self.machine.load(disk.snapshot.data)

    def apply(self, ready: Ready) -> None:
        """Apply what is committed; it was kept before."""
        assert self.member is not None
        if ready.snapshot is not None:
            self.machine = self.make()
            self.machine.load(ready.snapshot.data)
            self.applied = ready.snapshot.index
        for entry in ready.committed:
            if entry.change is not None:
                self.member.apply_change(entry.change)
            elif entry.data is not None:
                self.machine.apply(entry)
            self.applied = entry.index
        self.reads += ready.reads

    def answerable(self) -> list[Read]:
        """The reads that may be answered now, from what is applied."""
        now = [read for read in self.reads if read.index <= self.applied]
        self.reads = [read for read in self.reads if read.index > self.applied]
        return now

    def compact(self) -> None:
        """Save what was applied, and forget the entries that led to it."""
        assert self.member is not None
        term = self.member.log.term(self.applied)
        assert term is not None
        if self.applied > self.disk.snapshot.index:
            snapshot = Snapshot(self.applied, term, self.member.members, self.machine.save())
            self.disk.compact(snapshot)
            self.member.compact(snapshot)


class Group:
    """Servers, wires and ticks."""

    def __init__(
        self,
        names: Iterable[str],
        make: Callable[[], Machine],
        lottery: Lottery,
        *,
        leases: bool = False,
        batch: int = MOST_ENTRIES,
        disks: Mapping[str, Disk] | None = None,
    ) -> None:
        """A new group of these members, each with a machine of its own; `leases` and `batch` as for a `Member`.

        With `disks` it is a group that comes back: those who have one start from it.
        """
        self.weather = Weather()
        self.ticks = 0
        self.servers: dict[str, Server] = {}
        self.wires: list[tuple[int, int, Message]] = []
        """Messages that are on their way: when they arrive, a number that keeps them apart, and themselves."""
        self.sides: dict[str, int] = {}
        """On which side of a partition a member is; those that are not named are on side 0."""
        self._make = make
        self._lottery = lottery
        self._settings: Mapping[str, Any] = {"leases": leases, "batch": batch}
        self._number = 0
        self._founders = Members(frozenset(names))
        for name in sorted(self._founders.voters if disks is None else disks):
            if disks is None:
                self.join(name)
            else:
                self.servers[name] = Server(name, disks[name], make)
                self.start(name)

    # -- what happens to it ------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start a member that is down."""
        server = self.servers[name]
        if server.member is None:
            server.start(self._lottery.below, self._settings)
            self.settle(name)

    def crash(self, name: str) -> None:
        """Take a member down: its disk is what remains."""
        self.servers[name].member = None

    def join(self, name: str) -> None:
        """Bring in a server with an empty log. It knows who founded the group, and does not belong to it before a
        change has made it a member."""
        self.servers[name] = Server(name, Disk(self._founders), self._make)
        self.start(name)

    def lose_disk(self, name: str) -> None:
        """A member that is down has lost its disk: it cannot come back under its name."""
        del self.servers[name]

    def partition(self, *sides: Iterable[str]) -> None:
        """Cut the group into sides that do not hear each other. Without any, everybody hears everybody."""
        self.sides = {name: number for number, side in enumerate(sides) for name in side}

    # -- what goes on in it ------------------------------------------------------------------------------------

    @property
    def running(self) -> list[Server]:
        """The servers that are up."""
        return [server for server in self.servers.values() if server.member is not None]

    @property
    def leader(self) -> Server | None:
        """The leader of the newest term that there is."""
        leading = [s for s in self.running if s.member is not None and s.member.role == LEADER]
        return max(leading, key=lambda s: s.member.term if s.member is not None else 0, default=None)

    def tick(self) -> None:
        """Let a tick pass: what is due arrives, and then everybody's clock goes on."""
        self.ticks += 1
        due = [each for each in self.wires if each[0] <= self.ticks]
        self.wires = [each for each in self.wires if each[0] > self.ticks]
        for _when, _number, message in sorted(due, key=lambda each: each[:2]):
            self._arrive(message)
        for server in self.running:
            if server.member is not None:
                server.member.tick()
                self.settle(server.name)

    def deliver(self) -> tuple[Message, bool] | None:
        """Let the oldest message that is on its way arrive at once; it and whether anybody got it, None if none is."""
        if not self.wires:
            return None
        message = self.wires.pop(0)[2]
        return message, self._arrive(message)

    def hears(self, name: str, sender: str) -> bool:
        """Whether a member is there and what the other one sends it arrives."""
        there = self.servers.get(name)
        up = there is not None and there.member is not None
        return up and self.sides.get(sender, 0) == self.sides.get(name, 0)

    def _arrive(self, message: Message) -> bool:
        there = self.servers.get(message.to)
        if there is None or there.member is None or not self.hears(message.to, message.sender):
            return False
        there.member.step(message)
        self.settle(there.name)
        return True

    def settle(self, name: str) -> None:
        """Do what a member wants done, until there is nothing more."""
        server = self.servers[name]
        while server.member is not None and (ready := server.member.ready()):
            server.disk.keep(ready)
            for message in ready.messages:
                self._send(message)
            server.apply(ready)

    def _send(self, message: Message) -> None:
        weather, random = self.weather, self._lottery.random.random
        if weather.lose and random() < weather.lose:
            return
        times = 2 if weather.duplicate and random() < weather.duplicate else 1
        for _ in range(times):
            self._number += 1
            when = self.ticks + 1 + (self._lottery.below(weather.delay) if weather.delay > 1 else 0)
            self.wires.append((when, self._number, message))

    # -- what is asked of it -----------------------------------------------------------------------------------

    def propose(self, name: str, data: Any) -> int | None:
        """Ask a member for something to be agreed on; its index, or None."""
        index: int | None = self._ask(name, lambda member: member.propose(data))
        return index

    def change(self, name: str, change: Change) -> int | None:
        """Ask a member for a change of the group; its index, or None."""
        index: int | None = self._ask(name, lambda member: member.change(change))
        return index

    def read(self, name: str, request: Any) -> bool:
        """Ask a member when a read may be answered; False if it is not the leader."""
        return bool(self._ask(name, lambda member: member.read(request)))

    def transfer(self, name: str, to: str) -> bool:
        """Ask a member to hand the leadership over; False if it cannot."""
        return bool(self._ask(name, lambda member: member.transfer(to)))

    def _ask(self, name: str, question: Callable[[Member], Any]) -> Any:
        member = self.servers[name].member if name in self.servers else None
        answer = question(member) if member is not None else None
        if member is not None:
            self.settle(name)
        return answer
