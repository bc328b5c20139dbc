"""DynamicResources: stands where upstream's plugin for resource claims stands, which this cluster does not model.

What remains of it is its answer after a failed attempt, which is part of every such pod's message.
"""

from __future__ import annotations

from typing import Any

from k8snb.scheduler.framework import CycleState, Status
from k8snb.typing import Object

NOTHING_TO_DEALLOCATE = Status.unschedulable("no new claims to deallocate", plugin="DynamicResources")


class DynamicResources:
    name = "DynamicResources"
    local = False

    def post_filter(self, state: CycleState, pod: Object, diagnosis: Any) -> tuple[str | None, Status]:
        return None, NOTHING_TO_DEALLOCATE
