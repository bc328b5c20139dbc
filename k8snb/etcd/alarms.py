"""The quota of a member's file, and the alarm that is raised when it is reached.

Whoever would write beyond it raises `NOSPACE`, by an entry in the log like any other, so all members know of it. From
then on nothing is put until somebody disarms the alarm; deletions and compactions go on, for they are the way out.
Making room does not lift the alarm, and lifting it makes no room: if there is none, the next write raises it again.

Source: etcd `server/storage/quota.go`, `server/etcdserver/apply/apply.go` (`applierV3Capped`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from k8snb.etcd.ensemble import Ensemble
from k8snb.etcd.keyspace import Alarm, Version
from k8snb.wire import WatchEvent

OVERHEAD = 256
"""What a write takes besides key and value."""
MOST_SIZES = 50_000
"""Of so many versions the sizes are remembered."""


class Sizes:
    """How many bytes versions of keys take in a file."""

    def __init__(self, bytes_of: Callable[[WatchEvent], bytes]) -> None:
        self._bytes_of = bytes_of
        self._known: dict[int, tuple[WatchEvent, int]] = {}

    def of(self, event: WatchEvent) -> int:
        """The size of a version; nothing but a mark, where it is the end of its key."""
        if event.type == "DELETED":
            return 0
        known = self._known.get(id(event))
        if known is None:
            if len(self._known) > MOST_SIZES:
                self._known.clear()
            known = self._known[id(event)] = event, len(self._bytes_of(event))
        return known[1]

    def together(self, versions: Iterable[Version]) -> int:
        """The size of many, with their keys."""
        return sum(self.of(each.event) + len(each.key) for each in versions)


class Alarms:
    """The alarms of one group."""

    def __init__(self, ensemble: Ensemble, sizes: Sizes) -> None:
        self.quota = 0
        """How many bytes a member's file may have; 0 is etcd's default, which no cluster here reaches."""
        self._ensemble = ensemble
        self._sizes = sizes
        ensemble.is_full = self._is_full

    def active(self) -> list[str]:
        """The members for which an alarm is raised, as those know who have applied the most."""
        return sorted(self._ensemble.newest().alarms)

    def disarm(self) -> list[str]:
        """Lift all alarms; the members for which there were some."""
        found = self.active()
        for name in found:
            self._ensemble.agree(Alarm(name, active=False))
        return found

    def _is_full(self, name: str, key: str) -> bool:
        """Whether a member refuses to put something under a key."""
        keys = self._ensemble.keyspace(name)
        if not keys.alarms and self.quota and self._size(name) + OVERHEAD + len(key) >= self.quota:
            self._ensemble.agree(Alarm(name, active=True))
        return bool(keys.alarms)

    def _size(self, name: str) -> int:
        keys = self._ensemble.keyspace(name)
        return self._sizes.together(keys.kept) + self._sizes.together(keys.freed)
