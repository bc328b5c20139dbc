"""NodeRestriction: a kubelet changes its own node, its own lease and the pods on it, and gets tokens for those pods.

The essence of upstream's `plugin/pkg/admission/noderestriction`: what is left out are claims' status and CSINodes.
Updates of a status do not pass through admission here; `check_status` looks at those that come from outside, the
kubelets of this process are known to write their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from k8snb.apiserver.access.node import USES, node_of
from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, refused
from k8snb.errors import forbidden, quoted
from k8snb.typing import Object
from k8snb.wire import RequestInfo, User

MIRROR = "kubernetes.io/config.mirror"
_RESTRICTED = "node-restriction.kubernetes.io"
_KUBELET_DOMAINS = ("kubernetes.io", "k8s.io")
_KUBELET_PREFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")
_KUBELET_LABELS = frozenset(
    {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "node.kubernetes.io/instance-type",
        "beta.kubernetes.io/instance-type",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
    }
)
_NONE: Mapping[str, Any] = {}


class NodeRestriction(Plugin):
    """Refuses to kubelets what concerns other nodes."""

    name = "NodeRestriction"
    resources = ("pods", "pods/eviction", "nodes", "serviceaccounts/token", "leases.coordination.k8s.io")
    operations = ("CREATE", "UPDATE", "DELETE")

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        node = node_of(attributes.user)
        if node is None:
            return
        why = _RULES[attributes.resource.plural, attributes.subresource](node, attributes, reader)
        if why:
            raise refused(attributes, why)


def check_status(user: User, info: RequestInfo, old: Callable[[str, str], Object | None]) -> None:
    """Raise Forbidden where a kubelet writes the status of what is not its own."""
    node, resource = node_of(user), info.resource
    if node is None or resource is None or info.subresource != "status" or info.verb not in ("update", "patch"):
        return
    if resource.kind == "Node" and not resource.group and info.name != node:
        raise forbidden(resource, info.name, _other_node(node, info.name))
    if resource.kind == "Pod":
        pod = old(info.namespace, info.name)
        if pod is not None and pod["spec"].get("nodeName") != node:
            raise forbidden(resource, info.name, _only_own(node, "update pod status for pods"))


def _other_node(node: str, name: str) -> str:
    return f"node {quoted(node)} is not allowed to modify node {quoted(name)}"


def _only_own(node: str, what: str) -> str:
    return f"node {quoted(node)} can only {what} with spec.nodeName set to itself"


def _node(node: str, attributes: Attributes, reader: Reader) -> str:
    if attributes.name != node:
        return _other_node(node, attributes.name)
    new, old = attributes.object, attributes.old
    if new is None:
        return f"node {quoted(node)} is not allowed to delete node {quoted(node)}"
    labels = (new["metadata"].get("labels") or _NONE).items()
    before = (old["metadata"].get("labels") or _NONE) if old is not None else _NONE
    after = new["metadata"].get("labels") or _NONE
    changed = {key for key, value in labels if before.get(key) != value} | {key for key in before if key not in after}
    bad = sorted(_forbidden_labels(changed))
    if bad:
        verb = "set the following" if old is None else "modify"
        return f"is not allowed to {verb} labels: {', '.join(bad)}"
    if old is not None and (new.get("spec") or _NONE).get("taints") != (old.get("spec") or _NONE).get("taints"):
        return f"node {quoted(node)} is not allowed to modify taints"
    return ""


def _forbidden_labels(changed: set[str]) -> Iterator[str]:
    """Labels by which a node could draw pods to itself: of Kubernetes, but none of those that kubelets set."""
    for key in changed:
        domain = key.partition("/")[0] if "/" in key else ""
        theirs = _is_below(domain, _KUBELET_PREFIXES) or key in _KUBELET_LABELS
        if _is_below(domain, _KUBELET_DOMAINS) and (_is_below(domain, (_RESTRICTED,)) or not theirs):
            yield key


def _is_below(domain: str, parents: Sequence[str]) -> bool:
    return any(domain == each or domain.endswith(f".{each}") for each in parents)


def _pod(node: str, attributes: Attributes, reader: Reader) -> str:
    if attributes.operation == "DELETE":
        pod = reader.get("pods", attributes.namespace, attributes.name)
        return "" if pod is None or pod["spec"].get("nodeName") == node else _only_own(node, "delete pods")
    if attributes.operation == "UPDATE":
        return f'unexpected operation "UPDATE", node {quoted(node)} can only create and delete mirror pods'
    new = attributes.object or _NONE
    if MIRROR not in (new["metadata"].get("annotations") or _NONE):
        return f"pod does not have {quoted(MIRROR)} annotation, node {quoted(node)} can only create mirror pods"
    if new["spec"].get("nodeName") != node:
        return _only_own(node, "create pods")
    why = _owner(new, reader.get("nodes", "", node)) or _referred(new)
    return f"node {quoted(node)} {why}" if why else ""


def _owner(pod: Object, node: Object | None) -> str:
    """What is wrong with a mirror pod's owner, which has to be the node."""
    owners = pod["metadata"].get("ownerReferences") or ()
    if len(owners) > 1:
        return "can only create pods with a single owner reference set to itself"
    owner = owners[0] if owners else _NONE
    name = pod["spec"]["nodeName"]
    if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", name):
        return "can only create pods with an owner reference set to itself"
    if not owner.get("controller"):
        return "can only create pods with a controller owner reference set to itself"
    if owner.get("blockOwnerDeletion"):
        return "must not set blockOwnerDeletion on an owner reference"
    uid = node["metadata"]["uid"] if node is not None else ""
    given = owner.get("uid", "")
    return "" if given == uid else f"UID mismatch: expected {given} got {uid}"


def _referred(pod: Object) -> str:
    """What a mirror pod refers to, if it refers to other objects."""
    if pod["spec"].get("serviceAccountName"):
        return "can not create pods that reference a service account"
    for word in ("secrets", "configmaps", "persistentvolumeclaims"):
        if USES[word](pod) - {""}:
            return f"can not create pods that reference {word}"
    claims = pod["spec"].get("resourceClaims")
    return "can not create pods that reference resourceclaims" if claims else ""


def _eviction(node: str, attributes: Attributes, reader: Reader) -> str:
    pod = reader.get("pods", attributes.namespace, attributes.name)
    if pod is None or pod["spec"].get("nodeName") == node:
        return ""
    return f"node {node} can only evict pods with spec.nodeName set to itself"


def _lease(node: str, attributes: Attributes, reader: Reader) -> str:
    if attributes.namespace != "kube-node-lease":
        return f'can only access leases in the "kube-node-lease" system namespace, not {quoted(attributes.namespace)}'
    name = attributes.name or (attributes.object or _NONE)["metadata"].get("name", "")
    return "" if name == node else "can only access node lease with the same name as the requesting node"


def _token(node: str, attributes: Attributes, reader: Reader) -> str:
    bound = ((attributes.object or _NONE).get("spec") or _NONE).get("boundObjectRef") or _NONE
    if bound.get("kind") != "Pod" or bound.get("apiVersion") != "v1" or not bound.get("name"):
        return "node requested token not bound to a pod"
    if not bound.get("uid"):
        return "node requested token with a pod binding without a uid"
    pod = reader.get("pods", attributes.namespace, bound["name"])
    if pod is None:
        return f"pod {quoted(bound['name'])} not found"
    if pod["metadata"]["uid"] != bound["uid"]:
        told = f"the UID in the bound object reference ({bound['uid']}) does not match the UID in record. "
        return told + "The object might have been deleted and then recreated"
    own = pod["spec"].get("nodeName") == node
    return "" if own else "node requested token bound to a pod scheduled on a different node"


_RULES: Mapping[tuple[str, str], Callable[[str, Attributes, Reader], str]] = {
    ("nodes", ""): _node,
    ("pods", ""): _pod,
    ("pods", "eviction"): _eviction,
    ("serviceaccounts", "token"): _token,
    ("leases", ""): _lease,
}
