"""The memory of a DaemonSet: a ControllerRevision for each template that it has had.

Upstream: `constructHistory`, `snapshot` and `cleanupHistory` in `pkg/controller/daemon/update.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from k8snb.client.client import Client
from k8snb.controllers.deployment.template import template_hash
from k8snb.controllers.history import REVISION_LABEL, REVISIONS, data_of, in_order, revision_name
from k8snb.controllers.refusals import delete
from k8snb.errors import StatusError
from k8snb.machinery.objects import annotations_of, controller_reference, labels_of
from k8snb.typing import Object

DAEMONSETS = "daemonsets.apps"
Note = Callable[[Object], Any]


class History:
    """Finds and writes the revisions of a DaemonSet; `note` hears of what is written."""

    def __init__(self, client: Client, ds: Object, known: Sequence[Object], note: Note) -> None:
        self._client = client
        self._ds = ds
        self._note = note
        data = data_of(ds)
        self._same = in_order([each for each in known if each["data"] == data])
        self.old = in_order([each for each in known if each["data"] != data])

    def current(self, pods: Iterable[Object]) -> Object:
        """The revision of the present template, numbered above all others. Raises `StatusError`."""
        number = max((int(each["revision"]) for each in self.old), default=0) + 1
        if not self._same:
            return self._snapshot(number)
        current = self._same[-1]
        if len(self._same) > 1:
            self._keep_only(current, pods)
        if current["revision"] < number:
            self._note(self._client.update(REVISIONS, {**current, "revision": number}))
        return current

    def _keep_only(self, current: Object, pods: Iterable[Object]) -> None:
        """Several revisions of one template: the pods of all are labelled as those of the newest, the others go."""
        hash, namespace = labels_of(current)[REVISION_LABEL], current["metadata"]["namespace"]
        for pod in pods:
            if revision_name(pod) != hash:
                change = {"metadata": {"labels": {REVISION_LABEL: hash}}}
                self._client.patch("pods", pod["metadata"]["name"], change, namespace)
        for each in self._same[:-1]:
            delete(self._client, REVISIONS, each["metadata"]["name"], namespace)

    def _snapshot(self, number: int) -> Object:
        ds, meta = self._ds, self._ds["metadata"]
        collisions = (ds.get("status") or {}).get("collisionCount")
        hash = template_hash(ds["spec"]["template"], collisions)
        labels = (ds["spec"]["template"].get("metadata") or {}).get("labels") or {}
        made: dict[str, Any] = {
            "name": f"{meta['name']}-{hash}",
            "namespace": meta["namespace"],
            "labels": {**labels, REVISION_LABEL: hash},
            "ownerReferences": [controller_reference(ds)],
        }
        if annotations_of(ds):
            made["annotations"] = annotations_of(ds)
        data = data_of(ds)
        body = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": made, "data": data}
        try:
            revision = self._client.create(REVISIONS, {**body, "revision": number})
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
            found = self._client.get(REVISIONS, made["name"], meta["namespace"])
            if found["data"] == data:
                return found
            fresh = self._client.get(DAEMONSETS, meta["name"], meta["namespace"])
            status = fresh.get("status") or {}
            if status.get("collisionCount") == collisions:
                counted = {**status, "collisionCount": (collisions or 0) + 1}
                self._client.update_status(DAEMONSETS, {**fresh, "status": counted})
            raise
        self._note(revision)
        return revision

    def forget(self, live: Collection[str]) -> None:
        """Delete the oldest revisions beyond the history limit, but none that a pod is made from."""
        surplus = len(self.old) - int(self._ds["spec"].get("revisionHistoryLimit", 10))
        unused = [each for each in self.old if labels_of(each).get(REVISION_LABEL) not in live]
        for each in unused[: max(0, surplus)]:
            delete(self._client, REVISIONS, each["metadata"]["name"], each["metadata"]["namespace"])
