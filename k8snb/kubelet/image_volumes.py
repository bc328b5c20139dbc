"""Image volumes: images that containers mount instead of running them.

They are pulled like the images of containers, with the same events, before any container of the pod starts. One that
cannot be had keeps only those containers waiting that mount it; it is asked for again, later each time.

Upstream: `getImageVolumes` and `toKubeContainerImageVolumes` in `pkg/kubelet/kuberuntime/kuberuntime_manager.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.kubelet import references
from k8snb.kubelet.backoff import Backoff
from k8snb.kubelet.plan import ContainerPlan, pulled_message
from k8snb.kubelet.pulling import RELIST_SECONDS, RESYNC_SECONDS
from k8snb.kubelet.runtime import Pull
from k8snb.typing import Object, ObjectKey

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.podworker import PodWorker


class ImageVolumes:
    """The image volumes of one pod, pulled one after the other."""

    def __init__(self, worker: PodWorker) -> None:
        self._worker = worker
        self._volumes = [ImageVolume(self, volume) for volume in worker.plan.image_volumes]

    def begin(self) -> None:
        """Pull what has not been asked for yet; when all have, containers may start."""
        waiting = next((volume for volume in self._volumes if not volume.asked), None)
        if waiting is not None:
            waiting.ensure()
        else:
            self._worker.progress()

    def trouble(self, plan: ContainerPlan) -> tuple[str, str] | None:
        """Why a container cannot have what it mounts, if so: reason and message."""
        return next((each.trouble for each in self._volumes if each.trouble and _mounts(plan, each.name)), None)

    def tell(self, volume: ImageVolume) -> None:
        """A volume has come, or failed again: whoever waits for it looks."""
        for unit in self._worker.units:
            if unit.state == "Refused" and _mounts(unit.plan, volume.name):
                unit.fire("retry")
                self._worker.fire("container changed")

    @property
    def worker(self) -> PodWorker:
        """The pod's worker."""
        return self._worker


def _mounts(plan: ContainerPlan, name: str) -> bool:
    return any(mount["name"] == name for mount in plan.spec.get("volumeMounts") or ())


class ImageVolume:
    """One of them. It takes turns of its own."""

    def __init__(self, every: ImageVolumes, volume: Object) -> None:
        source = volume["image"]
        self._every = every
        self._worker = every.worker
        self.name: str = volume["name"]
        self.epoch = 0
        self.asked = False
        """Whether it is there, or it is known that it is not."""
        self.trouble: tuple[str, str] | None = None
        self._image: str = source.get("reference", "")
        self._policy: str = source.get("pullPolicy", "IfNotPresent")
        self._pull: Pull | None = None
        self._error = ""
        self._backoff: Backoff | None = None

    @property
    def host(self) -> Kubelet:
        """The kubelet."""
        return self._worker.kubelet

    @property
    def key(self) -> ObjectKey:
        """The pod's key."""
        return self._worker.key

    def deliver(self, event: str) -> None:
        """The registry has answered, or it is time to ask again or to complain."""
        if self._worker.state != "Running":
            return
        if event == "pulled":
            self._arrived()
        elif event == "pull failed":
            self._refused()
        elif event == "resync":
            self._complain()
        else:
            self.ensure()

    def ensure(self) -> None:
        """Use the image that is there, or find out why it cannot be had."""
        try:
            reference = references.parse(self._image)
        except references.InvalidReference as error:
            said = f'Failed to apply default image tag "{self._image}": {error}'
            self._tell("Warning", "InspectFailed", said)
            self._settle(("InvalidImageName", said))
            return
        runtime = self.host.runtime
        if self._policy != "Always" and runtime.image_status(reference):
            said = f'Container image "{self._image}" already present on machine and can be accessed by the pod'
            self._tell("Normal", "Pulled", said)
            self._settle(None)
        elif self._policy == "Never":
            said = f'Container image "{self._image}" is not present with pull policy of Never'
            self._tell("Warning", "ErrImageNeverPull", said)
            self._settle(("ErrImageNeverPull", said))
            self._later(RESYNC_SECONDS, "retry")
        else:
            self._tell("Normal", "Pulling", f'Pulling image "{self._image}"')
            self._pull = pull = runtime.pull_image(reference)
            self.host.pool.later(pull.seconds, self, "pull failed" if pull.error else "pulled")

    def _arrived(self) -> None:
        assert self._pull is not None
        self._tell("Normal", "Pulled", pulled_message(self._image, self._pull))
        self._backoff = None
        self.epoch += 1
        self._settle(None)

    def _refused(self) -> None:
        assert self._pull is not None
        self._error = self._pull.error
        self._tell("Warning", "Failed", f'Failed to pull image "{self._image}": {self._error}')
        self._backoff = self._backoff or Backoff()
        self._backoff.next(self.host.clock.now())
        self.epoch += 1
        self._later(RELIST_SECONDS, "resync")
        self._later(self._backoff.delay, "retry")
        self._settle(("ErrImagePull", self._error))

    def _complain(self) -> None:
        said = f'Back-off pulling image "{self._image}"'
        self._tell("Normal", "BackOff", said)
        self._later(RESYNC_SECONDS, "resync")
        self._settle(("ImagePullBackOff", f"{said}: ErrImagePull: {self._error}"))

    def _settle(self, trouble: tuple[str, str] | None) -> None:
        """It is known how things stand: go on with the next one, or let the containers know."""
        first, self.asked, self.trouble = not self.asked, True, trouble
        if first:
            self._every.begin()
        else:
            self._every.tell(self)

    def _later(self, seconds: float, event: str) -> None:
        self.host.pool.later(seconds, self, event, background=True)

    def _tell(self, type: str, reason: str, message: str) -> None:
        self.host.events.record(self._worker.pod, type, reason, message)
