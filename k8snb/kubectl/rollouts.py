"""How far the rollout of a workload is, in kubectl's words. Pure functions on objects.

Upstream: `kubectl/pkg/polymorphichelpers/rollout_status.go`.
"""

from __future__ import annotations

from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.replicasets import revision_of
from k8snb.machinery.objects import condition
from k8snb.typing import Object, Resource


def status_of(obj: Object, resource: Resource, revision: int = 0) -> tuple[str, bool]:
    """A line about the rollout, and whether it is done. Raises `CommandError` for one that failed."""
    viewer = _VIEWERS.get(resource.kind)
    if viewer is None:
        kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
        raise CommandError(f"no status viewer has been implemented for {kind}")
    if revision and resource.kind == "Deployment" and revision_of(obj) != revision:
        running = revision_of(obj)
        raise CommandError(f"desired revision ({revision}) is different from the running revision ({running})")
    return viewer(obj)


def _observed(obj: Object) -> bool:
    generation = obj["metadata"].get("generation", 0)
    return bool(generation <= (obj.get("status") or {}).get("observedGeneration", 0))


def _deployment(obj: Object) -> tuple[str, bool]:
    name, wanted = obj["metadata"]["name"], obj["spec"].get("replicas", 1)
    if not _observed(obj):
        return "Waiting for deployment spec update to be observed...\n", False
    if (condition(obj, "Progressing") or {}).get("reason") == "ProgressDeadlineExceeded":
        raise CommandError(f'deployment "{name}" exceeded its progress deadline')
    status = obj.get("status") or {}
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    lead = f'Waiting for deployment "{name}" rollout to finish: '
    if updated < wanted:
        return f"{lead}{updated} out of {wanted} new replicas have been updated...\n", False
    if total > updated:
        return f"{lead}{total - updated} old replicas are pending termination...\n", False
    if available < updated:
        return f"{lead}{available} of {updated} updated replicas are available...\n", False
    return f'deployment "{name}" successfully rolled out\n', True


def _daemon_set(obj: Object) -> tuple[str, bool]:
    name, status = obj["metadata"]["name"], obj.get("status") or {}
    if (obj["spec"].get("updateStrategy") or {}).get("type") != "RollingUpdate":
        raise CommandError("rollout status is only available for RollingUpdate strategy type")
    if not _observed(obj):
        return "Waiting for daemon set spec update to be observed...\n", False
    wanted = status.get("desiredNumberScheduled", 0)
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    lead = f'Waiting for daemon set "{name}" rollout to finish: '
    if updated < wanted:
        return f"{lead}{updated} out of {wanted} new pods have been updated...\n", False
    if available < wanted:
        return f"{lead}{available} of {wanted} updated pods are available...\n", False
    return f'daemon set "{name}" successfully rolled out\n', True


def _stateful_set(obj: Object) -> tuple[str, bool]:
    spec, status = obj["spec"], obj.get("status") or {}
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") != "RollingUpdate":
        raise CommandError("rollout status is only available for RollingUpdate strategy type")
    if not status.get("observedGeneration") or not _observed(obj):
        return "Waiting for statefulset spec update to be observed...\n", False
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    if ready < wanted:
        return f"Waiting for {wanted - ready} pods to be ready...\n", False
    updated = status.get("updatedReplicas", 0)
    if "rollingUpdate" in strategy:
        rolled = wanted - strategy["rollingUpdate"].get("partition", 0)
        if updated < rolled:
            lead = "Waiting for partitioned roll out to finish: "
            return f"{lead}{updated} out of {rolled} new pods have been updated...\n", False
        return f"partitioned roll out complete: {updated} new pods have been updated...\n", True
    if status.get("updateRevision") != status.get("currentRevision"):
        revision = status.get("updateRevision", "")
        return f"waiting for statefulset rolling update to complete {updated} pods at revision {revision}...\n", False
    current, revision = status.get("currentReplicas", 0), status.get("currentRevision", "")
    return f"statefulset rolling update complete {current} pods at revision {revision}...\n", True


_VIEWERS = {"Deployment": _deployment, "DaemonSet": _daemon_set, "StatefulSet": _stateful_set}
