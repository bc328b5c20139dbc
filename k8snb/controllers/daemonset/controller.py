"""The DaemonSet controller: a pod on every node that should have one, and on no other.

It looks at one DaemonSet at a time and at all nodes, makes what is missing, deletes what is too many, and, if nothing
is on the way, takes the next step of a rolling update. Pods and revisions are followed from the first DaemonSet on.
Upstream: `pkg/controller/daemon/daemon_controller.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8snb.client.controller import Context
from k8snb.client.events import EventRecorder
from k8snb.controllers.claiming import claim
from k8snb.controllers.daemonset.daemons import Placement, by_node, template_for, tied_to
from k8snb.controllers.daemonset.managing import Backoff, Manager, Plan
from k8snb.controllers.daemonset.revisions import DAEMONSETS, History
from k8snb.controllers.daemonset.rolling import Rolling
from k8snb.controllers.daemonset.status import counts_of, status_of
from k8snb.controllers.history import REVISION_LABEL, REVISIONS, revision_name
from k8snb.controllers.podstate import available_at
from k8snb.controllers.refusals import namespace_is_terminating
from k8snb.controllers.replicaset import pod_from_template, slow_start
from k8snb.controllers.setcontroller import SetController
from k8snb.controllers.unseen import AGAIN_SECONDS, Unseen
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery import selectors
from k8snb.machinery.objects import is_deleting, key_of, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

BURST = 250
"""How many pods one look creates or deletes at most."""


class DaemonSetController(SetController):
    """Keeps each DaemonSet's pods."""

    name = "daemon-set-controller"
    resource = DAEMONSETS
    kind = "DaemonSet"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.events = EventRecorder(context.client, context.clock, "daemonset-controller")
        self._nodes = self.informers.of("nodes")
        self._backoff = Backoff()

    # -- noticing ----------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._revisions = self.informers.of(REVISIONS)
        self._unseen_revisions = Unseen(self._revisions, self.clock)
        self._nodes.on_change(self._node_changed)

    def _left(self, obj: Object) -> None:
        self._backoff.forget(obj["metadata"]["uid"])

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        """A node that a DaemonSet wants otherwise than before concerns it."""
        if old is not None and new is not None and labels_of(old) == labels_of(new) and old["spec"] == new["spec"]:
            return
        node = new or old
        assert node is not None
        for ds in self._sets.list():
            placement = Placement(ds)
            before = placement.fit(old) if old is not None else None
            after = placement.fit(new) if new is not None else None
            if before != after:
                self.queue.add(key_of(ds), revision_of(node))

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        ds = self._sets.get(*key)
        if ds is None:
            self.wants(_("the DaemonSet is gone: nothing to do"))
            return None
        if is_deleting(ds):
            self.wants(_("the DaemonSet is being deleted: nothing to do"))
            return None
        if self._unseen_revisions.behind(key):
            self.wants(_("the cache does not show yet what was written last: look again when it does"))
            return AGAIN_SECONDS
        ds = self._written.newest(ds)
        pods, nodes = self._claim_pods(ds), self._nodes.list()
        history = History(
            self.client, ds, self._claim_revisions(ds), lambda obj: self._unseen_revisions.wrote(key, obj)
        )
        hash = labels_of(history.current(pods))[REVISION_LABEL]
        placement, daemons = Placement(ds), by_node(pods)
        if self._unseen.behind(key):
            self.wants(_("the cache does not show yet what was written last: only bring the status up to date"))
            self._write_status(ds, nodes, daemons, placement, hash, observed=False)
            return AGAIN_SECONDS
        again: float | None = None
        try:
            again = self._manage(key, ds, nodes, daemons, placement, hash)
            history.forget({revision_name(pod) for pod in pods})
        finally:
            self._write_status(ds, nodes, daemons, placement, hash, observed=True)
        return self._again(ds, pods, again)

    def _manage(
        self,
        key: ObjectKey,
        ds: Object,
        nodes: Sequence[Object],
        daemons: Mapping[str, Sequence[Object]],
        placement: Placement,
        hash: str,
    ) -> float | None:
        """Create and delete what has to be; in how many seconds to look again."""
        now = self.clock.now()
        plan = Manager(ds, hash, placement, self._backoff, now).plan(nodes, daemons)
        meant = sum(placement.fit(node).should_run for node in nodes)
        self.saw(nodes=len(nodes), meant=meant, daemons=sum(map(len, daemons.values())))
        for pod, node in plan.failed:
            self._tell_ended(ds, pod, node)
        if plan:
            both, missing = (
                _("daemons are missing on {missing}, too many are {surplus}"),
                _("daemons are missing on {missing}"),
            )
            self._wants(plan, both, missing, _("too many are {surplus}"))
            self._sync(key, ds, plan, hash)
        if self._unseen.behind(key) or (ds["spec"].get("updateStrategy") or {}).get("type") != "RollingUpdate":
            return plan.again
        step = Rolling(ds, hash, placement, now).step(nodes, daemons)
        if step.delete or step.create:
            replaced = Plan(create=step.create, delete=step.delete)
            self._wants(
                replaced,
                _("replace daemons of an old template: delete {surplus}, create on {missing}"),
                _("replace daemons of an old template: create on {missing}"),
                _("replace daemons of an old template: delete {surplus}"),
            )
            self._sync(key, ds, replaced, hash)
        elif not plan:
            self.wants(_("every node has what it should have: nothing to do"))
        return plan.again

    def _wants(self, plan: Plan, both: str, missing: str, surplus: str) -> None:
        """Say what is to be done, in the words for a plan that does both, or only the one or the other."""
        words = {
            "missing": ", ".join(plan.create),
            "surplus": ", ".join(pod["metadata"]["name"] for pod in plan.delete),
        }
        self.wants(both if all(words.values()) else missing if plan.create else surplus, **words)

    def _tell_ended(self, ds: Object, pod: Object, node: str) -> None:
        failed = pod["status"]["phase"] == "Failed"
        about = f"daemon pod {pod['metadata']['namespace']}/{pod['metadata']['name']} on node {node}"
        if failed:
            self.events.warning(ds, "FailedDaemonPod", f"Found failed {about}, will try to kill it")
        else:
            self.events.normal(ds, "SucceededDaemonPod", f"Found succeeded {about}, will try to delete it")

    def _again(self, ds: Object, pods: Sequence[Object], again: float | None) -> float | None:
        """The earlier of that and the next pod's becoming available."""
        now, least = self.clock.now(), ds["spec"].get("minReadySeconds", 0)
        times = [when - now for pod in pods if least and (when := available_at(pod, least)) is not None and when > now]
        return min([*times, *([again] if again is not None else [])], default=None)

    # -- acting ------------------------------------------------------------------------------------

    def _sync(self, key: ObjectKey, ds: Object, plan: Plan, hash: str) -> None:
        """Create and delete. Raises the first refusal when all has been tried."""
        errors = [*self._create(key, ds, plan.create[:BURST], hash), *self._delete(key, ds, plan.delete[:BURST])]
        if errors:
            raise errors[0]

    def _create(self, key: ObjectKey, ds: Object, names: Sequence[str], hash: str) -> list[StatusError]:
        blueprint = pod_from_template(template_for(ds, hash), ds)
        rest = iter(names)
        for size in slow_start(len(names)):
            errors: list[StatusError] = []
            for _n in range(size):
                pod = {**blueprint, "spec": tied_to(blueprint["spec"], next(rest))}
                try:
                    made = self._unseen.wrote(key, self.client.create("pods", pod))
                except StatusError as error:
                    if not namespace_is_terminating(error):
                        self.events.warning(ds, "FailedCreate", f"Error creating: {error.message}")
                        errors.append(error)
                else:
                    self.events.normal(ds, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
            if errors:
                return errors
        return []

    def _delete(self, key: ObjectKey, ds: Object, pods: Sequence[Object]) -> list[StatusError]:
        errors: list[StatusError] = []
        for pod in pods:
            meta = pod["metadata"]
            try:
                answer = self.client.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"])
            except StatusError as error:
                if error.code != 404:
                    self.events.warning(ds, "FailedDelete", f"Error deleting: {error.message}")
                    errors.append(error)
            else:
                self._unseen.removed(key, answer)
                self.events.normal(ds, "SuccessfulDelete", f"Deleted pod: {meta['name']}")
        return errors

    # -- claiming ----------------------------------------------------------------------------------

    def _claim_pods(self, ds: Object) -> list[Object]:
        matches = selectors.of_object(ds["spec"]["selector"]).matches
        return claim(
            self.client,
            self._pods,
            ds,
            lambda pod: matches(labels_of(pod)),
            tell=self.wants,
            note=lambda pod: self._unseen.wrote(key_of(ds), pod),
        )

    def _claim_revisions(self, ds: Object) -> list[Object]:
        matches = selectors.of_object(ds["spec"]["selector"]).matches
        return claim(
            self.client,
            self._revisions,
            ds,
            lambda revision: matches(labels_of(revision)),
            tell=self.wants,
            note=lambda revision: self._unseen_revisions.wrote(key_of(ds), revision),
        )

    # -- telling -----------------------------------------------------------------------------------

    def _write_status(
        self,
        ds: Object,
        nodes: Sequence[Object],
        daemons: Mapping[str, Sequence[Object]],
        placement: Placement,
        hash: str,
        *,
        observed: bool,
    ) -> None:
        counts = counts_of(ds, nodes, daemons, placement, hash, self.clock.now())
        status = status_of(ds, counts, observed=observed)
        self.compares(_("daemons"), counts["currentNumberScheduled"], counts["desiredNumberScheduled"])
        if status == ds.get("status"):
            return
        self.wants(_("bring its status up to date"))
        self._written.put_status(self.client, DAEMONSETS, ds, status)
