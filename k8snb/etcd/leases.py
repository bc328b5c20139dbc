"""Leases that clients of etcd were granted: promises to delete, after a time, whatever keys hang on them.

Which leases there are is agreed on like a write: granting and revoking one are entries of the members' log (`Grant`,
`Revoke`), each performed when the first member applies it, and what a lease deletes goes with it. A key hangs on the
lease with which it was written last, which the store knows (`Store.leased`): so it is in snapshots and on the disk.

When a lease ends is agreed on by nobody. Who leads reckons with it, and renews it without asking; a new leader, or an
etcd that starts, gives every lease its whole time again, and the time of an election on top. So a lease never ends
earlier than anybody was told. While nobody leads, none ends.

The API server's own leases are another matter: the store makes and ends them. Source: etcd `server/lease/lessor.go`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from k8snb.clock import Clock, Timer
from k8snb.errors import StatusError
from k8snb.etcd.errors import EtcdError
from k8snb.store.leased import FIRST_GRANTED
from k8snb.store.mvcc import Store
from k8snb.wire import WatchEvent

NOT_FOUND = "etcdserver: requested lease not found"
TOO_LARGE = "etcdserver: too large lease TTL"
SHORTEST, LONGEST = 2, 9_000_000_000
"""Seconds: one and a half times as long as an election takes at least, and a number that fits in a duration."""
ELECTION_SECONDS = 1.0
"""What every lease gets on top of its time from a leader that has just begun."""
_AGAIN_SECONDS = 1.0
"""After how long a deletion is tried again on which nobody could agree."""


@dataclass(eq=False, slots=True)
class Granted:
    """A lease: its number, for how many seconds it was granted, and when it ends (never while nobody leads)."""

    number: int
    ttl: int
    ends: float = math.inf
    timer: Timer | None = None


@dataclass(eq=False, slots=True)
class Grant:
    """There is to be a lease: an entry of the log."""

    number: int
    ttl: int
    decided: bool = False

    def __repr__(self) -> str:
        return f"grant lease {self.number:016x} for {self.ttl}s"


@dataclass(eq=False, slots=True)
class Revoke:
    """A lease ends, and what hangs on it: an entry of the log."""

    number: int
    decided: bool = False
    removed: dict[tuple[str, str, str], WatchEvent] = field(default_factory=dict)
    """What was deleted with it, by bucket, namespace and name, in order."""

    def __repr__(self) -> str:
        return f"revoke lease {self.number:016x}"


class Leases:
    """The leases of one cluster, beside its store.

    `former` are those that another process left, by number with their seconds. Numbers follow from how many there were
    and from `life`, which tells one process from the next.
    """

    def __init__(self, clock: Clock, store: Store, former: Mapping[int, int], life: str = "") -> None:
        self.propose: Callable[[Grant | Revoke], None] = self.perform
        """Has a change agreed on, or raises StatusError; alone, it is performed at once."""
        self.rewritten: set[int] | None = None
        """Leases that came or went, for whoever keeps them and empties this; None if nobody does."""
        self._clock = clock
        self._store = store
        self._life = life
        self._count = 0
        self._leads = False
        self._granted: dict[int, Granted] = {}
        self.put_back(former)

    def all(self) -> list[Granted]:
        """Those that there are."""
        return list(self._granted.values())

    def times(self) -> dict[int, int]:
        """Those that there are: by number the seconds for which they were granted."""
        return {number: lease.ttl for number, lease in self._granted.items()}

    def get(self, number: int) -> Granted:
        """One of them; raises EtcdError if there is none."""
        found = self._granted.get(number)
        if found is None:
            raise EtcdError(NOT_FOUND)
        return found

    def left(self, lease: Granted) -> int:
        """How many seconds a lease has left, rounded down; all of them while nobody leads."""
        return lease.ttl if lease.ends == math.inf else max(math.floor(lease.ends - self._clock.now()), 0)

    # -- changing ----------------------------------------------------------------------------------

    def grant(self, ttl: int) -> Granted:
        """Make a lease of so many seconds; raises EtcdError, or StatusError where nobody agrees to that."""
        if ttl > LONGEST:
            raise EtcdError(TOO_LARGE)
        number = self._unused()
        self.propose(Grant(number, max(ttl, SHORTEST)))
        return self.get(number)

    def _unused(self) -> int:
        while True:
            self._count += 1
            number = int(hashlib.sha1(f"granted {self._life}{self._count}".encode()).hexdigest()[:15], 16)
            if number >= FIRST_GRANTED and number not in self._granted:
                return number

    def renew(self, number: int) -> Granted:
        """Let a lease begin anew; raises EtcdError."""
        lease = self.get(number)
        if self._leads:
            self._end_after(lease, lease.ttl)
        return lease

    def revoke(self, number: int) -> None:
        """End a lease, and delete what hangs on it; raises EtcdError, or StatusError where nobody agrees to that."""
        self.get(number)
        self.propose(Revoke(number))

    def perform(self, change: Grant | Revoke) -> None:
        """Let a change happen that has been agreed on; the first to say so counts."""
        if change.decided:
            return
        change.decided = True
        if isinstance(change, Grant):
            lease = self._granted[change.number] = Granted(change.number, change.ttl)
            if self._leads:
                self._end_after(lease, lease.ttl)
        else:
            for bucket, namespace, name in self._store.leased.places(change.number):
                change.removed[bucket.name, namespace, name] = self._store.remove(bucket, namespace, name)
            self._forget(change.number)
        if self.rewritten is not None:
            self.rewritten.add(change.number)

    def _forget(self, number: int) -> None:
        self._store.leased.release(number)
        lease = self._granted.pop(number, None)
        if lease is not None and lease.timer is not None:
            lease.timer.cancel()

    # -- time ----------------------------------------------------------------------------------------

    def promote(self) -> None:
        """Somebody leads who did not before: from now on leases end, each after its whole time."""
        self._leads = True
        for lease in self._granted.values():
            self._end_after(lease, lease.ttl + ELECTION_SECONDS)

    def demote(self) -> None:
        """Nobody leads: no lease ends."""
        self._leads = False
        for lease in self._granted.values():
            lease.ends = math.inf
            if lease.timer is not None:
                lease.timer.cancel()

    def _end_after(self, lease: Granted, seconds: float) -> None:
        if lease.timer is not None:
            lease.timer.cancel()
        lease.ends = self._clock.now() + seconds
        lease.timer = self._clock.call_at(lease.ends, lambda: self._expire(lease), background=True)

    def _expire(self, lease: Granted) -> None:
        if lease.number not in self._granted:
            return
        try:
            self.revoke(lease.number)
        except StatusError:
            lease.timer = self._clock.call_later(_AGAIN_SECONDS, lambda: self._expire(lease), background=True)

    def put_back(self, former: Mapping[int, int]) -> None:
        """There are these leases now and no others, as in a snapshot or a file; who leads is yet to be seen."""
        known = self._granted
        for lease in known.values():
            if lease.timer is not None:
                lease.timer.cancel()
        if self.rewritten is not None:
            self.rewritten |= {*known, *former}
        self._leads = False
        self._granted = {number: Granted(number, ttl) for number, ttl in former.items()}
