"""The node authorizer: a kubelet may do what the pods on its node need, and no more.

Secrets, config maps, claims and volumes are readable by the nodes whose pods use them, a Node and a Lease by the node
they belong to, pods by the node they are bound to; tokens are for the accounts of its pods. Everything else that
kubelets do is in the rules of the ClusterRole `system:node`, which is bound to nobody: it is read from the policy.

Which pods are on which node is followed in the store's log, from the last question to this one, so it costs nothing
while nobody asks. Upstream: `plugin/pkg/auth/authorizer/node`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from k8snb.apiserver.access.policy import policy
from k8snb.apiserver.access.rules import Access, Decision, allows
from k8snb.machinery import fields
from k8snb.machinery.devices.claims import known_names
from k8snb.machinery.podreferences import config_map_names, secret_names
from k8snb.store.mvcc import Compacted, Store
from k8snb.typing import Object
from k8snb.wire import User

NODES = "system:nodes"
NODE_PREFIX = "system:node:"
LEASES = "kube-node-lease"
_NONE: Mapping[str, Any] = {}


YES, NO = Decision(True), Decision(False)
ALWAYS = Decision(True, general=True)


@lru_cache(maxsize=4096)
def _uniform(*parts: str) -> Decision:
    """Whether every kubelet may do something: the first parts of an access, verb, group, resource and subresource."""
    roles = [each.object for each in policy("") if each.object["metadata"]["name"] == "system:node"]
    rules = next(role["rules"] for role in roles if role["kind"] == "ClusterRole")
    return ALWAYS if any(allows(rule, Access(*parts)) for rule in rules) else NO


def node_of(user: User) -> str | None:
    """The node that a user is the kubelet of; empty if it has none; None if the user is no kubelet."""
    if NODES not in user.groups or not user.name.startswith(NODE_PREFIX):
        return None
    return user.name.removeprefix(NODE_PREFIX)


class NodeAuthorizer:
    """What kubelets may do, by the pods of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pods = store.bucket("pods")
        self._seen = -1
        self._on: dict[str, dict[tuple[str, str], Object]] = {}
        self._where: dict[tuple[str, str], str] = {}

    def answer(self, node: str, access: Access) -> Decision:
        """Whether the kubelet of a node may do something."""
        special = _SPECIAL.get((access.group, access.resource))
        if special is not None:
            return special(self, node, access)
        return _uniform(access.verb, access.group, access.resource, access.subresource)

    # -- by resource -------------------------------------------------------------------------------

    def read(self, node: str, access: Access) -> Decision:
        """Secrets and config maps."""
        if access.verb not in ("get", "list", "watch"):
            return Decision(False, "can only read resources of this type")
        if access.subresource:
            return Decision(False, "cannot read subresource")
        if not access.namespace:
            return Decision(False, "can only read namespaced object of this type")
        return self._related(node, access)

    def get(self, node: str, access: Access) -> Decision:
        """Claims, volumes and single pods."""
        if access.verb != "get":
            return Decision(False, "can only get individual resources of this type")
        if access.subresource:
            return Decision(False, "cannot get subresource")
        return self._related(node, access)

    def claim(self, node: str, access: Access) -> Decision:
        """Claims, whose status a node may write."""
        if access.subresource != "status":
            return self.get(node, access)
        if access.verb not in ("update", "patch"):
            return Decision(False, "can only get/update/patch this type")
        return self._related(node, access)

    def account(self, node: str, access: Access) -> Decision:
        """Tokens of service accounts."""
        if access.verb != "create" or not access.name:
            return Decision(False, "can only create tokens for individual service accounts")
        if access.subresource != "token":
            return Decision(False, "can only create token subresource of serviceaccount")
        return self._related(node, access)

    def lease(self, node: str, access: Access) -> Decision:
        """The lease that a kubelet renews."""
        if access.verb not in ("get", "create", "update", "patch", "delete"):
            return Decision(False, "can only get, create, update, patch, or delete a node lease")
        if access.namespace != LEASES:
            return Decision(False, f'can only access leases in the "{LEASES}" system namespace')
        if access.verb != "create" and access.name != node:
            return Decision(False, "can only access node lease with the same name as the requesting node")
        return YES

    def csi_node(self, node: str, access: Access) -> Decision:
        """What storage drivers say of a node."""
        if access.verb not in ("get", "create", "update", "patch", "delete"):
            return Decision(False, "can only get, create, update, patch, or delete a CSINode")
        if access.subresource:
            return Decision(False, "cannot authorize CSINode subresources")
        if access.verb != "create" and access.name != node:
            return Decision(False, "can only access CSINode with the same name as the requesting node")
        return YES

    def slices(self, node: str, access: Access) -> Decision:
        """The slices of its own devices, which it sweeps away when a driver has gone."""
        if access.subresource:
            return Decision(False, "cannot access ResourceSlice subresources")
        if access.verb not in ("list", "watch", "deletecollection"):
            return Decision(False, f"no relationship found between node '{node}' and this object")
        if _selects(access.fields, node):
            return YES
        return Decision(False, "can only list/watch/deletecollection resourceslices with nodeName field selector")

    def node(self, node: str, access: Access) -> Decision:
        """Its own Node. That it writes no other is the matter of the admission plugin NodeRestriction."""
        if access.subresource == "status":
            return ALWAYS if access.verb in ("update", "patch") else NO
        if access.subresource:
            return NO
        if access.verb in ("create", "update", "patch"):
            return ALWAYS
        if access.verb not in ("get", "list", "watch"):
            return NO
        if access.name == node or f"metadata.name={node}" == access.fields:
            return YES
        if not access.name:
            return Decision(False, f"node '{node}' cannot read all nodes, only its own Node object")
        return Decision(False, f"node '{node}' cannot read '{access.name}', only its own Node object")

    def pod(self, node: str, access: Access) -> Decision:
        """The pods that are bound to it. That it writes no others is the matter of NodeRestriction."""
        verb, below = access.verb, access.subresource
        if below:
            writes = {"status": ("update", "patch"), "eviction": ("create",)}
            return ALWAYS if verb in writes.get(below, ()) else NO
        if verb in ("create", "delete"):
            return ALWAYS
        if verb == "get":
            return self.get(node, access)
        if verb not in ("list", "watch"):
            return NO
        if _selects(access.fields, node):
            return YES
        if access.name:
            return self._related(node, access)
        return Decision(False, "can only list/watch pods with spec.nodeName field selector")

    # -- what the pods of a node need --------------------------------------------------------------

    def _related(self, node: str, access: Access) -> Decision:
        if not access.name:
            return Decision(False, "No Object name found")
        self._catch_up()
        uses = USES[access.resource]
        for key, pod in self._on.get(node, {}).items():
            if access.resource == "persistentvolumes":
                if access.name in self._volumes(pod):
                    return YES
            elif key[0] == access.namespace and access.name in uses(pod):
                return YES
        return Decision(False, f"no relationship found between node '{node}' and this object")

    def _volumes(self, pod: Object) -> Iterator[str]:
        claims = self._store.bucket("persistentvolumeclaims")
        for name in _claims(pod):
            claim = self._store.get(claims, pod["metadata"]["namespace"], name)
            if claim is not None:
                yield str(claim["spec"].get("volumeName", ""))

    def _catch_up(self) -> None:
        """Take in what has happened to pods since the last question."""
        try:
            events = self._store.since(self._pods, self._seen) if self._seen >= 0 else None
        except Compacted:
            events = None
        if events is None:
            self._on, self._where = {}, {}
            for pod in self._pods.objects():
                self._take(pod)
        else:
            for event in events:
                self._drop(event.object)
                if event.type != "DELETED":
                    self._take(event.object)
        self._seen = self._store.revision

    def _take(self, pod: Object) -> None:
        node, meta = pod["spec"].get("nodeName", ""), pod["metadata"]
        if node:
            key = (meta["namespace"], meta["name"])
            self._on.setdefault(node, {})[key] = pod
            self._where[key] = node

    def _drop(self, pod: Object) -> None:
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        node = self._where.pop(key, "")
        if node:
            del self._on[node][key]


def _selects(text: str, node: str) -> bool:
    """Whether a field selector asks for the pods of the node and no others."""
    try:
        terms = fields.parse(text).terms if text else ()
    except ValueError:
        return False
    return any(each.field == "spec.nodeName" and each.value == node and not each.negated for each in terms)


def _claims(pod: Object) -> set[str]:
    volumes = pod["spec"].get("volumes") or ()
    named = {(each.get("persistentVolumeClaim") or _NONE).get("claimName", "") for each in volumes}
    name = pod["metadata"]["name"]
    return named | {f"{name}-{each['name']}" for each in volumes if each.get("ephemeral")}


USES: Mapping[str, Callable[[Object], set[str]]] = {
    "secrets": secret_names,
    "configmaps": config_map_names,
    "persistentvolumeclaims": _claims,
    "persistentvolumes": _claims,
    "serviceaccounts": lambda pod: {pod["spec"].get("serviceAccountName", "")},
    "pods": lambda pod: {pod["metadata"]["name"]},
    "resourceclaims": lambda pod: set(known_names(pod)),
}
_SPECIAL: Mapping[tuple[str, str], Callable[[NodeAuthorizer, str, Access], Decision]] = {
    ("", "secrets"): NodeAuthorizer.read,
    ("", "configmaps"): NodeAuthorizer.read,
    ("", "persistentvolumeclaims"): NodeAuthorizer.claim,
    ("", "persistentvolumes"): NodeAuthorizer.get,
    ("", "serviceaccounts"): NodeAuthorizer.account,
    ("coordination.k8s.io", "leases"): NodeAuthorizer.lease,
    ("storage.k8s.io", "csinodes"): NodeAuthorizer.csi_node,
    ("", "nodes"): NodeAuthorizer.node,
    ("", "pods"): NodeAuthorizer.pod,
    ("resource.k8s.io", "resourceclaims"): NodeAuthorizer.get,
    ("resource.k8s.io", "resourceslices"): NodeAuthorizer.slices,
}
