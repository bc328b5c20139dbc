"""Keeping a cluster: what has changed goes into its data file, and what was in it comes back.

Objects are kept (`apiserver.archive`), and what is none (`inventory`, `etcd.kept`). Nobody has to announce a write: the
store's revision tells whether there is anything to keep. What is kept is one transaction, however much was written.

A cluster that comes back goes on at the revision at which it was left; what was before that counts as compacted. Its
lots are drawn anew, by its seed, that revision and how often it has begun: the same every time for the same file, and
never the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from os import PathLike
from typing import TYPE_CHECKING, NamedTuple, Protocol

from k8snb.apiserver.access.policy import policy
from k8snb.apiserver.archive import Archive
from k8snb.apiserver.custom.definitions import BUCKET as DEFINITIONS
from k8snb.apiserver.ownership import founded
from k8snb.apiserver.server import APIServer
from k8snb.apiserver.standing import standing, trust
from k8snb.clock import Clock
from k8snb.cluster.inventory import Inventory
from k8snb.machinery.recorded import uid_of
from k8snb.store.ledger import Kept, Key, Record
from k8snb.store.mvcc import Store
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.cluster.datafile import DataFile

CREDENTIALS = "/credentials"
"""The bucket of what is kept by whoever serves the cluster, for itself."""


class Start(NamedTuple):
    """What a cluster began with, and what it goes on from besides what it has."""

    seed: int
    began: float
    large: bool
    """Whether it was made for so many nodes that the usual range of pod addresses is too small."""
    now: float = 0.0
    nanoseconds: int = 0
    boots: int = 0

    @classmethod
    def of(cls, kept: Kept) -> Start:
        """What was kept of it."""
        return cls(**kept.head.more)

    def lots(self, revision: int) -> int:
        """What the names and UIDs of a life follow from that begins at a revision."""
        text = f"{self.seed} {revision} {self.boots}"
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def bring_back(kept: Kept, server: APIServer, encrypt: Callable[[], None]) -> None:
    """Put all objects in place; raises CannotRead. What encryption is to be may depend on the definitions there are."""
    archive = Archive(server.store, server.kinds, server.history)
    objects = [record for record in kept.records if not record.bucket.startswith("/")]
    for record in objects:
        if record.bucket == DEFINITIONS:
            archive.restore(record)
    encrypt()
    for record in objects:
        if record.bucket != DEFINITIONS:
            archive.restore(record)
    server.store.put_back(kept.head.revision, forget=True)


def standing_objects(timestamp: str, authority: str) -> Iterator[tuple[str, Object]]:
    """What is there from the first revision on, by bucket, in a cluster whose authority has that certificate."""
    yield from policy(timestamp)
    yield from standing(timestamp)
    yield trust(authority, timestamp)


def found(store: Store, timestamp: str, authority: str) -> None:
    """Make what a new cluster has from its first revision on."""
    for bucket, obj in standing_objects(timestamp, authority):
        store.load(store.bucket(bucket), obj, founded(obj))


def complete(store: Store, timestamp: str, authority: str) -> None:
    """Make again what has to be there and was deleted, as upstream's server does when it starts."""
    for word, obj in standing_objects(timestamp, authority):
        bucket, meta = store.bucket(word), obj["metadata"]
        if bucket.event(meta.get("namespace", ""), meta["name"]) is None:
            fresh = {**meta, "uid": uid_of(meta["name"], store.revision + 1)}
            store.create(bucket, meta.get("namespace", ""), meta["name"], {**obj, "metadata": fresh}, 0, founded(obj))


class Belongings(Protocol):
    """Something of a cluster that is kept and is no object, and what of it has changed since somebody last asked."""

    @property
    def changed(self) -> bool: ...
    def touch_everything(self) -> None: ...
    def taken(self) -> Iterator[tuple[Key, Record | None]]: ...


class Keeper:
    """Keeps one cluster in a file."""

    def __init__(self, file: DataFile) -> None:
        self.file = file
        self._former = file.kept.head.revision
        """The revision at which the cluster in the file was left; 0 if there was none."""
        self._followed = False
        self._whole = True
        """Whether the file may be of another history than the cluster."""

    def take_out(self) -> Kept | None:
        """What was in the file, if a cluster was. It is not held on to here."""
        kept, self.file.kept = self.file.kept, Kept(self.file.kept.head)
        return None if kept.head.is_new else kept

    def follow(self, server: APIServer, clock: Clock, start: Start, inventory: Inventory, *others: Belongings) -> None:
        """This is the cluster now: made, brought back, or gone back in time."""
        self.inventory = inventory
        self._belongings: list[Belongings] = [inventory, *others]
        self._store, self._clock, self._start = server.store, clock, start
        self._archive = Archive(server.store, server.kinds, server.history)
        self._whole = self._followed or not self._former
        self._followed = True
        self._revision = self._former
        self._time = -1.0
        server.store.spare = self._spare

    def _spare(self) -> None:
        if not self._whole:  # what is to be kept as a whole is read from what there is, not from the logs
            self.keep()

    @property
    def dirty(self) -> bool:
        """Whether there is anything that is not in the file."""
        return self._store.revision != self._revision or self._whole or any(each.changed for each in self._belongings)

    def doubt(self) -> None:
        """The store has been put back to another past: what is in the file has to be looked at as a whole."""
        self._whole = True

    def keep(self, *, time: bool = False) -> None:
        """Let the file have all that has been written, with `time` also how late it is; raises CannotKeep."""
        late = self._clock.now()
        if not (self.dirty or (time and late != self._time)):
            return
        if self._whole:
            for each in self._belongings:
                each.touch_everything()
        found = [
            *(record for each in self._belongings for record in each.taken()),
            *(self._archive.all() if self._whole else self._archive.written(self._revision)),
        ]
        records = [record for _, record in found if record is not None and not self.file.has(record)]
        gone = [key for key, record in found if record is None]
        if self._whole:
            gone += self._strangers({key for key, record in found if record is not None})
        self._time = late
        start = self._start._replace(now=late, nanoseconds=self._clock.counted)
        self.file.commit(records, gone, self._store.revision, start._asdict())
        self._revision, self._whole = self._store.revision, False

    def _strangers(self, mine: set[Key]) -> list[Key]:
        return [key for key in self.file.all() if key not in mine and key[0] != CREDENTIALS]

    def close(self) -> None:
        """Keep everything and let go of the file."""
        self.keep(time=True)
        self.file.close()


def keeper_of(path: str | PathLike[str] | DataFile) -> Keeper:
    """What keeps a cluster in that file; raises CannotOpen."""
    from k8snb.cluster.datafile import DataFile, open_file

    return Keeper(path if isinstance(path, DataFile) else open_file(path))
