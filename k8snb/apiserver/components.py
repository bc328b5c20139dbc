"""ComponentStatuses: a deprecated way to ask how the control plane is.

Nothing is stored; the answer says what the health checks of the components would. Upstream:
`pkg/registry/core/componentstatus`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.selecting import selection
from k8snb.errors import StatusError
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response

COMPONENTS = ("controller-manager", "scheduler", "etcd-0")


def serve_components(kind: Kind, info: RequestInfo, request: Request) -> Response:
    """Answer a get or a list."""
    if info.name:
        found = next((each for each in _all() if each["metadata"]["name"] == info.name), None)
        if found is None:
            raise StatusError(500, "", f"Component not found: {info.name}")
        return Response(200, found)
    matches = selection(kind, request.query).matches
    items = [each for each in _all() if matches is None or matches(each)]
    return Response(200, {"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": items})


def _all() -> Iterator[Object]:
    for name in COMPONENTS:
        healthy = {"type": "Healthy", "status": "True", "message": "ok"}
        meta = {"name": name, "creationTimestamp": None}
        yield {"kind": "ComponentStatus", "apiVersion": "v1", "metadata": meta, "conditions": [healthy]}
