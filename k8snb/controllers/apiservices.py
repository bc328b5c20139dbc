"""Whether the servers behind APIServices are there: the condition `Available` of those that others serve.

An APIService is looked at when it, its Service or a slice of that changes, and every half minute: its server is asked
for its discovery. Services and slices are followed from the first such APIService on. Upstream:
`kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from k8snb.client.controller import Context, Controller
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.api_services import BUCKET
from k8snb.machinery.objects import condition, key_of, revision_of, with_condition
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

    def __init__(self, context: Context, settings: Settings = DEFAULTS) -> None:
        super().__init__(context)
        self._check = settings.check_discovery
        self._follows = False

    def start(self) -> None:
        self.informers.of(BUCKET).on_change(self._api_changed)

    def _api_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or new["spec"].get("service") is None:
            return
        if not self._follows:
            self._follows = True
            self.informers.of("services").on_change(self._service_changed)
            self.informers.of(SLICES).on_change(self._slice_changed)
        self.queue.add(key_of(new), revision_of(new))

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new if new is not None else old
        assert changed is not None
        self._wake(changed["metadata"]["namespace"], changed["metadata"]["name"], revision_of(changed))

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new if new is not None else old
        assert changed is not None
        meta = changed["metadata"]
        service = (meta.get("labels") or {}).get("kubernetes.io/service-name", "")
        self._wake(meta["namespace"], service, revision_of(changed))

    def _wake(self, namespace: str, service: str, cause: int) -> None:
        """Look again at the APIServices that name a Service."""
        for each in self.informers.of(BUCKET).list():
            reference = each["spec"].get("service")
            if reference is not None and (reference["namespace"], reference["name"]) == (namespace, service):
                self.queue.add(key_of(each), cause)

    def reconcile(self, key: ObjectKey) -> float | None:
        found = self.informers.of(BUCKET).get(*key)
        reference = found["spec"].get("service") if found is not None else None
        if found is None or reference is None:
            return None
        problem = self._problem(reference) or self._discovery(found["spec"])
        before = condition(found, "Available") or {}
        now = {"type": "Available", "status": "False" if problem else "True", "reason": "Passed"}
        now["message"] = "all checks passed"
        if problem is not None:
            now |= {"reason": problem.reason, "message": problem.message}
        self.compares("Available", before.get("status"), now["status"])
        if any(before.get(name) != value for name, value in now.items()):
            self.wants(_("say whether the Service of {name} is there"), name=key.name)
            status = found.get("status") or {}
            now["lastTransitionTime"] = self.clock.timestamp()
            conditions = with_condition(status.get("conditions") or (), now)
            self.client.update_status(BUCKET, {**found, "status": {**status, "conditions": conditions}})
        self.queue.add_after(key, AGAIN_SECONDS, background=True)
        return None

    def _discovery(self, spec: Object) -> Finding | None:
        why = self._check(spec)
        return Finding("FailedDiscoveryCheck", why) if why else None

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
