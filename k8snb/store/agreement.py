"""Who has to agree before a write happens: the seam beneath the store.

A store that is alone does what it is asked for. One with an `Agreement` hands it every write first, as a transaction:
what is to be stored under which name, and the revision that the name has to be at, as etcd's API server compares
`mod_revision`. Whoever agrees calls `perform`, at once or later, and in one order; only then there is a new revision,
and only then a watcher hears of it. A write that nobody has agreed to yet is refused, and may happen all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from k8snb.wire import WatchEvent


class Write(NamedTuple):
    """A write that has not happened yet: `perform` makes it happen and gives its event."""

    type: str
    """`ADDED`, `MODIFIED` or `DELETED`."""
    bucket: str
    namespace: str
    name: str
    expects: int
    """The revision at which the name must be; 0 if there must not be any."""
    ttl: float
    perform: Callable[[], WatchEvent]
    lease: int = 0
    """A lease that a client of etcd was granted."""


class Agreement(Protocol):
    """Agrees to writes, or does not. A refusal is a `StatusError`, which becomes the answer of the API server."""

    def write(self, write: Write) -> WatchEvent:
        """Have a write performed, and return its event; raises where that cannot be promised."""
        ...

    def compact(self, revision: int) -> None:
        """The store forgets what no read at `revision` or later can see."""
        ...

    def confirm(self) -> None:
        """Return if what the store has is the newest that anybody has been promised; raises if nobody can tell."""
        ...
