"""What a DaemonSet says of its daemons: how many nodes should have one, do, and shouldn't.

Pure. Upstream: `updateDaemonSetStatus`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from k8snb.controllers.daemonset.daemons import Placement, is_updated, oldest_first
from k8snb.controllers.podstate import is_available, is_ready
from k8snb.typing import Object

_ALWAYS_SHOWN = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
COUNTERS = (*_ALWAYS_SHOWN, "updatedNumberScheduled", "numberAvailable", "numberUnavailable")


def counts_of(
    ds: Object,
    nodes: Sequence[Object],
    pods: Mapping[str, Sequence[Object]],
    placement: Placement,
    hash: str,
    now: float,
) -> Counter[str]:
    """The daemons in numbers; of each node the first counts."""
    counts: Counter[str] = Counter()
    least = ds["spec"].get("minReadySeconds", 0)
    for node in nodes:
        there = pods.get(node["metadata"]["name"])
        if not placement.fit(node).should_run:
            counts["numberMisscheduled"] += bool(there)
            continue
        counts["desiredNumberScheduled"] += 1
        if not there:
            continue
        pod = oldest_first(there)[0]
        counts["currentNumberScheduled"] += 1
        counts["numberReady"] += is_ready(pod)
        counts["numberAvailable"] += is_available(pod, least, now)
        counts["updatedNumberScheduled"] += is_updated(ds, pod, hash)
    counts["numberUnavailable"] = counts["desiredNumberScheduled"] - counts["numberAvailable"]
    return counts


def status_of(ds: Object, counts: Counter[str], *, observed: bool) -> Object:
    """The status that it should have; `observed` says whether its generation was acted upon."""
    status = ds.get("status") or {}
    kept = {name: value for name, value in status.items() if name not in COUNTERS}
    shown = {name: counts[name] for name in COUNTERS if counts[name] or name in _ALWAYS_SHOWN}
    if observed:
        kept["observedGeneration"] = ds["metadata"].get("generation", 0)
    return {**kept, **shown}
