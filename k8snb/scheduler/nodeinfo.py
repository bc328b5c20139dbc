"""What the scheduler knows of a node: its object, parsed, and the pods that run or will run there.

Sums are kept up to date pod by pod, so nothing is added up when a pod is looked at. `generation` rises whenever
something that a plugin may read has changed; whoever keeps results per node compares it. Upstream:
`framework.NodeInfo`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from k8snb.scheduler.podinfo import PodInfo, normal_image
from k8snb.scheduler.requests import Resources, allocatable
from k8snb.typing import Object

ZONE = "topology.kubernetes.io/zone"
HOSTNAME = "kubernetes.io/hostname"
UNSCHEDULABLE_TAINT: Object = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_NONE: Mapping[str, int] = {}
_ANY_ADDRESS = "0.0.0.0"


class NodeInfo:
    """One node. `node` is None while only its pods are known."""

    __slots__ = (
        "affine",
        "allocatable",
        "described",
        "generation",
        "images",
        "labels",
        "name",
        "node",
        "pods",
        "ports",
        "requested",
        "scored_cpu",
        "scored_memory",
        "soft_taints",
        "taints",
        "unschedulable",
        "zone",
    )

    def __init__(self, name: str, node: Object | None = None) -> None:
        self.name = name
        self.generation = 0
        self.described = 0
        """The generation in which the node object changed last; since then only pods came and went."""
        self.pods: dict[str, PodInfo] = {}
        """By uid, in order of arrival."""
        self.affine: dict[str, PodInfo] = {}
        """Those of the pods that have pod affinity or anti-affinity terms."""
        self.requested = Resources()
        self.scored_cpu = 0
        self.scored_memory = 0
        self.ports: dict[tuple[str, str, int], int] = {}
        """(address, protocol, port) → how many pods hold it."""
        self.set_node(node)

    def __repr__(self) -> str:
        return f"<node {self.name} with {len(self.pods)} pods>"

    def set_node(self, node: Object | None) -> None:
        """Take in the node object."""
        self.node = node
        spec: Object = (node or {}).get("spec") or {}
        self.labels: Mapping[str, str] = (node["metadata"].get("labels") or {}) if node else {}
        self.zone = self.labels.get(ZONE)
        taints = tuple(spec.get("taints") or ())
        self.taints = tuple(taint for taint in taints if taint.get("effect") in ("NoSchedule", "NoExecute"))
        """Those that keep pods away."""
        self.soft_taints = tuple(taint for taint in taints if taint.get("effect") == "PreferNoSchedule")
        self.unschedulable = bool(spec.get("unschedulable"))
        self.allocatable = allocatable(node or {})
        self.images = image_sizes(node) if node else _NONE

    def add(self, info: PodInfo) -> None:
        """Count a pod in."""
        pod_class = info.pod_class
        self.pods[info.uid] = info
        self.requested.add(pod_class.request)
        self.scored_cpu += pod_class.scored_cpu
        self.scored_memory += pod_class.scored_memory
        if pod_class.has_pod_terms:
            self.affine[info.uid] = info
        for port in pod_class.host_ports:
            self.ports[port] = self.ports.get(port, 0) + 1

    def remove(self, uid: str) -> PodInfo:
        """Count a pod out."""
        info = self.pods.pop(uid)
        pod_class = info.pod_class
        self.requested.subtract(pod_class.request)
        self.scored_cpu -= pod_class.scored_cpu
        self.scored_memory -= pod_class.scored_memory
        if pod_class.has_pod_terms:
            del self.affine[uid]
        for port in pod_class.host_ports:
            self.ports[port] -= 1
            if not self.ports[port]:
                del self.ports[port]
        return info

    def port_conflict(self, wanted: tuple[str, str, int]) -> bool:
        """Whether a port is taken; one on every address conflicts with one on any."""
        address, protocol, number = wanted
        if address != _ANY_ADDRESS:
            return wanted in self.ports or (_ANY_ADDRESS, protocol, number) in self.ports
        return any(held[1] == protocol and held[2] == number for held in self.ports)

    def clone(self) -> NodeInfo:
        """A copy on which pods can be added and removed to see what would be."""
        other = NodeInfo.__new__(NodeInfo)
        for name in NodeInfo.__slots__:
            setattr(other, name, getattr(self, name))
        other.pods, other.affine, other.ports = dict(self.pods), dict(self.affine), dict(self.ports)
        other.requested = self.requested.copy()
        return other

    def spread_pods(self, namespace: str) -> Iterator[PodInfo]:
        """The pods of a namespace that count where pods are spread."""
        return (info for info in self.pods.values() if info.spread and info.namespace == namespace)


def image_sizes(node: Object) -> Mapping[str, int]:
    """Every name of every image on a node, with its size in bytes."""
    images = (node.get("status") or {}).get("images") or ()
    return {normal_image(name): image.get("sizeBytes", 0) for image in images for name in image.get("names") or ()}


def tolerates(tolerations: tuple[Object, ...], taint: Object) -> bool:
    """Whether one of the tolerations covers the taint."""
    return any(_covers(toleration, taint) for toleration in tolerations)


def _covers(toleration: Object, taint: Object) -> bool:
    effect, key = toleration.get("effect"), toleration.get("key")
    if (effect and effect != taint.get("effect")) or (key and key != taint.get("key")):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")


def untolerated(tolerations: tuple[Object, ...], taints: tuple[Object, ...]) -> Object | None:
    """The first of the taints that no toleration covers."""
    return next((taint for taint in taints if not tolerates(tolerations, taint)), None)
