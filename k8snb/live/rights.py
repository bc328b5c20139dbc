"""What somebody may do in a cluster, found out before anything is done: the reviews of one's own rights.

One SelfSubjectRulesReview tells the rules of a namespace; where it is incomplete (a webhook authorizes, say), and for
what is of the whole cluster, each right is asked for with a SelfSubjectAccessReview.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from k8snb.client.client import Client
from k8snb.typing import Object


class Right(NamedTuple):
    """A verb on a resource (`pods`, `pods/exec`, `deployments.apps`), and what a page can do with it."""

    verb: str
    resource: str
    use: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """As a review asks for it."""
        whole, _slash, sub = self.resource.partition("/")
        plural, _dot, group = whole.partition(".")
        asked = {"verb": self.verb, "resource": plural, "group": group, "subresource": sub}
        return {name: value for name, value in asked.items() if value}

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


NEEDED = (
    Right("create", "leases.coordination.k8s.io", "to be found by whoever cleans up"),
    Right("patch", "leases.coordination.k8s.io", "to say that it still runs"),
    Right("create", "pods", "pods"),
    Right("delete", "pods", "to clean up"),
)
"""Without these in its home there is no session."""

USEFUL = (
    Right("create", "deployments.apps", "Deployments"),
    Right("create", "statefulsets.apps", "StatefulSets"),
    Right("create", "daemonsets.apps", "DaemonSets"),
    Right("create", "jobs.batch", "Jobs"),
    Right("create", "services", "Services"),
    Right("create", "configmaps", "ConfigMaps"),
    Right("create", "secrets", "Secrets, helm"),
    Right("create", "persistentvolumeclaims", "claims"),
    Right("create", "ingresses.networking.k8s.io", "Ingresses"),
    Right("create", "horizontalpodautoscalers.autoscaling", "autoscalers"),
    Right("create", "roles.rbac.authorization.k8s.io", "roles"),
    Right("create", "resourcequotas", "quotas"),
    Right("create", "pods/exec", "kubectl exec"),
    Right("get", "pods/log", "kubectl logs"),
    Right("watch", "pods", "steppers"),
)
"""What pages use in their namespace."""

WIDE = (
    Right("create", "namespaces", "a namespace of its own"),
    Right("delete", "namespaces", "to clean up"),
    Right("list", "namespaces", "to find what a killed kernel left"),
    Right("list", "nodes", "nodes, and how large the cluster is"),
    Right("list", "pods", "--all-namespaces"),
)
"""What some pages use of the whole cluster."""


class Rights:
    """The rights of whoever holds a client, in a namespace and in the whole cluster (the empty namespace)."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[tuple[str, Right], bool] = {}

    def may(self, right: Right, namespace: str = "") -> bool:
        """Whether something is allowed. Raises StatusError if the cluster does not answer that."""
        if (namespace, right) not in self._known:
            self._known[namespace, right] = self._ask(right, namespace)
        return self._known[namespace, right]

    def missing(self, rights: Iterable[Right], namespace: str = "") -> list[Right]:
        """Those of the rights that somebody does not have."""
        rights = tuple(rights)
        if namespace and not all((namespace, right) in self._known for right in rights):
            self._read_rules(namespace, rights)
        return [right for right in rights if not self.may(right, namespace)]

    def _ask(self, right: Right, namespace: str) -> bool:
        attributes = {**right.attributes, **({"namespace": namespace} if namespace else {})}
        spec = {"resourceAttributes": attributes}
        return bool(self._review("SelfSubjectAccessReview", spec).get("allowed"))

    def _read_rules(self, namespace: str, rights: Iterable[Right]) -> None:
        status = self._review("SelfSubjectRulesReview", {"namespace": namespace})
        rules = status.get("resourceRules") or ()
        for right in rights:
            granted = any(_grants(rule, right) for rule in rules)
            if granted or not status.get("incomplete"):
                self._known[namespace, right] = granted

    def _review(self, kind: str, spec: Object) -> Object:
        obj = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "metadata": {}, "spec": spec}
        resource = f"{kind.lower()}s.authorization.k8s.io"
        return self._client.create(resource, obj).get("status") or {}


def _grants(rule: Object, right: Right) -> bool:
    """Whether a rule of a review (which never names objects for what pages do) grants a right."""
    asked = right.attributes
    name = asked["resource"] + (f"/{asked['subresource']}" if "subresource" in asked else "")
    resources = rule.get("resources") or ()
    fits = {name, "*"} | ({f"*/{asked['subresource']}"} if "subresource" in asked else set())
    return (
        bool({right.verb, "*"} & set(rule.get("verbs") or ()))
        and bool({asked.get("group", ""), "*"} & set(rule.get("apiGroups") or ()))
        and bool(fits & set(resources))
        and not rule.get("resourceNames")
    )
