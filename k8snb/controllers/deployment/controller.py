"""The Deployment controller: reconciles one Deployment with its ReplicaSets.

It never touches a pod. It creates one ReplicaSet per pod template and moves the number of replicas from the old
ones to the new one; the ReplicaSet controller does the rest. Whatever it needs to know is in the objects
(revisions and sizes in annotations, progress in conditions), so it can be stopped at any point and goes on
where it was. Upstream: `deployment/deployment_controller.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.client.controller import Context, Controller
from k8snb.client.informer import GOING
from k8snb.controllers import owners
from k8snb.controllers.deployment import progress, recreate, rolling
from k8snb.controllers.deployment.replicasets import size, total
from k8snb.controllers.deployment.rollout import DEPLOYMENTS, REPLICASETS, Rollout
from k8snb.controllers.deployment.status import is_complete
from k8snb.controllers.written import Written
from k8snb.i18n import _
from k8snb.machinery import selectors
from k8snb.machinery.objects import controller_of, is_deleting, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

SELECTING_ALL = "This deployment is selecting all pods. A non-empty selector is required."


class DeploymentController(Controller):
    """Rolls each Deployment's pods to its present template and size."""

    name = "deployment-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._deployments = self.informers.of(DEPLOYMENTS)
        self._sets = self.informers.of(REPLICASETS)
        self._pods = self.informers.of("pods")
        self._written = Written()

    def start(self) -> None:
        self.follow(DEPLOYMENTS)
        self.follow_owned(REPLICASETS, "Deployment")
        self._sets.on_change(self._set_changed)
        self._deployments.on_change(self._forget_written, GOING)
        self._pods.on_change(self._pod_changed, GOING)

    def _forget_written(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            self._written.forget(old["metadata"]["uid"])

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        """A ReplicaSet that nobody controls concerns every Deployment that selects it."""
        self._forget_written(old, new)
        if new is None or controller_of(new) is not None:
            return
        namespace, labels = new["metadata"]["namespace"], labels_of(new)
        for deployment in self._deployments.list(namespace):
            if selectors.of_object(deployment["spec"]["selector"]).matches(labels):
                self.queue.add(ObjectKey(namespace, deployment["metadata"]["name"]), revision_of(new))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """The end of a pod concerns a Deployment that waits for its last old pod (Recreate)."""
        reference = controller_of(old) if old is not None else None
        if old is None or reference is None or reference["kind"] != "ReplicaSet":
            return
        namespace = old["metadata"]["namespace"]
        rs = self._sets.get(namespace, reference["name"])
        owner = controller_of(rs) if rs is not None else None
        deployment = self._deployments.get(namespace, owner["name"]) if owner is not None else None
        if deployment is not None and not rolling.is_rolling(deployment):
            self.queue.add(ObjectKey(namespace, deployment["metadata"]["name"]), revision_of(old))

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        deployment = self._deployments.get(*key)
        if deployment is None:
            self.wants(_("the Deployment is gone: nothing to do"))
            return None
        deployment = self._written.newest(deployment)
        if selectors.of_object(deployment["spec"]["selector"]).empty:
            self._refuse(deployment)
            return None
        sets = self._claim(deployment)
        rollout = Rollout(self.client, self.events, self.clock, self._written, deployment, sets)
        self._observe(rollout)
        if is_deleting(deployment):
            self.wants(_("the Deployment is being deleted: only keep its status up to date"))
            rollout.write_status(progressing=False)
            return None
        rollout.note_pause()
        self._sync(rollout)
        self._watch_progress(key, rollout)
        return None

    def _observe(self, rollout: Rollout) -> None:
        if not self.trace.enabled:
            return
        new = rollout.new
        self.saw(
            wanted=rolling.replicas_of(rollout.deployment),
            new=None if new is None else new["metadata"]["name"],
            new_size=0 if new is None else size(new),
            old_size=sum(size(rs) for rs in rollout.olds),
            available=total(rollout.sets, "availableReplicas"),
            min_available=rolling.min_available(rollout.deployment),
            max_total=rolling.max_total(rollout.deployment),
        )

    def _refuse(self, deployment: Object) -> None:
        self.wants(_("the selector is empty, so it would select every pod: refuse"))
        self.events.warning(deployment, "SelectingAll", SELECTING_ALL)
        status = deployment.get("status") or {}
        generation = deployment["metadata"].get("generation", 0)
        if status.get("observedGeneration", 0) < generation:
            status = {**status, "observedGeneration": generation}
            self.client.update_status(DEPLOYMENTS, {**deployment, "status": status})

    def _sync(self, rollout: Rollout) -> None:
        if rollout.deployment["spec"].get("paused") or rolling.is_scaling(rollout.deployment, rollout.sets):
            self._scale(rollout)
        elif rolling.is_rolling(rollout.deployment):
            self._roll(rollout)
        else:
            self._recreate(rollout)

    def _scale(self, rollout: Rollout) -> None:
        """Only the size changes (or the Deployment is paused): no rollout step."""
        rollout.sync_revision()
        scalings = rolling.scale(rollout.deployment, rollout.new, rollout.olds)
        changes = [each for each in scalings if size(each.rs) != each.size]
        self._tell(changes, _("scale to {count}").format(count=rolling.replicas_of(rollout.deployment)))
        rollout.scale_all(scalings)
        if rollout.deployment["spec"].get("paused"):
            self._forget(rollout)
        rollout.write_status(progressing=False)

    def _roll(self, rollout: Rollout) -> None:
        """One step of a rolling update: grow the new ReplicaSet, or else shrink the old ones."""
        found = rollout.new is not None
        rollout.ensure_new()
        assert rollout.new is not None
        if not found:
            self.compares(_("ReplicaSet of this template"), _("none"), rollout.new["metadata"]["name"])
            self.wants(
                _("no ReplicaSet has this template: create {name} of size {count}"),
                name=rollout.new["metadata"]["name"],
                count=size(rollout.new),
            )
        deployment = rollout.deployment
        target = rolling.new_size(deployment, rollout.sets, size(rollout.new))
        if target != size(rollout.new):
            self._tell([rolling.Scaling(rollout.new, target)], _("the surge leaves room for new pods"))
            rollout.scale(rollout.new, target)
        else:
            downs = rolling.scale_downs(deployment, rollout.new, rollout.olds)
            self._tell(downs, _("enough pods are available to let old ones go"))
            if not rollout.scale_all(downs):
                self._rest(rollout)
        rollout.write_status(progressing=True)

    def _recreate(self, rollout: Rollout) -> None:
        """One step of Recreate: end the old pods, wait until they are gone, then start the new ones."""
        rollout.sync_revision()
        downs = recreate.scale_downs(rollout.olds)
        self._tell(downs, _("the old pods have to end first"))
        if rollout.scale_all(downs):
            rollout.write_status(progressing=True)
            return
        if recreate.old_pods_remain(rollout.olds, self._pods_of(rollout.olds)):
            self.wants(_("old pods are still ending: wait for the last one"))
            rollout.write_status(progressing=True)
            return
        if rollout.new is None:
            rollout.ensure_new()
        assert rollout.new is not None
        target = rolling.replicas_of(rollout.deployment)
        self._tell([rolling.Scaling(rollout.new, target)], _("no old pod is left, so new ones can start"))
        if not rollout.scale(rollout.new, target):
            self._rest(rollout)
        rollout.write_status(progressing=True)

    def _rest(self, rollout: Rollout) -> None:
        """Nothing can be scaled: the rollout is complete, or has to wait for pods."""
        if is_complete(rollout.deployment, rollout.deployment.get("status") or {}):
            self._forget(rollout)
            if total(rollout.sets, "availableReplicas") == rolling.replicas_of(rollout.deployment):
                self.compares(
                    _("available"), total(rollout.sets, "availableReplicas"), rolling.replicas_of(rollout.deployment)
                )
                self.wants(_("every pod is up to date and available: the rollout is complete"))
                return
        if self.trace.enabled:
            self._tell_waiting(rollout)

    def _tell_waiting(self, rollout: Rollout) -> None:
        self.wants(
            _("{total} of at most {most} pods, {available} available of at least {least}: wait"),
            total=total(rollout.sets, "replicas"),
            most=rolling.max_total(rollout.deployment),
            available=total(rollout.sets, "availableReplicas"),
            least=rolling.min_available(rollout.deployment),
        )

    def _forget(self, rollout: Rollout) -> None:
        names = rollout.forget()
        if names:
            self.wants(_("more old ReplicaSets than the history keeps: delete {names}"), names=", ".join(names))

    def _tell(self, scalings: Sequence[rolling.Scaling], why: str) -> None:
        changes = [each for each in scalings if size(each.rs) != each.size]
        if not changes:
            return
        for each in changes:
            self.compares(_("replicas of {name}").format(name=each.rs["metadata"]["name"]), size(each.rs), each.size)
        steps = [f"{each.rs['metadata']['name']} {size(each.rs)} → {each.size}" for each in changes]
        self.wants(f"{why}: {', '.join(steps)}")

    def _watch_progress(self, key: ObjectKey, rollout: Rollout) -> None:
        """Look again when the progress deadline will have passed."""
        if rollout.deployment["spec"].get("paused"):
            return
        status = rollout.deployment.get("status") or {}
        after = progress.next_check(rollout.deployment, status, self.clock.now())
        if after is not None:
            self.queue.add_after(key, after, background=True)

    # -- what belongs to it ------------------------------------------------------------------------

    def _claim(self, deployment: Object) -> list[Object]:
        """The ReplicaSets that are this Deployment's, after adopting and releasing those that changed sides."""
        matches = selectors.of_object(deployment["spec"]["selector"]).matches
        mine: list[Object] = []
        for rs in owners.controlled(self._sets, deployment):
            if matches(labels_of(rs)):
                mine.append(self._written.newest(rs))
            elif not is_deleting(deployment):
                owners.release(self.client, REPLICASETS, deployment, rs)
        return mine if is_deleting(deployment) else [*mine, *self._adopt(deployment, matches)]

    def _adopt(self, deployment: Object, matches: selectors.Predicate) -> list[Object]:
        namespace = deployment["metadata"]["namespace"]
        orphans = [rs for rs in owners.orphans(self._sets, namespace) if matches(labels_of(rs)) and not is_deleting(rs)]
        adopted = [owners.adopt(self.client, REPLICASETS, deployment, rs) for rs in orphans]
        return [rs for rs in adopted if rs is not None]

    def _pods_of(self, sets: Sequence[Object]) -> list[Object]:
        return [pod for rs in sets for pod in owners.controlled(self._pods, rs)]
