"""The short way to the best node, without looking at all of them.

Most pods have no affinity to other pods, no constraints of their own, no preferences: for them a node's total is
its score in the ranking (`ranking`) plus what depends on the few nodes that already have pods of the same kind
(spreading), plus what the images on it are worth. Which ranking and which pods that are is worked out once for the pods
of one template (`Prospect`). The best total is found by walking each cell's scores downwards
until even the best addition could not catch up. The result has the same total as the generic way finds (a test
compares the two); how many nodes there are does not matter.

Every node counts: upstream, from 100 nodes on, looks at a part of them only (`percentageOfNodesToScore`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from k8snb.scheduler.crowd import Crowd, Order, Shape, Spread
from k8snb.scheduler.diagnosis import Diagnosis, FitError
from k8snb.scheduler.framework import MAX_NODE_SCORE, CycleState
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins.image_locality import ImageLocality, locality
from k8snb.scheduler.podinfo import Kin, PodClass, PodInfo
from k8snb.scheduler.ranking import Cell, Ranking
from k8snb.scheduler.runtime import Framework
from k8snb.scheduler.spreading import Selection

RANKINGS_KEPT = 32
CROWDS_KEPT = 2_048
PROSPECTS_KEPT = 4_096
SPREADS_KEPT = 4_096
PATIENCE = 1.0
"""Nodes are kept in order for alike pods once so many times all nodes have been searched in vain for them."""


Counts = Mapping[NodeInfo, int]
_NO_COUNTS: Counts = {}


class Choice(NamedTuple):
    """The chosen node, its total, how many nodes were fit for it, and what plugins found out on the way.

    Where there is only one to choose from, nobody scores it.
    """

    node: NodeInfo
    score: int | None
    fitting: int
    state: CycleState | None = None


class Prospect:
    """What is known of the pods of one template, as of one version of the circumstances.

    Without a ranking the short way is not for them.
    """

    __slots__ = ("crowd", "image_points", "pod_class", "ranking", "version")

    def __init__(self, version: int, pod_class: PodClass) -> None:
        self.version = version
        self.pod_class = pod_class
        self.image_points: dict[int, int] = {0: 0}
        """Pattern of images on a node → what they add to its total."""
        self.ranking: Ranking | None = None
        self.crowd: Crowd | None = None
        """The pods they are spread among, if any."""


class Shortcut:
    """Finds nodes the short way, where that is possible."""

    def __init__(self, framework: Framework, patience: float = PATIENCE) -> None:
        self._framework = framework
        self._patience = patience
        self._cache = framework.cache
        self._nominated = framework.nominator.pods
        self._possible = framework.profile.usual
        self._weights = framework.weights
        self._same_for_all = self._weights.get("TaintToleration", 0) * MAX_NODE_SCORE
        """What the plugins add that say the same of every node: nothing to tolerate, so full marks."""
        self._prospects: dict[Kin, Prospect] = {}
        self._rankings: dict[tuple[int, tuple[str, ...]], Ranking] = {}
        self._crowds: dict[tuple[Ranking, Selection], Crowd] = {}
        self._spreads: dict[tuple[Shape, int], Spread] = {}

    def find(self, info: PodInfo) -> Choice | None:
        """The best node; None where it has to be found another way. Raises `FitError` if no node fits."""
        cache = self._cache
        prospect = self._prospects.get(info.kin)
        if prospect is None or prospect.version != cache.version + cache.spreading.version:
            prospect = self._prospect(info)
        ranking, crowd = prospect.ranking, prospect.crowd
        if ranking is None or self._nominated:
            return None
        ranking.sync()
        if not ranking.fitting:
            if not len(cache):
                return None
            raise FitError(self._diagnosis(ranking))
        if len(ranking.fitting) == 1:
            return Choice(next(iter(ranking.fitting)), None, 1)
        if crowd is None:
            return self._search(prospect, ranking, None, _NO_COUNTS)
        crowd.sync(cache.layout, prospect.pod_class)
        spread, counts = crowd.spread or self._spread(crowd), crowd.selection.tally.counts
        if len(ranking.cells) == 1:
            first = self._first(prospect, ranking, spread, counts)
            if first is not None:
                return first
        if crowd.order is None and crowd.searched <= self._patience * len(ranking.fitting):
            return self._search(prospect, ranking, spread, counts)
        return self._pick(prospect, ranking, crowd.sorted(), spread)

    # -- what is worked out once for a template ----------------------------------------------------

    def _prospect(self, info: PodInfo) -> Prospect:
        cache, kin = self._cache, info.kin
        if len(self._prospects) >= PROSPECTS_KEPT:
            self._prospects.clear()
        found = Prospect(cache.version + cache.spreading.version, kin.pod_class)
        if self._applies(kin):
            found.ranking = self._ranking(info)
            selection = self._framework.selectors.of(info)
            if selection is not None:
                found.crowd = self._crowd(found.ranking, selection)
        self._prospects[kin] = found
        return found

    def _applies(self, kin: Kin) -> bool:
        """Whether every plugin that this way leaves out would say the same of all nodes."""
        cache = self._cache
        return (
            self._possible
            and kin.pod_class.plain
            and not cache.soft_tainted
            and not cache.nameless
            and not (cache.affine and self._concerned(kin))
        )

    def _concerned(self, kin: Kin) -> bool:
        """Whether a placed pod's affinity or anti-affinity may speak of these pods."""
        labels = self._framework.namespaces(kin.namespace)
        return any(
            term.matches(namespace, kin.namespace, kin.labels, labels)
            for namespace, pod_class in self._cache.affine
            for term in pod_class.terms()
        )

    def _ranking(self, info: PodInfo) -> Ranking:
        images = self._images(info.pod_class)
        key = (info.pod_class.local_kind, images)
        found = self._rankings.get(key)
        if found is None:
            if len(self._rankings) >= RANKINGS_KEPT:
                self._forget(next(iter(self._rankings)))
            found = self._rankings[key] = Ranking(self._framework, info.pod, images)
        return found

    def _forget(self, key: tuple[int, tuple[str, ...]]) -> None:
        """Make room: a ranking is large, and what rests on it goes with it."""
        gone = self._rankings.pop(key)
        self._prospects = {kin: each for kin, each in self._prospects.items() if each.ranking is not gone}
        self._crowds = {key: each for key, each in self._crowds.items() if each.ranking is not gone}

    def _images(self, pod_class: PodClass) -> tuple[str, ...]:
        """The pod's images that make a difference: on enough nodes, and large enough, to score."""
        if not self._cache.images:
            return ()
        plugin: ImageLocality = self._framework.plugins["ImageLocality"]
        weights = {image: plugin.weight(image) for image in pod_class.images}
        total = sum(weights[image] for image in pod_class.images)
        if not locality(total, pod_class.image_count):
            return ()
        return tuple(image for image, weight in weights.items() if weight)

    def _crowd(self, ranking: Ranking, selection: Selection) -> Crowd:
        key = (ranking, selection)
        found = self._crowds.get(key)
        if found is None:
            if len(self._crowds) >= CROWDS_KEPT:
                del self._crowds[next(iter(self._crowds))]
            found = self._crowds[key] = Crowd(ranking, selection)
        return found

    # -- the search --------------------------------------------------------------------------------

    def _spread(self, crowd: Crowd) -> Spread:
        key = (crowd.shape(), len(crowd.ranking.fitting))
        found = self._spreads.get(key)
        if found is None:
            if len(self._spreads) >= SPREADS_KEPT:
                self._spreads.clear()
            found = self._spreads[key] = Spread(*key, self._weights["PodTopologySpread"])
        crowd.spread = found
        return found

    def _first(self, prospect: Prospect, ranking: Ranking, spread: Spread, counts: Counts) -> Choice | None:
        """Where there is one cell, the first of its best nodes, if none has fewer alike pods than that one."""
        cell = next(iter(ranking.cells.values()))
        score, zone = cell.scores[-1], cell.zone
        node = next(iter(cell.buckets[score]))
        if counts.get(node, 0) != spread.fewest[zone]:
            return None
        images = self._image_points(prospect, cell) if cell.pattern else 0
        total = score + images + spread.bounds[zone]
        return Choice(node, total + self._same_for_all, len(ranking.fitting))

    def _pick(self, prospect: Prospect, ranking: Ranking, order: Order, spread: Spread) -> Choice:
        """The best node where all are in order: the first of some cell."""
        best: NodeInfo | None = None
        best_total = -1
        for cell, gained in order.prospects(spread):
            score = cell.scores[-1]
            total = score + gained + self._image_points(prospect, cell)
            if total >= best_total:
                first = next(iter(cell.buckets[score]))
                if best is None or total > best_total or _longer(first, best):
                    best, best_total = first, total
        assert best is not None
        return Choice(best, best_total + self._same_for_all, len(ranking.fitting))

    def _search(self, prospect: Prospect, ranking: Ranking, spread: Spread | None, counts: Counts) -> Choice:
        """The best node, found by walking each cell's scores downwards."""
        best: NodeInfo | None = None
        best_total = -1
        for cell, constant, bound in self._promising(prospect, ranking, spread):
            most = constant + bound
            for score in reversed(cell.scores):
                if score + most < best_total:
                    break
                found, total, searched = _walk(cell, score, constant, bound, spread, counts)
                if searched and prospect.crowd is not None:
                    prospect.crowd.searched += searched
                if total > best_total or (total == best_total and best is not None and _longer(found, best)):
                    best, best_total = found, total
                if total == score + most:
                    break
        assert best is not None
        return Choice(best, best_total + self._same_for_all, len(ranking.fitting))

    def _promising(self, prospect: Prospect, ranking: Ranking, spread: Spread | None) -> list[tuple[Cell, int, int]]:
        """Every cell with what all its nodes get and the most that any can get, the best prospects first."""
        found = []
        for cell in ranking.cells.values():
            bound = spread.bounds[cell.zone] if spread is not None else 0
            found.append((cell, self._image_points(prospect, cell), bound))
        if len(found) > 1:
            found.sort(key=lambda each: -(each[0].scores[-1] + each[1] + each[2]))
        return found

    def _image_points(self, prospect: Prospect, cell: Cell) -> int:
        found = prospect.image_points.get(cell.pattern)
        if found is None:
            assert prospect.ranking is not None
            plugin: ImageLocality = self._framework.plugins["ImageLocality"]
            present, pod_class = prospect.ranking.present(cell.pattern), prospect.pod_class
            total = sum(plugin.weight(image) for image in pod_class.images if image in present)
            found = self._weights["ImageLocality"] * locality(total, pod_class.image_count)
            prospect.image_points[cell.pattern] = found
        return found

    def _diagnosis(self, ranking: Ranking) -> Diagnosis:
        order = sorted(ranking.rejected, key=lambda node: node.generation)
        found = Diagnosis(len(self._cache), {node.name: ranking.rejected[node] for node in order})
        found.blame_for(found.statuses.values())
        return found


def _walk(
    cell: Cell, score: int, constant: int, bound: int, spread: Spread | None, counts: Counts
) -> tuple[NodeInfo, int, int]:
    """The best node among those of one score: the first that gets the most there is to get.

    Returns it with its total, and how many nodes were looked at besides.
    """
    bucket = cell.buckets[score]
    base = score + constant
    if spread is None:
        return next(iter(bucket)), base, 0
    best: NodeInfo | None = None
    most, searched = -1, -1
    count, points, zone = counts.get, spread.points, cell.zone
    for node in bucket:
        searched += 1
        gained = points(zone, count(node, 0))
        if gained > most:
            best, most = node, gained
            if gained == bound:
                break
    assert best is not None
    return best, base + most, searched


def _longer(node: NodeInfo, other: NodeInfo) -> bool:
    """Whether a node has been unchanged for longer than another: then it is its turn."""
    return node.generation < other.generation
