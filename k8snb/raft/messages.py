"""What members say to each other, and what they keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

VOTE = "vote"
VOTED = "voted"
PRE_VOTE = "pre-vote"
PRE_VOTED = "pre-voted"
APPEND = "append"
APPENDED = "appended"
HEARTBEAT = "heartbeat"
HEARD = "heard"
SNAPSHOT = "snapshot"
TIMEOUT_NOW = "timeout-now"
OF_A_LEADER = frozenset({APPEND, HEARTBEAT, SNAPSHOT})

ADD, LEARN, REMOVE = "add", "learn", "remove"


class Change(NamedTuple):
    """A change of one member: `add` makes it a voter, `learn` a member without a vote, `remove` takes it out."""

    action: str
    member: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One place in the log. `data` is what is agreed on; a new leader's first entry has none."""

    term: int
    index: int
    data: Any = None
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """Who belongs to the group: those who vote, and those who only learn."""

    voters: frozenset[str]
    learners: frozenset[str] = frozenset()

    @property
    def all(self) -> list[str]:
        """Everybody, in the order of their names."""
        return sorted(self.voters | self.learners)

    @property
    def quorum(self) -> int:
        """How many votes are a majority."""
        return len(self.voters) // 2 + 1

    def after(self, change: Change) -> Members:
        """The group after a change."""
        voters, learners = self.voters - {change.member}, self.learners - {change.member}
        if change.action == ADD:
            return Members(voters | {change.member}, learners)
        if change.action == LEARN and change.member not in self.voters:
            return Members(voters, learners | {change.member})
        return Members(voters, learners) if change.action == REMOVE else self


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the log came to up to an index, so that the log before can be forgotten."""

    index: int
    term: int
    members: Members
    data: Any = None


@dataclass(frozen=True, slots=True)
class Vote:
    """What a member must not forget: the newest term, its vote in it, and how far it knows the log to be committed."""

    term: int = 0
    voted_for: str = ""
    commit: int = 0


NO_VOTE = Vote()


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Which fields mean something depends on its kind.

    `index` and `log_term` are the place before the first entry (append), the newest place of the sender's log (votes),
    or the newest that is known to be the same (answers). `hint` is where a refused append should be tried next.
    `context` comes back with the answer to a heartbeat.
    """

    kind: str
    sender: str
    to: str
    term: int
    index: int = 0
    log_term: int = 0
    commit: int = 0
    entries: tuple[Entry, ...] = ()
    reject: bool = False
    hint: int = 0
    snapshot: Snapshot | None = None
    context: int = 0
    forced: bool = False
    """Of a vote: the leader itself asked for it, so it is not held off."""


@dataclass(frozen=True, slots=True)
class Read:
    """A read may be answered as soon as everything up to `index` has been applied."""

    request: Any
    index: int


@dataclass(slots=True)
class Ready:
    """What has to be done now, in this order: keep, then send, then apply."""

    vote: Vote | None = None
    snapshot: Snapshot | None = None
    """Take its data in the place of everything that was applied, and forget the log up to it."""
    entries: tuple[Entry, ...] = ()
    """Keep these; they replace whatever was kept from the index of the first on."""
    messages: tuple[Message, ...] = ()
    committed: tuple[Entry, ...] = ()
    reads: tuple[Read, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.vote or self.snapshot or self.entries or self.messages or self.committed or self.reads)
