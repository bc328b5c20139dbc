"""The worker of one pod: it brings what runs on the node in line with what the API says about the pod.

What happens to the pod is looked up in the table of `lifecycle`; the methods here are the actions it names. The
status is computed from the containers after every step and written when it differs from what was written.
Upstream: `pkg/kubelet/pod_workers.go`, `kubelet.go` (`SyncPod`, `SyncTerminatingPod`) and `status_manager.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from k8snb.errors import StatusError, Unreachable
from k8snb.i18n import _
from k8snb.kubelet import order, preparation, resizing
from k8snb.kubelet.container import ContainerUnit
from k8snb.kubelet.environment import Environments, environment
from k8snb.kubelet.hostnames import hostname
from k8snb.kubelet.image_volumes import ImageVolumes
from k8snb.kubelet.images.filesystem import Mount
from k8snb.kubelet.lifecycle import POD_TABLE, steps
from k8snb.kubelet.plan import ContainerPlan, PodPlan
from k8snb.kubelet.podstatus import status_of
from k8snb.kubelet.revising import ADMITTED, revise, write_over
from k8snb.kubelet.runtime import ContainerView, SandboxView
from k8snb.kubelet.status import condition
from k8snb.kubelet.strokes import OF_CONTAINER, STROKES, Start
from k8snb.kubelet.volumes import REFRESH_SECONDS, PodVolumes, volumes_of
from k8snb.machinery.recorded import about_of
from k8snb.typing import Object, ObjectKey

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

MIRROR = "kubernetes.io/config.mirror"
"""The annotation of a pod that only shows one that a kubelet runs on its own: that one's UID."""

DEADLINE = "Pod was active on the node longer than the specified deadline"


class PodWorker:
    """The state of one pod on its node."""

    __slots__ = (
        "_units", "began", "container", "disruption", "environments", "epoch", "failures", "grace", "images", "ip",
        "kubelet", "plan", "pod", "reason", "resizing", "sandbox", "start", "state", "status", "stop_at", "volumes",
    )  # fmt: skip

    def __init__(self, kubelet: Kubelet, pod: Object) -> None:
        self.kubelet = kubelet
        self.pod = pod
        self.plan: PodPlan = kubelet.pool.plans.of(pod)
        self.state = "New"
        self.epoch = 0
        self.began = ""  # when the kubelet first saw the pod (`startTime`)
        self.ip = ""
        self.sandbox: SandboxView | None = None
        self._units: tuple[ContainerUnit, ...] | None = ()
        self.start: Start | None = None
        """How far its start has come, if it is a usual one."""
        self.container: ContainerView | None = None  # of a usual pod
        self.volumes: PodVolumes | None = None
        self.images: ImageVolumes | None = None
        """The images that it mounts, once they are asked for."""
        self.status: Object | None = None  # as it was last written
        self.reason: tuple[str, str] | None = None
        """Why the pod failed, where that is not for its containers to say: reason and message."""
        self.disruption: Object | None = None
        """The condition that says who ends the pod, if it is not its owner."""
        self.resizing: resizing.Resizing | None = None
        """What has become of its wish for other resources, once it had one."""
        self.grace: float | None = None
        """Seconds of grace that the pod has been given to stop."""
        self.stop_at = 0.0
        self.failures = 0
        self.environments: Environments | None = None

    @property
    def host(self) -> Kubelet:
        """The kubelet."""
        return self.kubelet

    @property
    def key(self) -> ObjectKey:
        """The pod's namespace and name."""
        meta = self.pod["metadata"]
        return ObjectKey(meta["namespace"], meta["name"])

    @property
    def units(self) -> tuple[ContainerUnit, ...]:
        """The containers; none before the pod is admitted. The only one of a usual pod is made when it is asked for."""
        if self._units is None:
            unit = ContainerUnit(self, self.plan.mains[0])
            if self.start is not None or self.container is not None:
                unit.take_over(self.start, self.container)
            self.settle_units((unit,))
        return self._units or ()

    def settle_units(self, units: tuple[ContainerUnit, ...] | None) -> None:
        """These are the containers; None for one that is not needed yet."""
        self._units, self.start, self.container = units, None, None

    @property
    def uid(self) -> str:
        """The pod's UID."""
        uid: str = self.pod["metadata"]["uid"]
        return uid

    @property
    def is_static(self) -> bool:
        """Whether it comes from a manifest on the node, and the API only mirrors it."""
        return False

    @property
    def host_ip(self) -> str:
        """The node's address."""
        return self.kubelet.address

    @property
    def hostname(self) -> str:
        """What the pod calls itself."""
        if self.plan.host_network:
            return self.kubelet.name
        return hostname(self.pod)

    @property
    def full_name(self) -> str:
        """The pod as messages name it."""
        return f"{self.key.name}_{self.key.namespace}({self.uid})"

    def deliver(self, event: str) -> None:
        """Let something happen to the pod."""
        start = self.start
        stroke = STROKES.get((self.state if start is None else start.stage, event))
        if stroke is not None and self.plan.usual and stroke(self):
            return
        if event in OF_CONTAINER:
            self.units[0].go_on(event)
        else:
            self.fire(event)

    def fire(self, event: str) -> None:
        """Look the event up in the table and do what it says."""
        step = _STEPS.get((self.state, event))
        if step is not None:
            pool = self.kubelet.pool
            if pool.tracing and step.to != self.state:
                pool.compares(_("stage of the pod"), _(self.state), _(step.to))
            self.state = step.to
            if pool.tracing and event != "container changed":  # then the container has said why
                pool.wants(_(step.why))
            step.act(self)

    # -- what the API says -------------------------------------------------------------------------

    def update(self, pod: Object) -> None:
        """The pod has been written, by this worker or by somebody else."""
        before = self.pod
        news = int(pod["metadata"]["resourceVersion"]) - int(before["metadata"]["resourceVersion"])
        deleted = "deletionTimestamp" in pod["metadata"]
        if news <= 0 and not (deleted and self.grace is None):  # the deletion may lie before what this worker wrote
            return
        if news > 0:
            self._is_now(pod)
        if deleted:
            self.stop(float(pod["metadata"].get("deletionGracePeriodSeconds", 0)))
        elif pod["spec"] is not before["spec"] and pod["spec"] != before["spec"]:
            revise(self)
        elif self.status is not None and pod.get("status") is not before.get("status"):
            self.write()
        if self.volumes is not None:
            self.volumes.look_at(before, pod)

    def stop(self, grace: float) -> None:
        """Stop the pod; a second call can only shorten the grace."""
        if self.grace is not None and grace >= self.grace and self.state != "Finished":
            return
        self.grace = grace
        self.stop_at = self.kubelet.clock.now() + grace
        self.kubelet.pool.post(self, "stopping")

    # -- start -------------------------------------------------------------------------------------

    def admit(self) -> None:
        """See whether the node has room, tell the API that the kubelet has the pod, and begin."""
        self.began = self.kubelet.clock.timestamp()
        refusal = self.kubelet.admit(self.plan, self.pod, static=self.is_static)
        if refusal is not None:
            self.refuse(*refusal)
            return
        self.settle_units(tuple([ContainerUnit(self, plan) for plan in self.plan.every]))
        self.watch_deadline(self.kubelet.clock.now())
        self.write()
        self.fire("admitted")

    def refuse(self, reason: str, message: str) -> None:
        """The node has no room for the pod, or must not run it."""
        self.reason = (reason, f"Pod was rejected: {message}")
        self.kubelet.events.record(self.pod, "Warning", reason, message)
        self.fire("rejected")

    def watch_deadline(self, began: float) -> None:
        """See to it that the pod ends when its time is over, if it has a limit."""
        if self.plan.deadline is not None:
            self.kubelet.pool.clock.call_at(began + float(self.plan.deadline), self.expire, background=True)

    def reject(self) -> None:
        """The pod does not run here."""
        self.write()

    def expire(self) -> None:
        """`activeDeadlineSeconds` are over."""
        if self.state in {"Preparing", "Running"} and self.kubelet.running:
            self.reason = ("DeadlineExceeded", DEADLINE)
            self.kubelet.events.record(self.pod, "Normal", "DeadlineExceeded", DEADLINE)
            self.stop(float(self.plan.grace))

    def evict(self, reason: str, message: str, grace: float) -> None:
        """End the pod for the node's sake."""
        self.reason = (reason, message)
        generation, now = self.pod["metadata"].get("generation"), self.kubelet.clock.timestamp()
        self.disruption = condition("DisruptionTarget", "True", now, generation, "TerminationByKubelet", message)
        self.stop(grace)
        self.write()

    def prepare(self) -> None:
        """Mount the volumes and make the sandbox; what is missing is waited for."""
        preparation.prepare(self)

    def begin(self) -> None:
        """The sandbox is ready: containers may start."""
        assert self.sandbox is not None
        self.ip = self.sandbox.ip
        if self.volumes is not None and self.volumes.follows:
            self.kubelet.pool.later(REFRESH_SECONDS, self, "refresh", background=True)
        if self.plan.image_volumes:
            self.images = ImageVolumes(self)
            self.images.begin()
        else:
            self.progress()

    def progress(self) -> None:
        """Start what may start now; see whether everything has ended; write the status."""
        if self.plan.plain:
            order.progress_one(self, self.units[0])
            return
        for unit in order.due(self.units):
            unit.start()
        if order.ended(self.units):
            order.stop_rest(self)
        if self.state == "Running":
            self.write()

    # -- stop --------------------------------------------------------------------------------------

    def grace_left(self) -> float:
        """Seconds until what still runs is killed."""
        return max(self.stop_at - self.kubelet.clock.now(), 0.0)

    def terminate(self) -> None:
        """Stop every container: sidecars after the others, the last one first."""
        self.epoch += 1
        for unit in self.units:
            if not unit.active:
                unit.cancel()
        order.stop_next(self)
        self.terminated()

    def terminated(self) -> None:
        """A container has ended, or there was none: go on until nothing is left."""
        if not any(unit.active for unit in self.units):
            self.fire("all ended")
            return
        if self.state == "Terminating" and not any(unit.state == "Stopping" for unit in self.units):
            order.stop_next(self)
        self.write()

    def finish(self) -> None:
        """Take the sandbox down, write how the pod ended, and let the object go if it is deleted."""
        self.epoch += 1
        if self.sandbox is not None:
            self.kubelet.runtime.stop_pod_sandbox(self.sandbox)
        preparation.give_back(self)
        self._release()
        self.write()
        if "deletionTimestamp" in self.pod["metadata"]:
            self.fire("stopping")

    def remove(self) -> None:
        """Nothing of the pod is left on the node: its object may go."""
        if self.sandbox is not None:
            self.kubelet.runtime.remove_pod_sandbox(self.sandbox)
        self.let_go()

    def let_go(self) -> None:
        """Delete the object."""
        namespace, name = self.key
        self.kubelet.client.delete("pods", name, namespace, grace=0, uid=self.uid)

    def abandon(self) -> None:
        """The object is gone although the pod was still here: kill what runs."""
        self.epoch += 1
        for unit in self.units:
            unit.cancel()
        preparation.undo(self)
        if self.state in ADMITTED:
            self._release()
        self.state = "Gone"

    def _release(self) -> None:
        self.kubelet.deferred.pop(self.uid, None)
        self.kubelet.release(self.plan)

    # -- what containers ask -----------------------------------------------------------------------

    def environment(self, container: str) -> Mapping[str, str]:
        """The environment of a container: as it was when it was configured, if it refers to other objects."""
        plan = self._plan_of(container)
        return self.environments.of(plan) if self.environments is not None else environment(self, plan)

    def environment_error(self, plan: ContainerPlan) -> str:
        """Work out a container's environment now; what is missing, if something is."""
        self.environments = self.environments or Environments(self)
        return self.environments.configure(plan)

    def mounts(self, container: str) -> Sequence[Mount]:
        """The volumes in a container's tree of files."""
        return volumes_of(self).mounts(self._plan_of(container))

    def refresh_volumes(self) -> None:
        """Let volumes follow the objects they come from."""
        assert self.volumes is not None
        self.volumes.refresh()
        self.kubelet.pool.later(REFRESH_SECONDS, self, "refresh", background=True)

    def _plan_of(self, container: str) -> ContainerPlan:
        return next(plan for plan in self.plan.every if plan.name == container)

    def exited(self, container: ContainerView) -> None:
        """A container has ended: its unit hears of it in a turn of its own."""
        for unit in self.units:
            if unit.container is container:
                self.kubelet.pool.post(unit, "exited")

    def resized(self) -> None:
        """A container may have come to what it was promised: see about it in a turn of its own."""
        if self.resizing is not None:
            self.kubelet.pool.post(self.resizing, "look")

    # -- status ------------------------------------------------------------------------------------

    def write(self, status: Object | None = None) -> None:
        """Write the status (worked out, if it is not known yet) if it differs from what was written."""
        status = status or status_of(self)
        if status == self.status and self._still_there(status):
            return
        self.status = status
        client, news = self.kubelet.client, self.kubelet.news
        put = news.put_pod_status(client, self.pod, status) if news is not None else None
        if put is not None:
            self._is_now(put)
            return
        try:
            self.wrote(client.put_pod_status(self.pod, status))
        except Unreachable:  # what runs goes on; the API hears of it when it is back
            self.status = None
            self.kubelet.owing[self.uid] = self
        except StatusError as error:
            if error.reason == "Conflict":
                write_over(self)
            elif error.reason != "NotFound":  # the object is gone: nobody reads its status, and the news is on its way
                raise

    def _still_there(self, status: Object) -> bool:
        """Whether the API still says what was written (a node controller may have marked the pod unready)."""
        theirs = (self.pod.get("status") or {}).get("conditions")
        return bool(theirs == status.get("conditions"))

    def wrote(self, pod: Object) -> None:
        """Take the version that the API made of what was written; the news of it will be no news."""
        own = self.kubelet.pool.own
        own.pop(id(self.pod), None)
        own[id(pod)] = pod
        self._is_now(pod)

    def _is_now(self, pod: Object) -> None:
        self.pod = pod
        if self.start is not None:
            self.start.about = about_of(pod["metadata"])


_STEPS = steps(POD_TABLE, PodWorker)
