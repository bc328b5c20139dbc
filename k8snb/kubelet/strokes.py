"""The usual start of a usual pod, in four strokes.

Nearly all pods at scale have one container that is ready as soon as it runs, and nothing goes wrong with them. Such a
pod takes the same way through the tables of `lifecycle` every time. A stroke goes a stretch of that way at once,
without asking for each row; which rows those are stands beside it and is looked up in the tables when this module is
loaded, so that a stroke cannot go another way than they do. Until something out of the ordinary happens the container
needs no unit of its own either: a `Start` keeps how far it has come, and nothing once it runs.

What is out of the ordinary, a stroke leaves alone (it returns False), and the worker goes on row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from k8snb.i18n import _
from k8snb.kubelet.lifecycle import CONTAINER_TABLE, POD_TABLE, Transition, walk
from k8snb.kubelet.podstatus import status_on_arrival, status_when_running
from k8snb.kubelet.runtime import START_SECONDS, Pull, RuntimeRefused
from k8snb.machinery.recorded import Shape, about_of

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.podworker import PodWorker

_ARRIVE = walk(POD_TABLE, "New", ("seen", "admit"), ("admitted", "prepare"))
_BEGIN = walk(POD_TABLE, _ARRIVE.to, ("sandbox ready", "begin"))
_WAIT = "Waiting"
_PULL = walk(CONTAINER_TABLE, _WAIT, ("start", "ensure_image"), ("image absent", "pull"))
_FROM_IMAGE = (("image present", "configure"), ("complete", "create"))
_CREATE = walk(CONTAINER_TABLE, _WAIT, ("start", "ensure_image"), *_FROM_IMAGE)
_MAKE = walk(CONTAINER_TABLE, _PULL.to, ("pulled", "arrived"), *_FROM_IMAGE)
_RUN = walk(CONTAINER_TABLE, _CREATE.to, ("created", "launch"), ("launched", "begin"))
_FAILED = "pull failed"

REASONS = ("Pulling", "Pulled", "Created", "Started")
_PULLING, _PULLED, _CREATED, _STARTED = range(len(REASONS))


class Start:
    """How far a usual pod has come on its way to running, and what its events have in common."""

    __slots__ = ("about", "pulling", "shapes", "stage")

    def __init__(self, worker: PodWorker) -> None:
        meta = worker.pod["metadata"]
        self.stage = _WAIT
        """The state of the container."""
        self.pulling: Pull | None = None
        self.about = about_of(meta)
        self.shapes = worker.kubelet.shapes.get((meta["namespace"], worker.plan.mains[0].field)) or _shapes(worker)


def _shapes(worker: PodWorker) -> tuple[Shape, ...]:
    pod, kubelet, field = worker.pod, worker.kubelet, worker.plan.mains[0].field
    made = tuple([kubelet.events.shape(pod, "Normal", reason, field) for reason in REASONS])
    kubelet.shapes[pod["metadata"]["namespace"], field] = made
    return made


def arrive(worker: PodWorker) -> bool:
    """The node has room: tell the API that the kubelet has the pod, and make its sandbox."""
    kubelet = worker.kubelet
    if kubelet.admit(worker.plan, worker.pod) is not None:
        return False
    worker.began = kubelet.clock.timestamp()
    worker.settle_units(None)
    worker.write(status_on_arrival(worker))
    worker.start = Start(worker)
    worker.state = _ARRIVE.to
    _say_why(kubelet, _ARRIVE)
    worker.prepare()
    return True


def begin(worker: PodWorker) -> bool:
    """The sandbox is ready: make the container, or ask for its image first."""
    start, sandbox, kubelet = worker.start, worker.sandbox, worker.kubelet
    if start is None or sandbox is None:
        return False
    worker.state, worker.ip = _BEGIN.to, sandbox.ip
    plan, runtime = worker.plan.mains[0], kubelet.runtime
    if plan.pull_policy != "Always" and runtime.image_status(plan.config.reference):
        kubelet.events.first(start.shapes[_PULLED], start.about, plan.present)
        _create(worker, start, _CREATE)
        return True
    kubelet.events.first(start.shapes[_PULLING], start.about, plan.pulling)
    start.stage = _PULL.to
    start.pulling = pull = runtime.pull_image(plan.config.reference)
    kubelet.pool.later(pull.seconds, worker, _FAILED if pull.error else "pulled")
    _say_why(kubelet, _PULL)
    return True


def make(worker: PodWorker) -> bool:
    """The image is here: make the container."""
    start = worker.start
    if start is None or start.pulling is None:
        return False
    said = worker.plan.mains[0].pulled(start.pulling)
    worker.kubelet.events.first(start.shapes[_PULLED], start.about, said)
    _create(worker, start, _MAKE)
    return True


def _create(worker: PodWorker, start: Start, way: Transition) -> None:
    kubelet = worker.kubelet
    assert worker.sandbox is not None
    worker.container = kubelet.runtime.create_container(worker.sandbox, worker.plan.mains[0].config, 0)
    kubelet.events.first(start.shapes[_CREATED], start.about, "Container created")
    start.stage = way.to
    kubelet.pool.later(START_SECONDS, worker, "created")
    _say_why(kubelet, way)


def run(worker: PodWorker) -> bool:
    """The container is made: run it, and say that the pod is ready."""
    start, container, kubelet = worker.start, worker.container, worker.kubelet
    if start is None or container is None:
        return False
    try:
        kubelet.runtime.start_container(container)
    except RuntimeRefused as error:
        worker.units[0].not_started(error)
        worker.fire("container changed")
        return True
    if worker.start is None:  # it has run and ended at once
        worker.units[0].launched()
        worker.fire("container changed")
        return True
    kubelet.events.first(start.shapes[_STARTED], start.about, "Container started")
    worker.start = None
    _say_why(kubelet, _RUN)
    worker.write(status_when_running(worker))
    return True


def _say_why(kubelet: Kubelet, way: Transition) -> None:
    if kubelet.pool.tracing:
        name = _("stage of the pod") if way in POD_TABLE.values() else _("stage of the container")
        kubelet.pool.compares(name, _(way.state), _(way.to))
        kubelet.pool.wants(_(way.why))


STROKES: Mapping[tuple[str, str], Callable[[PodWorker], bool]] = {
    ("New", "seen"): arrive,
    (_WAIT, "sandbox ready"): begin,
    (_PULL.to, "pulled"): make,
    (_CREATE.to, "created"): run,
}
"""By the state of the pod (once it starts, that of its container) and event: what does it all at once."""

OF_CONTAINER = frozenset({"pulled", _FAILED, "created"})
"""What happens to the container while it has no unit of its own."""
RUNNING = _RUN.to
