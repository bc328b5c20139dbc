"""Which pods have a node kept for them: they made others leave it and wait until those are gone.

Upstream: `pkg/scheduler/backend/queue/nominator.go`.
"""

from __future__ import annotations

from k8snb.scheduler.podinfo import PodInfo


class Nominator:
    """Nominated pods by node."""

    def __init__(self) -> None:
        self._by_uid: dict[str, tuple[str, PodInfo]] = {}

    def __len__(self) -> int:
        return len(self._by_uid)

    def put(self, info: PodInfo, node: str) -> None:
        """Keep the node for the pod; an empty name keeps none."""
        self._by_uid.pop(info.uid, None)
        if node:
            self._by_uid[info.uid] = (node, info)

    def remove(self, uid: str) -> None:
        """The pod was placed, or is gone."""
        self._by_uid.pop(uid, None)

    def node_of(self, uid: str) -> str:
        """The node kept for a pod; empty if there is none."""
        found = self._by_uid.get(uid)
        return found[0] if found is not None else ""

    def on(self, node: str) -> list[PodInfo]:
        """The pods that a node is kept for."""
        return [info for name, info in self._by_uid.values() if name == node]
