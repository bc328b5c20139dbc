"""APIServices: every group version of the API as an object, and who serves it.

Here everything is served locally. Upstream: `kube-aggregator` and `pkg/controlplane/apiserver/aggregator.go`.
"""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.typing import Object

BUCKET = "apiservices.apiregistration.k8s.io"
_PRIORITIES: Mapping[str, int] = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
    "resource.k8s.io": 15900,
}
_VERSIONS: Mapping[tuple[str, str], int] = {
    ("", "v1"): 1,
    ("autoscaling", "v2"): 30,
    ("flowcontrol.apiserver.k8s.io", "v1"): 21,
}
CUSTOM_GROUP, CUSTOM_VERSION = 1000, 100


def api_service(group: str, version: str, timestamp: str, *, custom: bool = False) -> Object:
    """The APIService of a group version that this server serves itself."""
    spec = {
        **({"group": group} if group else {}),
        "version": version,
        "groupPriorityMinimum": CUSTOM_GROUP if custom else _PRIORITIES.get(group, CUSTOM_GROUP),
        "versionPriority": CUSTOM_VERSION if custom else _VERSIONS.get((group, version), 15),
    }
    available = {
        "type": "Available",
        "status": "True",
        "lastTransitionTime": timestamp,
        "reason": "Local",
        "message": "Local APIServices are always available",
    }
    label = {"kube-aggregator.kubernetes.io/automanaged": "true" if custom else "onstart"}
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{version}.{group}", "labels": label},
        "spec": spec,
        "status": {"conditions": [available]},
    }
