"""ComponentStatuses: a deprecated way to ask how the control plane is.

Nothing is stored; the answer says what the health checks of the components would. Upstream:
`pkg/registry/core/componentstatus`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.selecting import selection
from k8snb.errors import StatusError
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response

COMPONENTS = {
    "controller-manager": ("kube-controller-manager", 10257),
    "scheduler": ("kube-scheduler", 10259),
    "etcd-0": ("etcd", 2379),
}
"""What is asked about, by the name that it has here: the process, and the port at which it tells of its health."""


class ComponentStatuses:
    """How the components are; `is_down` says of a process whether nobody answers for it, `complaint` what ails it."""

    def __init__(self) -> None:
        self.is_down: Callable[[str], bool] = lambda process: False
        self.complaint: Callable[[str], str] = lambda process: ""

    def serve(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Answer a get or a list."""
        if info.name:
            found = next((each for each in self._all() if each["metadata"]["name"] == info.name), None)
            if found is None:
                raise StatusError(500, "", f"Component not found: {info.name}")
            return Response(200, found)
        matches = selection(kind, request.query).matches
        items = [each for each in self._all() if matches is None or matches(each)]
        return Response(200, {"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": items})

    def _all(self) -> Iterator[Object]:
        for name, (process, port) in COMPONENTS.items():
            status, message = "True", "ok"
            if complaint := self.complaint(process):
                status, message = "False", complaint
            elif self.is_down(process):
                address = f"127.0.0.1:{port}"
                status = "False"
                message = f'Get "https://{address}/healthz": dial tcp {address}: connect: connection refused'
            healthy = {"type": "Healthy", "status": status, "message": message}
            yield {"kind": "ComponentStatus", "apiVersion": "v1", "metadata": {"name": name}, "conditions": [healthy]}
