"""The Node object by which a kubelet tells what machine it runs on and how that machine is.

Upstream: `pkg/kubelet/kubelet_node_status.go` and `pkg/kubelet/nodestatus`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from k8snb.kubelet.runtime import RUNTIME_NAME, RUNTIME_VERSION
from k8snb.machinery.resourcenames import is_native
from k8snb.typing import Object

VERSION = "v1.36.2"
PORT = 10250
DEFAULT_CAPACITY: Mapping[str, str] = {"cpu": "8", "ephemeral-storage": "100Gi", "memory": "32Gi", "pods": "110"}

DECLARED = ("GuaranteedQoSPodCPUResize", "InPlacePodLevelResourcesVerticalScaling")
"""The new features that these kubelets know, of those by which nodes may differ."""

_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)
_TROUBLES = {
    "MemoryPressure": ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
    "DiskPressure": ("KubeletHasDiskPressure", "kubelet has disk pressure"),
}
_READY = ("Ready", "True", "KubeletReady", "kubelet is posting ready status")
NETWORK_PROBLEM = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: {}"
)
EVENTS = (
    ("NodeHasSufficientMemory", "Node {} status is now: NodeHasSufficientMemory"),
    ("NodeHasNoDiskPressure", "Node {} status is now: NodeHasNoDiskPressure"),
    ("NodeHasSufficientPID", "Node {} status is now: NodeHasSufficientPID"),
    ("NodeAllocatableEnforced", "Updated Node Allocatable limit across pods"),
)
"""What a kubelet says about its node when it has registered it."""


def reference(node: Object) -> Object:
    """A node as kubelets refer to it in events: by its name in place of a UID."""
    name = node["metadata"]["name"]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name}}


def new_node(
    name: str, address: str, capacity: Mapping[str, str], labels: Mapping[str, str], taints: Sequence[Object], now: str
) -> Object:
    """The Node to register."""
    spec: dict[str, Any] = {"taints": list(taints)} if taints else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                **labels,
            },
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": spec,
        "status": status(name, address, capacity, (), (), now),
    }


def extended(node: Object) -> Mapping[str, str]:
    """What somebody else says that the machine has (`example.com/dongle`): a kubelet lets that stand."""
    known = (node.get("status") or {}).get("capacity") or {}
    return {name: amount for name, amount in known.items() if not is_native(name)}


def status(
    name: str,
    address: str,
    capacity: Mapping[str, str],
    images: Sequence[Object],
    before: Sequence[Object],
    now: str,
    boots: int = 0,
    problem: str = "",
    pressures: Collection[str] = (),
) -> Object:
    """A node's status; `before` are the conditions it had, `boots` is how often the machine has come up again.

    `problem` is why it is not ready, `pressures` are the conditions of what it is short of.
    """
    found: dict[str, Any] = {
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
        "allocatable": capacity,
        "capacity": capacity,
        "conditions": conditions(before, now, problem, pressures),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": PORT}},
        "declaredFeatures": list(DECLARED),
        "nodeInfo": _info(name, boots),
    }
    return {**found, "images": list(images)} if images else found


def conditions(before: Sequence[Object], now: str, problem: str = "", pressures: Collection[str] = ()) -> list[Object]:
    """The conditions of a node that is well but for `problem` and `pressures`, Ready last.

    Times move only where a status changes.
    """
    known = {found["type"]: found for found in before}
    wanted = [
        (type, "True", *_TROUBLES[type]) if type in pressures else (type, "False", reason, message)
        for type, reason, message in _PRESSURES
    ]
    wanted.append(("Ready", "False", "KubeletNotReady", problem) if problem else _READY)
    made: list[Object] = []
    for type, value, reason, message in wanted:
        old = known.get(type)
        since = old["lastTransitionTime"] if old is not None and old["status"] == value else now
        times = {"lastHeartbeatTime": now, "lastTransitionTime": since}
        made.append({"type": type, "status": value, **times, "reason": reason, "message": message})
    others = [found for found in before if found["type"] not in {type for type, *_ in wanted}]
    return [*others, *made]


def boot_id(name: str, boots: int) -> str:
    """What tells one run of a machine from another."""
    digest = hashlib.sha256(f"{name} {boots}".encode() if boots else name.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _info(name: str, boots: int) -> Object:
    return {
        "architecture": "amd64",
        "bootID": boot_id(name, boots),
        "containerRuntimeVersion": f"{RUNTIME_NAME}://{RUNTIME_VERSION}",
        "kernelVersion": "6.12.0",
        "kubeProxyVersion": "",
        "kubeletVersion": VERSION,
        "machineID": hashlib.sha256(name.encode()).hexdigest()[:32],
        "operatingSystem": "linux",
        "osImage": "Debian GNU/Linux 13 (trixie)",
        "systemUUID": boot_id(name, 0),
    }
