"""The ReplicaSets of a Deployment, told apart: the one that holds its template now, and the older ones.

Upstream: `kubectl/pkg/util/deployment/deployment.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.session import Session
from k8snb.machinery.objects import annotations_of, controller_of
from k8snb.machinery.selectors import of_object
from k8snb.typing import Object

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


def replica_sets(session: Session, deployment: Object) -> tuple[list[Object], Object | None]:
    """The older ReplicaSets in order of creation, and the newest (None before there is one)."""
    meta = deployment["metadata"]
    query = {"labelSelector": str(of_object(deployment["spec"].get("selector")))}
    listed = session.items(resource_named(session.scheme, "replicasets"), meta["namespace"], query)
    owned = [rs for rs in listed if (controller_of(rs) or {}).get("uid") == meta["uid"]]
    owned.sort(key=lambda rs: (rs["metadata"].get("creationTimestamp", ""), rs["metadata"]["name"]))
    new = _holding(owned, deployment["spec"]["template"])
    return [rs for rs in owned if rs is not new], new


def _holding(sets: Sequence[Object], template: Object) -> Object | None:
    wanted = without_hash(template)
    return next((rs for rs in sets if without_hash(rs["spec"]["template"]) == wanted), None)


def without_hash(template: Object) -> Object:
    """A template without the label that tells ReplicaSets apart."""
    meta = template.get("metadata") or {}
    labels = {key: value for key, value in (meta.get("labels") or {}).items() if key != HASH}
    kept = {key: value for key, value in meta.items() if key not in ("labels", "creationTimestamp")}
    return {**template, "metadata": {**kept, "labels": labels} if labels else kept}


def revision_of(obj: Object) -> int:
    """The revision that a Deployment or ReplicaSet stands for; -1 if it says none."""
    text = annotations_of(obj).get(REVISION, "")
    return int(text) if text.isdigit() else -1
