"""The messages that members sent each other, with what everybody was after each; and whether Raft keeps its promises.

Every message that arrives is held against the promises, in every run: two leaders of one term, a committed entry that a
new leader lacks, two members that apply different entries at one index, or a log that goes apart again after it was the
same, are bugs of this package, and say so at once.

Source: the safety properties in figure 3 of the Raft paper.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from k8snb.raft.group import Group, Server
from k8snb.raft.messages import Entry, Message
from k8snb.raft.roles import LEADER

KEPT = 4_000
"""How many messages are kept."""
LOOKED_AT = 4
"""How many entries at the end of a log are held against those of others, at each message."""


class Standing(NamedTuple):
    """What a member is at one moment; of one that does not run there is what is on its disk."""

    role: str
    term: int
    last: int
    commit: int
    applied: int
    voted_for: str = ""


DOWN = "down"
"""The role of a member that does not run."""


class Heard(NamedTuple):
    """One message, when it was sent, whether it arrived, and what all members were then."""

    time: float
    message: Message
    arrived: bool
    standings: dict[str, Standing]


class Noted(NamedTuple):
    """Something that happened to a member or between them: a clock that ran out, a crash, a proposal."""

    time: float
    what: str
    member: str
    standings: dict[str, Standing]


class BrokenPromise(AssertionError):
    """Raft's promise that was broken, and how."""


PROMISES = ("election safety", "leader completeness", "log matching", "state machine safety")
"""At most one leader in a term; a leader has all that was committed before; the same index and term are the same log;
nobody applies another entry at the same index."""


class Tape:
    """What was said in a group, and the promises that it is held against."""

    def __init__(self) -> None:
        self.steps: deque[Heard | Noted] = deque(maxlen=KEPT)
        self.count = 0
        """How many steps there were, also those that are not kept any more."""
        self.checked = 0
        """How often the promises were looked at, and held."""
        self._leaders: dict[int, str] = {}
        self._applied: dict[int, tuple[int, int]] = {}
        self._entries: dict[tuple[int, int], tuple[int, int | None]] = {}

    def heard(self, time: float, message: Message, arrived: bool, group: Group) -> None:
        """A message has been delivered, or lost."""
        there = group.servers.get(message.to)
        if arrived and there is not None:
            self.check(there)
        self.count += 1
        self.steps.append(Heard(time, message, arrived, standings(group)))

    def noted(self, time: float, what: str, member: str, group: Group) -> None:
        """Something else happened."""
        for server in group.running:
            self.check(server)
        self.count += 1
        self.steps.append(Noted(time, what, member, standings(group)))

    def applies(self, entry: Entry) -> None:
        """A member applies an entry: it has to be the one that others have applied there."""
        mark = entry.term, id(entry.data) if entry.data is not None else 0
        if self._applied.setdefault(entry.index, mark) != mark:
            raise BrokenPromise(f"state machine safety: index {entry.index} is applied twice, and differently")

    def check(self, server: Server) -> None:
        """Hold what a member is now against the promises. Raises BrokenPromise."""
        member = server.member
        if member is None:
            return
        self.checked += 1
        if member.role == LEADER and self._leaders.get(member.term) != server.name:
            self._leads(server)
        self._match(server)

    def _leads(self, server: Server) -> None:
        """A member leads that did not before."""
        member = server.member
        assert member is not None
        if member.term in self._leaders:
            raise BrokenPromise(f"election safety: term {member.term} has two leaders")
        self._leaders[member.term] = server.name
        log = member.log
        for index, (term, _data) in self._applied.items():
            if term < member.term and log.first <= index and log.term(index) != term:
                raise BrokenPromise(f"leader completeness: the leader of term {member.term} lacks entry {index}")

    def _match(self, server: Server) -> None:
        assert server.member is not None
        log = server.member.log
        for entry in log.slice(max(log.first, log.last - LOOKED_AT)):
            mark = (id(entry.data) if entry.data is not None else 0, log.term(entry.index - 1))
            if self._entries.setdefault((entry.index, entry.term), mark) != mark:
                raise BrokenPromise(f"log matching: two logs differ at or before {entry.index}, of term {entry.term}")


def standings(group: Group) -> dict[str, Standing]:
    """What every server is now."""
    return {name: _standing(server) for name, server in group.servers.items()}


def _standing(server: Server) -> Standing:
    member, disk = server.member, server.disk
    if member is None:
        last = disk.entries[-1].index if disk.entries else disk.snapshot.index
        return Standing(DOWN, 0, last, 0, 0)
    return Standing(member.role, member.term, member.log.last, member.commit, server.applied, member.voted_for)
