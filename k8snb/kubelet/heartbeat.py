"""Heartbeats: a small Lease object that says every ten seconds that the kubelet is alive.

The node's status, which is larger, is written when there is news, and every five minutes. Upstream:
`component-helpers/apimachinery/lease` and `pkg/kubelet/kubelet_node_status.go`.
"""

from __future__ import annotations

from k8snb.typing import Object

RENEW_SECONDS = 10.0
STATUS_SECONDS = 300.0
LEASE_SECONDS = 40
REGISTER_SECONDS = 7.0
"""After how long a kubelet tries again to register that could not: the longest of its pauses."""


def new_lease(node: Object, namespace: str, now: str, seconds: int) -> Object:
    """The first lease of a node; it goes when the node goes."""
    meta = node["metadata"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": meta["name"], "uid": meta["uid"]}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": meta["name"], "namespace": namespace, "ownerReferences": [owner]},
        "spec": {"holderIdentity": meta["name"], "leaseDurationSeconds": seconds, "renewTime": now},
    }


def renewed(lease: Object, now: str) -> Object:
    """The lease with another time."""
    return {**lease, "spec": {**lease["spec"], "renewTime": now}}
