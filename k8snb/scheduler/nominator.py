"""Which pods have a node kept for them: they made others leave it and wait until those are gone.

Upstream: `pkg/scheduler/backend/queue/nominator.go`.
"""

from __future__ import annotations

from k8snb.scheduler.podinfo import PodInfo


class Nominator:
    """Nominated pods by node."""

    def __init__(self) -> None:
        self.pods: dict[str, tuple[str, PodInfo]] = {}
        """By uid: the node that is kept, and the pod."""

    def put(self, info: PodInfo, node: str) -> None:
        """Keep the node for the pod; an empty name keeps none."""
        self.pods.pop(info.uid, None)
        if node:
            self.pods[info.uid] = (node, info)

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
