"""The namespace controller: empties a namespace that is being deleted, and lets it go.

A namespace is deleted in two steps. First it is marked and takes nothing new. Then everything in it is deleted,
pods first and the rest after the last pod has ended, so that what protects a pod (its network policies, its
secrets) outlives it. When nothing is left the finalizer `kubernetes` is taken away, and the namespace vanishes.
Whatever holds that up is said in its conditions. Upstream looks again after a while that it estimates; here the
last object to go has the namespace looked at as well, so that nobody waits longer than needed. Upstream:
`pkg/controller/namespace`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.client.controller import Context, Controller
from k8snb.client.informer import GOING
from k8snb.controllers.namespacestatus import Remains
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting, revision_of
from k8snb.typing import Object, ObjectKey, Resource

FINALIZER = "kubernetes"
FINALIZER_ESTIMATE = 15
"""Seconds that a finalizer is assumed to need."""

_DEFAULT_POD_GRACE = 30


class NamespaceController(Controller):
    """Deletes what a terminating namespace contains."""

    name = "namespace-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._scheme = context.scheme
        self._namespaces = self.informers.of("namespaces")
        self._left: dict[str, int] = {}

    def start(self) -> None:
        self.follow("namespaces")
        pods, others = self._contents()
        for resource in (pods, *others):
            if resource.storage == "events":  # nothing holds an event back, and there are a great many
                continue
            self.informers.of(resource.group_resource).on_change(self._content_changed, GOING)

    def _content_changed(self, old: Object | None, new: Object | None) -> None:
        """The last object to go has its namespace looked at again."""
        if old is None or not self._left:
            return
        namespace = old["metadata"].get("namespace", "")
        if namespace in self._left:
            self._left[namespace] -= 1
            if self._left[namespace] <= 0:
                self.queue.add(ObjectKey("", namespace), revision_of(old))

    def reconcile(self, key: ObjectKey) -> float | None:
        cached = self._namespaces.get(*key)
        self._left.pop(key.name, None)
        if cached is None or not is_deleting(cached):
            return None
        namespace = self.client.find("namespaces", key.name)
        if namespace is None or not namespace["spec"].get("finalizers"):
            return None
        remains = Remains()
        estimate = self._empty(key.name, remains)
        self.saw(remaining=dict(remains.resources), finalizers=dict(remains.finalizers))
        self.compares(_("objects in the namespace"), remains.resources.total(), 0)
        namespace = self._write_conditions(namespace, remains)
        if remains.resources or remains.failures:
            again = estimate / 2 + 1
            count = remains.resources.total()
            self.wants(_("objects left: {count}; look again in {seconds:.0f} s"), count=count, seconds=again)
            self._left[key.name] = count
            self.queue.add_after(key, again, background=True)
            return None
        self.wants(_("the namespace is empty: take away the finalizer “kubernetes”"))
        self._finalize(namespace)
        return None

    # -- emptying ----------------------------------------------------------------------------------

    def _empty(self, namespace: str, remains: Remains) -> int:
        """Delete the contents; in how many seconds what is left should be gone."""
        pods, others = self._contents()
        estimate = self._delete_all(namespace, pods, remains)
        if remains.resources:
            return estimate
        return max([self._delete_all(namespace, resource, remains) for resource in others], default=0)

    def _contents(self) -> tuple[Resource, list[Resource]]:
        """Pods, and every other kind of thing that a namespace can contain; each stored kind once."""
        stored: dict[str, Resource] = {}
        for resource in self._scheme:
            if resource.namespaced and {"delete", "list"} <= set(resource.verbs):
                stored.setdefault(resource.storage, resource)
        pods = stored.pop("pods")
        return pods, list(stored.values())

    def _delete_all(self, namespace: str, resource: Resource, remains: Remains) -> int:
        word = resource.group_resource
        objects = self.client.list(word, namespace)
        if not objects:
            return 0
        for obj in objects:
            self._delete(word, obj, remains)
        left = self.client.list(word, namespace)
        remains.add(f"{resource.plural}.{resource.group}", left)
        return _estimate(resource, left)

    def _delete(self, word: str, obj: Object, remains: Remains) -> None:
        meta = obj["metadata"]
        try:
            self.client.delete(word, meta["name"], meta["namespace"], propagation="Background")
        except StatusError as error:
            if error.code != 404:
                remains.failures.append(error.message)

    # -- telling -----------------------------------------------------------------------------------

    def _write_conditions(self, namespace: Object, remains: Remains) -> Object:
        status = namespace.get("status") or {}
        conditions = remains.conditions(status.get("conditions") or (), self.clock.timestamp())
        if conditions == status.get("conditions"):
            return namespace
        status = {**status, "phase": "Terminating", "conditions": conditions}
        return self.client.update_status("namespaces", {**namespace, "status": status})

    def _finalize(self, namespace: Object) -> None:
        left = [each for each in namespace["spec"].get("finalizers") or () if each != FINALIZER]
        spec = {k: v for k, v in namespace["spec"].items() if k != "finalizers"}
        if left:
            spec["finalizers"] = left
        try:
            self.client.update("namespaces", {**namespace, "spec": spec}, subresource="finalize")
        except StatusError as error:
            if error.code != 404:
                raise


def _estimate(resource: Resource, left: Sequence[Object]) -> int:
    """Seconds until what is left should be gone: a pod's grace, or what a finalizer usually takes."""
    if not left:
        return 0
    if any(obj["metadata"].get("finalizers") for obj in left):
        return FINALIZER_ESTIMATE
    if resource.plural != "pods":
        return 0
    return max(int(pod["metadata"].get("deletionGracePeriodSeconds", _DEFAULT_POD_GRACE)) for pod in left)
