"""The EndpointSlice controller: which addresses stand behind each Service.

For every Service with a selector it keeps slices of at most a hundred endpoints, one per pod that has an
address, each with its readiness. Pods that are not ready are in the slices too, marked as such: whoever routes
decides. A reconcile looks only at the pods that changed since the last one. Upstream:
`pkg/controller/endpointslice` and `staging/src/k8s.io/endpointslice`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8snb.client.controller import Context, Controller
from k8snb.controllers.endpoint import (
    MANAGED_BY,
    SERVICE_NAME,
    TRIGGER_TIME,
    ZONE_LABEL,
    can_serve,
    endpoint_of,
    has_named_target,
    matters,
    name_prefix,
    ports_of,
    slice_labels,
)
from k8snb.controllers.owners import owner_uids
from k8snb.controllers.podstate import ready_condition
from k8snb.controllers.refusals import delete, namespace_is_terminating
from k8snb.controllers.servicepods import ServicePods
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.controllers.slicebook import Book, Desired, Writes
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of, controller_reference, is_deleting, key_of, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

SLICES = "endpointslices.discovery.k8s.io"
CONTROLLER = "endpointslice-controller.k8s.io"
RETRY_SECONDS = 1.0
_TOLD = 8


class EndpointSliceController(Controller):
    """Keeps each Service's slices in step with its pods."""

    name = "endpointslice-controller"

    def __init__(self, context: Context, settings: Settings = DEFAULTS) -> None:
        super().__init__(context)
        self._limit = settings.max_endpoints_per_slice
        self._services = self.informers.of("services")
        self._slices = self.informers.of(SLICES)
        self._nodes = self.informers.of("nodes")
        self._books: dict[ObjectKey, Book] = {}
        self._stale: set[ObjectKey] = set()
        self._pending: dict[ObjectKey, dict[str, Object | None]] = {}

    def start(self) -> None:
        self._slices.add_index("service", _service_of)
        self._service_pods = ServicePods(self.informers.of("pods"), matters, self._pod_changed)
        self._services.on_change(self._service_changed)
        self._slices.on_change(self._slice_changed)

    # -- noticing ----------------------------------------------------------------------------------

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        service = new if new is not None else old
        assert service is not None
        key = key_of(service)
        if old is None or new is None or old["spec"].get("selector") != new["spec"].get("selector"):
            self._service_pods.select(key, new["spec"].get("selector") if new is not None else None)
            self._stale.add(key)
        self.queue.add(key, revision_of(service))

    def _pod_changed(self, service: ObjectKey, pod: Object, selected: bool) -> None:
        meta = pod["metadata"]
        self._pending.setdefault(service, {})[meta["name"]] = pod if selected else None
        self.queue.add(service, int(meta["resourceVersion"]))

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        """Somebody else wrote or deleted a slice: look at the whole Service again."""
        obj = new if new is not None else old
        assert obj is not None
        if labels_of(obj).get(MANAGED_BY) != CONTROLLER:
            return
        namespace, name = key_of(obj)
        key = ObjectKey(namespace, labels_of(obj).get(SERVICE_NAME, ""))
        book = self._books.get(key)
        if book is None or not book.is_news(name, new):
            return
        if new is None:
            book.remove(name)
        self._stale.add(key)
        self.queue.add(key, revision_of(obj))

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        service = self._services.get(*key)
        if service is None or not _has_slices(service):
            self.wants(_("no Service with a selector: no slices"))
            self._books.pop(key, None)
            self._stale.discard(key)
            self._pending.pop(key, None)
            return None
        first = key not in self._books
        book, pods = self._open(key, service)
        changes, missing = self._desired(service, pods)
        self.saw(changed=len(pods), slices=len(book.slices))
        self._compare(book, changes)
        writes = book.plan(changes, self._limit)
        self._relabel(service, book, writes)
        self._tell(writes)
        if writes:
            self._write(key, service, book, writes, changes, self._trigger(service, book, pods, first))
        if missing:
            self._pending.setdefault(key, {}).update(missing)
            self.queue.add_after(key, RETRY_SECONDS, background=True)
        return None

    def _open(self, key: ObjectKey, service: Object) -> tuple[Book, dict[str, Object | None]]:
        """The Service's book and the pods to look at: those that changed, or all if the book is new."""
        changed = self._pending.pop(key, {})
        book = self._books.get(key)
        if book is not None and key not in self._stale and book.describes(service):
            book.service = service
            return book, changed
        known = {each["metadata"]["name"]: each for each in self._slices.by_index("service", str(key))}
        if book is not None and book.service["metadata"]["uid"] == service["metadata"]["uid"]:
            known.update((n, s) for n, s in book.slices.items() if n not in known or not book.is_news(n, known[n]))
        uid = service["metadata"]["uid"]
        mine = [each for each in known.values() if uid in owner_uids(each)]
        book = self._books[key] = Book(service, mine)
        self._stale.discard(key)
        pods: dict[str, Object | None] = dict.fromkeys(book.pods())
        pods.update((pod["metadata"]["name"], pod) for pod in self._service_pods.pods(key))
        return book, pods

    def _desired(
        self, service: Object, pods: Mapping[str, Object | None]
    ) -> tuple[dict[str, Desired | None], dict[str, Object]]:
        """The endpoints that pods should have; and the pods that cannot have one because their node is unknown."""
        changes: dict[str, Desired | None] = {}
        missing: dict[str, Object] = {}
        shared: Sequence[Object] | None = None
        node_named, named = self._nodes.get, has_named_target(service)
        for name, pod in pods.items():
            changes[name] = None
            if pod is None or not can_serve(pod):
                continue
            node = node_named("", pod["spec"].get("nodeName", ""))
            if node is None and not service["spec"].get("publishNotReadyAddresses"):
                missing[name] = pod
                continue
            zone = labels_of(node).get(ZONE_LABEL, "") if node is not None else ""
            if shared is None or named:
                shared = ports_of(service, pod)
            changes[name] = Desired(shared, endpoint_of(pod, service, zone))
        return changes, missing

    def _relabel(self, service: Object, book: Book, writes: Writes) -> None:
        """Slices whose labels are not the Service's any more are written too, with what they hold."""
        labels = slice_labels(service, CONTROLLER)
        for name, each in book.slices.items():
            if labels_of(each) != labels and name not in writes.update and name not in writes.delete:
                writes.update[name] = (each.get("ports") or (), list(each.get("endpoints") or ()))

    def _trigger(self, service: Object, book: Book, pods: Mapping[str, Object | None], first: bool) -> str:
        """When the change began that is being written: the earliest change of readiness, or of the Service."""
        times = [service["metadata"].get("creationTimestamp", "")] if first else []
        for name, pod in pods.items():
            found = ready_condition(pod) if pod is not None else None
            if found is None:
                continue
            known = book.endpoint(name)
            if known is None or known["conditions"].get("serving") != (found["status"] == "True"):
                times.append(found.get("lastTransitionTime", ""))
        return min(filter(None, times), default="")

    def _compare(self, book: Book, changes: Mapping[str, Desired | None]) -> None:
        """Note for the first few pods which endpoint they have and which they should have."""
        if not self.trace.enabled:
            return
        for name, desired in list(changes.items())[:_TOLD]:
            have, want = book.endpoint(name), None if desired is None else desired.endpoint
            self.compares(_("endpoint of {pod}").format(pod=name), have or _("none"), want or _("none"))

    def _tell(self, writes: Writes) -> None:
        parts = [(len(writes.create), _("create {count}")), (len(writes.update), _("update {count}"))]
        parts.append((len(writes.delete), _("delete {count}")))
        if not writes:
            self.wants(_("the slices say what the pods are: nothing to do"))
            return
        listed = ", ".join(sentence.format(count=count) for count, sentence in parts if count)
        self.wants(_("slices differ from the pods: {listed}"), listed=listed)

    # -- writing -----------------------------------------------------------------------------------

    def _write(
        self,
        key: ObjectKey,
        service: Object,
        book: Book,
        writes: Writes,
        changes: Mapping[str, Desired | None],
        trigger: str,
    ) -> None:
        self._stale.add(key)
        book.leave(pod for pod, desired in changes.items() if desired is None)
        for ports, endpoints in writes.create:
            if not is_deleting(service):
                created = self._create(service, _filled(_new_slice(service), service, ports, endpoints, trigger))
                if created is not None:
                    book.put(created, changes)
        for name, (ports, endpoints) in writes.update.items():
            changed = _filled(book.slices[name], service, ports, endpoints, trigger)
            book.put(self.client.update(SLICES, changed), changes)
        for name in writes.delete:
            delete(self.client, SLICES, name, key.namespace)
            book.remove(name)
        self._stale.discard(key)

    def _create(self, service: Object, new: Object) -> Object | None:
        """Create a slice; None if the namespace takes nothing new because it is being deleted."""
        try:
            return self.client.create(SLICES, new)
        except StatusError as error:
            if namespace_is_terminating(error):
                return None
            where = f"for Service {key_of(service)}"
            message = f"Error updating Endpoint Slices {where}: failed to create EndpointSlice {where}: {error.message}"
            self.events.warning(service, "FailedToUpdateEndpointSlices", message)
            raise


def _new_slice(service: Object) -> Object:
    meta = service["metadata"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": name_prefix(meta["name"]),
            "namespace": meta["namespace"],
            "ownerReferences": [controller_reference(service)],
        },
        "addressType": "IPv4",
    }


def _filled(slice_: Object, service: Object, ports: Sequence[Object], endpoints: list[Object], trigger: str) -> Object:
    """The slice with its Service's labels and this content. What is empty is null, as it is when Go has stored it."""
    meta = slice_["metadata"]
    annotations = {k: v for k, v in annotations_of(slice_).items() if k != TRIGGER_TIME}
    if trigger:
        annotations[TRIGGER_TIME] = trigger
    meta = {k: v for k, v in meta.items() if k != "annotations"}
    if annotations:
        meta["annotations"] = annotations
    meta["labels"] = slice_labels(service, CONTROLLER)
    return {**slice_, "metadata": meta, "endpoints": endpoints or None, "ports": list(ports) or None}


def _has_slices(service: Object) -> bool:
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"


def _service_of(slice_: Object) -> tuple[str, ...]:
    labels = labels_of(slice_)
    if labels.get(MANAGED_BY) != CONTROLLER or SERVICE_NAME not in labels:
        return ()
    return (f"{slice_['metadata']['namespace']}/{labels[SERVICE_NAME]}",)
