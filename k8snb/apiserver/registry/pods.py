"""Pods: what happens to one when it is written.

Pods of one ReplicaSet share their `spec` by identity, so everything that depends on the spec alone is a
function of the spec (`default_spec`, `validate_spec`, `qos_class`) whose answer a caller may remember;
the strategy below only puts them together. Upstream: `pkg/registry/core/pod/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.apiserver.registry.filling import within_new
from k8snb.apiserver.registry.pod_defaults import default_spec
from k8snb.apiserver.registry.qos import qos_class
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

GATED = "Scheduling is blocked due to non-empty scheduling gates"

_FINISHED = ("Failed", "Succeeded")


def _spec_field(name: str) -> Field:
    return lambda pod: pod["spec"].get(name) or ""


def _status_field(name: str) -> Field:
    return lambda pod: (pod.get("status") or {}).get(name) or ""


def _host_network(pod: Object) -> str:
    return "true" if pod["spec"].get("hostNetwork") else "false"


class PodStrategy(Strategy):
    """The rules of pods."""

    default_grace_seconds = 30

    fields: Mapping[str, Field] = {
        "spec.nodeName": _spec_field("nodeName"),
        "spec.restartPolicy": _spec_field("restartPolicy"),
        "spec.schedulerName": _spec_field("schedulerName"),
        "spec.serviceAccountName": _spec_field("serviceAccountName"),
        "spec.hostNetwork": _host_network,
        "status.phase": _status_field("phase"),
        "status.podIP": _status_field("podIP"),
        "status.nominatedNodeName": _status_field("nominatedNodeName"),
    }

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", default_spec)

    def prepare_create(self, obj: Object) -> Object:
        spec = obj["spec"]
        status: dict[str, object] = {"phase": "Pending", "qosClass": qos_class(spec)}
        if spec.get("schedulingGates"):
            status["conditions"] = [_gated()]
        return {**obj, "status": status}

    def grace_seconds(self, obj: Object, asked: int | None = None) -> int:
        """How long the pod has to stop: what the deletion asks for, or else what the pod says.

        Zero for a pod that no node runs (not scheduled, or finished already): it is gone at once.
        """
        if not obj["spec"].get("nodeName") or (obj.get("status") or {}).get("phase") in _FINISHED:
            return 0
        seconds = obj["spec"].get("terminationGracePeriodSeconds", 0) if asked is None else asked
        return 1 if seconds < 0 else int(seconds)


def _gated() -> Object:
    return {
        "type": "PodScheduled",
        "status": "False",
        "lastProbeTime": None,
        "lastTransitionTime": None,
        "reason": "SchedulingGated",
        "message": GATED,
    }


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {"pods": lambda _: PodStrategy()}
