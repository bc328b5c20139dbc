"""Nodes ranked for one kind of request, kept up to date instead of computed anew for every pod.

What the local plugins say (`Plugin.local`: it depends on pod spec and node alone) is asked once per node and again
only when that node changes. All pods with the same requests, tolerations and node selection share a ranking, of
whatever Deployment they are. Nodes of equal score wait in the order of their last change, and the one that waits
longest goes first: that is how ties are broken, here and in the generic way, so that equal nodes take turns.

What is not local is laid over it when a pod is placed. Nodes are therefore kept apart in cells: by zone, and by
which of the pod's images they have. Precedent: KEP-5598, opportunistic batching by pod signature.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Sequence

from k8snb.scheduler.framework import SUCCESS, Code, CycleState, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.runtime import Framework, local_plugins
from k8snb.scheduler.spreading import Journal
from k8snb.typing import Object

TOTALS_KEPT = 4_096
"""How many totals are remembered."""

_Filter = Callable[[CycleState, Object, NodeInfo], Status]
_Score = Callable[[CycleState, Object, NodeInfo], int]


class Cell:
    """The nodes of one zone with the same of the images, by score."""

    __slots__ = ("buckets", "pattern", "scores", "zone")

    def __init__(self, zone: str | None, pattern: int) -> None:
        self.zone = zone
        self.pattern = pattern
        self.scores: list[int] = []
        """The scores that occur, ascending."""
        self.buckets: dict[int, OrderedDict[NodeInfo, None]] = {}

    def add(self, node: NodeInfo, score: int) -> None:
        """A node comes last among those of its score."""
        bucket = self.buckets.get(score)
        if bucket is None:
            bucket = self.buckets[score] = OrderedDict()
            insort(self.scores, score)
        bucket[node] = None

    def remove(self, node: NodeInfo, score: int) -> None:
        """Take a node out."""
        bucket = self.buckets[score]
        del bucket[node]
        if not bucket:
            del self.buckets[score]
            del self.scores[bisect_left(self.scores, score)]


class Ranking:
    """Every node's local verdict and score for one kind of request."""

    def __init__(self, framework: Framework, pod: Object, images: tuple[str, ...]) -> None:
        self._cache = framework.cache
        self._pod = pod
        self._images = images
        self._state = CycleState()
        self._filters, self._pod_filters = self._local_filters(framework)
        self._scorers = self._local_scorers(framework)
        self.flips: Journal[NodeInfo] = Journal(1024)
        """The nodes that began or ceased to fit."""
        self._totals: dict[tuple[int, ...], int] = {}
        self._reset()

    def _reset(self) -> None:
        self.flips.forget()
        self.generation = 0
        """The generation of the cache up to which it looked at nodes."""
        self._removals = self._cache.removals
        self.cells: dict[tuple[str | None, int], Cell] = {}
        self.fitting: dict[NodeInfo, tuple[Cell, int]] = {}
        """The nodes that passed the filters: cell and score."""
        self.sizes: dict[str | None, int] = {}
        """Zone → how many nodes of it passed."""
        self.rejected: dict[NodeInfo, Status] = {}

    def _local_filters(self, framework: Framework) -> tuple[list[_Filter], list[_Filter]]:
        """The local filters, and those of them that look at the pods on a node too, not at the node object alone."""
        state, pod = self._state, self._pod
        skipped = set()
        for plugin in local_plugins(framework, "PreFilter"):
            if plugin.pre_filter(state, pod).code is Code.SKIP:
                skipped.add(plugin.name)
        found = [plugin for plugin in local_plugins(framework, "Filter") if plugin.name not in skipped]
        return [each.filter for each in found], [each.filter for each in found if not getattr(each, "steady", False)]

    def _local_scorers(self, framework: Framework) -> list[tuple[int, _Score]]:
        """Those that need no normalising, which all score amounts of CPU and memory.

        The others say the same of every node where a ranking is used.
        """
        found = []
        for plugin in local_plugins(framework, "Score"):
            pre_score = getattr(plugin, "pre_score", None)
            skipped = pre_score is not None and pre_score(self._state, self._pod, ()).code is Code.SKIP
            if not skipped and not hasattr(plugin, "normalize"):
                found.append((framework.weights[plugin.name], plugin.score))
        return found

    def sync(self) -> None:
        """Look again at the nodes that changed."""
        cache = self._cache
        if cache.generation == self.generation:
            return
        if cache.removals != self._removals:
            self._reset()
        for node in cache.changed_since(self.generation):
            self._evaluate(node)
        self.generation = cache.generation

    def looked_at_since(self, generation: int) -> Sequence[NodeInfo]:
        """The nodes that were looked at after a generation, each where it was last."""
        return self._cache.changed_since(generation)

    def _evaluate(self, node: NodeInfo) -> None:
        if node.node is None:
            self._unfit(node)
            self.rejected.pop(node, None)
            return
        state, pod, known = self._state, self._pod, self.fitting.get(node)
        fresh = known is None or node.described > self.generation
        for ask in self._filters if fresh else self._pod_filters:
            status = ask(state, pod, node)
            if status is not SUCCESS:
                self._unfit(node)
                self.rejected[node] = status
                return
        have, used = node.allocatable, node.requested
        amounts = (have.cpu, have.memory, used.cpu, used.memory, node.scored_cpu, node.scored_memory)
        total = self._totals.get(amounts)
        if total is None:
            total = self._total(node, amounts)
        if known is None or fresh:
            self._fit(node, total)
            return
        cell, before = known
        if total == before:
            cell.buckets[total].move_to_end(node)
        else:
            cell.remove(node, before)
            cell.add(node, total)
            self.fitting[node] = (cell, total)

    def _total(self, node: NodeInfo, amounts: tuple[int, ...]) -> int:
        """What a node gets. That follows from amounts alone, and nodes of a size go through the same ones."""
        if len(self._totals) >= TOTALS_KEPT:
            self._totals.clear()
        total = sum(weight * score(self._state, self._pod, node) for weight, score in self._scorers)
        self._totals[amounts] = total
        return total

    def _fit(self, node: NodeInfo, score: int) -> None:
        known = self.fitting.get(node)
        if known is not None:
            self._leave(node, *known)
        else:
            self.rejected.pop(node, None)
            self.flips.append(node)
        cell = self._cell(node)
        cell.add(node, score)
        self.fitting[node] = (cell, score)
        self._resize(cell.zone, 1)

    def _unfit(self, node: NodeInfo) -> None:
        known = self.fitting.pop(node, None)
        if known is not None:
            self._leave(node, *known)
            self.flips.append(node)

    def _leave(self, node: NodeInfo, cell: Cell, score: int) -> None:
        cell.remove(node, score)
        if not cell.scores:
            del self.cells[cell.zone, cell.pattern]
        self._resize(cell.zone, -1)

    def _resize(self, zone: str | None, change: int) -> None:
        size = self.sizes.get(zone, 0) + change
        if size:
            self.sizes[zone] = size
        else:
            del self.sizes[zone]

    def _cell(self, node: NodeInfo) -> Cell:
        pattern = 0
        for index, image in enumerate(self._images):
            if image in node.images:
                pattern |= 1 << index
        key = (node.zone, pattern)
        found = self.cells.get(key)
        if found is None:
            found = self.cells[key] = Cell(*key)
        return found

    def present(self, pattern: int) -> tuple[str, ...]:
        """The images that the nodes of a cell with this pattern have."""
        return tuple(image for index, image in enumerate(self._images) if pattern >> index & 1)
