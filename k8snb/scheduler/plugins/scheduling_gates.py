"""SchedulingGates: a pod with gates does not enter the queue until somebody has removed them all."""

from __future__ import annotations

from k8snb.scheduler.framework import SUCCESS, TARGET_POD, Action, Interest, Status
from k8snb.typing import Object


class SchedulingGates:
    name = "SchedulingGates"
    local = False
    interests = (Interest(TARGET_POD, Action.GATES, lambda pod, old, new: not _gates(new or pod)),)

    def pre_enqueue(self, pod: Object) -> Status:
        if not pod["spec"].get("schedulingGates"):
            return SUCCESS
        return Status.unresolvable(f"waiting for scheduling gates: [{' '.join(_gates(pod))}]", plugin=self.name)


def _gates(pod: Object) -> list[str]:
    return [gate["name"] for gate in pod["spec"].get("schedulingGates") or ()]
