"""What the scheduler needs to know of a pod, worked out once.

Pods of one template share their `spec`, so everything that follows from the spec alone is a `PodClass`, kept per
spec. They share their labels and owner too: that makes them `Kin`. A `PodInfo` is one pod: its kin and the pod object
itself. Upstream: `framework.PodInfo` and the pod signatures of KEP-5598.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from k8snb.machinery.devices.extended import may_be_devices
from k8snb.machinery.migration import FIELDS
from k8snb.machinery.nodeselection import NodeSelection, PreferredNodes
from k8snb.machinery.objects import controller_of, is_deleting
from k8snb.machinery.resizing import charged_spec
from k8snb.scheduler.affinity import AffinityTerm, WeightedTerm, terms, weighted_terms
from k8snb.scheduler.requests import Resources, pod_requests, scored_requests
from k8snb.typing import Object

_KEPT = 4_096
"""How many specs, classes and kinds are remembered before they are found out anew."""
_NOTHING: Object = {}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_LOCAL_KINDS: dict[tuple[Any, ...], int] = {}
_numbers = count()
DISKS = frozenset({"gcePersistentDisk", "awsElasticBlockStore", "rbd", "iscsi"})
"""Sorts of volumes that name a disk which pods may have to share."""

_PARTS = (
    "containers",
    "initContainers",
    "overhead",
    "resources",
    "tolerations",
    "nodeSelector",
    "affinity",
    "topologySpreadConstraints",
    "volumes",
    "resourceClaims",
    "hostNetwork",
    "hostUsers",
)


class PodClass:
    """Everything about scheduling that follows from a pod's spec."""

    __slots__ = (
        "affinity",
        "anti_affinity",
        "claims_devices",
        "constraints",
        "extended",
        "features",
        "has_claims",
        "has_disks",
        "has_limited_volumes",
        "has_pod_terms",
        "host_ports",
        "image_count",
        "images",
        "local_kind",
        "node_selection",
        "plain",
        "preemption_policy",
        "preferred_affinity",
        "preferred_anti_affinity",
        "preferred_nodes",
        "priority",
        "request",
        "scheduler_name",
        "scored_cpu",
        "scored_memory",
        "spec",
        "tolerations",
    )

    def __init__(self, spec: Object) -> None:
        self.spec = spec
        self.priority: int = spec.get("priority") or 0
        self.scheduler_name: str = spec.get("schedulerName") or "default-scheduler"
        self.preemption_policy: str = spec.get("preemptionPolicy") or "PreemptLowerPriority"
        self.request: Resources = pod_requests(spec)
        self.scored_cpu, self.scored_memory = scored_requests(spec)
        self.tolerations: tuple[Object, ...] = tuple(spec.get("tolerations") or ())
        self.constraints: tuple[Object, ...] = tuple(spec.get("topologySpreadConstraints") or ())
        self.host_ports = _host_ports(spec)
        self.images = _images(spec)
        self.image_count = len(spec.get("initContainers") or ()) + len(spec.get("containers") or ())
        self._read_affinity(spec.get("affinity") or _NOTHING)
        self.has_claims = any(
            "persistentVolumeClaim" in each or "ephemeral" in each for each in spec.get("volumes") or ()
        )
        self.has_disks = any(DISKS & each.keys() for each in spec.get("volumes") or ())
        """Whether it names disks that not every two pods can use at once."""
        self.has_limited_volumes = self.has_claims or any(FIELDS & each.keys() for each in spec.get("volumes") or ())
        """Whether it has volumes of which a node can take only so many."""
        self.claims_devices = bool(spec.get("resourceClaims"))
        self.extended = tuple(sorted(name for name in self.request.scalars if may_be_devices(name)))
        """The resources that it asks for and that may be devices."""
        self.features = tuple(_features(spec))
        """Those that it uses and that not every kubelet knows."""
        volumes = self.has_limited_volumes or self.has_disks
        self.plain = not (volumes or self.has_pod_terms or self.constraints or self.host_ports or self.preferred_nodes)
        self.plain = self.plain and self.node_selection.names is None and not (self.features or self.claims_devices)
        self.plain = self.plain and not self.extended
        self.local_kind = _local_kind(self._local_key())
        """A number: the same for classes of which the local plugins say the same of every node."""

    def _read_affinity(self, affinity: Object) -> None:
        node = affinity.get("nodeAffinity") or _NOTHING
        pod = affinity.get("podAffinity") or _NOTHING
        anti = affinity.get("podAntiAffinity") or _NOTHING
        self.node_selection = NodeSelection(self.spec.get("nodeSelector") or _NOTHING, node.get(_REQUIRED))
        self.preferred_nodes = PreferredNodes(node.get(_PREFERRED) or ())
        self.affinity: tuple[AffinityTerm, ...] = terms(pod.get(_REQUIRED))
        self.anti_affinity: tuple[AffinityTerm, ...] = terms(anti.get(_REQUIRED))
        self.preferred_affinity: tuple[WeightedTerm, ...] = weighted_terms(pod.get(_PREFERRED))
        self.preferred_anti_affinity: tuple[WeightedTerm, ...] = weighted_terms(anti.get(_PREFERRED))
        self.has_pod_terms = bool(
            self.affinity or self.anti_affinity or self.preferred_affinity or self.preferred_anti_affinity
        )

    def terms(self) -> tuple[AffinityTerm, ...]:
        """All pod affinity terms, of whatever kind."""
        preferred = (each.term for each in (*self.preferred_affinity, *self.preferred_anti_affinity))
        return (*self.affinity, *self.anti_affinity, *preferred)

    def _local_key(self) -> tuple[Any, ...]:
        """What the plugins that look at nothing but spec and node go by: equal keys, equal verdicts and scores."""
        return (
            self.request.key(),
            self.scored_cpu,
            self.scored_memory,
            tuple(_frozen(toleration) for toleration in self.tolerations),
            self.node_selection.key(),
        )


def _local_kind(key: tuple[Any, ...]) -> int:
    """A number for a key; numbers are never used twice."""
    if len(_LOCAL_KINDS) >= _KEPT:
        _LOCAL_KINDS.clear()
    found = _LOCAL_KINDS.get(key)
    if found is None:
        found = _LOCAL_KINDS[key] = next(_numbers)
    return found


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((k, _frozen(v)) for k, v in value.items()))
    return tuple(_frozen(v) for v in value) if isinstance(value, (list, tuple)) else value


def _containers(spec: Object) -> tuple[Object, ...]:
    return (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))


def _host_ports(spec: Object) -> tuple[tuple[str, str, int], ...]:
    """(address, protocol, port) of every port that the pod takes from its node, sidecars included."""
    sidecars = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    found: dict[tuple[str, str, int], None] = {}
    for container in (*sidecars, *(spec.get("containers") or ())):
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                found[port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", port["hostPort"]] = None
    return tuple(found)


def _features(spec: Object) -> Iterator[str]:
    rules = (rule for container in _containers(spec) for rule in container.get("restartPolicyRules") or ())
    if any(rule.get("action") == "RestartAllContainers" for rule in rules):
        yield "RestartAllContainersOnContainerExits"
    if spec.get("hostNetwork") and spec.get("hostUsers") is False:
        yield "UserNamespacesHostNetworkSupport"


def _images(spec: Object) -> tuple[str, ...]:
    """The image of every container, under the name that a node's status uses."""
    return tuple(normal_image(container.get("image") or "") for container in _containers(spec))


def normal_image(name: str) -> str:
    """`nginx` as `nginx:latest`: without a tag or digest the tag is `latest`."""
    return name if name.rfind(":") > name.rfind("/") else name + ":latest"


class PodClasses:
    """Finds the class of a spec: by identity if it was seen, else by the identity of its parts, else anew."""

    def __init__(self) -> None:
        self._by_spec: dict[int, tuple[Object, PodClass]] = {}
        self._by_parts: dict[tuple[Any, ...], PodClass] = {}

    def of(self, spec: Object) -> PodClass:
        """The class of a pod's spec."""
        known = self._by_spec.get(id(spec))
        if known is not None and known[0] is spec:
            return known[1]
        found = self._of_parts(spec)
        if not spec.get("nodeName"):
            if len(self._by_spec) >= _KEPT:
                self._by_spec.clear()
            self._by_spec[id(spec)] = (spec, found)
        return found

    def _of_parts(self, spec: Object) -> PodClass:
        get = spec.get
        key = (
            *[id(get(part)) for part in _PARTS],
            get("priority"),
            get("schedulerName"),
            get("preemptionPolicy"),
        )
        found = self._by_parts.get(key)
        if found is None:
            if len(self._by_parts) >= _KEPT:
                self._by_parts.clear()
            found = self._by_parts[key] = PodClass(spec)
        return found


CLASSES = PodClasses()
"""The classes of this process. They are pure functions of specs, so sharing them changes nothing."""


class Kin:
    """The pods of one template, which scheduling cannot tell apart."""

    __slots__ = ("labels", "namespace", "owner", "pod_class")

    def __init__(self, pod: Object, pod_class: PodClass) -> None:
        meta = pod["metadata"]
        self.pod_class = pod_class
        self.namespace: str = meta.get("namespace") or ""
        self.labels: Any = meta.get("labels") or _NOTHING
        self.owner = controller_of(pod)
        """The owner reference of their controller."""


_KIN: dict[tuple[Any, ...], tuple[Kin, Any, Any]] = {}


def kin_of(pod: Object) -> Kin:
    """The kin of a pod. They are found by the identity of what they share, which is kept so that it stays unique."""
    meta = pod["metadata"]
    pod_class, labels, owners = CLASSES.of(pod["spec"]), meta.get("labels"), meta.get("ownerReferences")
    key = (pod_class, id(labels), id(owners), meta.get("namespace"))
    found = _KIN.get(key)
    if found is None:
        if len(_KIN) >= _KEPT:
            _KIN.clear()
        found = _KIN[key] = (Kin(pod, pod_class), labels, owners)
    return found[0]


class PodInfo:
    """One pod. `pod` is its newest form; `spread` whether it counts where pods are spread (terminating ones do not).

    `assumed` is set from the decision until the API has confirmed it. While a placed pod is resized, it counts with the
    most that it asks for or holds (`resizing`).
    """

    __slots__ = ("assumed", "kin", "node_name", "pod", "pod_class", "resizing", "spread", "uid")

    def __init__(self, pod: Object) -> None:
        meta = pod["metadata"]
        self.pod = pod
        self.uid: str = meta.get("uid") or ""
        self.resizing = False
        self.kin = kin_of(pod)
        if "containerStatuses" in (pod.get("status") or _NOTHING):
            self._charge(charged_spec(pod))
        self.pod_class = self.kin.pod_class
        self.node_name: str = pod["spec"].get("nodeName") or ""
        self.spread = not is_deleting(pod)
        self.assumed = False

    def _charge(self, spec: Object) -> None:
        if spec is not self.pod["spec"]:
            self.resizing = True
            self.kin = kin_of({**self.pod, "spec": spec})

    @property
    def namespace(self) -> str:
        return self.kin.namespace

    @property
    def labels(self) -> Any:
        return self.kin.labels

    def __repr__(self) -> str:
        return f"<{self.namespace}/{self.pod['metadata']['name']} on {self.node_name or 'no node'}>"
