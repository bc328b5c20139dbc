"""A pod that has just been bound: its status, the same for all pods that had the same before, and its spec."""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.registry.pod_status import scheduled_condition
from k8snb.clock import Clock
from k8snb.machinery.forms import form
from k8snb.machinery.objects import with_condition
from k8snb.typing import Object

STATUSES = 256
"""How many are remembered."""
SPECS = 4096


class BoundStatuses:
    """Adds the condition that a pod is scheduled; the node that was kept for it is no longer told."""

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
        made.pop("nominatedNodeName", None)
        if len(self._known) >= STATUSES:
            self._known.clear()
        self._known[id(status)] = (status, now, generation, made)
        return made


class PlacedSpecs:
    """Makes specs that have room for a node; those of one template share what they can (`machinery/forms.py`)."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Object, dict[str, Any]]] = {}

    def of(self, spec: Object) -> dict[str, Any]:
        """A fresh copy of the spec, with an empty `nodeName`."""
        found = self._known.get(id(spec))
        if found is None or found[0] is not spec:
            if len(self._known) >= SPECS:
                self._known.clear()
            found = self._known[id(spec)] = (spec, form({**spec, "nodeName": ""}))
        return found[1].copy()
