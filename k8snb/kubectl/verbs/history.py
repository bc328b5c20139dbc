"""kubectl rollout history and undo: the templates a workload has had, and the way back to one.

A Deployment's past is in its ReplicaSets, that of DaemonSets and StatefulSets in ControllerRevisions.
Upstream: `kubectl/pkg/polymorphichelpers` (`history.go`, `rollback.go`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import ask, found, resource_named
from k8snb.kubectl.call import Call
from k8snb.kubectl.describe.templates import describe_template
from k8snb.kubectl.describe.writer import Page
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.printing.printers import as_struct
from k8snb.kubectl.replicasets import HASH, replica_sets, revision_of, without_hash
from k8snb.kubectl.tabwriter import align
from k8snb.kubectl.targets import Target
from k8snb.machinery.objects import annotations_of, controller_of
from k8snb.machinery.patch import strategic_merge_patch
from k8snb.machinery.selectors import of_object
from k8snb.typing import Object

CHANGE_CAUSE = "kubernetes.io/change-cause"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_OWN_ANNOTATIONS = frozenset(
    {
        _LAST_APPLIED,
        "deployment.kubernetes.io/revision",
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    }
)
"""Annotations that a Deployment keeps when it goes back to an older template."""

Revisions = Mapping[int, Object]
"""What each revision is kept in: a ReplicaSet or a ControllerRevision."""


_KNOWN = {
    "Pod": "Pod",
    "ReplicationController": "ReplicationController",
    "ReplicaSet": "ReplicaSet.apps",
    "Job": "Job.batch",
    "CronJob": "CronJob.batch",
}
"""Kinds that have no history, but that the real one has thought of."""


def history(call: Call) -> None:
    """Carry out `kubectl rollout history`."""
    result = found(call, _asked(call))
    for target in result.targets:
        try:
            _show(call, target)
        except (StatusError, CommandError) as error:
            result.errors.append(error)
    raise_all(result.errors)


def undo(call: Call) -> None:
    """Carry out `kubectl rollout undo`."""
    result = found(call, _asked(call))
    for target in result.targets:
        try:
            done = _back(call, target, call.flags.number("to-revision"))
            call.done(target.known, target.full_name, done)
        except (StatusError, CommandError) as error:
            result.errors.append(error)
    raise_all(result.errors)


def _asked(call: Call) -> Any:
    if not call.args and not call.files and not call.flags.text("selector"):
        raise CommandError("required resource not specified")
    return ask(call, call.args, every=True)


# -- showing -------------------------------------------------------------------------------------------


def _show(call: Call, target: Target) -> None:
    wanted = call.flags.number("revision")
    if wanted < 0:
        raise CommandError(f"revision must be a positive integer: {wanted}")
    revisions = _revisions(call, target)
    printer = call.printer(ordered=False)
    if printer is not None:
        chosen = revisions.get(wanted or max(revisions, default=0))
        if chosen is None:
            raise CommandError("unable to find the specified revision")
        call.out(printer(as_struct(chosen)))
        return
    if not revisions:
        text = "No rollout history found."
    elif wanted:
        text = _one(target, revisions, wanted)
    else:
        text = _all(target, revisions)
    call.done(target.known, target.full_name, f"{f'with revision #{wanted}' if wanted else ''}\n{text}")


def _one(target: Target, revisions: Revisions, wanted: int) -> str:
    kept = revisions.get(wanted)
    if kept is None:
        raise CommandError("unable to find the specified revision")
    template = kept["spec"]["template"] if kept["kind"] == "ReplicaSet" else _restored(target.known, kept)
    cause = annotations_of(kept).get(CHANGE_CAUSE)
    if kept["kind"] == "ReplicaSet" and cause:
        meta = template.get("metadata") or {}
        annotations = {**(meta.get("annotations") or {}), CHANGE_CAUSE: cause}
        template = {**template, "metadata": {**meta, "annotations": annotations}}
    return _described(template)


def _all(target: Target, revisions: Revisions) -> str:
    numbers = sorted(revisions)
    if target.resource.kind == "StatefulSet":
        return "REVISION\n" + "".join(f"{number}\n" for number in numbers)
    causes = [annotations_of(revisions[number]).get(CHANGE_CAUSE) or "<none>" for number in numbers]
    rows = [f"{number}\t{cause}\n" for number, cause in zip(numbers, causes, strict=True)]
    return align("REVISION\tCHANGE-CAUSE\n" + "".join(rows))


def _revisions(call: Call, target: Target, doing: str = "history") -> Revisions:
    kind, obj = target.resource.kind, target.known
    if kind == "Deployment":
        old, new = replica_sets(call.session, obj)
        kept = [*old, *([new] if new is not None else [])]
        return {revision_of(rs): rs for rs in kept if revision_of(rs) >= 0}
    if kind not in ("DaemonSet", "StatefulSet"):
        if kind in _KNOWN:
            what = "history viewer" if doing == "history" else doing
            raise CommandError(f'no {what} has been implemented for "{_KNOWN[kind]}"')
        why = f"no visitor method exists for {{{target.resource.group} {kind}}}"
        raise CommandError(f'error retrieving {doing} for "{kind}", {why}')
    query = {"labelSelector": str(of_object(obj["spec"].get("selector")))}
    listed = call.session.items(resource_named(call.scheme, "controllerrevisions"), target.namespace, query)
    uid = obj["metadata"]["uid"]
    return {each["revision"]: each for each in listed if (controller_of(each) or {}).get("uid") == uid}


def _restored(obj: Object, revision: Object) -> Object:
    patched = strategic_merge_patch(obj, revision["data"], obj["apiVersion"], obj["kind"])
    template: Object = patched["spec"]["template"]
    return template


# -- going back ----------------------------------------------------------------------------------------


def _back(call: Call, target: Target, wanted: int) -> str:
    if wanted < 0:
        raise CommandError(f"unable to find specified revision {wanted} in history")
    revisions = _revisions(call, target, "rollbacker")
    kept = _chosen(target, revisions, wanted)
    if target.resource.kind == "Deployment":
        return _back_deployment(call, target, kept, wanted)
    template = _restored(target.known, kept)
    if call.dry_run == "client":
        return f"will roll back to {_described(template)}"
    if template == target.known["spec"]["template"]:
        return f"skipped rollback (current template already matches revision {wanted})"
    _send(call, target, "strategic", kept["data"], wanted)
    return "rolled back"


def _chosen(target: Target, revisions: Revisions, wanted: int) -> Object:
    if wanted:
        if wanted not in revisions:
            raise CommandError(f"unable to find specified revision {wanted} in history")
        return revisions[wanted]
    numbers = sorted(revisions)
    if len(numbers) < 2:
        if target.resource.kind == "Deployment":
            raise CommandError(f'no rollout history found for deployment "{target.name}"')
        raise CommandError("no last revision to roll back to")
    return revisions[numbers[-2]]


def _back_deployment(call: Call, target: Target, kept: Object, wanted: int) -> str:
    deployment, template = target.known, kept["spec"]["template"]
    if call.dry_run == "client":
        return _described(template)
    if deployment["spec"].get("paused"):
        raise CommandError(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again"
        )
    if without_hash(template) == without_hash(deployment["spec"]["template"]):
        return f"skipped rollback (current template already matches revision {wanted})"
    annotations = {k: v for k, v in annotations_of(deployment).items() if k in _OWN_ANNOTATIONS}
    annotations |= {k: v for k, v in annotations_of(kept).items() if k not in _OWN_ANNOTATIONS}
    patch = [
        {"op": "replace", "path": "/spec/template", "value": _unhashed(template)},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]
    _send(call, target, "json", patch, wanted)
    return "rolled back"


def _unhashed(template: Object) -> Object:
    meta = template.get("metadata") or {}
    labels = {key: value for key, value in (meta.get("labels") or {}).items() if key != HASH}
    return {**template, "metadata": {**meta, "labels": labels}}


def _send(call: Call, target: Target, kind: str, patch: Any, wanted: int) -> None:
    query = {"dryRun": "All"} if call.dry_run == "server" else {}
    try:
        call.session.patch(target, kind, patch, query)
    except StatusError as error:
        raise CommandError(f"failed restoring revision {wanted}: {error.message}") from None


def _described(template: Object) -> str:
    page = Page()
    describe_template(page, template)
    return page.raw
