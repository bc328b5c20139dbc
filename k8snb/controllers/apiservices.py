"""Whether the Services behind APIServices are there: the condition `Available` of those that others serve.

An APIService is looked at when it changes, and every half minute. Whether its server answers is not asked. Upstream:
`kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from k8snb.client.controller import Controller
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.api_services import BUCKET
from k8snb.machinery.objects import condition, with_condition
from k8snb.typing import Object, ObjectKey

AGAIN_SECONDS = 30.0
SLICES = "endpointslices.discovery.k8s.io"


class Finding(NamedTuple):
    """What is wrong with a Service."""

    reason: str
    message: str


class RemoteAvailabilityController(Controller):
    """Keeps the condition of APIServices that name a Service."""

    name = "apiservice-remote-available-controller"

    def start(self) -> None:
        self.follow(BUCKET)

    def reconcile(self, key: ObjectKey) -> float | None:
        found = self.informers.of(BUCKET).get(*key)
        reference = found["spec"].get("service") if found is not None else None
        if found is None or reference is None:
            return None
        problem = self._problem(reference)
        before = condition(found, "Available") or {}
        now = {"type": "Available", "status": "False" if problem else "True", "reason": "Passed"}
        now["message"] = "all checks passed"
        if problem is not None:
            now |= {"reason": problem.reason, "message": problem.message}
        if any(before.get(name) != value for name, value in now.items()):
            self.wants(_("say whether the Service of {name} is there"), name=key.name)
            status = found.get("status") or {}
            now["lastTransitionTime"] = self.clock.timestamp()
            conditions = with_condition(status.get("conditions") or (), now)
            self.client.update_status(BUCKET, {**found, "status": {**status, "conditions": conditions}})
        self.queue.add_after(key, AGAIN_SECONDS, background=True)
        return None

    def _problem(self, reference: Object) -> Finding | None:
        name, namespace, port = reference["name"], reference["namespace"], int(reference.get("port") or 443)
        try:
            service = self.client.get("services", name, namespace)
        except StatusError as error:
            if error.code != 404:
                raise
            return Finding("ServiceNotFound", f'service/{name} in "{namespace}" is not present')
        if service["spec"].get("type") != "ClusterIP":
            return None
        chosen = next((each for each in service["spec"].get("ports") or () if each["port"] == port), None)
        if chosen is None:
            return Finding("ServicePortError", f'service/{name} in "{namespace}" is not listening on port {port}')
        slices = [each for each in self.client.list(SLICES, namespace) if _is_of(each, name)]
        if not slices:
            why = f'cannot find endpointslices for service/{name} in "{namespace}"'
            return Finding("EndpointsNotFound", why)
        word = chosen.get("name", "")
        if not _answers(slices, word):
            why = f'endpointslices for service/{name} in "{namespace}" have no addresses with port name "{word}"'
            return Finding("MissingEndpoints", why)
        return None


def _is_of(slice: Object, name: str) -> bool:
    return bool((slice["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == name)


def _answers(slices: Sequence[Object], port: str) -> bool:
    """Whether a slice has an endpoint that is ready, and the port."""
    for each in slices:
        ready = any((end.get("conditions") or {}).get("ready", True) for end in each.get("endpoints") or ())
        if ready and any(given.get("name", "") == port for given in each.get("ports") or ()):
            return True
    return False
