"""Leases that clients of etcd were granted: promises to delete, after a time, whatever keys hang on them.

A key hangs on the lease with which it was written last: whoever writes it again without one takes it off. The API
server's own leases are another matter (`Store.leases`). Source: etcd `server/lease/lessor.go`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from k8snb.clock import Clock, Timer
from k8snb.errors import StatusError
from k8snb.etcd.errors import EtcdError

NOT_FOUND = "etcdserver: requested lease not found"
TOO_LARGE = "etcdserver: too large lease TTL"
SHORTEST, LONGEST = 2, 9_000_000_000
"""Seconds: one and a half times as long as an election takes at least, and a number that fits in a duration."""
_AGAIN_SECONDS = 1.0
"""After how long a deletion is tried again on which nobody could agree."""


@dataclass(eq=False, slots=True)
class Granted:
    """A lease: its number, for how many seconds it was granted, when it ends, and what hangs on it."""

    number: int
    ttl: int
    ends: float
    keys: dict[str, int] = field(default_factory=dict)
    """Keys, with the revisions at which they were written with the lease."""
    timer: Timer | None = None


class Leases:
    """The leases of one cluster. `modified` tells a key's last revision (0 if it is not there), `delete` removes it."""

    def __init__(self, clock: Clock, modified: Callable[[str], int], delete: Callable[[str], None]) -> None:
        self._clock = clock
        self._modified = modified
        self._delete = delete
        self._granted: dict[int, Granted] = {}
        self._count = 0

    def all(self) -> list[Granted]:
        """Those that there are."""
        return list(self._granted.values())

    def get(self, number: int) -> Granted:
        """One of them; raises EtcdError if there is none."""
        found = self._granted.get(number)
        if found is None:
            raise EtcdError(NOT_FOUND)
        return found

    def of(self, key: str, revision: int) -> int:
        """The number of the lease on which a key hangs that was written last at a revision; 0 if on none."""
        return next((each.number for each in self._granted.values() if each.keys.get(key) == revision), 0)

    def left(self, lease: Granted) -> int:
        """How many seconds a lease has left, rounded down."""
        return max(math.floor(lease.ends - self._clock.now()), 0)

    def attached(self, lease: Granted) -> list[str]:
        """The keys that hang on a lease."""
        return sorted(key for key, revision in lease.keys.items() if self._modified(key) == revision)

    # -- changing ----------------------------------------------------------------------------------

    def grant(self, ttl: int) -> Granted:
        """Make a lease of so many seconds; raises EtcdError."""
        if ttl > LONGEST:
            raise EtcdError(TOO_LARGE)
        self._count += 1
        number = int(hashlib.sha1(f"granted {self._count}".encode()).hexdigest()[:15], 16)
        made = self._granted[number] = Granted(number, max(ttl, SHORTEST), 0.0)
        self.renew(number)
        return made

    def renew(self, number: int) -> Granted:
        """Let a lease begin anew; raises EtcdError."""
        lease = self.get(number)
        if lease.timer is not None:
            lease.timer.cancel()
        lease.ends = self._clock.now() + lease.ttl
        lease.timer = self._clock.call_at(lease.ends, lambda: self._expire(lease), background=True)
        return lease

    def attach(self, number: int, key: str) -> None:
        """A key has just been written with a lease; raises EtcdError."""
        self.get(number).keys[key] = self._modified(key)

    def revoke(self, number: int) -> None:
        """End a lease, and delete what hangs on it; raises EtcdError, or StatusError where nobody agrees to that."""
        lease = self.get(number)
        for key in self.attached(lease):
            self._delete(key)
        if lease.timer is not None:
            lease.timer.cancel()
        del self._granted[number]

    def _expire(self, lease: Granted) -> None:
        if lease.number not in self._granted:
            return
        try:
            self.revoke(lease.number)
        except StatusError:
            lease.timer = self._clock.call_later(_AGAIN_SECONDS, lambda: self._expire(lease), background=True)
