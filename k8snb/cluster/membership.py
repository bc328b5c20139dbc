"""`cluster.etcd`: what a reader does with the members of etcd, and what they show.

Everything that changes something goes into the journal of the cluster, so that a fork and a rewind live through it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from k8snb.etcd.admin import Admin, Facts
from k8snb.etcd.keyspace import Keyspace
from k8snb.etcd.tape import PROMISES
from k8snb.i18n import _
from k8snb.machinery.quantity import value

if TYPE_CHECKING:
    from k8snb.cluster.processes import Runs
    from k8snb.view.stepper import Stepper


class _Cluster(Protocol):
    """A cluster, as far as its members are concerned."""

    admin: Admin | None
    components: dict[str, Runs]

    def _do(self, name: str, *arguments: Any) -> Any: ...


class Report:
    """Rows under their titles, as text."""

    def __init__(self, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.titles = tuple(titles)
        self.rows = [tuple(row) for row in rows]

    def __repr__(self) -> str:
        table = [tuple(title.upper() for title in self.titles), *self.rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ("   ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in table)
        return "\n".join(line.rstrip() for line in lines)


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

    def set_quota(self, size: int | str) -> None:
        """Let the file of each member have so many bytes (`--quota-backend-bytes`); 0 is etcd's default, 2 GiB."""
        self._cluster._do("_etcd", "set_quota", value(str(size)))

    def lose_disk(self, name: str) -> None:
        """Kill a member, and let its disk be lost."""
        self._cluster._do("_etcd", "lose_disk", name)

    # -- what they show --------------------------------------------------------------------------------------------

    def status(self) -> Report:
        """What each member is: its role and term, how far its log goes, and what it has made of it."""
        rows = [self._row(name) for name in self.members]
        return Report(("member", "role", "term", "log", "committed", "applied", "revision", "keys", "hash"), rows)

    def _row(self, name: str) -> list[str]:
        facts = self.facts(name)
        if facts is None:
            return [name, _("down"), *["-"] * 7]
        keys = len(self.keyspace(name).keys)
        numbers = (facts.term, facts.index, facts.commit, facts.applied, facts.revision, keys)
        return [name, self.admin.role(name), *map(str, numbers), f"{self.admin.digest(name):08x}"]

    def log(self, name: str, last: int = 8) -> Report:
        """The end of what is on a member's disk: entries with their terms, and which of them are committed."""
        server = self.admin.server(name)
        commit = server.disk.vote.commit
        rows = []
        for entry in self.admin.ensemble.entries(server.name)[-last:]:
            content = repr(entry.data) if entry.data is not None else repr(entry.change) if entry.change else ""
            mark = _("committed") if entry.index <= commit else ""
            rows.append([str(entry.index), str(entry.term), mark, content or _("(a new leader begins)")])
        return Report(("index", "term", "", "entry"), rows)

    @property
    def said(self) -> int:
        """How much members have said to each other by now: where a story can begin that is told later."""
        return self.admin.ensemble.tape.count

    def stepper(self, title: str = "", *, since: int = 0, heartbeats: bool = False) -> Stepper:
        """What members have said to each other since then (`said`), message by message."""
        from k8snb.view.agreement import agreement

        tape = self.admin.ensemble.tape
        steps = list(tape.steps)[max(0, since - tape.count + len(tape.steps)) :]
        return agreement(steps, tape.checked, heartbeats=heartbeats, title=title)

    @property
    def promises(self) -> Report:
        """Raft's promises, and how often they were looked at in this cluster; one that was broken would raise."""
        checked = str(self.admin.ensemble.tape.checked)
        return Report(("promise", "looked at", ""), [[promise, checked, _("held")] for promise in PROMISES])

    @property
    def commit_seconds(self) -> float:
        """How long a write takes until a majority has it, at the pace of the members' disks and wires."""
        return self.admin.ensemble.commit_seconds()
