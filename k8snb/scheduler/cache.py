"""The scheduler's own picture of the cluster: every node with the pods that run, or are assumed to run, there.

A pod is assumed on its node the moment the decision falls; the API's confirmation comes later and changes nothing.
Nodes are kept in the order of their last change, so that whoever keeps results per node (`ranking`) visits exactly
those that changed since it last looked. Upstream: `pkg/scheduler/backend/cache`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any, Literal, TypeVar

from k8snb.machinery.objects import is_deleting
from k8snb.scheduler.nodeinfo import HOSTNAME, NodeInfo
from k8snb.scheduler.podinfo import PodClass, PodInfo
from k8snb.scheduler.spreading import Spreading
from k8snb.typing import Object

_Key = TypeVar("_Key", bound=Hashable)
News = Literal["new", "confirmed", "changed", "same"]
"""What a version of a placed pod says: of one not known yet, that it is where it was assumed, something, or nothing."""


class ImageState:
    """An image that at least one node has: its size in bytes, and on how many nodes it is."""

    __slots__ = ("nodes", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.nodes = 0


class Cache:
    """Nodes and placed pods."""

    def __init__(self) -> None:
        self.spreading = Spreading()
        self.images: dict[str, ImageState] = {}
        self.generation = 0
        """Rises with every change of a node or of the pods on it."""
        self.layout = 0
        """Rises with every change that can move nodes between neighbourhoods: nodes, labels."""
        self.soft_tainted = 0
        """How many nodes have a PreferNoSchedule taint."""
        self.nameless = 0
        """How many nodes lack the label `kubernetes.io/hostname`."""
        self.version = 0
        """Rises with every change of a node and of which affinity terms there are, not with the coming of pods."""
        self.removals = 0
        """Rises when a node is forgotten for good."""
        self.affine: dict[tuple[str, PodClass], int] = {}
        """(namespace, class) of the placed pods that have pod affinity terms → how many there are."""
        self.next_node = 0
        """How many nodes were looked at so far, where only a part of them is."""
        self.priorities: dict[int, int] = {}
        """Priority → how many placed pods have it."""
        self._nodes: dict[str, NodeInfo] = {}
        self._all: dict[str, NodeInfo] = {}
        self._recent: OrderedDict[NodeInfo, None] = OrderedDict()
        self._latest: NodeInfo | None = None
        self._pods: dict[str, PodInfo] = {}

    # -- reading -----------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._nodes)

    def nodes(self) -> list[NodeInfo]:
        """All nodes that exist, in the order in which they were announced."""
        return list(self._nodes.values())

    def node(self, name: str) -> NodeInfo | None:
        """The node of that name, if it exists."""
        return self._nodes.get(name)

    def pod(self, uid: str) -> PodInfo | None:
        """The placed (or assumed) pod of that uid."""
        return self._pods.get(uid)

    def assumed(self, uid: str) -> bool:
        """Whether the pod was given a node here and the API has not confirmed it yet."""
        info = self._pods.get(uid)
        return info is not None and info.assumed

    def changed_since(self, generation: int) -> Sequence[NodeInfo]:
        """The nodes that changed after a generation, the longest unchanged first."""
        if generation == self.generation - 1 and self._latest is not None:
            return (self._latest,)
        changed: list[NodeInfo] = []
        for node in reversed(self._recent):
            if node.generation <= generation:
                break
            changed.append(node)
        changed.reverse()
        return changed

    # -- pods --------------------------------------------------------------------------------------

    def assume(self, info: PodInfo, node: NodeInfo) -> None:
        """Count a pod on the node it was just given."""
        info.node_name = node.name
        info.assumed = True
        self._place(info, node)

    def forget(self, uid: str) -> None:
        """Take an assumption back: the pod could not be bound."""
        if self.assumed(uid):
            self.remove_pod(uid)

    def put_pod(self, pod: Object) -> News:
        """Take in a pod that has a node. An update matters only where scheduling reads the pod."""
        meta, spec = pod["metadata"], pod["spec"]
        info = self._pods.get(meta["uid"])
        if info is None:
            self._place(PodInfo(pod), self._node_of(spec["nodeName"]))
            return "new"
        old, info.pod = info.pod, pod
        if info.spread is ("deletionTimestamp" not in meta):
            if spec is old["spec"] and not info.resizing and meta.get("labels") is old["metadata"].get("labels"):
                return "same"
            if info.assumed and spec["nodeName"] == info.node_name:
                info.assumed = False
                return "confirmed"
        info.assumed = False
        self._update(info, pod)
        return "changed"

    def _update(self, info: PodInfo, pod: Object) -> None:
        fresh = PodInfo(pod)
        if fresh.node_name == info.node_name and fresh.pod_class is info.pod_class and fresh.labels == info.labels:
            info.resizing = fresh.resizing
            self._respread(info, not is_deleting(pod))
            return
        self.remove_pod(info.uid)
        self._place(fresh, self._node_of(fresh.node_name))

    def _respread(self, info: PodInfo, spread: bool) -> None:
        if spread is not info.spread:
            node = self._all[info.node_name]
            info.spread = spread
            (self.spreading.placed if spread else self.spreading.taken)(info, node)
            self._touch(node)

    def remove_pod(self, uid: str) -> PodInfo | None:
        """The pod is gone, or finished."""
        info = self._pods.pop(uid, None)
        if info is None:
            return None
        node = self._all[info.node_name]
        node.remove(uid)
        if info.spread:
            self.spreading.taken(info, node)
        self._census(info, -1)
        self._touch(node)
        self._release(node)
        return info

    def _place(self, info: PodInfo, node: NodeInfo) -> None:
        node.add(info)
        self._pods[info.uid] = info
        if info.spread:
            self.spreading.placed(info, node)
        self._census(info, 1)
        self._touch(node)

    def _census(self, info: PodInfo, sign: int) -> None:
        pod_class = info.pod_class
        _count(self.priorities, pod_class.priority, sign)
        if pod_class.has_pod_terms:
            _count(self.affine, (info.namespace, pod_class), sign)
            self.version += 1

    def _touch(self, node: NodeInfo) -> None:
        self.generation += 1
        node.generation = self.generation
        self._recent.move_to_end(node)
        self._latest = node

    # -- nodes -------------------------------------------------------------------------------------

    def _node_of(self, name: str) -> NodeInfo:
        """The node of that name; one that has not been announced yet is only a place for its pods."""
        found = self._all.get(name)
        if found is None:
            found = self._all[name] = NodeInfo(name)
            self._recent[found] = None
        return found

    def put_node(self, node: Object) -> NodeInfo:
        """Take in a node. One in which nothing changed that a plugin reads is left as it was."""
        name = node["metadata"]["name"]
        info = self._node_of(name)
        if info.node is None or _differ(info.node, node):
            labels, zone_known = info.labels, info.node is not None
            self._note(info, -1)
            info.set_node(node)
            self._note(info, 1)
            self._nodes[name] = info
            if not zone_known or labels != info.labels:
                self.layout += 1
            self.version += 1
            self._touch(info)
            info.described = info.generation
        else:
            info.node = node
        return info

    def remove_node(self, name: str) -> None:
        """The node is gone; its pods follow one by one."""
        info = self._nodes.pop(name, None)
        if info is None:
            return
        self._note(info, -1)
        info.set_node(None)
        self.layout += 1
        self.version += 1
        self._touch(info)
        info.described = info.generation
        self._release(info)

    def _release(self, info: NodeInfo) -> None:
        if info.node is None and not info.pods:
            del self._all[info.name], self._recent[info]
            self._latest = None
            self.removals += 1

    def _note(self, info: NodeInfo, sign: int) -> None:
        """Count what a node adds to the cluster, in or out."""
        if info.node is None:
            return
        self.nameless += sign * (HOSTNAME not in info.labels)
        self.soft_tainted += sign * bool(info.soft_taints)
        for name, size in info.images.items():
            state = self.images.get(name)
            if state is None:
                state = self.images[name] = ImageState(size)
            state.nodes += sign
            if not state.nodes:
                del self.images[name]


def _count(counts: dict[_Key, int], key: _Key, sign: int) -> None:
    total = counts.get(key, 0) + sign
    if total:
        counts[key] = total
    else:
        del counts[key]


def _differ(old: Object, new: Object) -> bool:
    """Whether anything changed that a plugin reads. Heartbeats share everything but the conditions."""
    old_status, new_status = old.get("status") or {}, new.get("status") or {}
    return (
        _changed(old.get("spec"), new.get("spec"))
        or _changed(old["metadata"].get("labels"), new["metadata"].get("labels"))
        or _changed(old_status.get("allocatable"), new_status.get("allocatable"))
        or _changed(old_status.get("images"), new_status.get("images"))
        or _changed(old_status.get("declaredFeatures"), new_status.get("declaredFeatures"))
    )


def _changed(old: Any, new: Any) -> bool:
    return old is not new and bool(old != new)
