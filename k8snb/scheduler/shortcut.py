"""The short way to the best node, without looking at all of them.

Most pods have no affinity to other pods, no constraints of their own, no preferences: for them a node's total is
its score in the ranking (`ranking`) plus what depends on the few nodes that already have pods of the same kind
(spreading), plus what the images on it are worth. The best total is found by walking each cell's scores downwards
until even the best addition could not catch up. The result has the same total as the generic way finds (a test
compares the two); how many nodes there are does not matter.

Every node counts: upstream, from 100 nodes on, looks at a part of them only (`percentageOfNodesToScore`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple, TypeVar

from k8snb.scheduler.crowd import Crowd, Order, Spread
from k8snb.scheduler.diagnosis import Diagnosis, FitError
from k8snb.scheduler.framework import MAX_NODE_SCORE, CycleState
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins.image_locality import ImageLocality, locality
from k8snb.scheduler.podinfo import PodClass, PodInfo
from k8snb.scheduler.ranking import Cell, Ranking
from k8snb.scheduler.registry import DEFAULT_PROFILE
from k8snb.scheduler.runtime import Framework
from k8snb.scheduler.spreading import Selection

RANKINGS_KEPT = 32
CROWDS_KEPT = 2_048
PATIENCE = 1.0
"""Nodes are kept in order for alike pods once so many times all nodes have been searched in vain for them."""

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Choice(NamedTuple):
    """The chosen node, its total, how many nodes were fit for it, and what plugins found out on the way."""

    node: NodeInfo
    score: int
    fitting: int
    state: CycleState | None = None


class Shortcut:
    """Finds nodes the short way, where that is possible."""

    def __init__(self, framework: Framework, patience: float = PATIENCE) -> None:
        self._framework = framework
        self._patience = patience
        self._cache = framework.cache
        self._possible = tuple(framework.plugins) == tuple(name for name, _ in DEFAULT_PROFILE.plugins)
        self._weights = framework.weights
        self._same_for_all = self._weights.get("TaintToleration", 0) * MAX_NODE_SCORE
        """What the plugins add that say the same of every node: nothing to tolerate, so full marks."""
        self._rankings: OrderedDict[tuple[int, tuple[str, ...]], Ranking] = OrderedDict()
        self._crowds: OrderedDict[tuple[Ranking, Selection], Crowd] = OrderedDict()

    def applies(self, info: PodInfo) -> bool:
        """Whether every plugin that this way leaves out would say the same of all nodes."""
        cache = self._cache
        return (
            self._possible
            and info.pod_class.plain
            and not cache.soft_tainted
            and not cache.nameless
            and not self._framework.nominator.pods
            and not (cache.affine and self._concerned(info))
        )

    def _concerned(self, info: PodInfo) -> bool:
        """Whether a placed pod's affinity or anti-affinity may speak of this pod."""
        label_set = self._cache.spreading.label_set(info)
        if label_set.clear_of == self._cache.affine_version:
            return False
        labels = self._framework.namespaces(info.namespace)
        for namespace, pod_class in self._cache.affine:
            if any(term.matches(namespace, info.namespace, info.labels, labels) for term in pod_class.terms()):
                return True
        label_set.clear_of = self._cache.affine_version
        return False

    def choose(self, info: PodInfo) -> Choice:
        """The best node. Raises `FitError` if none fits."""
        ranking = self._ranking(info)
        ranking.sync()
        if not ranking.fitting:
            raise FitError(self._diagnosis(ranking))
        selection = self._framework.selectors.of(info)
        if selection is None:
            return self._search(ranking, None, info.pod_class)
        crowd = self._crowd(ranking, selection, info.pod_class)
        spread, order = self._spread(crowd), crowd.sort(self._patience)
        if order is not None:
            return self._pick(ranking, order, spread, info.pod_class)
        return self._search(ranking, spread, info.pod_class, crowd)

    def _ranking(self, info: PodInfo) -> Ranking:
        pod_class = info.pod_class
        images = self._images(pod_class)
        key = (pod_class.local_kind, images)
        found = self._rankings.get(key)
        if found is None:
            return _keep(self._rankings, key, Ranking(self._framework, info.pod, images), RANKINGS_KEPT)
        self._rankings.move_to_end(key)
        return found

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

    def _crowd(self, ranking: Ranking, selection: Selection, pod_class: PodClass) -> Crowd:
        key = (ranking, selection)
        crowd = self._crowds.get(key)
        if crowd is None:
            crowd = _keep(self._crowds, key, Crowd(ranking, selection), CROWDS_KEPT)
        else:
            self._crowds.move_to_end(key)
        crowd.sync(self._cache.layout, pod_class)
        return crowd

    def _spread(self, crowd: Crowd) -> Spread:
        spread, shape, fitting = crowd.spread, crowd.shape(), len(crowd.ranking.fitting)
        if spread is None or spread.shape != shape or spread.fitting != fitting:
            counts = crowd.selection.tally.counts
            spread = crowd.spread = Spread(counts, shape, fitting, self._weights["PodTopologySpread"])
        return spread

    def _pick(self, ranking: Ranking, order: Order, spread: Spread, pod_class: PodClass) -> Choice:
        """The best node where all are in order: the first of some cell."""
        best: NodeInfo | None = None
        best_total = -1
        for cell, gained in order.prospects(spread):
            score = cell.scores[-1]
            total = score + gained + (self._image_points(ranking, cell, pod_class) if cell.pattern else 0)
            if total >= best_total:
                first = next(iter(cell.buckets[score]))
                if best is None or total > best_total or _longer(first, best):
                    best, best_total = first, total
        assert best is not None
        return Choice(best, best_total + self._same_for_all, len(ranking.fitting))

    def _search(
        self, ranking: Ranking, spread: Spread | None, pod_class: PodClass, crowd: Crowd | None = None
    ) -> Choice:
        """The best node, found by walking each cell's scores downwards."""
        best: NodeInfo | None = None
        best_total = -1
        for cell, constant, bound in self._promising(ranking, spread, pod_class):
            most = constant + bound
            for score in reversed(cell.scores):
                if score + most < best_total:
                    break
                found, total, searched = _walk(cell, score, constant, bound, spread)
                if searched and crowd is not None:
                    crowd.searched += searched
                if total > best_total or (total == best_total and best is not None and _longer(found, best)):
                    best, best_total = found, total
                if total == score + most:
                    break
        assert best is not None
        return Choice(best, best_total + self._same_for_all, len(ranking.fitting))

    def _promising(self, ranking: Ranking, spread: Spread | None, pod_class: PodClass) -> list[tuple[Cell, int, int]]:
        """Every cell with what all its nodes get and the most that any can get, the best prospects first."""
        found = []
        for cell in ranking.cells.values():
            constant = self._image_points(ranking, cell, pod_class) if cell.pattern else 0
            found.append((cell, constant, spread.bounds[cell.zone] if spread is not None else 0))
        if len(found) > 1:
            found.sort(key=lambda each: -(each[0].scores[-1] + each[1] + each[2]))
        return found

    def _image_points(self, ranking: Ranking, cell: Cell, pod_class: PodClass) -> int:
        plugin: ImageLocality = self._framework.plugins["ImageLocality"]
        present = ranking.present(cell.pattern)
        total = sum(plugin.weight(image) for image in pod_class.images if image in present)
        return self._weights["ImageLocality"] * locality(total, pod_class.image_count)

    def _diagnosis(self, ranking: Ranking) -> Diagnosis:
        order = sorted(ranking.rejected, key=lambda node: node.generation)
        found = Diagnosis(len(self._cache), {node.name: ranking.rejected[node] for node in order})
        found.blame_statuses()
        return found


def _walk(cell: Cell, score: int, constant: int, bound: int, spread: Spread | None) -> tuple[NodeInfo, int, int]:
    """The best node among those of one score: the first that gets the most there is to get.

    Returns it with its total, and how many nodes were looked at besides.
    """
    bucket = cell.buckets[score]
    base = score + constant
    if spread is None:
        return next(iter(bucket)), base, 0
    best: NodeInfo | None = None
    most, searched = -1, -1
    count, points, zone = spread.counts.get, spread.points, cell.zone
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


def _keep(cache: OrderedDict[_Key, _Value], key: _Key, value: _Value, limit: int) -> _Value:
    if len(cache) >= limit:
        cache.popitem(last=False)
    cache[key] = value
    return value
