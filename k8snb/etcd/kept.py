"""What of members outlives their process: what each may not forget, and who belongs to them.

Raft wants term, vote and log on a disk before a message leaves, because whoever receives it may live on while its
sender dies. Members of one process die together. What is kept is one moment of all of them, in the transaction that
keeps the objects, and it is kept before anybody outside hears of what happened: messages that were sent since have
reached nobody who remembers.

So the log need not be kept entry by entry. What has been applied is what the objects are, and each member comes back
with that as its snapshot. An entry that nobody has applied has been acknowledged to nobody: it is dropped everywhere,
as if it had never been proposed. What remains is a state that Raft can be in: logs are the same, all have what was
committed, terms and votes are those that were promised. A member that had fallen behind has caught up; one whose disk
was lost has none.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from typing import Any, NamedTuple, Protocol

import orjson

from k8snb.etcd.admin import Admin
from k8snb.etcd.ensemble import Former, Mark, Pace, Versions
from k8snb.etcd.keyspace import KeyValue
from k8snb.etcd.leases import Leases
from k8snb.etcd.snapshots import Snapshot
from k8snb.raft.messages import Members
from k8snb.store.ledger import Kept, Key, Record
from k8snb.wire import WatchEvent

GROUP: Key = "/etcd", "", "group"
VERSIONS = "/versions"
"""The bucket of how often keys were written, by key; those that were written once are not in it."""

LEASES = "/leases"
"""The bucket of leases that clients were granted, by number. What hangs on them says so itself (`Record.expires`)."""
BACKUPS = "/backups"
"""The bucket of snapshots that somebody has saved, by file."""


class Archive(Protocol):
    """Makes records of versions of objects, and versions of records (`apiserver.archive`)."""

    def record(self, key: Key, event: WatchEvent, lease: int) -> Record: ...
    def event(self, record: Record) -> WatchEvent: ...


class Found(NamedTuple):
    """What there was of members."""

    former: Former
    versions: Versions
    more: Any
    backups: Sequence[Record]

    def take_back(self, admin: Admin, archive: Archive) -> None:
        """Let those who look after the members know what they knew."""
        more = self.more
        admin.snapshots = {record.name: _snapshot(record.body, archive) for record in self.backups}
        admin.cluster_id, admin.token, admin.restored = more["cluster"], more["token"], more["restored"]
        admin.used, admin.awaited, admin.alarms.quota = set(more["used"]), set(more["awaited"]), more["quota"]
        admin.ensemble.paces = {name: Pace(*pace) for name, pace in more["paces"].items()}


def found(kept: Kept | None) -> Found | None:
    """The members that were kept; None if there were none."""
    records = kept.of(GROUP[0]) if kept is not None else []
    if kept is None or not records:
        return None
    more = orjson.loads(records[0].body)
    index, term, voters, learners = more["mark"]
    mark = Mark(index, term, Members(frozenset(voters), frozenset(learners)))
    votes = {name: (term, voted) for name, (term, voted) in more["votes"].items()}
    versions = {record.name: orjson.loads(record.body) for record in kept.of(VERSIONS)}
    former = Former(mark, votes, frozenset(more["awaited"]), frozenset(more["alarms"]))
    return Found(former, versions, more, kept.of(BACKUPS))


def leases_of(kept: Kept | None) -> dict[int, int]:
    """The leases that were kept: by number, for how many seconds."""
    records = kept.of(LEASES) if kept is not None else []
    return {int(record.name, 16): orjson.loads(record.body) for record in records}


class KeptLeases:
    """The records of leases, and what of them has changed since somebody last asked."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        leases.rewritten = set()

    @property
    def changed(self) -> bool:
        """Whether any came or went since `taken`."""
        return bool(self._leases.rewritten)

    def touch_everything(self) -> None:
        """Note all that there is."""
        self._leases.rewritten = set(self._leases.times())

    def taken(self) -> Iterator[tuple[Key, Record | None]]:
        """What has changed since this was last asked: the record, None for what is gone."""
        rewritten, self._leases.rewritten = self._leases.rewritten or set(), set()
        times = self._leases.times()
        for number in sorted(rewritten):
            key = LEASES, "", f"{number:016x}"
            yield key, Record(*key, 0, 0, b"", orjson.dumps(times[number])) if number in times else None


class Belongings:
    """The records of the members of one cluster, and what of them has changed since somebody last asked."""

    def __init__(self, admin: Admin, archive: Archive) -> None:
        self._admin = admin
        self._archive = archive
        self._saved: dict[str, Snapshot] = dict(admin.snapshots)
        self._ensemble = admin.ensemble
        self._ensemble.rewritten = set()
        self._known: Any = None

    def _standing(self) -> tuple[Any, ...]:
        """What of the members changes without a key that changes."""
        admin, ensemble = self._admin, self._ensemble
        more = admin.token, len(admin.used), len(admin.awaited), admin.alarms.quota
        return ensemble.mark, ensemble.votes(), more, {**ensemble.paces}

    @property
    def changed(self) -> bool:
        """Whether anything has changed since `taken`."""
        saved = self._admin.snapshots != self._saved
        return bool(self._ensemble.rewritten) or saved or self._standing() != self._known

    def touch_everything(self) -> None:
        """Note all that there is."""
        self._ensemble.rewritten = set(self._ensemble.versions)
        self._known, self._saved = None, {}

    def taken(self) -> Iterator[tuple[Key, Record | None]]:
        """What has changed since this was last asked: the record, None for what is gone."""
        ensemble = self._ensemble
        rewritten, ensemble.rewritten = ensemble.rewritten or set(), set()
        for name in sorted(rewritten):
            key, version = (VERSIONS, "", name), ensemble.versions.get(name)
            yield key, None if version is None else Record(*key, 0, 0, b"", orjson.dumps(version))
        standing = self._standing()
        if standing != self._known:
            self._known = standing
            yield GROUP, Record(*GROUP, 0, 0, b"", orjson.dumps(self._body()))

        yield from self._backups()

    def _backups(self) -> Iterator[tuple[Key, Record | None]]:
        for file, snapshot in self._admin.snapshots.items():
            if self._saved.get(file) is not snapshot:
                self._saved[file] = snapshot
                key = BACKUPS, "", file
                yield key, Record(*key, 0, 0, b"", _encoded(snapshot, self._archive))

    def _body(self) -> Any:
        admin, (index, term, members) = self._admin, self._ensemble.mark
        return {
            "mark": [index, term, sorted(members.voters), sorted(members.learners)],
            "votes": self._ensemble.votes(),
            "cluster": admin.cluster_id,
            "token": admin.token,
            "restored": admin.restored,
            "used": sorted(admin.used),
            "awaited": sorted(admin.awaited),
            "alarms": admin.alarms.active(),
            "quota": admin.alarms.quota,
            "paces": {name: astuple(pace) for name, pace in self._ensemble.paces.items()},
        }


# -- snapshots -----------------------------------------------------------------------------------------------------


def _encoded(snapshot: Snapshot, archive: Archive) -> bytes:
    """A snapshot as bytes: what it counts, and of each key its numbers and its record."""
    keys = []
    for key, value in snapshot.keys.items():
        record = archive.record(value.place, value.event, value.lease)
        numbers = value.created, value.modified, value.version
        keys.append([key, numbers, *record[:5], record.owners.decode(), base64.b64encode(record.body).decode()])
    counted = snapshot.revision, snapshot.compacted, snapshot.size, snapshot.hash, snapshot.total
    return orjson.dumps([counted, keys, [*snapshot.leases.items()]])


def _snapshot(body: bytes, archive: Archive) -> Snapshot:
    (revision, compacted, size, digest, total), keys, *leases = orjson.loads(body)
    found = {}
    for key, (created, modified, version), bucket, namespace, name, written, lease, owners, data in keys:
        record = Record(bucket, namespace, name, written, lease, owners.encode(), base64.b64decode(data))
        found[key] = KeyValue(archive.event(record), record.key, created, modified, version, lease)
    return Snapshot(revision, compacted, found, size, digest, total, dict(leases[0] if leases else ()))
