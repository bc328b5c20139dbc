"""The status of a pod that has just been bound: the same one for all pods that had the same status before."""

from __future__ import annotations

from k8snb.apiserver.registry.pod_status import scheduled_condition
from k8snb.clock import Clock
from k8snb.machinery.objects import with_condition
from k8snb.typing import Object

STATUSES = 256
"""How many are remembered."""


class BoundStatuses:
    """Adds the condition that a pod is scheduled."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[int, tuple[Object, str, int | None, Object]] = {}

    def after(self, status: Object, generation: int | None) -> Object:
        """The status of a pod bound now that had `status` before."""
        now = self._clock.timestamp()
        found = self._known.get(id(status))
        if found is not None and found[0] is status and found[1] == now and found[2] == generation:
            return found[3]
        conditions = with_condition(status.get("conditions") or (), scheduled_condition(now, generation))
        made = {**status, "conditions": conditions}
        if len(self._known) >= STATUSES:
            self._known.clear()
        self._known[id(status)] = (status, now, generation, made)
        return made
