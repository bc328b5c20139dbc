"""One Deployment and its ReplicaSets while they are being reconciled, and the writes that a reconcile may do.

The strategies say what should be; this module says how it is done: find or create the ReplicaSet of the
present template, scale, forget old ones, write the status. Whatever is written is noted here at once, so that
the next step of the same reconcile works with it. Upstream: `deployment/sync.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from k8snb.client.client import Client
from k8snb.client.events import EventRecorder
from k8snb.clock import Clock
from k8snb.controllers.deployment import progress, revisions
from k8snb.controllers.deployment.replicasets import size, without
from k8snb.controllers.deployment.rolling import Scaling, new_size
from k8snb.controllers.deployment.status import PROGRESSING, condition, find_condition, set_condition, status_of
from k8snb.controllers.deployment.template import (
    same_template,
    selector_with_hash,
    template_hash,
    with_hash,
)
from k8snb.controllers.refusals import delete, namespace_is_terminating
from k8snb.controllers.written import Written
from k8snb.errors import StatusError
from k8snb.machinery.objects import annotations_of, controller_reference, with_meta
from k8snb.typing import Object

DEPLOYMENTS, REPLICASETS = "deployments.apps", "replicasets.apps"
SCALING = "ScalingReplicaSet"


class Rollout:
    """The working state of one reconcile: `deployment`, `new` and `olds` are as last read or written."""

    def __init__(
        self,
        client: Client,
        events: EventRecorder,
        clock: Clock,
        written: Written,
        deployment: Object,
        sets: Sequence[Object],
    ) -> None:
        self._client = client
        self._events = events
        self._clock = clock
        self._written = written
        self.deployment = deployment
        self.new: Object | None = revisions.find_new(deployment, sets)
        self.olds: list[Object] = without(sets, self.new)

    @property
    def sets(self) -> list[Object]:
        """All ReplicaSets, the new one last."""
        return [*self.olds, self.new] if self.new is not None else self.olds

    # -- the new ReplicaSet ------------------------------------------------------------------------

    def sync_revision(self) -> None:
        """Number the new ReplicaSet one above all others, and the Deployment like it."""
        new = self.new
        if new is None:
            return
        number = revisions.max_revision(self.olds) + 1
        annotations = revisions.new_annotations(self.deployment, new, number, exists=True)
        ready_after = self.deployment["spec"].get("minReadySeconds", 0)
        if annotations != annotations_of(new) or ready_after != new["spec"].get("minReadySeconds", 0):
            spec = {**new["spec"], "minReadySeconds": ready_after} if ready_after else _unready(new["spec"])
            changed = {**with_meta(new, annotations=annotations), "spec": spec}
            self.new = self._written.note(self._client.update(REPLICASETS, changed))
            return
        note = None
        if find_condition(self.deployment.get("status") or {}, PROGRESSING) is None:
            note = self._progress("True", progress.FOUND, f'Found new replica set "{new["metadata"]["name"]}"')
        self._note_revision(revisions.revision(new), note)

    def ensure_new(self) -> None:
        """Find the ReplicaSet of the present template or create it, numbered and sized."""
        if self.new is not None:
            self.sync_revision()
            return
        number = revisions.max_revision(self.olds) + 1
        rs = self._compose(number)
        try:
            self.new = self._client.create(REPLICASETS, rs)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                self._report_failure(rs, error)
                raise
            self.new = self._existing(rs, error)
            self._note_revision(number, None)
            return
        name = self.new["metadata"]["name"]
        if size(self.new):
            self._events.normal(self.deployment, SCALING, f"Scaled up replica set {name} from 0 to {size(self.new)}")
        self._note_revision(number, self._progress("True", progress.CREATED, f'Created new replica set "{name}"'))

    def _compose(self, number: int) -> Object:
        meta, spec = self.deployment["metadata"], self.deployment["spec"]
        collisions = (self.deployment.get("status") or {}).get("collisionCount")
        hash = template_hash(spec["template"], collisions)
        template = with_hash(spec["template"], hash)
        rs_spec: dict[str, Any] = {"replicas": new_size(self.deployment, self.olds, 0)}
        if spec.get("minReadySeconds"):
            rs_spec["minReadySeconds"] = spec["minReadySeconds"]
        rs_spec |= {"selector": selector_with_hash(spec["selector"], hash), "template": template}
        new_meta = {
            "name": f"{meta['name']}-{hash}",
            "namespace": meta["namespace"],
            "labels": template["metadata"]["labels"],
            "ownerReferences": [controller_reference(self.deployment)],
        }
        rs: Object = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": new_meta, "spec": rs_spec}
        annotations = revisions.new_annotations(self.deployment, rs, number, exists=False)
        return with_meta(rs, annotations=annotations)

    def _existing(self, rs: Object, error: StatusError) -> Object:
        """The ReplicaSet that already has the name, if it is ours; else count a collision, for another name."""
        meta = rs["metadata"]
        found = self._client.get(REPLICASETS, meta["name"], meta["namespace"])
        owners = found["metadata"].get("ownerReferences") or ()
        mine = any(each["uid"] == self.deployment["metadata"]["uid"] for each in owners if each.get("controller"))
        if mine and same_template(found["spec"]["template"], rs["spec"]["template"]):
            return found
        status = self.deployment.get("status") or {}
        self._write_status({**status, "collisionCount": status.get("collisionCount", 0) + 1})
        raise error

    def _report_failure(self, rs: Object, error: StatusError) -> None:
        if namespace_is_terminating(error):
            return
        message = f'Failed to create new replica set "{rs["metadata"]["name"]}": {error.message}'
        note = self._progress("False", progress.CREATE_FAILED, message)
        if note is not None:
            self._write_status(self._with_note(note))
        self._events.warning(self.deployment, progress.CREATE_FAILED, message)

    def _progress(self, status: str, reason: str, message: str) -> Object | None:
        if progress.deadline(self.deployment) is None:
            return None
        return condition(PROGRESSING, status, reason, message, self._clock.timestamp())

    def _with_note(self, note: Object) -> Object:
        status = self.deployment.get("status") or {}
        return {**status, "conditions": set_condition(status.get("conditions") or (), note)}

    def _note_revision(self, number: int, note: Object | None) -> None:
        """Write the revision's number on the Deployment, and a condition, where they are news."""
        status = self.deployment.get("status") or {}
        if note is not None:
            status = self._with_note(note)
        elif revisions.revision(self.deployment) == number:
            return
        annotations = {**annotations_of(self.deployment), revisions.REVISION: str(number)}
        self.deployment = with_meta(self.deployment, annotations=annotations)
        self._write_status(status)

    # -- scaling -----------------------------------------------------------------------------------

    def scale(self, rs: Object, replicas: int) -> bool:
        """Give a ReplicaSet its size, and note the Deployment's; whether the size changed."""
        before = size(rs)
        noted = {**annotations_of(rs), **revisions.replica_annotations(self.deployment)}
        if before == replicas and noted == annotations_of(rs):
            return False
        changed = {**with_meta(rs, annotations=noted), "spec": {**rs["spec"], "replicas": replicas}}
        self._replace(self._written.note(self._client.update(REPLICASETS, changed)))
        if before == replicas:
            return False
        verb = "up" if before < replicas else "down"
        name = rs["metadata"]["name"]
        message = f"Scaled {verb} replica set {name} from {before} to {replicas}"
        self._events.normal(self.deployment, SCALING, message)
        return True

    def scale_all(self, scalings: Iterable[Scaling]) -> bool:
        """Do several scalings in order; whether any size changed."""
        changed = [self.scale(self._latest(scaling.rs), scaling.size) for scaling in scalings]
        return any(changed)

    def _latest(self, rs: Object) -> Object:
        uid = rs["metadata"]["uid"]
        return next((each for each in self.sets if each["metadata"]["uid"] == uid), rs)

    def _replace(self, rs: Object) -> None:
        uid = rs["metadata"]["uid"]
        if self.new is not None and self.new["metadata"]["uid"] == uid:
            self.new = rs
        self.olds = [rs if each["metadata"]["uid"] == uid else each for each in self.olds]

    # -- the end of a reconcile --------------------------------------------------------------------

    def forget(self) -> list[str]:
        """Delete the old ReplicaSets beyond the history limit; their names."""
        names: list[str] = []
        for rs in revisions.to_forget(self.deployment, self.olds):
            meta = rs["metadata"]
            delete(self._client, REPLICASETS, meta["name"], meta["namespace"], uid=meta["uid"])
            names.append(meta["name"])
        return names

    def write_status(self, *, progressing: bool) -> None:
        """Bring the status up to date; with the judgement on progress while a rollout may be under way."""
        stamp = self._clock.timestamp()
        status = status_of(self.deployment, self.new, self.olds, stamp)
        if progressing:
            now = self._clock.now()
            status = progress.with_progress(self.deployment, status, self.new, self.sets, now, stamp)
        if status != (self.deployment.get("status") or {}):
            self._write_status(status)

    def note_pause(self) -> None:
        """Say in the condition Progressing that the Deployment was paused or resumed."""
        note = progress.paused_condition(self.deployment, self._clock.timestamp())
        if note is not None:
            self._write_status(self._with_note(note))

    def _write_status(self, status: Object) -> None:
        changed = {**self.deployment, "status": status}
        self.deployment = self._written.note(self._client.update_status(DEPLOYMENTS, changed))


def _unready(spec: Object) -> Object:
    return {k: v for k, v in spec.items() if k != "minReadySeconds"}
