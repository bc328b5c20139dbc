"""What needs etcd to answer: reads of the newest state, and the health checks that look at it.

A read that names no revision is to be of the newest state, which a majority of etcd's members has to confirm. Any other
one is answered from the watch cache, and what kubelets have in their own caches they do not even ask for. Upstream:
`apiserver/pkg/storage/cacher/delegator`, `storage/storagebackend/factory/etcd3.go` (`newETCD3Check`).
"""

from __future__ import annotations

from collections.abc import Collection

from k8snb.apiserver.access.node import NODE_PREFIX
from k8snb.errors import StatusError
from k8snb.store.agreement import Agreement
from k8snb.wire import Request

_IN_CACHES = frozenset({"configmaps", "secrets", "services"})


def confirm(agreement: Agreement, request: Request) -> None:
    """Make sure that a read may be answered. Raises StatusError if nobody knows what is newest."""
    if not request.query.get("resourceVersion") and not is_remembered(request):
        agreement.confirm()


def failed_checks(agreement: Agreement | None) -> Collection[str]:
    """The health checks that do not pass."""
    try:
        if agreement is not None:
            agreement.confirm()
    except StatusError:
        return ("etcd", "etcd-readiness")
    return ()


def is_remembered(request: Request) -> bool:
    """Whether a kubelet asks for what a real one has in the caches of its watches, which outlive the server."""
    info, user = request.info, request.user
    if info is None or info.resource is None or user is None or not user.name.startswith(NODE_PREFIX):
        return False
    return info.verb in ("get", "list") and info.resource.plural in _IN_CACHES
