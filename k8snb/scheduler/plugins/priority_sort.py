"""PrioritySort: the pod of the highest priority first; among equals the one that waits longest."""

from __future__ import annotations


class PrioritySort:
    name = "PrioritySort"
    local = False

    def sort_key(self, priority: int, timestamp: float) -> tuple[float, float]:
        return (-priority, timestamp)
