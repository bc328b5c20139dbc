"""Which pods have a node kept for them: they made others leave it and wait until those are gone, or somebody said so.

What counts is here, not in the pods' statuses, which are written and seen later; what they say is taken over when a pod
comes or its status changes, whoever wrote it. Upstream: `pkg/scheduler/backend/queue/nominator.go`.
"""

from __future__ import annotations

from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object


def nominated_node(pod: Object) -> str:
    """The node that is kept for a pod, as its status says; empty if there is none."""
    name: str = (pod.get("status") or {}).get("nominatedNodeName") or ""
    return name


class Nominator:
    """Nominated pods by node."""

    def __init__(self) -> None:
        self.pods: dict[str, tuple[str, PodInfo]] = {}
        """By uid: the node that is kept, and the pod."""

    def put(self, info: PodInfo, node: str | None) -> None:
        """Keep the node for the pod; an empty name keeps none, None what the pod's status says."""
        self.pods.pop(info.uid, None)
        name = nominated_node(info.pod) if node is None else node
        if name:
            self.pods[info.uid] = (name, info)

    def update(self, old: Object, new: Object) -> None:
        """A pod that waits has changed. What is kept and not in its status yet stays."""
        uid, told = new["metadata"]["uid"], nominated_node(new)
        if told or (uid in self.pods and nominated_node(old)):
            self.put(PodInfo(new), told)
        elif uid in self.pods:
            self.put(PodInfo(new), self.pods[uid][0])

    def remove(self, uid: str) -> None:
        """The pod was placed, or is gone."""
        self.pods.pop(uid, None)

    def node_of(self, uid: str) -> str:
        """The node kept for a pod; empty if there is none."""
        found = self.pods.get(uid)
        return found[0] if found is not None else ""

    def on(self, node: str) -> list[PodInfo]:
        """The pods that a node is kept for."""
        return [info for name, info in self.pods.values() if name == node]
