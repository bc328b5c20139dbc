"""What a pod needs before a container of it can start: its volumes, its devices and its sandbox.

What is missing is waited for, longer each time. Upstream: `kubelet.go` (`SyncPod`), `kuberuntime_sandbox.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.kubelet.devices import NotPrepared
from k8snb.kubelet.disks import CannotMount, NotYet
from k8snb.kubelet.runtime import RuntimeRefused
from k8snb.kubelet.sandboxes import hexadecimal
from k8snb.kubelet.volumes import forget_scratch, volumes_of
from k8snb.packet import NetworkError

if TYPE_CHECKING:
    from k8snb.kubelet.podworker import PodWorker

_FIRST_RETRY = 0.5
_LAST_RETRY = 122.0
ATTACH_POLL, _PATIENCE = 0.5, 20
"""How often a kubelet looks whether a volume is attached, and how many times so."""

_HOPEFUL = 4
"""How many times in a row a retry keeps the cluster from counting as settled."""


def prepare(worker: PodWorker) -> None:
    """Mount the volumes and make the sandbox; the worker hears when that is ready, or is to try again."""
    if worker.plan.claims:
        try:
            worker.kubelet.disks.mount(worker)
            volumes_of(worker)
        except NotYet:
            _wait(worker)
            return
        except CannotMount as error:
            _retry(worker, "FailedMount", str(error), patient=True)
            return
    if worker.plan.volumes:
        failure = volumes_of(worker).mount()
        if failure:
            _retry(worker, "FailedMount", failure, patient=True)
            return
    if worker.plan.devices:
        try:
            worker.kubelet.devices.prepare(worker)
        except NotPrepared as error:
            said = f"Failed to prepare dynamic resources: prepare dynamic resources: {error}"
            _retry(worker, "FailedPrepareDynamicResources", said, patient=True)
            return
    problem = worker.kubelet.network_problem()
    if problem and not worker.pod["spec"].get("hostNetwork"):
        _retry(worker, "NetworkNotReady", f"network is not ready: {problem}", patient=True)
        return
    try:
        worker.sandbox, seconds = worker.kubelet.runtime.run_pod_sandbox(worker, _runtime_handler(worker))
    except RuntimeRefused as error:
        _retry(worker, "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}", patient=True)
        return
    except NetworkError as error:
        sandbox = hexadecimal(f"{worker.pod['metadata']['uid']}/sandbox")
        why = f'rpc error: code = Unknown desc = failed to setup network for sandbox "{sandbox}": {error.address}'
        _retry(worker, "FailedCreatePodSandBox", f"Failed to create pod sandbox: {why}")
        return
    worker.failures = 0
    worker.kubelet.pool.later(seconds, worker, "sandbox ready")


def undo(worker: PodWorker) -> None:
    """Kill what runs in the sandbox, forget it, and give the volumes back."""
    if worker.sandbox is not None:
        worker.kubelet.runtime.stop_pod_sandbox(worker.sandbox)
        worker.kubelet.runtime.remove_pod_sandbox(worker.sandbox)
    give_back(worker)


def give_back(worker: PodWorker) -> None:
    """Nothing of the pod runs any more: nobody needs its volumes here."""
    if worker.plan.claims:
        worker.kubelet.disks.unmount(worker)
    if worker.plan.devices:
        worker.kubelet.devices.unprepare(worker)
    forget_scratch(worker)


def _runtime_handler(worker: PodWorker) -> str:
    """What the pod's RuntimeClass calls the runtime's configuration; raises RuntimeRefused if that is not there."""
    name = worker.pod["spec"].get("runtimeClassName")
    if not name:
        return ""
    found = worker.kubelet.client.find("runtimeclasses.node.k8s.io", name)
    if found is None:
        raise RuntimeRefused(f'runtimeclass.node.k8s.io "{name}" not found')
    return str(found["handler"])


def _wait(worker: PodWorker) -> None:
    """Look again whether the volumes have come."""
    worker.failures += 1
    delay = ATTACH_POLL if worker.failures <= _PATIENCE else _LAST_RETRY / 4
    worker.kubelet.pool.later(delay, worker, "retry", background=worker.failures > _PATIENCE)


def _retry(worker: PodWorker, reason: str, message: str, *, patient: bool = False) -> None:
    """Try again, later each time. A network that is not set up yet is waited for; what `patient` names is not."""
    worker.kubelet.events.record(worker.pod, "Warning", reason, message)
    delay = min(_FIRST_RETRY * 2**worker.failures, _LAST_RETRY)
    worker.failures += 1
    worker.kubelet.pool.later(delay, worker, "retry", background=patient or worker.failures > _HOPEFUL)
