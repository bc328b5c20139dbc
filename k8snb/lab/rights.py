"""Who may do what, asked as an administrator asks it: by SubjectAccessReviews."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snb.lab.reading import NAMESPACE
from k8snb.lab.verdict import Reader


class Somebody:
    """A user, and what the API server says they may do. Everybody who is known belongs to `system:authenticated`."""

    def __init__(self, cluster: Reader, user: str, *groups: str) -> None:
        self.user = user
        self._cluster = cluster
        self._groups = [*groups, "system:authenticated"]

    @classmethod
    def account(cls, cluster: Reader, name: str, namespace: str = NAMESPACE) -> Somebody:
        """A service account, with the groups that its tokens have."""
        user = f"system:serviceaccount:{namespace}:{name}"
        return cls(cluster, user, "system:serviceaccounts", f"system:serviceaccounts:{namespace}")

    def may(self, verb: str, resource: str, namespace: str = NAMESPACE, name: str = "") -> bool:
        """Whether they may do that; the resource is `deployments.apps`, `pods/log` or a path, `/metrics`."""
        spec = {"user": self.user, "groups": self._groups, **_asked(verb, resource, namespace, name)}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": spec}
        answer = self._cluster.client.create("subjectaccessreviews.authorization.k8s.io", review)
        return bool(answer["status"].get("allowed"))

    def among(self, verbs: Iterable[str], resources: Sequence[str], namespace: str = NAMESPACE) -> list[str]:
        """What of all that they may do: `list secrets`."""
        tried = ((verb, resource) for resource in resources for verb in verbs)
        return [f"{verb} {resource}" for verb, resource in tried if self.may(verb, resource, namespace)]


def _asked(verb: str, resource: str, namespace: str, name: str) -> dict[str, dict[str, str]]:
    if resource.startswith("/"):
        return {"nonResourceAttributes": {"verb": verb, "path": resource}}
    whole, _slash, below = resource.partition("/")
    plural, _dot, group = whole.partition(".")
    wanted = {"verb": verb, "group": group, "resource": plural, "subresource": below, "namespace": namespace}
    return {"resourceAttributes": {**wanted, "name": name}}
