"""Where the pods of one kind are, seen from one ranking, and what that means for the next of them.

A `Crowd` counts nodes by how many of the pods they have. It looks only at nodes that have some, and only when
something about them changed. From its shape follows a `Spread`: what spreading adds to a node's total. Where it takes
long to find the best node in spite of that, an `Order` keeps all nodes sorted by what they would get.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins.pod_topology_spread import (
    SYSTEM_DEFAULTS,
    count_score,
    normalized,
    rounded,
    topology_weight,
)
from k8snb.scheduler.podinfo import PodClass
from k8snb.scheduler.ranking import Cell, Ranking
from k8snb.scheduler.spreading import Selection

_HOST_SKEW, _ZONE_SKEW = (skew for _, skew in SYSTEM_DEFAULTS)
Shape = tuple[tuple[str | None, int, int, int], ...]
"""Of every zone: the fewest and the most alike pods on one of its fitting nodes, and how many there are in all."""


class Crowd:
    """How many nodes have how many of the pods of one selection."""

    __slots__ = (
        "_flips",
        "_held",
        "_journal",
        "_layout",
        "_levels",
        "_pods",
        "_tally",
        "_where",
        "order",
        "ranking",
        "searched",
        "selection",
        "spread",
    )

    def __init__(self, ranking: Ranking, selection: Selection) -> None:
        self.ranking = ranking
        self.selection = selection
        self._layout = -1
        self._tally = selection.tally

    def _reset(self, layout: int, pod_class: PodClass) -> None:
        self._layout = layout
        self._tally = self.selection.tally
        self.spread: Spread | None = None
        """The points for its shape, while that does not change."""
        self.order: Order | None = None
        """All nodes in order, where that is worth its while."""
        self.searched = 0
        """How many nodes were searched in vain."""
        self._journal = self._tally.journal.end
        self._flips = self.ranking.flips.end
        self._where: dict[NodeInfo, int] = {}
        self._levels: dict[str | None, dict[int, int]] = {}
        """Zone → number of pods on a node → how many fitting nodes have so many."""
        self._held: dict[str | None, int] = {}
        """Zone → how many fitting nodes have any."""
        self._pods: dict[str | None, int] = {}
        """Zone → how many pods there are, on nodes that the pod could choose."""
        for node in self._tally.counts:
            self._look(node, pod_class)

    def sync(self, layout: int, pod_class: PodClass) -> None:
        """Take in what has changed."""
        if layout != self._layout or self._tally is not self.selection.tally:
            self._reset(layout, pod_class)
            return
        journal, flips = self._tally.journal, self.ranking.flips
        if journal.end != self._journal:
            moved = journal.since(self._journal)
            if moved is None:
                self._reset(layout, pod_class)
                return
            for node in moved:
                self._look(node, pod_class)
            self._journal = journal.end
        if flips.end != self._flips:
            flipped = flips.since(self._flips)
            if flipped is None:
                self._reset(layout, pod_class)
                return
            for node in flipped:
                self._look(node, pod_class)
            self._flips, self.spread = flips.end, None

    def sorted(self) -> Order:
        """All nodes in order."""
        if self.order is None:
            self.order = Order(self.ranking, self.selection)
        else:
            self.order.sync()
        return self.order

    def shape(self) -> Shape:
        """How the pods are spread over the fitting nodes, zone by zone."""
        levels, pods = self._levels, self._pods
        found = []
        for zone, size in self.ranking.sizes.items():
            here = levels.get(zone)
            number = pods.get(zone, 0)
            if here:
                found.append((zone, 0 if self._held[zone] < size else min(here), max(here), number))
            else:
                found.append((zone, 0, 0, number))
        return tuple(found)

    def _look(self, node: NodeInfo, pod_class: PodClass) -> None:
        count = self._tally.counts.get(node, 0)
        now = count if node in self.ranking.fitting else -count
        before = self._where.get(node, 0)
        if now == before or node.node is None:
            return
        zone = node.zone
        if before > 0:
            self._level(zone, before, -1)
        if now > 0:
            self._level(zone, now, 1)
        if zone is not None and abs(now) != abs(before) and _choosable(pod_class, node):
            self._pods[zone] = self._pods.get(zone, 0) + abs(now) - abs(before)
            self.spread = None
        if now:
            self._where[node] = now
        else:
            del self._where[node]

    def _level(self, zone: str | None, count: int, change: int) -> None:
        """One fitting node more, or less, has so many pods. The shape changes when a number appears or vanishes."""
        levels = self._levels.get(zone)
        if levels is None:
            levels = self._levels[zone] = {}
        total = levels.get(count, 0) + change
        held = self._held[zone] = self._held.get(zone, 0) + change
        if total:
            levels[count] = total
        else:
            del levels[count]
        if total <= 1 or self.ranking.sizes.get(zone) in (held, held - change):
            self.spread = None


def _choosable(pod_class: PodClass, node: NodeInfo) -> bool:
    return not pod_class.node_selection or pod_class.node_selection.matches(node.name, node.labels)


class Spread:
    """What spreading adds to a node's total where a crowd has this shape.

    It is computed for the few numbers of pods per node that occur, when they are asked for.
    """

    __slots__ = ("_extra", "_host", "_known", "_least", "_most", "_weight", "bounds", "fewest")

    def __init__(self, shape: Shape, fitting: int, weight: int) -> None:
        self._weight = weight
        self._host = topology_weight(fitting)
        zones = topology_weight(len(shape))
        self._extra = {z: count_score(n, _ZONE_SKEW, zones) if z is not None else 0.0 for z, _, _, n in shape}
        lowest = [self._raw(zone, low) for zone, low, _, _ in shape]
        self._least = min(lowest)
        self._most = max([self._raw(zone, high) for zone, _, high, _ in shape])
        self._known: dict[tuple[str | None, int], int] = {}
        self.fewest = {zone: low for zone, low, _, _ in shape}
        """Zone → the fewest pods that any of its nodes has."""
        self.bounds = {zone: self.points(zone, low) for zone, low, _, _ in shape}
        """Zone → the most that spreading adds to any of its nodes."""

    def _raw(self, zone: str | None, count: int) -> int:
        return rounded(count_score(count, _HOST_SKEW, self._host) + self._extra[zone])

    def points(self, zone: str | None, count: int) -> int:
        """What a node of the zone with so many alike pods gets."""
        found = self._known.get((zone, count))
        if found is None:
            found = self._weight * normalized(self._raw(zone, count), self._least, self._most)
            self._known[zone, count] = found
        return found


class Order:
    """Every fitting node by zone, images, number of alike pods, and score."""

    __slots__ = ("_counts", "_fitting", "_generation", "_journal", "_ranking", "_selection", "_where", "cells")

    def __init__(self, ranking: Ranking, selection: Selection) -> None:
        self._ranking = ranking
        self._selection = selection
        self._fill()

    def _fill(self) -> None:
        self._counts = self._selection.tally.counts
        self._journal = self._selection.tally.journal.end
        self._fitting = self._ranking.fitting
        self._generation = self._ranking.generation
        self.cells: dict[tuple[str | None, int, int], Cell] = {}
        self._where: dict[NodeInfo, tuple[tuple[str | None, int, int], int]] = {}
        for node in sorted(self._ranking.fitting, key=lambda node: node.generation):
            self._look(node)

    def sync(self) -> None:
        """Take in what has changed."""
        ranking, tally = self._ranking, self._selection.tally
        counted = tally.journal.since(self._journal)
        if counted is None or self._counts is not tally.counts or self._fitting is not ranking.fitting:
            self._fill()
            return
        for node in (*counted, *ranking.looked_at_since(self._generation)):
            self._look(node)
        self._generation, self._journal = ranking.generation, tally.journal.end

    def _look(self, node: NodeInfo) -> None:
        before, now = self._where.get(node), self._wanted(node)
        if before is not None and before == now:
            self.cells[before[0]].buckets[before[1]].move_to_end(node)
            return
        if before is not None:
            cell = self.cells[before[0]]
            cell.remove(node, before[1])
            if not cell.scores:
                del self.cells[before[0]]
            del self._where[node]
        if now is not None:
            key = now[0]
            cell = self.cells.get(key) or self.cells.setdefault(key, Cell(key[0], key[1]))
            cell.add(node, now[1])
            self._where[node] = now

    def _wanted(self, node: NodeInfo) -> tuple[tuple[str | None, int, int], int] | None:
        fitting = self._ranking.fitting.get(node)
        if fitting is None:
            return None
        cell, score = fitting
        return (cell.zone, cell.pattern, self._counts.get(node, 0)), score

    def prospects(self, spread: Spread) -> Iterator[tuple[Cell, int]]:
        """Every cell, and what spreading adds for each of its nodes."""
        for (zone, _, count), cell in self.cells.items():
            yield cell, spread.points(zone, count)
