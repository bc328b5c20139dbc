"""Which run of a container a request for logs means, and what to say when there is none.

Upstream: `validateContainerLogStatus` in `pkg/kubelet/kubelet_pods.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8snb.clock import parse_time
from k8snb.errors import bad_request
from k8snb.kubelet.runtime import ContainerView, LogOptions
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.container import ContainerUnit
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.podworker import PodWorker

_WAITING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


def check_name(pod: Object, container: str) -> None:
    """Raise unless the pod has a container of that name."""
    spec = pod["spec"]
    names = [
        c["name"] for field in ("containers", "initContainers", "ephemeralContainers") for c in spec.get(field) or ()
    ]
    if container not in names:
        raise bad_request(f"container {container} is not valid for pod {pod['metadata']['name']}")


def read(kubelet: Kubelet, worker: PodWorker | None, pod: Object, options: Any) -> str:
    """The log that is asked for; raises StatusError (BadRequest) where there is none."""
    check_name(pod, options.container)
    name = pod["metadata"]["name"]
    unit = next((u for u in worker.units if u.plan.name == options.container), None) if worker is not None else None
    if unit is None:
        raise bad_request(f'container "{options.container}" in pod "{name}" is not available')
    found = _run(unit, name, previous=bool(options.previous))
    since = parse_time(options.since_time) if options.since_time else None
    if options.since_seconds is not None:
        since = kubelet.clock.now() - options.since_seconds
    wanted = LogOptions(options.tail_lines, since, bool(options.timestamps), options.limit_bytes)
    return kubelet.runtime.logs(found, wanted)


def _run(unit: ContainerUnit, pod: str, *, previous: bool) -> ContainerView:
    """The run of the container that is meant."""
    what = f'container "{unit.plan.name}" in pod "{pod}"'
    current = unit.before if unit.state == "Starting" else unit.container
    if previous:
        running = unit.state in {"Running", "Stopping"}
        found = unit.before if running or not unit.reason else current
        if found is None or (found is unit.container and running):
            raise bad_request(f"previous terminated {what} not found")
        return found
    if current is None:
        reason = unit.reason or unit.plan.waiting["state"]["waiting"]["reason"]
        raise bad_request(f"{what} is waiting to start: {_WAITING.get(reason, reason)}")
    return current
