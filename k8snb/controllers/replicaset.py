"""The ReplicaSet controller: as many pods as wanted, no more, no fewer.

It counts the pods it controls and creates or deletes the difference. Counts are kept up to date as pods change
(`replicaset_status.Tally`), so a reconcile costs what has changed, not what there is; and a change that cannot
alter what the controller wants (a pod was bound to a node) is not looked at. Pods are created in batches of
1, 2, 4 …, so that a ReplicaSet whose pods are refused does not ask a thousand times. Upstream:
`pkg/controller/replicaset/replica_set.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from k8snb.client.controller import Context, Controller
from k8snb.controllers import owners
from k8snb.controllers.expectations import Expectations
from k8snb.controllers.podstate import available_at, is_active, is_ready
from k8snb.controllers.ranking import victims
from k8snb.controllers.refusals import namespace_is_terminating
from k8snb.controllers.replicaset_status import Counts, Failure, Tally, standing, status_of
from k8snb.controllers.written import Written
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery import selectors
from k8snb.machinery.objects import controller_of, controller_reference, is_deleting, key_of, labels_of, revision_of
from k8snb.machinery.selectors import LabelSelector
from k8snb.typing import Object, ObjectKey

REPLICASETS = "replicasets.apps"
BURST = 500
"""How many pods one reconcile creates or deletes at most."""


class ReplicaSetController(Controller):
    """Keeps each ReplicaSet's number of pods at its size."""

    name = "replicaset-controller"
    resource = REPLICASETS
    kind = "ReplicaSet"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sets = self.informers.of(self.resource)
        self._pods = self.informers.of("pods")
        self._expectations = Expectations(self.clock)
        self._tallies: dict[str, Tally] = {}
        self._blueprints: dict[str, tuple[Object, Object]] = {}
        self._orphans: dict[str, dict[str, Object]] = {}
        self._claiming: dict[ObjectKey, None] = {}
        self._written = Written()

    def start(self) -> None:
        self._sets.on_change(self._set_changed)
        self._pods.on_change(self._pod_changed)

    # -- the kind ----------------------------------------------------------------------------------

    def selector(self, rs: Object) -> LabelSelector:
        """What selects the pods of a ReplicaSet."""
        return selectors.of_object(rs["spec"]["selector"])

    def status(self, rs: Object, counts: Counts, failure: Failure | None) -> Object:
        """The status that a ReplicaSet should have."""
        return status_of(rs, counts, failure, self.clock.timestamp())

    # -- noticing ----------------------------------------------------------------------------------

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            key = key_of(old)
            self._expectations.forget(key)
            self._blueprints.pop(old["metadata"]["uid"], None)
            self._written.forget(old["metadata"]["uid"])
            self.queue.add(key, revision_of(old))
            return
        if old is not None and _only_status_changed(old, new) and self._written.wrote(new):
            return
        key = key_of(new)
        if old is None:
            self._claiming[key] = None
        self.queue.add(key, revision_of(new))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and _same_but_for_status(old, new):
            was, now = standing(old), standing(new)
            if was != now:
                self._status_changed(old, new, was, now)
            return
        before, after = _owner(old, self.kind), _owner(new, self.kind)
        if before is not None and after is not None and before["uid"] == after["uid"]:
            assert old is not None
            assert new is not None
            self._owned_changed(after, old, new)
            return
        if before is not None:
            assert old is not None
            self._owned_left(before, old, new)
        if after is not None:
            assert new is not None
            self._owned_arrived(after, new, adopted=old is not None)
        if after is None or (before is None and old is not None):
            self._orphan_changed(old, new)

    def _status_changed(self, old: Object, new: Object, was: int, now: int) -> None:
        owner = _owner(new, self.kind)
        if owner is None:
            self._orphan_changed(old, new)
            return
        self._tallies[owner["uid"]].move(new, was, now)
        self._look_at(ObjectKey(new["metadata"]["namespace"], owner["name"]), new)

    def _owned_changed(self, owner: Object, old: Object, new: Object) -> None:
        if not self._tallies[owner["uid"]].change(old, new):
            return
        meta = new["metadata"]
        key = ObjectKey(meta["namespace"], owner["name"])
        if "deletionTimestamp" in meta:
            self._expectations.deleted(key, meta["uid"])
        self._look_at(key, new)

    def _owned_left(self, owner: Object, old: Object, new: Object | None) -> None:
        tally = self._tallies[owner["uid"]]
        tally.remove(old)
        if tally.empty:
            del self._tallies[owner["uid"]]
        key = ObjectKey(old["metadata"]["namespace"], owner["name"])
        self._expectations.deleted(key, old["metadata"]["uid"])
        self._look_at(key, old if new is None else new)

    def _owned_arrived(self, owner: Object, new: Object, *, adopted: bool) -> None:
        tally = self._tallies.get(owner["uid"])
        if tally is None:
            tally = self._tallies[owner["uid"]] = Tally()
        tally.add(new)
        meta = new["metadata"]
        key = ObjectKey(meta["namespace"], owner["name"])
        if "deletionTimestamp" in meta:
            self._expectations.deleted(key, meta["uid"])
        elif not adopted:
            self._expectations.created(key)
        self._look_at(key, new)

    def _look_at(self, key: ObjectKey, pod: Object) -> None:
        """Queue the ReplicaSet, once everything that it did last time has been seen."""
        if self._expectations.satisfied(key):
            self.queue.add(key, revision_of(pod))

    def _orphan_changed(self, old: Object | None, new: Object | None) -> None:
        """A pod that nobody controls concerns every ReplicaSet that selects it."""
        pod = new if new is not None else old
        assert pod is not None
        namespace, name = key_of(pod)
        orphans = self._orphans.setdefault(namespace, {})
        if new is None or controller_of(new) is not None:
            orphans.pop(name, None)
            return
        orphans[name] = new
        if old is not None and controller_of(old) is None and labels_of(old) == labels_of(new):
            return
        for rs in self._sets.list(namespace):
            if self.selector(rs).matches(labels_of(new)):
                key = key_of(rs)
                self._claiming[key] = None
                self.queue.add(key, revision_of(new))

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        rs = self._sets.get(*key)
        if rs is None:
            self.wants(_("the {kind} is gone: nothing to do"), kind=self.kind)
            return None
        rs = self._written.newest(rs)
        tally = self._tallies.get(rs["metadata"]["uid"]) or _NOBODY
        exist = tally.matching(self.selector(rs).matches)
        if exist != tally.active and not is_deleting(rs):
            self._release(rs)
        if key in self._claiming:
            exist += self._adopt(key, rs)
        wanted = rs["spec"].get("replicas", 1)
        self.compares(_("pods"), exist, wanted)
        self.saw(wanted=wanted, exist=exist, ready=tally.ready, terminating=tally.terminating)
        failure: Failure | None = None
        error: StatusError | None = None
        if exist == wanted:
            self.wants(_("{wanted} wanted, {exist} there: nothing to create or delete"), wanted=wanted, exist=exist)
        elif not is_deleting(rs):
            error = self._manage(key, rs, wanted, exist)
            if error is not None:
                failure = Failure("FailedCreate" if exist < wanted else "FailedDelete", error.message)
        counts, again = self._count(rs, tally, exist)
        self._write_status(rs, counts, failure)
        if error is not None:
            raise error
        return again

    def _manage(self, key: ObjectKey, rs: Object, wanted: int, exist: int) -> StatusError | None:
        """Create or delete the difference; the first refusal."""
        if not self._expectations.satisfied(key):
            pending = self._expectations.pending(key)
            self.wants(_("{count} changes are under way: wait until they are seen"), count=pending)
            return None
        difference = min(abs(wanted - exist), BURST)
        if exist < wanted:
            self.wants(
                _("{wanted} wanted, {exist} there: create {count}"),
                wanted=wanted,
                exist=exist,
                count=difference,
            )
            return self._create(key, rs, difference)
        self.wants(_("{wanted} wanted, {exist} there: delete {count}"), wanted=wanted, exist=exist, count=difference)
        return self._delete(key, rs, difference)

    def _create(self, key: ObjectKey, rs: Object, count: int) -> StatusError | None:
        pod = self._blueprint(rs)
        self._expectations.expect_creations(key, count)
        client, events = self.client, self.events
        left = count
        for batch in slow_start(count):
            error: StatusError | None = None
            for made in client.create_pods(pod, key.namespace, batch):
                if not isinstance(made, StatusError):
                    events.normal(rs, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
                    continue
                error = error or made
                self._expectations.created(key)
                if not namespace_is_terminating(made):
                    events.warning(rs, "FailedCreate", f"Error creating: {made.message}")
            left -= batch
            if error is not None:
                self._expectations.created(key, left)
                return None if namespace_is_terminating(error) else error
        return None

    def _blueprint(self, rs: Object) -> Object:
        """The pod that the ReplicaSet makes, built once per template and shared by all of its pods."""
        meta, template = rs["metadata"], rs["spec"]["template"]
        known = self._blueprints.get(meta["uid"])
        if known is not None and known[0] is template:
            return known[1]
        pod = pod_from_template(template, rs)
        self._blueprints[meta["uid"]] = (template, pod)
        return pod

    def _delete(self, key: ObjectKey, rs: Object, count: int) -> StatusError | None:
        mine = [pod for pod in self._owned(rs) if is_active(pod)]
        chosen = victims(mine, self._related(rs), count, self.clock.now())
        self._expectations.expect_deletions(key, (pod["metadata"]["uid"] for pod in chosen))
        first: StatusError | None = None
        for pod in chosen:
            name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
            try:
                self.client.delete("pods", name, key.namespace, uid=uid)
            except StatusError as refusal:
                self._expectations.deleted(key, uid)
                if refusal.code == 404:
                    continue
                first = first or refusal
                self.events.warning(rs, "FailedDelete", f"Error deleting: {refusal.message}")
            else:
                self.events.normal(rs, "SuccessfulDelete", f"Deleted pod: {name}")
        return first

    def _owned(self, rs: Object) -> list[Object]:
        matches = self.selector(rs).matches
        return [pod for pod in owners.controlled(self._pods, rs) if matches(labels_of(pod))]

    def _related(self, rs: Object) -> Iterator[Object]:
        """The pods of every ReplicaSet with the same controller, this one included."""
        owner = controller_of(rs)
        siblings = [rs]
        if owner is not None:
            siblings = [each for each in owners.dependents(self._sets, owner["uid"]) if _controlled_by(each, owner)]
        return (pod for sibling in siblings for pod in owners.controlled(self._pods, sibling))

    # -- claiming ----------------------------------------------------------------------------------

    def _release(self, rs: Object) -> None:
        """Give up the pods that the selector no longer matches."""
        matches = self.selector(rs).matches
        strays = [pod for pod in owners.controlled(self._pods, rs) if is_active(pod) and not matches(labels_of(pod))]
        self.wants(_("release {count} that no longer match the selector"), count=len(strays))
        for pod in strays:
            owners.release(self.client, "pods", rs, pod)

    def _adopt(self, key: ObjectKey, rs: Object) -> int:
        """Take over matching pods that nobody controls; how many, which the cache has yet to show."""
        matches = self.selector(rs).matches
        orphans = self._orphans.get(key.namespace) or {}
        found = [pod for pod in orphans.values() if is_active(pod) and matches(labels_of(pod))]
        if is_deleting(rs) or not found:
            del self._claiming[key]
            return 0
        self.wants(_("adopt {count} that match the selector and that nobody controls"), count=len(found))
        return sum(owners.adopt(self.client, "pods", rs, pod) is not None for pod in found)

    # -- telling -----------------------------------------------------------------------------------

    def _count(self, rs: Object, tally: Tally, exist: int) -> tuple[Counts, float | None]:
        """The pods in numbers, and in how many seconds the next one becomes available."""
        labels = (rs["spec"]["template"].get("metadata") or {}).get("labels") or {}
        ready = tally.ready
        if exist < tally.active:  # those that were released just now are counted until the cache shows it
            ready = sum(is_active(pod) and is_ready(pod) for pod in self._owned(rs))
        available, again = ready, None
        min_ready = rs["spec"].get("minReadySeconds", 0)
        if min_ready and ready:
            pods = (pod for pod in self._owned(rs) if is_active(pod))
            available, again = count_available(pods, min_ready, self.clock.now())
        return Counts(exist, tally.labelled(labels), ready, available, tally.terminating), again

    def _write_status(self, rs: Object, counts: Counts, failure: Failure | None) -> None:
        status = self.status(rs, counts, failure)
        if status == rs.get("status"):
            return
        self.wants(_("bring its status up to date"))
        self._written.put_status(self.client, self.resource, rs, status)


_NOBODY = Tally()


def slow_start(count: int) -> Iterator[int]:
    """The sizes of the batches in which `count` pods are created: 1, 2, 4 …"""
    size = 1
    while count > 0:
        batch = min(size, count)
        yield batch
        count -= batch
        size *= 2


def pod_from_template(template: Object, owner: Object) -> Object:
    """The pod that a controller makes of its template (upstream `GetPodFromTemplate`)."""
    template_meta = template.get("metadata") or {}
    meta: dict[str, Any] = {
        "generateName": f"{owner['metadata']['name']}-",
        "namespace": owner["metadata"]["namespace"],
    }
    for name in ("labels", "annotations", "finalizers"):
        if template_meta.get(name):
            meta[name] = template_meta[name]
    meta["ownerReferences"] = [controller_reference(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


def count_available(pods: Iterable[Object], min_ready_seconds: int, now: float) -> tuple[int, float | None]:
    """How many pods are available, and in how many seconds one more will be."""
    times = [when for pod in pods if (when := available_at(pod, min_ready_seconds)) is not None]
    waiting = [when - now for when in times if when > now]
    return len(times) - len(waiting), min(waiting, default=None)


def _owner(pod: Object | None, kind: str) -> Object | None:
    reference = controller_of(pod) if pod is not None else None
    return reference if reference is not None and reference["kind"] == kind else None


def _controlled_by(rs: Object, owner: Object) -> bool:
    reference = controller_of(rs)
    return reference is not None and reference["uid"] == owner["uid"]


def _same_but_for_status(old: Object, new: Object) -> bool:
    """Whether, at a glance, nothing has changed in a pod that concerns a ReplicaSet but perhaps its standing."""
    meta, before = new["metadata"], old["metadata"]
    return (
        meta.get("labels") is before.get("labels")
        and meta.get("ownerReferences") is before.get("ownerReferences")
        and "deletionTimestamp" not in meta
    )


def _only_status_changed(old: Object, new: Object) -> bool:
    if old.get("status") is new.get("status") or old["spec"] is not new["spec"]:
        return False
    return is_deleting(old) == is_deleting(new) and labels_of(old) == labels_of(new)
