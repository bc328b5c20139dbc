"""What can be done to members of etcd, and what each of them is.

Members are named `etcd-1` …; a member that lost its disk and was added anew is another member of the same name, as it
is for etcd, which tells members apart by numbers. What would cost the majority is refused, as etcd refuses it
(`--strict-reconfig-check`).

Source: etcd `server/etcdserver/server.go` (`mayAddMember`, `mayRemoveMember`), `server/etcdserver/api/membership`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from k8snb.etcd.alarms import Alarms, Sizes
from k8snb.etcd.ensemble import CLIENT, Ensemble
from k8snb.etcd.errors import EtcdError
from k8snb.etcd.keyspace import Keyspace
from k8snb.etcd.snapshots import Snapshot
from k8snb.etcd.tape import Tape
from k8snb.i18n import _
from k8snb.raft.group import Server
from k8snb.raft.messages import ADD, LEARN, REMOVE, Change
from k8snb.store.restoring import restore
from k8snb.wire import WatchEvent

UNHEALTHY = "etcdserver: unhealthy cluster"
TOO_FEW = "etcdserver: re-configuration failed due to not enough started members"
UNKNOWN = "etcdserver: member not found"
BAD_TRANSFEREE = "etcdserver: bad leader transferee"
NO_LEADER = "etcdserver: no leader"
NOT_READY = "etcdserver: can only promote a learner member which is in sync with leader"
REV_COMPACTED = "etcdserver: mvcc: required revision has been compacted"
REV_FUTURE = "etcdserver: mvcc: required revision is a future revision"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a member tells of itself (`etcdctl endpoint status`)."""

    name: str
    id: str
    leader: bool
    learner: bool
    term: int
    index: int
    applied: int
    commit: int
    revision: int
    size: int
    in_use: int
    errors: str


class Admin:
    """The members of one cluster."""

    def __init__(self, ensemble: Ensemble, bytes_of: Callable[[WatchEvent], bytes]) -> None:
        self.ensemble = ensemble
        self.snapshots: dict[str, Snapshot] = {}
        """Backups, by the file they were saved in."""
        self.restored = ""
        """The file that the members were founded from, if they were not founded with the cluster."""
        self.token = "etcd-cluster"
        """What tells this cluster of members from one that is founded with the same names (a restored one)."""
        self.sizes = Sizes(bytes_of)
        self.alarms = Alarms(ensemble, self.sizes)
        self.used = set(self._all())
        """Every name by which the group has known a member."""
        self.awaited: set[str] = set()
        """Members that were added and have not been started yet."""
        self.name_cluster()

    def name_cluster(self) -> None:
        """Work out the number of the cluster from those who founded it."""
        founders = "".join(sorted(map(self.id_of, self._all())))
        self.cluster_id = hashlib.sha1(founders.encode()).hexdigest()[:16]
        """The number by which members know that they belong together."""

    # -- names -----------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The members that belong to the cluster, by name."""
        return [plain(each) for each in self._all()]

    def _all(self) -> list[str]:
        """Who belongs to the group, as the one has it who has applied the most."""
        return self.ensemble.mark.members.all

    def real(self, name: str) -> str:
        """How the group knows a member. Raises EtcdError if there is none of that name."""
        known = [each for each in self._all() if plain(each) == name or self.id_of(each) == name]
        if not known:
            raise EtcdError(UNKNOWN)
        return known[-1]

    def id_of(self, name: str) -> str:
        """The number by which etcd knows a member."""
        return hashlib.sha1(f"https://{plain(name)}:2380{self.token}{name}".encode()).hexdigest()[:16]

    # -- what they are ---------------------------------------------------------------------------------------------

    def is_running(self, name: str) -> bool:
        """Whether a member's process is there."""
        server = self.ensemble.group.servers.get(self.real(name))
        return server is not None and server.member is not None

    def leader(self) -> str:
        """The name of the member that leads, as far as anybody who is asked knows; empty if there is none."""
        found = self.ensemble.leader
        return plain(found.name) if found is not None else ""

    def facts(self, name: str) -> Facts | None:
        """What a member tells of itself; None if it does not answer."""
        server = self.ensemble.group.servers.get(self.real(name))
        if server is None or server.member is None:
            return None
        member, keys = server.member, self.ensemble.keyspace(server.name)
        in_use = self.sizes.together(keys.kept)
        size = in_use + self.sizes.together(keys.freed)
        learner = server.name in member.members.learners
        errors = ([] if member.leader else [NO_LEADER]) + self.alarm_list(keys.alarms)
        return Facts(
            plain(server.name),
            self.id_of(server.name),
            member.leader == server.name,
            learner,
            member.term,
            member.log.last,
            server.applied,
            member.commit,
            keys.revision,
            size,
            in_use,
            ", ".join(errors),
        )

    def alarm_list(self, names: Iterable[str]) -> list[str]:
        """Alarms of members as etcd writes them; the end of each is a space."""
        return [f"memberID:{int(self.id_of(name), 16)} alarm:NOSPACE " for name in sorted(names)]

    def disarm(self) -> list[str]:
        """Lift all alarms; what they were."""
        self._leader()
        return self.alarm_list(self.alarms.disarm())

    def set_quota(self, size: int) -> None:
        """How many bytes a member's file may have; 0 is etcd's default."""
        self.alarms.quota = size

    def server(self, name: str) -> Server:
        """The member in the group. Raises EtcdError if its disk is lost, or there is none of that name."""
        found = self.ensemble.group.servers.get(self.real(name))
        if found is None:
            raise EtcdError(UNKNOWN)
        return found

    def role(self, name: str) -> str:
        """What a member believes to be: `leader`, `follower`, `candidate` …, or `down`."""
        member = self.server(name).member
        return member.role if member is not None else "down"

    def number(self, name: str) -> str:
        """The number by which etcd knows the member of that name."""
        return self.id_of(self.real(name))

    def awaits(self, name: str) -> bool:
        """Whether a member was added and has not been started yet."""
        return self.real(name) in self.awaited

    def is_learner(self, name: str) -> bool:
        """Whether a member has no vote."""
        real = self.real(name)
        return any(s.member is not None and real in s.member.members.learners for s in self.ensemble.group.running)

    def hears_leader(self, name: str) -> bool:
        """Whether a member and the leader hear each other."""
        leader = self.ensemble.leader
        return leader is not None and self.ensemble.group.hears(self.real(name), leader.name)

    def keyspace(self, name: str) -> Keyspace:
        """What a member has made of its log."""
        return self.ensemble.keyspace(self.real(name))

    def digest(self, name: str) -> int:
        """A number that is the same for all members that have the same keys at the same revisions."""
        found = hashlib.sha256()
        keys = self.keyspace(name).keys
        for key in sorted(keys):
            value = keys[key]
            found.update(f"{key}@{value.modified}#{value.version}:{self.sizes.of(value.event)}\n".encode())
        return int.from_bytes(found.digest()[:4])

    # -- what happens to them --------------------------------------------------------------------------------------

    def may_start(self, name: str) -> bool:
        """Whether a member has a disk to start from, or needs none yet."""
        real = self.real(name)
        return real in self.ensemble.group.servers or real in self.awaited

    def start(self, name: str) -> None:
        """Start a member's process. Raises ValueError for one whose disk is lost: it has forgotten what it promised."""
        real, group = self.real(name), self.ensemble.group
        if real in group.servers:
            if group.servers[real].member is None:
                self.ensemble.disturb("started", real, lambda: group.start(real))
        elif real in self.awaited:
            self.awaited.discard(real)
            self.ensemble.disturb("started", real, lambda: group.join(real))
        else:
            text = _("{name} has lost its disk and has been bootstrapped before: remove the member and add it anew")
            raise ValueError(text.format(name=name))

    def stop(self, name: str) -> None:
        """Kill a member's process. What is on its disk stays."""
        real = self.real(name)
        if self.is_running(name):
            self.ensemble.disturb("killed", real, lambda: self.ensemble.group.crash(real))

    def lose_disk(self, name: str) -> None:
        """Kill a member, and let its disk be lost."""
        real, group = self.real(name), self.ensemble.group
        self.stop(name)
        if real in group.servers:
            self.ensemble.disturb("disk lost", real, lambda: group.lose_disk(real))

    def partition(self, sides: tuple[tuple[str, ...], ...]) -> None:
        """Cut members off from each other: those of one side hear each other, and nobody else."""
        real = [[each if each == CLIENT else self.real(each) for each in side] for side in sides]
        self.ensemble.disturb("partition", "", lambda: self.ensemble.group.partition(*real))

    def slow(self, name: str, fsync: float | None, trip: float | None) -> None:
        """Let a member's disk or wire be slow."""
        pace = self.ensemble.pace(self.real(name))
        if fsync is not None:
            pace = replace(pace, fsync=fsync)
        if trip is not None:
            pace = replace(pace, trip=trip)
        self.ensemble.paces[self.real(name)] = pace

    # -- who belongs to them ---------------------------------------------------------------------------------------

    def add(self, name: str, learner: bool) -> str:
        """Make somebody a member, who has yet to be started; returns the new number. Raises EtcdError."""
        leader = self._leader()
        assert leader.member is not None
        voters = leader.member.members.voters
        started = [each for each in voters if each in self.ensemble.group.servers]
        count = len(voters) + 1
        if not learner and len(started) < count // 2 + 1 and not (len(started) == 1 and count == 2):
            raise EtcdError(TOO_FEW)
        if any(not self.ensemble.group.hears(each, leader.name) for each in voters):
            raise EtcdError(UNHEALTHY)
        if name in self.names():
            raise EtcdError("etcdserver: Peer URLs already exists")
        tries = (name, *(f"{name}#{number}" for number in range(2, 100)))
        real = next(each for each in tries if each not in self.used)
        self.used.add(real)
        self.awaited.add(real)
        self._change(Change(LEARN if learner else ADD, real))
        return self.id_of(real)

    def promote(self, name: str) -> str:
        """Give a learner a vote. Raises EtcdError while it has not caught up."""
        real, leader = self.real(name), self._leader()
        assert leader.member is not None
        progress = leader.member.progress.get(real)
        if progress is None or progress.match < 0.9 * leader.member.log.last:
            raise EtcdError(NOT_READY)
        self._change(Change(ADD, real))
        return self.id_of(real)

    def remove(self, name: str) -> str:
        """Take a member out; returns its number. Raises EtcdError where that would cost the majority."""
        real, leader = self.real(name), self._leader()
        assert leader.member is not None
        voters, group = leader.member.members.voters, self.ensemble.group
        alive = [each for each in voters if group.hears(each, leader.name)]
        if real in alive and (len(voters) == 1 or len(alive) - 1 < 1 + (len(voters) - 1) // 2):
            raise EtcdError(UNHEALTHY)
        number = self.id_of(real)
        self._change(Change(REMOVE, real))
        if real in group.servers:
            self.ensemble.disturb("removed", real, lambda: group.lose_disk(real))
        return number

    def _change(self, change: Change) -> None:
        leader = self._leader()
        self.ensemble.disturb(
            f"member {change.action}", leader.name, lambda: self.ensemble.group.change(leader.name, change)
        )

    def _leader(self) -> Server:
        leader = self.ensemble.leader
        if leader is None or not self.ensemble.available:
            raise EtcdError("context deadline exceeded")
        return leader

    def move_leader(self, to: str) -> tuple[str, str]:
        """Hand the leadership over; returns the numbers of who led and who leads. Raises EtcdError."""
        real, leader = self.real(to), self._leader()
        group = self.ensemble.group
        if not group.hears(real, leader.name) or real == leader.name:
            raise EtcdError(BAD_TRANSFEREE)
        self.ensemble.disturb("move leader", leader.name, lambda: group.transfer(leader.name, real))
        return self.id_of(leader.name), self.id_of(real)

    # -- what they keep --------------------------------------------------------------------------------------------

    def compact(self, revision: int) -> None:
        """Forget what no read at a revision or later can see. Raises EtcdError."""
        self._leader()
        store = self.ensemble.store
        if revision <= store.compacted:
            raise EtcdError(REV_COMPACTED)
        if revision > store.revision:
            raise EtcdError(REV_FUTURE)
        store.compact(revision)

    def defragment(self, name: str) -> None:
        """Give back the place that compacted versions took on a member's disk."""
        self.keyspace(name).defragment()

    def save(self, file: str, name: str) -> Snapshot:
        """Save a snapshot of what a member has. Raises EtcdError if it does not answer."""
        if not self.is_running(name):
            raise EtcdError("context deadline exceeded")
        keys = self.keyspace(name)
        made = self.snapshots[file] = Snapshot(
            keys.revision,
            keys.compacted,
            dict(keys.keys),
            sum(self.sizes.of(value.event) + len(key) for key, value in keys.keys.items()),
            self.digest(name),
            len(keys.kept),
            dict(keys.leases),
        )
        return made

    def restore(self, file: str, bump: int, forget: bool) -> None:
        """Found the members anew from a snapshot: other numbers, an empty log, and the keys as they were.

        `bump` is added to the revision, and with `forget` everything before counts as compacted, so that whoever
        watches from a revision of the time after the snapshot is told to list again.
        """
        found, ensemble = self.snapshots.get(file), self.ensemble
        if found is None:
            raise EtcdError(f"open {file}: no such file or directory")
        names = sorted(set(self.names()))
        ensemble.store.agreement = None
        for number in {*ensemble.leases.times(), *found.leases}:
            ensemble.store.leased.release(number)
        restore(ensemble.store, found.revision, found.living(), found.leased(), bump=bump, forget=forget)
        ensemble.leases.put_back(found.leases)
        self.token, self.restored = f"{self.token}+", file
        ensemble.tape = Tape()
        versions = {key: (value.created, value.version) for key, value in found.keys.items() if value.version > 1}
        ensemble.found(names, versions=versions)
        ensemble.store.agreement = ensemble
        self.used, self.awaited = set(names), set()
        self.name_cluster()


def plain(real: str) -> str:
    """The name of a member, without what tells it from a former one of that name."""
    return real.partition("#")[0]
