"""kubectl rollout: watch, stop, continue, repeat and take back the rollout of a template.

Upstream: `kubectl/pkg/cmd/rollout`, `kubectl/pkg/polymorphichelpers`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from k8snb.clock import rfc3339
from k8snb.errors import StatusError
from k8snb.kubectl.asking import Asked, ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import DRY_RUN, FILES, PRINTING, SELECTOR, Flag, manager
from k8snb.kubectl.rollouts import status_of
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.history import history, undo
from k8snb.kubectl.waiting import FOREVER_SECONDS, until
from k8snb.machinery.patch import two_way_merge_patch
from k8snb.machinery.schema import type_of
from k8snb.typing import Object

_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def _asked(call: Call) -> Asked:
    if not call.args and not call.files and not call.flags.text("selector"):
        raise CommandError("required resource not specified")
    return ask(call, call.args, every=True)


def _each(call: Call, work: Callable[[Call, Target], None]) -> None:
    result = found(call, _asked(call))
    if not result.targets and not result.errors:
        call.err(f"No resources found in {call.namespace} namespace.\n")
    for target in result.targets:
        try:
            work(call, target)
        except (StatusError, CommandError) as error:
            result.errors.append(error)
    raise_all(result.errors)


# -- status --------------------------------------------------------------------------------------------


def status(call: Call) -> None:
    """Carry out `kubectl rollout status`: say how far a rollout is until it is done."""
    result = found(call, _asked(call))
    raise_all(result.errors)
    if not result.targets:
        call.err(f"No resources found in {call.namespace} namespace.\n")
    for target in result.targets:
        _follow(call, target)


def _follow(call: Call, target: Target) -> None:
    revision = call.flags.number("revision")
    watching = call.flags.on("watch")

    def seen(type: str, obj: Object) -> bool:
        if type == "DELETED":
            raise CommandError("object has been deleted")
        text, done = status_of(obj, target.resource, revision)
        call.out(text)
        return done or not watching

    seconds = call.flags.seconds("timeout") or FOREVER_SECONDS
    if not until(call.session, target, seen, seconds):
        raise CommandError("timed out waiting for the condition")


# -- pause, resume, restart ----------------------------------------------------------------------------


def _patch_spec(call: Call, target: Target, done: str, update: Callable[[Object], Object]) -> None:
    old = target.known
    new = {**old, "spec": update(old["spec"])}
    schema = type_of(old["apiVersion"], old["kind"])
    assert schema is not None
    patch = two_way_merge_patch(old, new, schema)
    query = {"fieldManager": call.flags.text("field-manager")}
    try:
        result = call.session.patch(target, "strategic", patch, query)
    except StatusError as error:
        raise CommandError(f"failed to patch: {error.message}") from None
    call.done(result, target.full_name, done)


def _refuse_unless_deployment(target: Target, verb: str) -> None:
    if target.resource.kind != "Deployment":
        raise CommandError(f'error: {target.resource.group_resource} "{target.name}" {verb} is not supported')


def _pause(call: Call, target: Target) -> None:
    _refuse_unless_deployment(target, "pausing")
    if target.known["spec"].get("paused"):
        raise CommandError(f'{target.resource.group_resource} "{target.name}" is already paused')
    _patch_spec(call, target, "paused", lambda spec: {**spec, "paused": True})


def _resume(call: Call, target: Target) -> None:
    _refuse_unless_deployment(target, "resuming")
    if not target.known["spec"].get("paused"):
        raise CommandError(f'{target.resource.group_resource} "{target.name}" is not paused')
    _patch_spec(call, target, "resumed", lambda spec: {k: v for k, v in spec.items() if k != "paused"})


def _restart(call: Call, target: Target) -> None:
    if target.resource.kind not in ("Deployment", "DaemonSet", "StatefulSet"):
        raise CommandError(f'error: {target.resource.group_resource} "{target.name}" restarting is not supported')
    if target.known["spec"].get("paused"):
        raise CommandError(
            f'error: {target.resource.group_resource} "{target.name}" can\'t restart paused deployment '
            "(run rollout resume first)"
        )
    stamp = rfc3339(call.now)
    _patch_spec(call, target, "restarted", lambda spec: {**spec, "template": _restarted(spec["template"], stamp)})


def _restarted(template: Object, stamp: str) -> Object:
    meta: dict[str, Any] = dict(template.get("metadata") or {})
    meta["annotations"] = {**(meta.get("annotations") or {}), _RESTARTED_AT: stamp}
    return {**template, "metadata": meta}


_COMMON = (*PRINTING, *FILES, SELECTOR)
_MANAGER = manager("kubectl-rollout")
ROLLOUT = Verb(
    "rollout",
    "Manage the rollout of a resource",
    verbs=(
        Verb("history", "View rollout history", history, (*_COMMON, Flag("revision", kind="number"))),
        Verb("pause", "Mark the provided resource as paused", partial(_each, work=_pause), (*_COMMON, _MANAGER)),
        Verb("restart", "Restart a resource", partial(_each, work=_restart), (*_COMMON, _MANAGER)),
        Verb("resume", "Resume a paused resource", partial(_each, work=_resume), (*_COMMON, _MANAGER)),
        Verb(
            "status",
            "Show the status of the rollout",
            status,
            (
                *FILES,
                SELECTOR,
                Flag("watch", "w", kind="switch", default=True),
                Flag("revision", kind="number"),
                Flag("timeout", kind="seconds"),
            ),
        ),
        Verb("undo", "Undo a previous rollout", undo, (*_COMMON, DRY_RUN, Flag("to-revision", kind="number"))),
    ),
)
