"""Why no node was found, in the words that `kubectl describe pod` shows.

Upstream: `framework.FitError`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from k8snb.scheduler.framework import Code, CycleState, Status

NO_NODES = "no nodes available to schedule pods"


class Diagnosis:
    """What became of every node. Nodes without a status of their own have `absent`."""

    __slots__ = ("absent", "node_count", "pending", "plugins", "post_filter", "pre_filter", "statuses")

    def __init__(self, node_count: int, statuses: Mapping[str, Status] | None = None) -> None:
        self.node_count = node_count
        self.statuses: dict[str, Status] = dict(statuses or {})
        self.absent: Status | None = None
        self.pre_filter = ""
        self.post_filter = ""
        self.plugins: tuple[str, ...] = ()
        """The plugins that turned the pod away, sorted: changes that interest them are worth another try."""
        self.pending: frozenset[str] = frozenset()
        """Those of them that only wait for something to be done."""

    def status(self, node: str) -> Status | None:
        """What became of a node."""
        return self.statuses.get(node, self.absent)

    def blame(self, *names: str) -> None:
        """Plugins that turned the pod away."""
        self.plugins = tuple(sorted({*self.plugins, *names} - {""}))

    def blame_for(self, statuses: Collection[Status]) -> None:
        """Take over from rejections who turned the pod away."""
        self.blame(*{status.plugin for status in statuses})
        self.pending |= {status.plugin for status in statuses if status.code is Code.PENDING}

    def nodes_worth_preempting(self) -> list[str]:
        """The nodes on which evicting pods might help."""
        return [name for name, status in self.statuses.items() if status.code is Code.UNSCHEDULABLE]

    def message(self) -> str:
        """`0/3 nodes are available: 3 Insufficient cpu. …`"""
        text = f"0/{self.node_count} nodes are available:"
        if self.pre_filter:
            text += f" {self.pre_filter}."
        elif reasons := self._reasons():
            text += f" {', '.join(reasons)}."
        return f"{text} {self.post_filter}" if self.post_filter else text

    def _reasons(self) -> list[str]:
        counts: Counter[str] = Counter()
        for status in self.statuses.values():
            counts.update(status.reasons)
        rest = self.node_count - len(self.statuses)
        if rest and self.absent is not None:
            counts.update(dict.fromkeys(self.absent.reasons, rest))
        return sorted(f"{count} {reason}" for reason, count in counts.items())


class FitError(Exception):
    """No node fits the pod now. `state` is what was found out on the way, if every node was looked at."""

    def __init__(self, diagnosis: Diagnosis, state: CycleState | None = None) -> None:
        super().__init__(diagnosis.message())
        self.diagnosis = diagnosis
        self.state = state


class NoNodesError(Exception):
    """There is no node at all."""

    def __init__(self) -> None:
        super().__init__(NO_NODES)
