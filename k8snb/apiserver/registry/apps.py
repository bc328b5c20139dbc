"""Deployments, ReplicaSets, StatefulSets, DaemonSets and ControllerRevisions.

Upstream: `pkg/apis/apps/v1/defaults.go`, `pkg/apis/apps/validation/validation.go` and
`pkg/registry/apps/*/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from k8snb.apiserver.registry.filling import filled, within_each, within_new
from k8snb.apiserver.registry.pod_defaults import default_template
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.apiserver.registry.volume_defaults import default_claim_spec
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

_DEPLOYMENT = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}
_STATEFUL_SET = {"podManagementPolicy": "OrderedReady", "replicas": 1, "revisionHistoryLimit": 10}
_DAEMON_SET = {"revisionHistoryLimit": 10}
_RETENTION = {"whenDeleted": "Retain", "whenScaled": "Retain"}
_CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}


class WorkloadStrategy(Strategy):
    """What the kinds with a pod template have in common."""

    empty_status: ClassVar[Object] = {}
    """The status of a new object: the counters that are always there."""

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", self.default_workload)

    def default_workload(self, spec: Object) -> Object:
        """The workload's spec with its defaults, those of its template included."""
        return within_new(self.default_own(spec), "template", default_template)

    def default_own(self, spec: Object) -> Object:
        """The spec with the defaults of the kind's own fields."""
        return spec

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": self.empty_status}


class DeploymentStrategy(WorkloadStrategy):
    """The rules of Deployments."""

    def default_own(self, spec: Object) -> Object:
        return within_new(filled(spec, _DEPLOYMENT), "strategy", _rolling({"maxUnavailable": "25%", "maxSurge": "25%"}))


class ReplicaSetStrategy(WorkloadStrategy):
    """The rules of ReplicaSets."""

    empty_status: ClassVar[Object] = {"replicas": 0}

    def default_own(self, spec: Object) -> Object:
        return filled(spec, {"replicas": 1})


class DaemonSetStrategy(WorkloadStrategy):
    """The rules of DaemonSets."""

    empty_status: ClassVar[Object] = {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0}

    def default_own(self, spec: Object) -> Object:
        return within_new(filled(spec, _DAEMON_SET), "updateStrategy", _rolling({"maxUnavailable": 1, "maxSurge": 0}))


class StatefulSetStrategy(WorkloadStrategy):
    """The rules of StatefulSets."""

    empty_status: ClassVar[Object] = {"replicas": 0, "availableReplicas": 0}

    def default_own(self, spec: Object) -> Object:
        spec = within_new(filled(spec, _STATEFUL_SET), "updateStrategy", _rolling_partition)
        spec = within_new(spec, "persistentVolumeClaimRetentionPolicy", lambda policy: filled(policy, _RETENTION))
        return within_each(spec, "volumeClaimTemplates", _default_claim)


class ControllerRevisionStrategy(Strategy):
    """The rules of ControllerRevisions: numbered, immutable data."""

    counts_generation = False


def _rolling(parameters: Object) -> Callable[[Object], Object]:
    """Fills a strategy of type RollingUpdate, the default, with its parameters."""

    def fill(strategy: Object) -> Object:
        strategy = filled(strategy, {"type": "RollingUpdate"})
        if strategy["type"] != "RollingUpdate":
            return strategy
        return within_new(strategy, "rollingUpdate", lambda update: filled(update, parameters))

    return fill


def _rolling_partition(strategy: Object) -> Object:
    if not strategy.get("type"):
        strategy = {"rollingUpdate": {}, **strategy, "type": "RollingUpdate"}
    if strategy["type"] != "RollingUpdate" or strategy.get("rollingUpdate") is None:
        return strategy
    return within_new(strategy, "rollingUpdate", lambda update: filled(update, {"partition": 0}))


def _default_claim(claim: Object) -> Object:
    claim = filled(claim, _CLAIM)
    claim = within_new(claim, "spec", default_claim_spec)
    return within_new(claim, "status", lambda status: filled(status, {"phase": "Pending"}))


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "deployments.apps": lambda _: DeploymentStrategy(),
    "replicasets.apps": lambda _: ReplicaSetStrategy(),
    "statefulsets.apps": lambda _: StatefulSetStrategy(),
    "daemonsets.apps": lambda _: DaemonSetStrategy(),
    "controllerrevisions.apps": lambda _: ControllerRevisionStrategy(),
}
