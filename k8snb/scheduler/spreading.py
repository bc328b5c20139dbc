"""Counting alike pods per node, so that spreading them does not mean counting them again for every pod.

A `Tally` says how many of some pods are on each node. Every distinct set of labels (of a namespace) has one, and
so has every selector that pods are spread by; when a selector picks exactly one label set, as that of a ReplicaSet
does, the two share it. Which label sets a selector picks is found through an index of its equalities and found
out once, not per pod.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from k8snb.machinery.selectors import LabelSelector
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import Kin, PodInfo

_Item = TypeVar("_Item")
_SETS_KEPT = 16_384
_SELECTIONS_KEPT = 4_096
"""From so many on, those without pods are forgotten now and then."""

_Pair = tuple[str, str, str]


class Journal(Generic[_Item]):
    """What changed, in order, for readers who remember how far they have read."""

    __slots__ = ("_items", "_limit", "end")

    def __init__(self, limit: int = 256) -> None:
        self._items: list[_Item] = []
        self._limit = limit
        self.end = 0
        """The position after the newest entry."""

    def append(self, item: _Item) -> None:
        """Note a change. When there are too many the older half is forgotten."""
        self.end += 1
        items = self._items
        items.append(item)
        if len(items) > self._limit:
            del items[: len(items) // 2]

    def forget(self) -> None:
        """Everything changed: every reader has to start over."""
        self.end += 1
        self._items.clear()

    def since(self, position: int) -> Sequence[_Item] | None:
        """The changes from a position on; None if they are no longer all known."""
        behind = self.end - position
        if not behind:
            return ()
        return self._items[-behind:] if behind <= len(self._items) else None


class Tally:
    """How many pods of some kind each node has; nodes with none are left out."""

    __slots__ = ("counts", "journal")

    def __init__(self) -> None:
        self.counts: dict[NodeInfo, int] = {}
        self.journal: Journal[NodeInfo] = Journal()

    def add(self, node: NodeInfo, number: int) -> None:
        """Count pods in, or out with a negative number."""
        counts = self.counts
        total = counts.get(node, 0) + number
        if total:
            counts[node] = total
        else:
            del counts[node]
        self.journal.append(node)


class LabelSet:
    """The pods of a namespace that carry exactly these labels."""

    __slots__ = ("chosen", "followers", "known", "labels", "namespace", "pods", "tally")

    def __init__(self, namespace: str, labels: Any) -> None:
        self.namespace = namespace
        self.labels = labels
        self.tally = Tally()
        self.followers: list[Selection] = []
        """The selections that pick these pods but keep a tally of their own."""
        self.pods = 0
        self.known = True
        """Whether it is still the set of these labels; one that was forgotten is not."""
        self.chosen: dict[Hashable, tuple[int, Selection | None]] = {}
        """Owner → the selection that its pods are spread by, and as of which version of the selectors."""


class Selection:
    """The pods of a namespace that a selector picks."""

    __slots__ = ("_shared", "members", "namespace", "selector", "tally")

    def __init__(self, namespace: str, selector: LabelSelector) -> None:
        self.namespace = namespace
        self.selector = selector
        self.members: dict[LabelSet, None] = {}
        self.tally = Tally()
        self._shared: LabelSet | None = None
        """The one member whose tally this is, while there is only one."""

    def join(self, label_set: LabelSet) -> None:
        """Pick a label set too."""
        if not self.members:
            self._shared, self.tally = label_set, label_set.tally
        else:
            if self._shared is not None:
                self.tally = Tally()
                self._follow(self._shared)
                self._shared = None
            self._follow(label_set)
        self.members[label_set] = None

    def leave(self, label_set: LabelSet) -> None:
        """The label set has no pods any more."""
        del self.members[label_set]
        if self._shared is label_set:
            self._shared, self.tally = None, Tally()
        else:
            label_set.followers.remove(self)

    def _follow(self, label_set: LabelSet) -> None:
        label_set.followers.append(self)
        for node, count in label_set.tally.counts.items():
            self.tally.add(node, count)


def _demanded(selection: Selection) -> list[_Pair]:
    """The labels that a selector demands with one value each."""
    found = []
    for requirement in selection.selector.requirements:
        value = selection.selector.exact(requirement.key)
        if value is not None:
            found.append((selection.namespace, requirement.key, value))
    return found


class Spreading:
    """All label sets and all selections."""

    def __init__(self) -> None:
        self.version = 0
        """Rises when what pods are spread by may be another selection than before."""
        self._by_kin: dict[Kin, LabelSet] = {}
        self._by_labels: dict[Hashable, LabelSet] = {}
        self._sets_with: dict[_Pair, dict[LabelSet, None]] = {}
        self._sets_in: dict[str, dict[LabelSet, None]] = {}
        self._sets_limit = _SETS_KEPT
        self._selections: dict[Hashable, Selection] = {}
        self._selections_limit = _SELECTIONS_KEPT
        self._demanding: dict[_Pair, list[Selection]] = {}
        self._undemanding: dict[str, list[Selection]] = {}

    # -- label sets --------------------------------------------------------------------------------

    def label_set(self, info: PodInfo) -> LabelSet:
        """The label set of a pod; that of its kin."""
        found = self._by_kin.get(info.kin)
        if found is None or not found.known:
            found = self._label_set(info.kin)
        return found

    def _label_set(self, kin: Kin) -> LabelSet:
        key = (kin.namespace, tuple(sorted(kin.labels.items())))
        found = self._by_labels.get(key)
        if found is None:
            self._sweep()
            found = self._by_labels[key] = LabelSet(kin.namespace, kin.labels)
            self._enter(found)
        if len(self._by_kin) >= _SETS_KEPT:
            self._by_kin.clear()
        self._by_kin[kin] = found
        return found

    def placed(self, info: PodInfo, node: NodeInfo) -> None:
        """A pod that counts has come to a node."""
        label_set = self.label_set(info)
        label_set.pods += 1
        label_set.tally.add(node, 1)
        for selection in label_set.followers:
            selection.tally.add(node, 1)

    def taken(self, info: PodInfo, node: NodeInfo) -> None:
        """A pod that counted has gone from a node, or does not count any more."""
        label_set = self.label_set(info)
        label_set.pods -= 1
        label_set.tally.add(node, -1)
        for selection in label_set.followers:
            selection.tally.add(node, -1)
        if not label_set.pods:
            self._drop(label_set)

    def _sweep(self) -> None:
        """Forget the label sets of pods that were never placed, when there are many sets."""
        if len(self._by_labels) >= self._sets_limit:
            for label_set in [each for each in self._by_labels.values() if not each.pods]:
                self._drop(label_set)
            self._sets_limit = max(_SETS_KEPT, 2 * len(self._by_labels))

    def _enter(self, label_set: LabelSet) -> None:
        self._sets_in.setdefault(label_set.namespace, {})[label_set] = None
        for selection in list(self._undemanding.get(label_set.namespace, ())):
            self._offer(selection, label_set)
        for pair in _pairs(label_set):
            self._sets_with.setdefault(pair, {})[label_set] = None
            for selection in self._demanding.get(pair, ()):
                self._offer(selection, label_set)

    def _offer(self, selection: Selection, label_set: LabelSet) -> None:
        if selection.selector.matches(label_set.labels):
            selection.join(label_set)

    def _drop(self, label_set: LabelSet) -> None:
        label_set.known = False
        self.version += 1
        self._by_labels.pop((label_set.namespace, tuple(sorted(label_set.labels.items()))), None)
        del self._sets_in[label_set.namespace][label_set]
        for pair in _pairs(label_set):
            holders = self._sets_with[pair]
            del holders[label_set]
            if not holders:
                del self._sets_with[pair]
        for selection in self._picking(label_set):
            if label_set in selection.members:
                selection.leave(label_set)

    def _picking(self, label_set: LabelSet) -> Iterator[Selection]:
        yield from self._undemanding.get(label_set.namespace, ())
        for pair in _pairs(label_set):
            yield from self._demanding.get(pair, ())

    # -- selections --------------------------------------------------------------------------------

    def selection(self, namespace: str, selector: LabelSelector) -> Selection:
        """The pods of a namespace that a selector picks."""
        key = (namespace, selector.requirements)
        found = self._selections.get(key)
        if found is None:
            if len(self._selections) >= self._selections_limit:
                self._forget_empty()
            found = self._selections[key] = Selection(namespace, selector)
            self._file(found)
        return found

    def _file(self, selection: Selection) -> None:
        demanded = _demanded(selection)
        if demanded:
            rarest = min(demanded, key=self._frequency)
            self._demanding.setdefault(rarest, []).append(selection)
            candidates = self._sets_with.get(rarest, {})
        else:
            self._undemanding.setdefault(selection.namespace, []).append(selection)
            candidates = self._sets_in.get(selection.namespace, {})
        for label_set in list(candidates):
            self._offer(selection, label_set)

    def _frequency(self, pair: _Pair) -> int:
        return len(self._sets_with.get(pair, ())) + len(self._demanding.get(pair, ()))

    def _forget_empty(self) -> None:
        """Make room: selections that pick nothing are found again when they are needed."""
        kept = {key: selection for key, selection in self._selections.items() if selection.members}
        self._selections = kept
        self._demanding = _without_empty(self._demanding)
        self._undemanding = _without_empty(self._undemanding)
        self._selections_limit = max(_SELECTIONS_KEPT, 2 * len(kept))


def _pairs(label_set: LabelSet) -> list[_Pair]:
    return [(label_set.namespace, key, value) for key, value in label_set.labels.items()]


_Filed = TypeVar("_Filed", bound=Hashable)


def _without_empty(filed: dict[_Filed, list[Selection]]) -> dict[_Filed, list[Selection]]:
    kept = {key: [selection for selection in found if selection.members] for key, found in filed.items()}
    return {key: found for key, found in kept.items() if found}
