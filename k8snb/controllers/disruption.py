"""The condition DisruptionTarget: why a pod that did nothing wrong is about to be deleted."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8snb.client.client import Client
from k8snb.machinery.objects import condition
from k8snb.typing import Object


class Disruption(NamedTuple):
    """Who deletes the pod, and why: the reason and message of the condition."""

    reason: str
    message: str


def mark_disrupted(client: Client, pod: Object, why: Disruption | None, now: str, *, phase: str = "") -> None:
    """Note the reason in the pod's status, and its last phase where one is given. `now` as objects show time."""
    status: dict[str, Any] = {"phase": phase} if phase else {}
    if why is not None and condition(pod, "DisruptionTarget") is None:
        mark = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": now}
        status["conditions"] = [{**mark, "reason": why.reason, "message": why.message}]
    if status:
        meta = pod["metadata"]
        change = {"metadata": {"uid": meta["uid"]}, "status": status}
        client.patch("pods", meta["name"], change, meta["namespace"], kind="strategic", subresource="status")
