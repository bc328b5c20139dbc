"""The pod that a DaemonSet has for a node, and the nodes that it should have one for.

The scheduler places daemons as any other pod: each is tied to its node by a node affinity for the node's name. They
tolerate what the node controller says of a node in trouble, so that they come before the rest and stay to the end.
Pure functions. Upstream: `pkg/controller/daemon/util/daemonset_util.go` and `NodeShouldRunDaemonPod`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.clock import parse_time
from k8snb.controllers.history import REVISION_LABEL
from k8snb.controllers.tolerations import tolerates
from k8snb.machinery.nodeselection import NodeSelection, selection_of
from k8snb.machinery.objects import annotations_of, is_deleting, labels_of
from k8snb.typing import Object

GENERATION = "deprecated.daemonset.template.generation"
GENERATION_LABEL = "pod-template-generation"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
TOLERATIONS = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
"""What daemons tolerate: keys of taints, with any value, and their effects."""
WITHOUT_NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")
"""What they tolerate too if they live in the host's network."""


def tolerations_of(spec: Object) -> list[Object]:
    """The tolerations of a template and those of every daemon; one that says the same takes its place."""
    found: list[Object] = list(spec.get("tolerations") or ())
    for key, effect in (*TOLERATIONS, *((WITHOUT_NETWORK,) if spec.get("hostNetwork") else ())):
        new = {"key": key, "operator": "Exists", "effect": effect}
        bare = [{k: v for k, v in each.items() if k != "tolerationSeconds"} for each in found]
        alike = [at for at, each in enumerate(bare) if each == new]
        if alike:
            found[alike[0]] = new
        else:
            found.append(new)
    return found


def template_for(ds: Object, hash: str) -> Object:
    """The template of all pods of a revision; which node each is for comes on top."""
    template = ds["spec"]["template"]
    meta = template.get("metadata") or {}
    labels = {**(meta.get("labels") or {}), REVISION_LABEL: hash}
    generation = annotations_of(ds).get(GENERATION)
    if generation is not None:
        labels[GENERATION_LABEL] = generation
    spec = {**template["spec"], "tolerations": tolerations_of(template["spec"])}
    return {**template, "metadata": {**meta, "labels": labels}, "spec": spec}


def tied_to(spec: Object, node: str) -> Object:
    """The pod's spec, for the node of that name alone."""
    affinity: Mapping[str, Any] = spec.get("affinity") or {}
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {**(affinity.get("nodeAffinity") or {}), REQUIRED: {"nodeSelectorTerms": [term]}}
    return {**spec, "affinity": {**affinity, "nodeAffinity": required}}


def node_of(pod: Object) -> str:
    """The node that a daemon is for; empty where it says none."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    affinity = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(REQUIRED) or {}
    for term in affinity.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and field.get("operator") == "In" and len(field["values"]) == 1:
                return str(field["values"][0])
    return ""


class Fit(NamedTuple):
    """Whether a node should have a daemon, and whether one that it has may stay."""

    should_run: bool
    may_stay: bool


class Placement:
    """Which nodes a DaemonSet means, worked out from its template once."""

    def __init__(self, ds: Object) -> None:
        template = ds["spec"]["template"]
        self._node = template["spec"].get("nodeName") or ""
        self._selection: NodeSelection = selection_of(template)
        self._tolerations = tolerations_of(template["spec"])

    def fit(self, node: Object) -> Fit:
        """What the DaemonSet wants of a node."""
        name = node["metadata"]["name"]
        if self._node not in ("", name) or not self._selection.matches(name, labels_of(node)):
            return Fit(False, False)
        taints = node["spec"].get("taints") or () if node.get("spec") else ()
        effects = {taint["effect"] for taint in taints if not self._tolerated(taint)}
        return Fit(not effects & {"NoExecute", "NoSchedule"}, "NoExecute" not in effects)

    def _tolerated(self, taint: Object) -> bool:
        return any(tolerates(each, taint) for each in self._tolerations)


def by_node(pods: Iterable[Object], *, ended: bool = False) -> dict[str, list[Object]]:
    """The daemons of each node; those that have ended and are on their way out only if asked for."""
    found: dict[str, list[Object]] = {}
    for pod in pods:
        over = is_deleting(pod) and (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        node = node_of(pod)
        if node and (ended or not over):
            found.setdefault(node, []).append(pod)
    return found


def oldest_first(pods: Sequence[Object]) -> list[Object]:
    """Daemons of one node: those that were placed first, then by age."""

    def order(pod: Object) -> tuple[bool, float, str]:
        meta = pod["metadata"]
        return not pod["spec"].get("nodeName"), parse_time(meta["creationTimestamp"]), meta["name"]

    return sorted(pods, key=order)


def is_updated(ds: Object, pod: Object, hash: str) -> bool:
    """Whether the pod is of the present template."""
    generation = annotations_of(ds).get(GENERATION)
    labels = labels_of(pod)
    if generation is not None and labels.get(GENERATION_LABEL) == generation:
        return True
    return bool(hash) and labels.get(REVISION_LABEL) == hash
