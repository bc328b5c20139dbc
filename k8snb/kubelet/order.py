"""The order in which the containers of a pod start and end.

Init containers run one after the other, each to its end; a sidecar among them has its turn like one, is through as soon
as it has started, and goes on beside the rest. Then the others start together. An ephemeral container starts as soon
as it is there, and the pod's end does not wait for it. Upstream: `computePodActions` and `findNextInitContainerToRun`
in `pkg/kubelet/kuberuntime`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from k8snb.kubelet.plan import EPHEMERAL, INIT, MAIN, SIDECAR

if TYPE_CHECKING:
    from k8snb.kubelet.container import ContainerUnit
    from k8snb.kubelet.podworker import PodWorker

UNDER_WAY = frozenset({"Pulling", "Starting"})
"""States of a container's first start that the API does not tell apart."""


def due(units: Sequence[ContainerUnit]) -> list[ContainerUnit]:
    """The containers that may start now."""
    mains = [unit for unit in units if unit.plan.kind == MAIN]
    added = [unit for unit in units if unit.plan.kind == EPHEMERAL and unit.untouched]
    if all(unit.untouched for unit in mains):
        for unit in units:
            if unit.plan.early and not _through(unit):
                return [*added, unit] if unit.untouched else added
    return [*added, *(unit for unit in mains if unit.untouched)]


def ended(units: Sequence[ContainerUnit]) -> bool:
    """Whether the containers that decide the pod's fate have ended for good."""
    if any(unit.plan.kind == INIT and unit.final and not unit.succeeded for unit in units):
        return True
    return all(unit.final for unit in units if unit.plan.kind == MAIN)


def progress_one(worker: PodWorker, unit: ContainerUnit) -> None:
    """Start the only container of a plain pod, see whether it has ended, or write how it is."""
    if unit.untouched:
        unit.start()
        if unit.reason:
            worker.write()
    elif unit.final:
        worker.fire("all ended")
    elif unit.state not in UNDER_WAY or unit.reason or (unit.container is not None and unit.attempt > 0):
        worker.write()


def stop_rest(worker: PodWorker) -> None:
    """The pod's fate is decided: what still runs beside is stopped."""
    for unit in worker.units:
        if not unit.active:
            unit.cancel()
    if not any(unit.active for unit in worker.units):
        worker.fire("all ended")
        return
    if worker.grace is None:
        worker.grace, worker.stop_at = float(worker.plan.grace), worker.kubelet.clock.now() + worker.plan.grace
    if not any(unit.state == "Stopping" for unit in worker.units):
        stop_next(worker)


def stop_next(worker: PodWorker) -> None:
    """Stop those whose turn it is."""
    for unit in to_stop(worker.units):
        unit.fire("stop")


def to_stop(units: Sequence[ContainerUnit]) -> Sequence[ContainerUnit]:
    """The containers that are stopped next: sidecars after the others, the last one first."""
    active = [unit for unit in units if unit.active]
    return [unit for unit in active if unit.plan.kind != SIDECAR] or active[-1:]


def _through(unit: ContainerUnit) -> bool:
    return unit.started if unit.plan.kind == SIDECAR else unit.succeeded
