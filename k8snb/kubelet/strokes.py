"""The usual start of a usual pod, in three strokes.

Nearly all pods at scale have one container that is ready as soon as it runs, and nothing goes wrong with them. From
its sandbox on, such a pod takes the same way through the tables of `lifecycle` every time. A stroke goes a stretch of
that way at once, without asking for each row; which rows those are stands beside it and is looked up in the tables
when this module is loaded, so that a stroke can not go another way than they do. Where anything is out of the ordinary
a stroke does nothing and says so, and the worker goes on row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from k8snb.kubelet.lifecycle import CONTAINER_TABLE, POD_TABLE, Transition, walk
from k8snb.kubelet.runtime import START_SECONDS, RuntimeRefused
from k8snb.machinery.recorded import About, Shape, about_of

if TYPE_CHECKING:
    from k8snb.kubelet.container import ContainerUnit
    from k8snb.kubelet.podworker import PodWorker

Strokes: TypeAlias = Mapping[tuple[str, str], Callable[[Any], bool]]
"""By state and event: what does it all at once. It returns False if it has done nothing."""

Opening: TypeAlias = tuple[About, tuple[Shape, ...]]
"""What the first events of a pod have in common: the pod, and a shape for each of `REASONS`."""

REASONS = ("Pulling", "Pulled", "Created", "Started")
_PULLING, _PULLED, _CREATED, _STARTED = range(len(REASONS))

_BEGIN = walk(POD_TABLE, "Preparing", ("sandbox ready", "start"))
_PULL = walk(CONTAINER_TABLE, "Waiting", ("start", "ensure_image"), ("image absent", "pull"))
_CREATE = walk(
    CONTAINER_TABLE, "Waiting", ("start", "ensure_image"), ("image present", "configure"), ("complete", "create")
)
_CREATE_PULLED = walk(
    CONTAINER_TABLE, _PULL.to, ("pulled", "arrived"), ("image present", "configure"), ("complete", "create")
)
_RUN = walk(CONTAINER_TABLE, _CREATE.to, ("created", "launch"), ("launched", "begin"))


def begin(worker: PodWorker) -> bool:
    """The sandbox is ready: make the container, or ask for its image first."""
    unit, kubelet = worker.units[0], worker.kubelet
    assert worker.sandbox is not None
    worker.state, worker.ip = _BEGIN.to, worker.sandbox.ip
    plan, runtime = unit.plan, kubelet.runtime
    unit.epoch += 1
    if plan.pull_policy != "Always" and runtime.image_status(plan.config.reference):
        _tell(unit, _PULLED, plan.present)
        return _create(unit, _CREATE)
    _tell(unit, _PULLING, plan.pulling)
    unit.state = _PULL.to
    unit.pulling = pull = runtime.pull_image(plan.config.reference)
    kubelet.pool.later(pull.seconds, unit, "pull failed" if pull.error else "pulled")
    return _went(unit, _PULL)


def make(unit: ContainerUnit) -> bool:
    """The image is here: make the container."""
    pull = unit.pulling
    if unit.attempt >= 0 or unit.reason or pull is None:
        return False
    _tell(unit, _PULLED, unit.plan.pulled(pull))
    unit.pulling = None
    return _create(unit, _CREATE_PULLED)


def run(unit: ContainerUnit) -> bool:
    """The container is made: run it, and say that the pod is ready."""
    worker = unit.worker
    if unit.attempt or unit.reason or unit.container is None or worker.state != _BEGIN.to:
        return False
    try:
        worker.kubelet.runtime.start_container(unit.container)
    except RuntimeRefused as error:
        unit.not_started(error)
        return False
    _tell(unit, _STARTED, "Container started")
    unit.state = _RUN.to
    unit.started = unit.ready = True
    _went(unit, _RUN)
    worker.write()
    return True


def _create(unit: ContainerUnit, way: Transition) -> bool:
    worker = unit.worker
    assert worker.sandbox is not None
    unit.attempt = 0
    unit.container = worker.kubelet.runtime.create_container(worker.sandbox, unit.plan.config, 0)
    _tell(unit, _CREATED, "Container created")
    unit.state = way.to
    worker.kubelet.pool.later(START_SECONDS, unit, "created")
    return _went(unit, way)


def _went(unit: ContainerUnit, way: Transition) -> bool:
    pool = unit.worker.kubelet.pool
    if pool.tracing:
        pool.wants(way.why)
    return True


def _tell(unit: ContainerUnit, reason: int, message: str) -> None:
    """Record an event. A pod's first start says each of these for the first time."""
    worker = unit.worker
    opening = worker.opening
    if opening is None:
        opening = worker.opening = _open(worker, unit.plan.field)
    worker.kubelet.events.first(opening[1][reason], opening[0], message)


def _open(worker: PodWorker, field: str) -> Opening:
    pod, kubelet = worker.pod, worker.kubelet
    meta = pod["metadata"]
    shapes = kubelet.shapes.get((meta["namespace"], field))
    if shapes is None:
        shapes = tuple(kubelet.events.shape(pod, "Normal", reason, field) for reason in REASONS)
        kubelet.shapes[meta["namespace"], field] = shapes
    return about_of(meta), shapes


POD_STROKES: Strokes = {("Preparing", "sandbox ready"): begin}
CONTAINER_STROKES: Strokes = {(_PULL.to, "pulled"): make, (_CREATE.to, "created"): run}
NO_STROKES: Strokes = {}
