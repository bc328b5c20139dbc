"""The reachability matrix: who reaches whom on which port, as far as policies have a say.

    cluster.reachability(6379)

A row is a pod that asks, a column a port of a pod that is asked. Every cell is a judgement of the function that judges
packets. With a revision before, a cell says what it was then, and what has been opened and closed stands below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from k8snb.i18n import _
from k8snb.network.policies.judgement import INGRESS, POLICIES, Judgement, judge
from k8snb.network.policies.parties import Directory, Party
from k8snb.view.graphs.sketch import FEW
from k8snb.view.grid import Cell, Grid
from k8snb.view.scene import Snapshot

_YES, _NO, _ITSELF = "✓", "✗", "–"


class Asked(NamedTuple):
    """What a matrix is about."""

    port: int | None
    namespaces: Sequence[str]
    outside: Sequence[str]
    enforced: bool


class Place(NamedTuple):
    """An address and the node that it is on: two nodes may have given out the same one."""

    ip: str
    node: str


class Way(NamedTuple):
    """Somebody who asks, and a port of somebody who is asked: a cell of the matrix, by addresses."""

    source: Place
    target: Place
    port: int
    protocol: str


class Reachability:
    """The matrix of a revision, and how it differs from the one before, if that is given."""

    def __init__(self, asked: Asked, now: Snapshot, before: Snapshot | None = None) -> None:
        self._asked = asked
        self._known = Directory(now)
        self.now = self._judged(now, self._known)
        self.before = self._judged(before, Directory(before)) if before is not None else {}
        self._compares = before is not None

    def _judged(self, snapshot: Snapshot, known: Directory) -> Mapping[Way, Judgement]:
        """Every way of the matrix by the objects of a revision; left out are those whose ends were not there."""
        enforced, policies = self._asked.enforced, {}
        if enforced:
            policies = {space: snapshot.list(POLICIES, space) for space in self._spaces(known)}
        there = {_place(party) for party in (*known.pods(), *map(known.at, self._asked.outside))}
        return {
            way: judge(
                known.at(*way.source),
                known.at(*way.target),
                way.port,
                way.protocol,
                lambda space: policies.get(space, ()),
            )
            for way in self._ways()
            if way.source in there and way.target in there
        }

    @staticmethod
    def _spaces(known: Directory) -> list[str]:
        return list(dict.fromkeys(party.namespace for party in known.pods()))

    # -- rows and columns --------------------------------------------------------------------------

    @property
    def sources(self) -> list[Party]:
        """Who asks: the pods of the namespaces, and who is outside."""
        return [*self._pods(), *map(self._known.at, self._asked.outside)]

    @property
    def targets(self) -> list[tuple[Party, int, str]]:
        """What is asked: each port that a pod declares, or of those the one that the matrix is about."""
        return [(party, *port) for party in self._pods() for port in self._ports_of(party)]

    def _pods(self) -> list[Party]:
        return [party for party in self._known.pods() if party.namespace in self._asked.namespaces]

    def _ports_of(self, party: Party) -> Sequence[tuple[int, str]]:
        found = [(port.number, port.protocol) for port in self._known.ports_of(party)]
        return [each for each in found if self._asked.port in (None, each[0])]

    def _ways(self) -> Iterator[Way]:
        for source in self.sources:
            for target, port, protocol in self.targets:
                if source.ip != target.ip:
                    yield Way(_place(source), _place(target), port, protocol)

    # -- answers -----------------------------------------------------------------------------------

    @property
    def open(self) -> list[str]:
        """Every way that is open, as `frontend → db:6379`."""
        return [_told(judged) for judged in self.now.values() if judged]

    @property
    def changes(self) -> list[tuple[Way, bool]]:
        """The ways that have been opened (True) or closed (False) since the revision before."""
        both = ((way, bool(judged), bool(self.before[way])) for way, judged in self.now.items() if way in self.before)
        return [(way, now) for way, now, then in both if now != then]

    def grid(self) -> Grid:
        """The table."""
        targets = self.targets
        heads = (_("from ↓ to →"), *(f"{party.shown}:{_port(port, protocol)}" for party, port, protocol in targets))
        rows = [[Cell(source.shown), *(self._cell(source, target) for target in targets)] for source in self.sources]
        count, whole = sum(map(bool, self.now.values())), len(self.now)
        title = _("Who reaches whom: {count} of {all} ways are open").format(count=count, all=whole)
        return Grid(title, heads, rows if targets else [], list(self._notes()))

    def _cell(self, source: Party, target: tuple[Party, int, str]) -> Cell:
        party, port, protocol = target
        way = Way(_place(source), _place(party), port, protocol)
        if source.ip == party.ip:
            return Cell(_ITSELF)
        judged, before = self.now[way], self.before.get(way)
        mark, hue = (_YES, "green") if judged else (_NO, "red")
        closed = ", ".join(_("ingress") if side.direction == INGRESS else _("egress") for side in judged.closed)
        if before is None or bool(before) == bool(judged):
            return Cell(mark, closed, "" if self._compares else hue)
        was = _("was {mark}").format(mark=_YES if before else _NO)
        return Cell(mark, ", ".join(filter(None, (closed, was))), hue, strong=True)

    def _notes(self) -> Iterator[str]:
        if not self._asked.enforced:
            yield _("this network does not enforce policies")
        if self._compares:
            for opened, words in ((True, _("opened: {ways}")), (False, _("closed: {ways}"))):
                ways = [_told(self.now[way]) for way, now in self.changes if now is opened]
                more = [_("and {count} more").format(count=len(ways) - FEW)] if len(ways) > FEW else []
                yield words.format(ways=", ".join([*ways[:FEW], *more]) or _("none"))

    def __str__(self) -> str:
        return str(self.grid())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.grid()._repr_html_()


def _port(port: int, protocol: str) -> str:
    return str(port) if protocol == "TCP" else f"{port}/{protocol}"


def _place(party: Party) -> Place:
    return Place(party.ip, party.node)


def _told(judged: Judgement) -> str:
    return f"{judged.source.shown} → {judged.destination.shown}:{_port(judged.port, judged.protocol)}"
