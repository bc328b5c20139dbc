"""A Raft group beneath a store: what the API server writes is a proposal, and happens when a majority has it.

Between members messages take no virtual time, so with a majority a write is agreed on within the request; what takes
time is an election (a second of silence, and up to one more). Ticks are given only while they can change something, so
a group that is at rest costs nothing. The store performs a transaction when the first member applies it: that is the
moment from which on it cannot be lost.

The API server reaches every member, or those that are on its side of a partition, and asks one that knows a leader if
there is any. Where nobody can agree now, a write is refused at once, and who has time to wait does so
(`k8snb.cluster.members` in virtual time, `k8snb.serving.served` by the clock).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from k8snb.clock import Clock, Timer
from k8snb.errors import StatusError
from k8snb.etcd import errors
from k8snb.etcd.keyspace import Alarm, Base, Compaction, Keyspace, KeyValue, Txn
from k8snb.etcd.leases import Grant, Leases, Revoke
from k8snb.etcd.tape import Tape
from k8snb.machinery.names import Lottery
from k8snb.raft.group import Disk, Group, Server
from k8snb.raft.messages import Entry, Members, Snapshot, Vote
from k8snb.raft.roles import LEADER
from k8snb.store.agreement import Write
from k8snb.store.mvcc import Store
from k8snb.wire import WatchEvent

TICK_SECONDS = 0.1
"""A heartbeat each 100 ms; an election after ten without one (etcd `--heartbeat-interval`, `--election-timeout`)."""
SNAPSHOT_COUNT = 10_000
"""After how many applied entries a member puts a snapshot in their place (etcd `--snapshot-count`)."""
CLIENT = "kube-apiserver"
"""Who asks, in a partition that names it."""

KeyOf: TypeAlias = Callable[[str, str, str], str]
"""The key of an object, by its bucket, namespace and name."""
Versions: TypeAlias = Mapping[str, tuple[int, int]]
"""By key, the revision at which it was created, and how often it has been written since."""
NO_VERSIONS: Versions = {}


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a member's disk takes to keep an entry (`fsync`), and a message to come to it and back."""

    fsync: float = 0.002
    trip: float = 0.001


class Mark(NamedTuple):
    """How far the log has been applied by anybody: the entry, and who belonged to the group then."""

    at: int
    """Its index."""
    term: int
    members: Members


class Former(NamedTuple):
    """What a group goes on from: how far its log went, and of each member that has a disk its term and its vote."""

    mark: Mark
    votes: Mapping[str, tuple[int, str]]
    absent: frozenset[str] = frozenset()
    """Members that were added and never started."""
    alarms: frozenset[str] = frozenset()


class Ensemble:
    """Members, the store that stands on them, and the time that they are given (an `Agreement` of that store)."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lottery: Lottery,
        names: Iterable[str],
        key_of: KeyOf,
        leases: Leases,
        former: Former | None = None,
        versions: Versions = NO_VERSIONS,
    ) -> None:
        self.store = store
        self.leases = leases
        leases.propose = self.insist
        self.tape = Tape()
        self.paces: dict[str, Pace] = {}
        self.refusals = 0
        """How often somebody was told that etcd does not answer."""
        self.last: Txn | None = None
        """The transaction that was proposed last."""
        self.changed: list[Callable[[], None]] = []
        """Who is to be told when there may be a majority again."""
        self.is_full: Callable[[str, str], bool] = lambda name, key: False
        """Whether a member has no room for another version of a key."""
        self.rewritten: set[str] | None = None
        """Keys whose `versions` have changed, for whoever keeps them and empties this; None if nobody does."""
        self._clock = clock
        self._lottery = lottery
        self._key_of = key_of
        self._timer: Timer | None = None
        self._led: tuple[str, int] | None = None
        self.found(names, former, versions)

    def found(self, names: Iterable[str], former: Former | None = None, versions: Versions = NO_VERSIONS) -> None:
        """Found a group that has what the store has, or let a former one come back with that, and wait until it has a
        leader, in no time. One that has lost its majority has none."""
        self.versions: dict[str, tuple[int, int]] = dict(versions)
        """Of what has been written more than once: when it was created, and how often it was written."""
        alarms = former.alarms if former is not None else frozenset[str]()
        self.base = Base(self.store.revision, self.store.compacted, self._living(), alarms, self.leases.times())
        if former is None:
            self.group = Group(names, self._machine, self._lottery)
            self.mark = Mark(0, 0, Members(frozenset(self.group.servers)))
        else:
            self.mark = former.mark
            voters = former.mark.members.voters - former.absent
            self.group = Group(voters, self._machine, self._lottery, disks=self._disks(former))
        while self._restless():
            self._tick_all()
        self._look_who_leads()

    def _living(self) -> dict[str, KeyValue]:
        """What the store has, as a member has it."""
        store, found = self.store, dict[str, KeyValue]()
        leases = store.leased.by_event()
        for bucket in store.buckets().values():
            for namespace, objects in bucket.namespaces.items():
                for name, event in objects.items():
                    key = self._key_of(bucket.name, namespace, name)
                    created, version = self.versions.get(key, (event.revision, 1))
                    place = bucket.name, namespace, name
                    found[key] = KeyValue(event, place, created, event.revision, version, leases.get(id(event), 0))
        return found

    def _disks(self, former: Former) -> dict[str, Disk]:
        """The disks of members that come back: each has all that was applied as a snapshot, and its own vote."""
        index, term, members = former.mark
        made = {name: Disk(members) for name in former.votes}
        for name, disk in made.items():
            disk.snapshot = Snapshot(index, term, members, self._machine().save())
            disk.vote = Vote(*former.votes[name], index)
        return made

    def votes(self) -> dict[str, tuple[int, str]]:
        """Of each member that has a disk the newest term that it knows of, and its vote in that."""
        votes = {name: server.disk.vote for name, server in self.group.servers.items()}
        return {name: (vote.term, vote.voted_for) for name, vote in votes.items()}

    def _machine(self) -> Keyspace:
        return Keyspace(self.base, self._decide, self.leases.perform, self.tape.applies)

    # -- what the store asks ---------------------------------------------------------------------------------------

    def write(self, write: Write) -> WatchEvent:
        """Have a transaction agreed on and performed. Raises StatusError if that is not so now."""
        lease = write.lease or (self.store.leased.slot(write.ttl) if write.ttl else 0)
        txn = Txn(self._key_of(write.bucket, write.namespace, write.name), write, lease)
        leader = self.leader
        self.last = txn
        if leader is None:
            self.last = None
            raise self._refusal(errors.timed_out())
        if write.type != "DELETED" and self.is_full(leader.name, txn.key):
            raise errors.no_space()
        self.tape.noted(self._clock.now(), f"proposal: {txn}", leader.name, self.group)
        self.group.propose(leader.name, txn)
        self._pump()
        if txn.event is not None:
            return txn.event
        if txn.decided:
            raise errors.overtaken()
        self._stir()
        raise self._refusal(errors.timed_out())

    def compact(self, revision: int) -> None:
        """Let members forget too, as soon as they can agree on that."""
        self.agree(Compaction(revision))

    def agree(self, what: Compaction | Alarm | Grant | Revoke) -> None:
        """Have something agreed on that is no write, if anybody leads."""
        leader = self.leader
        if leader is not None:
            self.group.propose(leader.name, what)
            self._pump()

    def insist(self, what: Grant | Revoke) -> None:
        """Have it agreed on that a lease comes or goes. Raises StatusError if that is not so now."""
        self.agree(what)
        if not what.decided:
            self._stir()
            raise self._refusal(errors.timed_out())

    def confirm(self) -> None:
        """Find out whether the leader still is the leader, which is what a linearizable read needs."""
        leader = self.leader
        question = object()
        if leader is not None and self.group.read(leader.name, question):
            self._pump()
            if any(read.request is question for read in leader.answerable()):
                return
            self._stir()
        self.last = None
        raise self._refusal(errors.unanswered())

    def _refusal(self, error: StatusError) -> StatusError:
        self.refusals += 1
        return error if self.reachable() or error.code != 500 else errors.refused()

    # -- who is there ----------------------------------------------------------------------------------------------

    def reachable(self) -> list[Server]:
        """The members that the API server reaches."""
        sides = self.group.sides
        mine = sides.get(CLIENT)
        return [s for s in self.group.running if mine is None or sides.get(s.name, 0) == mine]

    @property
    def leader(self) -> Server | None:
        """Who leads, as far as the API server can reach it through any member; the newest where two believe to."""
        found = [self.group.servers.get(s.member.leader) for s in self.reachable() if s.member is not None]
        leading = [s for s in found if s is not None and s.member is not None and s.member.role == LEADER]
        heard = [s for s in leading if any(self.group.hears(s.name, each.name) for each in self.reachable())]
        return max(heard, key=_term, default=None)

    @property
    def available(self) -> bool:
        """Whether something can be agreed on now."""
        leader = self.leader
        return leader is not None and self._has_quorum(leader)

    def _has_quorum(self, server: Server) -> bool:
        assert server.member is not None
        members = server.member.members
        return sum(self.group.hears(name, server.name) for name in members.voters) >= members.quorum

    def keyspace(self, name: str) -> Keyspace:
        """What a member has made of its log."""
        machine = self.group.servers[name].machine
        assert isinstance(machine, Keyspace)
        return machine

    def newest(self) -> Keyspace:
        """What the one has made of the log who has applied the most of it."""
        servers = self.group.servers.values()
        return self.keyspace(max(servers, key=lambda each: each.applied).name) if servers else self._machine()

    # -- what happens to it ----------------------------------------------------------------------------------------

    def disturb(self, what: str, member: str, act: Callable[[], object]) -> None:
        """Let something happen to the group, and give it the time that it needs afterwards."""
        act()
        self._pump()
        self.tape.noted(self._clock.now(), what, member, self.group)
        self._stir()
        self._look_who_leads()
        self._tell()

    def _stir(self) -> None:
        """Give ticks as long as they can change something."""
        if self._timer is None and self._restless():
            self._timer = self._clock.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._timer = None
        before = self.leader
        self._tick_all()
        if self.leader is not before:
            self._look_who_leads()
            self._tell()
        self._stir()

    def _tick_all(self) -> None:
        """Give everybody a tick, one after the other: clocks of members do not go in step."""
        group = self.group
        group.ticks += 1
        for server in group.running:
            member = server.member
            if member is None:
                continue
            role = member.role
            member.tick()
            group.settle(server.name)
            if member.role != role:
                self.tape.noted(self._clock.now(), f"timeout: {role}", server.name, group)
            self._pump()

    def _look_who_leads(self) -> None:
        """Let leases end by the clock of who leads; each leader begins to reckon anew."""
        leader = self.leader
        led = None if leader is None or leader.member is None else (leader.name, leader.member.term)
        if led != self._led:
            self._led = led
            (self.leases.demote if led is None else self.leases.promote)()

    def _tell(self) -> None:
        if self.available:
            for told in list(self.changed):
                told()

    def _pump(self) -> None:
        """Let everything arrive that is on its way, and what is said because of it."""
        group, now = self.group, self._clock.now()
        while (heard := group.deliver()) is not None:
            self.tape.heard(now, *heard, group)
        for server in group.running:
            self._follow(server)
            if server.applied - server.disk.snapshot.index > SNAPSHOT_COUNT:
                server.compact()

    def _follow(self, server: Server) -> None:
        """Note how far a member has got, if it is further than all before."""
        if server.applied > self.mark.at and server.member is not None:
            term = server.member.log.term(server.applied)
            assert term is not None
            self.mark = Mark(server.applied, term, server.member.members)

    def _restless(self) -> bool:
        """Whether a tick can change anything: somebody has not heard yet who leads, or what was agreed on."""
        group = self.group
        if group.wires:
            return True
        known = {name for s in group.running if s.member is not None for name in s.member.members.all}
        for side in {group.sides.get(server.name, 0) for server in group.running}:
            here = [s for s in group.running if group.sides.get(s.name, 0) == side and s.name in known]
            if here and not self._rests(here):
                return True
        return False

    def _rests(self, here: list[Server]) -> bool:
        leading = [s for s in here if s.member is not None and s.member.role == LEADER]
        if not leading:
            may = any(self._has_quorum(s) for s in here)
            return not may and all(s.member is not None and not s.member.leader for s in here)
        leader = max(leading, key=_term)
        assert leader.member is not None
        mark = (leader.member.term, leader.name, leader.member.log.last, leader.member.commit)
        if not self._has_quorum(leader) or leader.member.transferring or leader.member.commit < leader.member.log.last:
            return False
        marks = ((m.term, m.leader, m.log.last, m.commit) for m in (s.member for s in here) if m is not None)
        return all(each == mark for each in marks)

    # -- what is agreed on -----------------------------------------------------------------------------------------

    def _decide(self, txn: Txn, succeeds: bool) -> None:
        """A member applies a transaction: the first to do so makes it happen."""
        if txn.decided:
            return
        txn.decided = True
        if succeeds:
            event = txn.event = txn.write.perform()
            created, version = self.versions.pop(txn.key, (txn.write.expects, 1))
            if event.type == "MODIFIED":
                self.versions[txn.key] = created, version + 1
            if self.rewritten is not None:
                self.rewritten.add(txn.key)

    def entries(self, name: str) -> tuple[Entry, ...]:
        """The log of a member, as far as it is not in its snapshot: what is on its disk."""
        return tuple(self.group.servers[name].disk.entries)

    def commit_seconds(self) -> float:
        """How long a write takes at the pace of the members' disks and wires, until a majority has it."""
        leader = self.leader
        if leader is None or leader.member is None:
            return float("inf")
        own = self.pace(leader.name).fsync
        others = leader.member.members.voters - {leader.name}
        paces = [self.pace(name) for name in others if self.group.hears(name, leader.name)]
        times = [own, *(pace.trip + pace.fsync for pace in paces)]
        quorum = leader.member.members.quorum
        return sorted(times)[quorum - 1] if len(times) >= quorum else float("inf")

    def pace(self, name: str) -> Pace:
        """How fast a member's disk and wire are."""
        return self.paces.get(name, Pace())


def _term(server: Server) -> int:
    return server.member.term if server.member is not None else 0
