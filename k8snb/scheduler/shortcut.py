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
from collections.abc import Hashable, Mapping
from typing import NamedTuple, TypeVar

from k8snb.scheduler.diagnosis import Diagnosis, FitError
from k8snb.scheduler.framework import MAX_NODE_SCORE, CycleState
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins.image_locality import ImageLocality, locality
from k8snb.scheduler.plugins.pod_topology_spread import (
    SYSTEM_DEFAULTS,
    count_score,
    normalized,
    rounded,
    topology_weight,
)
from k8snb.scheduler.podinfo import PodClass, PodInfo
from k8snb.scheduler.ranking import Cell, Ranking
from k8snb.scheduler.registry import DEFAULT_PROFILE
from k8snb.scheduler.runtime import Framework
from k8snb.scheduler.spreading import Selection

RANKINGS_KEPT = 32
CROWDS_KEPT = 2_048
_HOST_SKEW, _ZONE_SKEW = (skew for _, skew in SYSTEM_DEFAULTS)
Shape = list[tuple[str | None, int, int, int]]
"""Of every zone: the fewest and the most alike pods on one of its fitting nodes, and how many there are in all."""

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Choice(NamedTuple):
    """The chosen node, its total, how many nodes were fit for it, and what plugins found out on the way."""

    node: NodeInfo
    score: int
    fitting: int
    state: CycleState | None = None


class Crowd:
    """Where the pods of one selection are, seen from one ranking: how many nodes have how many of them.

    Only nodes that have some are looked at, and only when something about them has changed.
    """

    __slots__ = (
        "_flips",
        "_journal",
        "_layout",
        "_tally",
        "_where",
        "held",
        "levels",
        "pods",
        "ranking",
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
        """The points for its latest shape."""
        self._journal = self._tally.journal.end
        self._flips = self.ranking.flips.end
        self._where: dict[NodeInfo, int] = {}
        self.levels: dict[str | None, dict[int, int]] = {}
        """Zone → number of pods on a node → how many fitting nodes have so many."""
        self.held: dict[str | None, int] = {}
        """Zone → how many fitting nodes have any."""
        self.pods: dict[str | None, int] = {}
        """Zone → how many pods there are, on nodes that the pod could choose."""
        for node in self._tally.counts:
            self._look(node, pod_class)

    def sync(self, layout: int, pod_class: PodClass) -> None:
        """Take in what has changed."""
        if layout != self._layout or self._tally is not self.selection.tally:
            self._reset(layout, pod_class)
            return
        journal, flips = self._tally.journal, self.ranking.flips
        moved, flipped = journal.since(self._journal), flips.since(self._flips)
        if moved is None or flipped is None:
            self._reset(layout, pod_class)
            return
        for node in moved:
            self._look(node, pod_class)
        for node in flipped:
            self._look(node, pod_class)
        self._journal, self._flips = journal.end, flips.end

    def shape(self) -> Shape:
        """How the pods are spread over the fitting nodes, zone by zone."""
        levels, held, pods = self.levels, self.held, self.pods
        found = []
        for zone, size in self.ranking.sizes.items():
            here = levels.get(zone)
            number = pods.get(zone, 0) if zone is not None else 0
            if here:
                found.append((zone, 0 if held[zone] < size else min(here), max(here), number))
            else:
                found.append((zone, 0, 0, number))
        return found

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
        if abs(now) != abs(before) and _choosable(pod_class, node):
            self.pods[zone] = self.pods.get(zone, 0) + abs(now) - abs(before)
        if now:
            self._where[node] = now
        else:
            del self._where[node]

    def _level(self, zone: str | None, count: int, change: int) -> None:
        levels = self.levels.setdefault(zone, {})
        total = levels.get(count, 0) + change
        if total:
            levels[count] = total
        else:
            del levels[count]
        self.held[zone] = self.held.get(zone, 0) + change


def _choosable(pod_class: PodClass, node: NodeInfo) -> bool:
    return not pod_class.node_selection or pod_class.node_selection.matches(node.name, node.labels)


class Spread:
    """What spreading adds to a node's total, while the crowd has one shape.

    It is computed for the few numbers of pods per node that occur, when they are asked for.
    """

    __slots__ = ("_extra", "_host", "_known", "_least", "_most", "_weight", "bounds", "counts", "fitting", "shape")

    def __init__(self, counts: Mapping[NodeInfo, int], shape: Shape, fitting: int, weight: int) -> None:
        self.counts = counts
        self.shape = shape
        self.fitting = fitting
        self._weight = weight
        self._host = topology_weight(fitting)
        zones = topology_weight(len(shape))
        self._extra = {z: count_score(n, _ZONE_SKEW, zones) if z is not None else 0.0 for z, _, _, n in shape}
        lowest = [self._raw(zone, low) for zone, low, _, _ in shape]
        self._least = min(lowest)
        self._most = max([self._raw(zone, high) for zone, _, high, _ in shape])
        self._known: dict[tuple[str | None, int], int] = {}
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


class Shortcut:
    """Finds nodes the short way, where that is possible."""

    def __init__(self, framework: Framework) -> None:
        self._framework = framework
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
        return self._best(ranking, self._spread(ranking, info), info.pod_class)

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

    def _spread(self, ranking: Ranking, info: PodInfo) -> Spread | None:
        selection = self._framework.selectors.of(info)
        if selection is None:
            return None
        key = (ranking, selection)
        crowd = self._crowds.get(key)
        if crowd is None:
            crowd = _keep(self._crowds, key, Crowd(ranking, selection), CROWDS_KEPT)
        else:
            self._crowds.move_to_end(key)
        crowd.sync(self._cache.layout, info.pod_class)
        spread, shape, fitting = crowd.spread, crowd.shape(), len(ranking.fitting)
        if spread is None or spread.shape != shape or spread.fitting != fitting:
            counts = selection.tally.counts
            spread = crowd.spread = Spread(counts, shape, fitting, self._weights["PodTopologySpread"])
        return spread

    def _best(self, ranking: Ranking, spread: Spread | None, pod_class: PodClass) -> Choice:
        best: NodeInfo | None = None
        best_total = -1
        for cell, constant, bound in self._promising(ranking, spread, pod_class):
            most = constant + bound
            for score in reversed(cell.scores):
                if score + most < best_total:
                    break
                found, total = _walk(cell, score, constant, bound, spread)
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


def _walk(cell: Cell, score: int, constant: int, bound: int, spread: Spread | None) -> tuple[NodeInfo, int]:
    """The best node among those of one score: the first that gets the most there is to get."""
    bucket = cell.buckets[score]
    base = score + constant
    if spread is None:
        return next(iter(bucket)), base
    best: NodeInfo | None = None
    most = -1
    count, points, zone = spread.counts.get, spread.points, cell.zone
    for node in bucket:
        gained = points(zone, count(node, 0))
        if gained > most:
            best, most = node, gained
            if gained == bound:
                break
    assert best is not None
    return best, base + most


def _longer(node: NodeInfo, other: NodeInfo) -> bool:
    """Whether a node has been unchanged for longer than another: then it is its turn."""
    return node.generation < other.generation


def _keep(cache: OrderedDict[_Key, _Value], key: _Key, value: _Value, limit: int) -> _Value:
    if len(cache) >= limit:
        cache.popitem(last=False)
    cache[key] = value
    return value
