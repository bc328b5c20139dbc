"""`--wait`: when an object counts as ready, and waiting for that while the cluster's time passes.

Upstream: `pkg/kube/ready.go`, `wait.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.errors import StatusError
from k8snb.helm.cluster.objects import Objects, for_each
from k8snb.helm.errors import HelmError
from k8snb.kubectl.session import Session
from k8snb.kubectl.targets import Target
from k8snb.typing import Object

TIMED_OUT = "context deadline exceeded"
PERIOD = 2.0
"""How many seconds pass between two looks."""


class Waiting:
    """Waits through one session."""

    def __init__(self, session: Session, objects: Objects) -> None:
        self._session = session
        self._objects = objects

    def _poll(self, done: Callable[[], bool], seconds: float, complaint: str = TIMED_OUT) -> None:
        """Look every two seconds, as helm does, until it is done. Raises HelmError when the time is up."""
        clock = self._session.clock
        deadline = clock.now() + min(seconds, self._session.patience)
        while not done():
            before = clock.now()
            self._session.wait(lambda: False, min(PERIOD, deadline - before))
            if clock.now() >= deadline or clock.now() == before:
                if done():
                    return
                raise HelmError(complaint)

    def until_ready(self, targets: Sequence[Target], seconds: float, *, jobs: bool = False) -> None:
        """Until all are ready. Raises HelmError when the time is up, or when one can never be."""
        self._poll(lambda: all(self._ready(target, jobs) for target in targets), seconds)

    def until_gone(self, targets: Sequence[Target], seconds: float) -> None:
        """Until none is there any more."""
        self._poll(lambda: all(self._objects.get(each) is None for each in targets), seconds)

    def until_over(self, targets: Sequence[Target], seconds: float) -> None:
        """Until the jobs and pods of a hook have done what they are for. Raises HelmError if they fail."""

        def wait(target: Target) -> None:
            over = _OVER.get(target.resource.kind)
            if over is not None:
                complaint = "timed out waiting for the condition"
                self._poll(lambda: over(self._objects.get(target) or {}), seconds, complaint)

        for_each(targets, wait)

    def _ready(self, target: Target, jobs: bool) -> bool:
        kind = target.resource.kind
        check = _job_ready if kind == "Job" and jobs else _READY.get(kind)
        if check is None:
            return True
        try:
            obj = self._session.get(target)
        except StatusError:
            return False
        if kind == "Deployment":
            return _deployment_ready(obj, self._replica_sets(obj))
        return check(obj)

    def _replica_sets(self, deployment: Object) -> list[Object]:
        resource = self._session.scheme.find("replicasets")
        assert resource is not None
        found = self._session.items(resource, deployment["metadata"]["namespace"])
        uid = deployment["metadata"]["uid"]
        return [each for each in found if any(o["uid"] == uid for o in each["metadata"].get("ownerReferences") or ())]


def _status(obj: Object) -> Mapping[str, Any]:
    return obj.get("status") or {}


def _has(obj: Object, condition: str, value: str = "True") -> bool:
    conditions = _status(obj).get("conditions") or ()
    return any(each["type"] == condition and each["status"] == value for each in conditions)


def _observed(obj: Object) -> bool:
    return bool(_status(obj).get("observedGeneration", 0) == obj["metadata"].get("generation", 0))


def _share(amount: Any, whole: int, *, up: bool) -> int:
    """A number, or a percentage of a whole."""
    if isinstance(amount, str) and amount.endswith("%"):
        part = int(amount[:-1]) * whole
        return -(-part // 100) if up else part // 100
    return int(amount or 0)


def _deployment_ready(obj: Object, replica_sets: Sequence[Object]) -> bool:
    spec = obj["spec"]
    if spec.get("paused"):
        return False
    revision = (obj["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision")
    same = (each for each in replica_sets if _revision(each) == revision)
    newest = next(same, None) if _observed(obj) and revision else None
    if newest is None or not _observed(newest):
        return False
    replicas = spec.get("replicas", 1)
    return bool(_status(newest).get("readyReplicas", 0) >= replicas - _unavailable(spec, replicas))


def _revision(obj: Object) -> str | None:
    revision: str | None = (obj["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision")
    return revision


def _unavailable(spec: Mapping[str, Any], replicas: int) -> int:
    strategy = spec.get("strategy") or {}
    if strategy.get("type") != "RollingUpdate" or replicas == 0:
        return 0
    rolling = strategy.get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", "25%"), replicas, up=True)
    missing = _share(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    return min(missing if surge or missing else 1, replicas)


def _daemon_set_ready(obj: Object) -> bool:
    strategy, status = obj["spec"].get("updateStrategy") or {}, _status(obj)
    if not _observed(obj):
        return False
    if strategy.get("type") != "RollingUpdate":
        return True
    desired = status.get("desiredNumberScheduled", 0)
    if status.get("updatedNumberScheduled", 0) != desired:
        return False
    missing = _share((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), desired, up=True)
    return bool(status.get("numberReady", 0) >= desired - missing)


def _stateful_set_ready(obj: Object) -> bool:
    spec, status = obj["spec"], _status(obj)
    strategy = spec.get("updateStrategy") or {}
    if not _observed(obj):
        return False
    if strategy.get("type") != "RollingUpdate":
        return True
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    replicas = spec.get("replicas", 1)
    if status.get("updatedReplicas", 0) < replicas - partition or status.get("readyReplicas", 0) != replicas:
        return False
    return bool(partition or status.get("currentRevision") == status.get("updateRevision"))


def _replicas_ready(obj: Object) -> bool:
    wanted = obj["spec"].get("replicas", 1)
    return _observed(obj) and bool(_status(obj).get("readyReplicas", 0) >= wanted)


def _service_ready(obj: Object) -> bool:
    spec = obj["spec"]
    if spec.get("type") == "ExternalName":
        return True
    if not spec.get("clusterIP"):
        return False
    balanced = spec.get("externalIPs") or (_status(obj).get("loadBalancer") or {}).get("ingress")
    return spec.get("type") != "LoadBalancer" or bool(balanced)


def _job_ready(obj: Object) -> bool:
    spec, status, meta = obj["spec"], _status(obj), obj["metadata"]
    if status.get("failed", 0) > spec.get("backoffLimit", 6):
        raise HelmError(f"job is failed: {meta.get('namespace', '')}/{meta['name']}")
    return "completions" not in spec or bool(status.get("succeeded", 0) >= spec["completions"])


def _custom_kind_ready(obj: Object) -> bool:
    return _has(obj, "Established") or _has(obj, "NamesAccepted", "False")


def _always(_obj: Object) -> bool:
    return True


_READY: Mapping[str, Callable[[Object], bool]] = {
    "CustomResourceDefinition": _custom_kind_ready,
    "DaemonSet": _daemon_set_ready,
    "Deployment": _always,
    "PersistentVolumeClaim": lambda obj: _status(obj).get("phase") == "Bound",
    "Pod": lambda obj: _has(obj, "Ready"),
    "ReplicaSet": _replicas_ready,
    "ReplicationController": _replicas_ready,
    "Service": _service_ready,
    "StatefulSet": _stateful_set_ready,
}
"""By kind; others are ready once they are there. A Deployment's ReplicaSet is looked at too."""


def _job_over(obj: Object) -> bool:
    for condition in _status(obj).get("conditions") or ():
        if condition["type"] == "Failed" and condition["status"] == "True":
            raise HelmError(f"job {obj['metadata']['name']} failed: {condition.get('reason', '')}")
    return _has(obj, "Complete")


def _pod_over(obj: Object) -> bool:
    if _status(obj).get("phase") == "Failed":
        raise HelmError(f"pod {obj['metadata']['name']} failed")
    return _status(obj).get("phase") == "Succeeded"


_OVER: Mapping[str, Callable[[Object], bool]] = {"Job": _job_over, "Pod": _pod_over}
