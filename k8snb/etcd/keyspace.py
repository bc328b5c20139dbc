"""What a member makes of its log: keys, and of each its value and its revisions.

An entry is a transaction as the API server sends them: *if* the key is at this revision, *then* put or delete. Whether
it succeeds, and with which revision, is decided when the entry is applied, so every member decides the same. `revision`
counts the writes that succeeded, over all keys; a key remembers when it was created, when it was changed last, and how
often. Older versions stay until they are compacted, and what they took of the file until it is defragmented.

Source: etcd `server/etcdserver/apply`, `server/storage/mvcc/kvstore_txn.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.etcd.leases import Grant, Revoke
from k8snb.raft.messages import Entry
from k8snb.store.agreement import Write
from k8snb.wire import WatchEvent


class KeyValue(NamedTuple):
    """The newest version of a key. Its value is the object of an event, for its bytes are made when somebody looks."""

    event: WatchEvent
    place: tuple[str, str, str]
    """Bucket, namespace and name."""
    created: int
    modified: int
    version: int
    lease: int = 0


@dataclass(eq=False, slots=True)
class Txn:
    """A transaction on its way through the log. `event` is there once it has succeeded."""

    key: str
    write: Write
    lease: int = 0
    event: WatchEvent | None = None
    decided: bool = False

    def __repr__(self) -> str:
        verb = "delete" if self.write.type == "DELETED" else "put"
        return f"if mod_revision({self.key}) = {self.write.expects} then {verb}"


@dataclass(frozen=True, slots=True)
class Compaction:
    """Forget what no read at this revision or later can see."""

    revision: int

    def __repr__(self) -> str:
        return f"compact {self.revision}"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A member has no room left, or may write again."""

    member: str
    active: bool

    def __repr__(self) -> str:
        return f"alarm NOSPACE of {self.member}" if self.active else f"disarm NOSPACE of {self.member}"


class Base(NamedTuple):
    """What was there when the group was founded."""

    revision: int
    compacted: int
    keys: Mapping[str, KeyValue]
    alarms: frozenset[str] = frozenset()
    leases: Mapping[int, int] = {}


class Version(NamedTuple):
    """One version of a key that is in a member's file."""

    key: str
    event: WatchEvent
    modified: int


def _unseen(_entry: Entry) -> None:
    """Nobody looks."""


@dataclass
class Keyspace:
    """The state machine of one member (`raft.group.Machine`). `decide` is told of each transaction as it is applied."""

    base: Base
    decide: Callable[[Txn, bool], None]
    lease: Callable[[Grant | Revoke], None]
    """Told of each lease that comes or goes, as it does."""
    applies: Callable[[Entry], None] = _unseen
    """Told of every entry that is applied."""
    revision: int = 0
    compacted: int = 0
    keys: dict[str, KeyValue] = field(default_factory=dict)
    kept: list[Version] = field(default_factory=list)
    """Every version that is still there, oldest first."""
    freed: list[Version] = field(default_factory=list)
    """Versions that were compacted, whose place in the file is not given back yet."""

    alarms: frozenset[str] = frozenset()
    """The members that have no room left."""
    leases: dict[int, int] = field(default_factory=dict)
    """Leases that clients were granted: by number, for how many seconds."""

    def __post_init__(self) -> None:
        self.alarms, self.leases = self.base.alarms, dict(self.base.leases)
        self.revision, self.compacted = self.base.revision, self.base.compacted
        self.keys = dict(self.base.keys)
        self.kept = [Version(key, value.event, value.modified) for key, value in self.keys.items()]

    def apply(self, entry: Entry) -> None:
        """Take in an entry that was agreed on."""
        data = entry.data
        self.applies(entry)
        if isinstance(data, Compaction):
            self._compact(data.revision)
        elif isinstance(data, Txn):
            self._transact(data)
        elif isinstance(data, Grant):
            self.leases[data.number] = data.ttl
            self.lease(data)
        elif isinstance(data, Revoke):
            self._revoke(data)
        elif isinstance(data, Alarm):
            self.alarms = self.alarms | {data.member} if data.active else self.alarms - {data.member}

    def _transact(self, txn: Txn) -> None:
        known = self.keys.get(txn.key)
        succeeds = (known.modified if known is not None else 0) == txn.write.expects
        succeeds = succeeds and (not txn.write.lease or txn.write.lease in self.leases)
        self.decide(txn, succeeds)
        if not succeeds:
            return
        assert txn.event is not None
        self.revision += 1
        if txn.write.type == "DELETED":
            del self.keys[txn.key]
        else:
            created, version = (known.created, known.version + 1) if known is not None else (self.revision, 1)
            write = txn.write
            place = write.bucket, write.namespace, write.name
            self.keys[txn.key] = KeyValue(txn.event, place, created, self.revision, version, txn.lease)
        self.kept.append(Version(txn.key, txn.event, self.revision))

    def _revoke(self, revoke: Revoke) -> None:
        """End a lease with its keys, each of which is gone at a revision of its own."""
        self.lease(revoke)
        self.leases.pop(revoke.number, None)
        held = {value.place: key for key, value in self.keys.items() if value.lease == revoke.number}
        for place, event in revoke.removed.items():
            self.revision += 1
            del self.keys[held[place]]
            self.kept.append(Version(held[place], event, self.revision))

    def _compact(self, revision: int) -> None:
        if revision <= self.compacted:
            return
        self.compacted = revision
        newest = {version.key: version for version in self.kept if version.modified <= revision}
        gone = [each for each in self.kept if each.modified <= revision and not self._stays(each, newest)]
        left = set(map(id, gone))
        self.kept = [each for each in self.kept if id(each) not in left]
        self.freed += gone

    @staticmethod
    def _stays(version: Version, newest: Mapping[str, Version]) -> bool:
        return newest[version.key] is version and version.event.type != "DELETED"

    def defragment(self) -> None:
        """Give back the place of what was compacted."""
        self.freed = []

    def save(self) -> Any:
        """Everything, for a member that is too far behind for the log."""
        kept, freed = list(self.kept), list(self.freed)
        return self.revision, self.compacted, dict(self.keys), kept, freed, self.alarms, dict(self.leases)

    def load(self, data: Any) -> None:
        """What another member has saved."""
        self.revision, self.compacted, keys, kept, freed, self.alarms, leases = data
        self.keys, self.kept, self.freed, self.leases = dict(keys), list(kept), list(freed), dict(leases)

    def below(self, prefix: str) -> Iterator[tuple[str, KeyValue]]:
        """The keys that begin with a prefix, in order."""
        yield from sorted((key, value) for key, value in self.keys.items() if key.startswith(prefix))
