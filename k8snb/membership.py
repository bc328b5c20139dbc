"""`cluster.etcd`: what a reader does with the members of etcd, and what they show.

Everything that changes something goes into the journal of the cluster, so that a fork and a rewind live through it too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from k8snb.etcd.admin import Admin, Facts
from k8snb.etcd.keyspace import Keyspace

if TYPE_CHECKING:
    from k8snb.processes import Runs


class _Cluster(Protocol):
    """A cluster, as far as its members are concerned."""

    admin: Admin | None
    components: dict[str, Runs]

    def _do(self, name: str, *arguments: Any) -> Any: ...


class Etcd:
    """The members of one cluster."""

    def __init__(self, cluster: Any) -> None:
        self._cluster: _Cluster = cluster

    @property
    def admin(self) -> Admin:
        """What can be done to the members, past the journal."""
        assert self._cluster.admin is not None
        return self._cluster.admin

    @property
    def members(self) -> list[str]:
        """The names of those who belong to the cluster."""
        return self.admin.names()

    @property
    def leader(self) -> str:
        """The name of the leader; empty if there is none."""
        return self.admin.leader()

    @property
    def quorum(self) -> int:
        """How many members are a majority."""
        return len(self.members) // 2 + 1

    def facts(self, name: str) -> Facts | None:
        """What a member tells of itself; None if it does not answer."""
        return self.admin.facts(name)

    def keyspace(self, name: str) -> Keyspace:
        """What a member has made of its log: its keys, with their revisions."""
        return self.admin.keyspace(name)

    # -- what goes wrong -------------------------------------------------------------------------------------------

    def partition(self, *sides: Iterable[str]) -> None:
        """Cut members off from each other: those of one side hear each other, and nobody else.

        The API server (`kube-apiserver`) reaches all of them, unless a side names it.
        """
        self._cluster._do("_etcd", "partition", tuple(tuple(side) for side in sides))

    def heal(self) -> None:
        """Let everybody hear everybody again."""
        self._cluster._do("_etcd", "partition", ())

    def slow(self, name: str, *, fsync: float | None = None, trip: float | None = None) -> None:
        """Let a member's disk take so many seconds to keep an entry, or a message to it and back so many."""
        self._cluster._do("_etcd", "slow", name, fsync, trip)

    def lose_disk(self, name: str) -> None:
        """Kill a member, and let its disk be lost."""
        self._cluster._do("_etcd", "lose_disk", name)

    @property
    def commit_seconds(self) -> float:
        """How long a write takes until a majority has it, at the pace of the members' disks and wires."""
        return self.admin.ensemble.commit_seconds()
