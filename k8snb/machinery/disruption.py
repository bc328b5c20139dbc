"""The condition of a disruption budget: whether it can spare a pod.

Upstream: `component-helpers/apps/poddisruptionbudget/helpers.go`.
"""

from __future__ import annotations

from k8snb.typing import Object


def allowed_condition(allowed: int, generation: int, now: str) -> Object:
    """`DisruptionAllowed` for that many disruptions, as seen at a generation of the budget."""
    return {
        "type": "DisruptionAllowed",
        "status": "True" if allowed > 0 else "False",
        "observedGeneration": generation,
        "lastTransitionTime": now,
        "reason": "SufficientPods" if allowed > 0 else "InsufficientPods",
        "message": "",
    }
