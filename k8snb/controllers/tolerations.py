"""Whether a pod tolerates a node's taints, and for how long. Pure functions.

Upstream: `k8s.io/component-helpers/scheduling/corev1/helpers.go` and `GetMatchingTolerations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snb.typing import Object


def no_execute(taints: Iterable[Object]) -> list[Object]:
    """The taints that drive pods away."""
    return [taint for taint in taints if taint["effect"] == "NoExecute"]


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether a toleration matches a taint."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    same: bool = toleration.get("value", "") == taint.get("value", "")
    return same


def tolerated_for(pod: Object, taints: Sequence[Object]) -> float | None:
    """For how many seconds the pod may stay on a node with these taints; None for ever, 0 not at all."""
    used: list[Object] = []
    for taint in taints:
        match = next((each for each in pod["spec"].get("tolerations") or () if tolerates(each, taint)), None)
        if match is None:
            return 0.0
        used.append(match)
    limits = [each["tolerationSeconds"] for each in used if each.get("tolerationSeconds") is not None]
    return max(float(min(limits)), 0.0) if limits else None
