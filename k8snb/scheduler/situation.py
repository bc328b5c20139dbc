"""What would be: one pod, one node and the pods that would have gone, as somebody might change them.

A situation asks the profile's own plugins, so what it says is what would happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from k8snb.scheduler.explain import as_if_unplaced
from k8snb.scheduler.framework import SUCCESS, CycleState, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.runtime import Framework
from k8snb.typing import Object


@dataclass(frozen=True, slots=True)
class Situation:
    """A pod and a node as they might be. Nothing in it changes; `with_…` makes another."""

    framework: Framework
    pod: Object
    node: NodeInfo
    others: Sequence[NodeInfo]
    gone: tuple[PodInfo, ...] = ()
    """The pods that would have left."""

    @classmethod
    def of(cls, framework: Framework, pod: Object, node: str) -> Situation:
        """Things as they are."""
        nodes, pod = as_if_unplaced(framework, pod)
        here = next(each for each in nodes if each.name == node)
        return cls(framework, pod, here, tuple(each for each in nodes if each.name != node))

    @property
    def spec(self) -> Object:
        """The pod's spec."""
        spec: Object = self.pod["spec"]
        return spec

    @property
    def nodes(self) -> list[NodeInfo]:
        """All nodes."""
        return [self.node, *self.others]

    def state(self) -> tuple[CycleState, Status]:
        """What PreFilter finds out and says."""
        state = CycleState(self.nodes)
        return state, self.framework.pre_filter(state, self.pod)

    def verdict(self) -> Status:
        """The first refusal of the node, or SUCCESS."""
        state, status = self.state()
        if status is not SUCCESS:
            return status
        if state.only is not None and self.node.name not in state.only:
            return Status.unresolvable(f"node(s) didn't satisfy plugin(s) [{' '.join(state.narrowed_by)}]", plugin="")
        return self.framework.filter_with_nominated(state, self.pod, self.node)

    # -- otherwise ---------------------------------------------------------------------------------

    def with_spec(self, **fields: Any) -> Situation:
        """The pod with other fields in its spec."""
        return replace(self, pod={**self.pod, "spec": {**self.spec, **fields}})

    def with_node(self, *, labels: Mapping[str, str | None] | None = None, **fields: Any) -> Situation:
        """The node with other labels (None takes one away) and other fields in its spec."""
        before = self.node.node
        assert before is not None
        merged = {**(before["metadata"].get("labels") or {}), **(labels or {})}
        meta = {**before["metadata"], "labels": {key: value for key, value in merged.items() if value is not None}}
        spec = {name: value for name, value in {**(before.get("spec") or {}), **fields}.items() if value is not None}
        changed = self.node.clone()
        changed.set_node({**before, "metadata": meta, "spec": spec})
        return replace(self, node=changed)

    def without(self, *pods: PodInfo) -> Situation:
        """Some pods gone, wherever they are."""
        uids = {info.uid for info in pods}

        def left(node: NodeInfo) -> NodeInfo:
            leaving = [uid for uid in node.pods if uid in uids]
            if not leaving:
                return node
            other = node.clone()
            for uid in leaving:
                other.remove(uid)
            return other

        others = tuple(map(left, self.others))
        return replace(self, node=left(self.node), others=others, gone=(*self.gone, *pods))
