"""One container of a pod, as the kubelet drives it: image, configuration, start, exit, back-off, again.

What happens when is a matter of the table in `lifecycle`; the methods here are the actions it names. Messages
and events are those of `pkg/kubelet/kuberuntime` and `pkg/kubelet/images`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.i18n import _
from k8snb.kubelet import hooks, pulling
from k8snb.kubelet.backoff import Backoff, words
from k8snb.kubelet.containerstatus import container_status, terminated
from k8snb.kubelet.lifecycle import CONTAINER_TABLE, steps
from k8snb.kubelet.plan import INIT, MAIN, SIDECAR, ContainerPlan
from k8snb.kubelet.prober import Probe
from k8snb.kubelet.pulling import RELIST_SECONDS, RESYNC_SECONDS
from k8snb.kubelet.runtime import START_SECONDS, ContainerView, Pull, RuntimeRefused
from k8snb.kubelet.strokes import RUNNING, Start
from k8snb.kubelet.volumes import volumes_of
from k8snb.typing import Object, ObjectKey

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.podworker import PodWorker

_FIRST = 1
"""The epoch of a container's first start."""

MINIMUM_GRACE = 2
"""The shortest time, in seconds, that a process gets between the signal and the kill."""


class ContainerUnit:
    """The state of one container."""

    __slots__ = (
        "actual", "attempt", "backoff", "before", "container", "ended", "epoch", "grace", "image_backoff",
        "image_error", "last", "message", "plan", "probes", "pulling", "ready", "reason", "replaced", "started",
        "state", "worker",
    )  # fmt: skip

    def __init__(self, worker: PodWorker, plan: ContainerPlan) -> None:
        self.worker = worker
        self.plan = plan
        self.state = "Waiting"
        self.epoch = 0
        self.attempt = -1
        self.container: ContainerView | None = None
        self.before: ContainerView | None = None
        """The container of the run before, which the status shows until the next one runs."""
        self.ended: Object | None = None
        """The `terminated` state of the newest run that has ended."""
        self.last: Object | None = None
        """The `terminated` state of the run before the newest."""
        self.reason = ""
        """Why it waits, where that is more than that its turn has not come."""
        self.message = ""
        self.replaced: Object | None = None
        """The status of a run that is stopped so that another begins: what the API is told until that runs."""
        self.actual: Object | None = None
        """The resources that it runs with, while it was promised others."""
        self.started = False
        self.ready = False
        self.grace: float | None = None
        self.backoff: Backoff | None = None
        self.image_backoff: Backoff | None = None
        self.image_error = ""
        self.pulling: Pull | None = None
        self.probes: tuple[Probe, ...] = ()

    def take_over(self, start: Start | None, container: ContainerView | None) -> None:
        """Go on from where the start of a usual pod has come; without one, its container runs."""
        self.container = container
        self.attempt = -1 if container is None else 0
        if start is None:
            self.epoch, self.state, self.started, self.ready = _FIRST, RUNNING, True, True
        elif start.stage != self.state:
            self.epoch, self.state, self.pulling = _FIRST, start.stage, start.pulling

    def go_on(self, event: str) -> None:
        """Let happen what was announced before the unit was needed, unless that no longer matters."""
        if self.epoch == _FIRST:
            self.deliver(event)

    @property
    def host(self) -> Kubelet:
        """The kubelet."""
        return self.worker.kubelet

    @property
    def key(self) -> ObjectKey:
        """The pod's key."""
        return self.worker.key

    @property
    def untouched(self) -> bool:
        """Whether it has not had its turn yet."""
        return self.state == "Waiting" and self.epoch == 0

    @property
    def active(self) -> bool:
        """Whether there is a process that would have to be stopped."""
        if self.state == "Starting":
            return self.container is not None and self.container.state == "running"
        return self.state in {"Running", "Stopping"}

    @property
    def succeeded(self) -> bool:
        """Whether its last run ended well."""
        return self.state == "Exited" and self.ended is not None and self.ended["exitCode"] == 0

    @property
    def final(self) -> bool:
        """Whether it has ended and will not run again."""
        return self.state == "Exited" and self.ended is not None and not self._restarts(self.ended["exitCode"])

    def _restarts(self, code: int) -> bool:
        return self.plan.restarts_after(code)

    def deliver(self, event: str) -> None:
        """Let something happen, and let the pod take it into account."""
        self.fire(event)
        self.worker.fire("container changed")

    def fire(self, event: str) -> None:
        """Look the event up in the table and do what it says."""
        step = _STEPS.get((self.state, event))
        if step is not None:
            pool = self.worker.kubelet.pool
            if pool.tracing:
                if step.to != self.state:
                    pool.compares(_("stage of the container"), _(self.state), _(step.to))
                pool.wants(_(step.why))
            self.state = step.to
            step.act(self)

    def later(self, seconds: float, event: str, *, background: bool = False) -> None:
        """Let something happen after a while."""
        self.worker.kubelet.pool.later(seconds, self, event, background=background)

    def tell(self, type: str, reason: str, message: str) -> None:
        """Record an event about the container."""
        self.worker.kubelet.events.record(self.worker.pod, type, reason, message, self.plan.field)

    def cancel(self) -> None:
        """It shall not run any more: forget what it was waiting for."""
        self.epoch += 1
        for probe in self.probes:
            probe.stop()

    # -- image -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin (again) from the image on; appointments made before are void."""
        self.epoch += 1
        self.fire("start")

    def ensure_image(self) -> None:
        """Use the image that is there, or find out why it cannot be had."""
        pulling.ensure(self)

    def wait_for_image(self) -> None:
        """No pull would help: look again from time to time."""
        self.tell("Warning", "Failed", f"Error: {self.reason}")
        self.later(RESYNC_SECONDS, "retry", background=True)

    def pull(self) -> None:
        """Ask the registry for the image."""
        self.tell("Normal", "Pulling", self.plan.pulling)
        self.pulling = pull = self.host.runtime.pull_image(self.plan.config.reference)
        self.later(pull.seconds, "pull failed" if pull.error else "pulled")

    def arrived(self) -> None:
        """The image is here."""
        pull = self.pulling
        assert pull is not None
        self.tell("Normal", "Pulled", self.plan.pulled(pull))
        self.pulling = self.image_backoff = None
        self.fire("image present")

    def back_off_pulling(self) -> None:
        """The registry refused: wait twice as long each time."""
        pulling.back_off(self)

    def report_image(self) -> None:
        """Say that it is still backing off."""
        pulling.report(self)

    # -- start -------------------------------------------------------------------------------------

    def configure(self) -> None:
        """Work out the environment, which may refer to objects that do not exist."""
        error = self.worker.environment_error(self.plan) if self.plan.needs_environment else ""
        if error:
            self.reason, self.message = "CreateContainerConfigError", error
        elif self.plan.partly_mounts:
            volumes_of(self.worker).pin(self.plan)
        self.fire("incomplete" if error else "complete")

    def wait_for_config(self) -> None:
        """Something that the environment refers to is missing: look again from time to time."""
        self.tell("Warning", "Failed", f"Error: {self.message}")
        self.later(RESYNC_SECONDS, "retry", background=True)

    def create(self) -> None:
        """Make the container."""
        self.attempt += 1
        self.before = self.container
        sandbox = self.worker.sandbox
        assert sandbox is not None
        self.container = self.host.runtime.create_container(sandbox, self.plan.config, self.attempt)
        self.tell("Normal", "Created", "Container created")
        self.later(START_SECONDS, "created")

    def launch(self) -> None:
        """Start the process."""
        assert self.container is not None
        try:
            self.host.runtime.start_container(self.container)
        except RuntimeRefused as error:
            self.not_started(error)
            return
        self.launched()

    def launched(self) -> None:
        """The process runs: run the postStart hook."""
        self.tell("Normal", "Started", "Container started")
        hook = self.plan.hooks.get("postStart")
        if hook is None:
            self.fire("launched")
            return
        outcome = hooks.run(hook, self)
        if outcome.failed:
            self.tell("Warning", "FailedPostStartHook", "PostStartHook failed")
            self.state = "Running"
            self.stop_because("FailedPostStartHook")
        elif outcome.seconds:
            self.later(outcome.seconds, "launched")
        else:
            self.fire("launched")

    def not_started(self, error: RuntimeRefused) -> None:
        """The runtime could not run the process."""
        self.tell("Warning", "Failed", f"Error: {error}")
        self.fire("start failed")

    def begin(self) -> None:
        """It runs: begin to probe it, or take it for ready."""
        probes = self.plan.probes
        self.reason = self.message = ""
        self.replaced = None
        self._is_as_promised()
        self.started = not probes
        self.ready = self.started and self.plan.kind in {MAIN, SIDECAR}
        if probes:
            self.started = all(kind != "startup" for kind, _ in probes)
            self.ready = self.started and all(kind != "readiness" for kind, _ in probes)
            self.probes = tuple(Probe(self, kind, spec) for kind, spec in probes)
            for probe in self.probes:
                probe.begin()

    def _is_as_promised(self) -> None:
        """No process is left that runs with other resources than were promised."""
        if self.actual is not None:
            self.actual = None
            self.worker.resized()

    def startup_done(self) -> None:
        """The startup probe has succeeded: the others begin."""
        self.started = True
        self.ready = all(kind != "readiness" for kind, _ in self.plan.probes)
        for probe in self.probes:
            probe.begin()

    # -- stop --------------------------------------------------------------------------------------

    def replace(self, message: str, grace: float | None = None) -> None:
        """Kill the container and run it anew.

        The kubelet does both in one synchronization and reports nothing in between (`kuberuntime`, `SyncPod`).
        """
        self.replaced = container_status(self)
        self.stop_because(message, grace)

    def stop_because(self, message: str, grace: float | None = None) -> None:
        """Kill the container for a reason of its own; the restart policy decides what comes then."""
        self.grace = grace
        self.message = message
        self.fire("unhealthy")

    def kill(self) -> None:
        """Stop it with the grace period that its probe or the pod gives it."""
        self.tell("Normal", "Killing", self.message)
        self._stop(float(self.worker.plan.grace) if self.grace is None else self.grace)

    def stop(self) -> None:
        """Stop it because the pod is stopped."""
        if self.grace is None or self.worker.grace_left() < self.grace:
            if self.grace is None:
                self.tell("Normal", "Killing", f"Stopping container {self.plan.name}")
            self._stop(self.worker.grace_left())

    def _stop(self, grace: float) -> None:
        self.cancel()
        self.grace = grace
        hook = self.plan.hooks.get("preStop")
        if hook is None or grace <= 0:
            self.send_signal()
            return
        outcome = hooks.run(hook, self)
        if outcome.failed:
            self.tell("Warning", "FailedPreStopHook", "PreStopHook failed")
        seconds = min(outcome.seconds, grace)
        self.grace = grace - seconds
        self.later(seconds, "signal")

    def send_signal(self) -> None:
        """Let the runtime stop the process, and kill it when the grace period is over."""
        assert self.container is not None
        if self.container.state == "exited":
            self.fire("exited")  # it ended by itself just before
            return
        grace = self.grace or 0.0
        forced = self.worker.grace == 0
        self.host.runtime.stop_container(self.container, 0 if forced else max(grace, MINIMUM_GRACE))

    # -- end ---------------------------------------------------------------------------------------

    def exited(self) -> None:
        """The process is gone: note how it ended; whether it runs again is for the policy to say."""
        self.cancel()
        container = self.container
        assert container is not None
        self.last, self.ended = self.ended, terminated(container, self.plan)
        self.reason = self.message = ""
        self.grace = None
        self.started = False
        self.ready = self.plan.kind == INIT and container.exit_code == 0
        if self.replaced is None:
            self._is_as_promised()
        if self.worker.state != "Running":
            self.replaced = None
        elif self.replaced is not None and self.replaced["restartCount"] == container.attempt:
            self.restart()
        elif self._restarts(container.exit_code):
            self.replaced = None
            self.later(RELIST_SECONDS, "restart")

    def restart(self) -> None:
        """Run again, now or after the back-off."""
        self.backoff = self.backoff or Backoff()
        waits = self._left() > 0
        if waits:
            self.replaced = None
        self.fire("back off" if waits else "again")

    def _left(self) -> float:
        assert self.backoff is not None
        run = self._counted()
        return 0.0 if run is None else self.backoff.left(run.finished_at, self.host.clock.now())

    def _counted(self) -> ContainerView | None:
        """The run whose end the back-off counts from: of one that is replaced, the one before it."""
        return self.container if self.replaced is None else self.before

    def report_backoff(self) -> None:
        """Say that the container is backing off; it is tried again when the time is up."""
        assert self.backoff is not None
        worker = self.worker
        said = f"Back-off restarting failed container {self.plan.name} in pod {worker.full_name}"
        self.tell("Warning", "BackOff", said)
        delay = words(self.backoff.delay)
        first = self.reason != "CrashLoopBackOff"
        self.reason = "CrashLoopBackOff"
        self.message = f"back-off {delay} restarting failed container={self.plan.name} pod={worker.full_name}"
        self.later(RESYNC_SECONDS, "resync", background=True)
        if first:
            self.later(self._left(), "retry", background=True)

    def again(self) -> None:
        """Another run begins; should it fail too, the next back-off is longer."""
        assert self.backoff is not None
        if self._counted() is not None:
            self.backoff.next(self.host.clock.now())
        self.start()


_STEPS = steps(CONTAINER_TABLE, ContainerUnit)
