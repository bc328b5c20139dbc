"""kubectl replace: put an object in the place of another. Upstream: `kubectl/pkg/cmd/replace/replace.go`."""

from __future__ import annotations

from k8snb.errors import StatusError
from k8snb.kubectl.asking import manifests
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all, while_doing
from k8snb.kubectl.flags import DELETING, DRY_RUN, FILES, PRINTING, SAVE_CONFIG, VALIDATE, Flag, manager
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.configuring import configured
from k8snb.kubectl.verbs.delete import POLICIES, say_deleted, wait_until_gone
from k8snb.kubectl.verbs.raw import send_raw
from k8snb.kubectl.waiting import FOREVER_SECONDS
from k8snb.machinery.managed.applying import LAST_APPLIED


def run(call: Call) -> None:
    """Carry out `kubectl replace`."""
    if call.flags.text("raw"):
        send_raw(call, "PUT")
        return
    if not call.files:
        raise CommandError("must specify one of -f and -k")
    if call.flags.has("grace-period") and not call.flags.on("force"):
        raise CommandError("--grace-period must have --force specified")
    if call.flags.has("timeout") and not call.flags.on("force"):
        raise CommandError("--timeout must have --force specified")
    if call.flags.text("cascade") not in POLICIES:
        given = call.flags.text("cascade")
        raise CommandError(f'invalid cascade value ({given}). Must be "background", "foreground", or "orphan"')
    if call.dry_run and call.flags.on("force"):
        raise CommandError("--dry-run can not be used when --force is set")
    replace = _by_force if call.flags.on("force") else _in_place
    errors: list[Exception] = []
    for target in manifests(call):
        try:
            replace(call, _marked(call, target))
        except StatusError as error:
            errors.append(while_doing("replacing", target.source, error))
    raise_all(errors)


def _marked(call: Call, target: Target) -> Target:
    annotations = (target.known.get("metadata") or {}).get("annotations") or {}
    if call.flags.on("save-config") or LAST_APPLIED in annotations:
        return target.holding(configured(target.known))
    return target


def _in_place(call: Call, target: Target) -> None:
    obj = target.known
    if call.dry_run != "client":
        subresource = call.flags.text("subresource")
        obj = _current_version(call, target).known
        obj = call.session.replace(target, obj, call.query(strict=True), subresource=subresource)
    call.done(obj, target.full_name, "replaced")


def _current_version(call: Call, target: Target) -> Target:
    """An object that names no version replaces whatever is there."""
    meta = target.known["metadata"]
    if meta.get("resourceVersion"):
        return target
    current = call.session.get(target)["metadata"]["resourceVersion"]
    return target.holding({**target.known, "metadata": {**meta, "resourceVersion": current}})


def _by_force(call: Call, target: Target) -> None:
    grace = call.flags.number("grace-period")
    policy = POLICIES[call.flags.text("cascade")]
    options = {"propagationPolicy": policy, **({"gracePeriodSeconds": grace} if grace >= 0 else {})}
    try:
        call.session.delete(target, options)
        say_deleted(call, target)
    except StatusError as error:
        if error.code != 404:
            raise
    if not wait_until_gone(call, target, "", call.flags.seconds("timeout") or FOREVER_SECONDS):
        raise CommandError("timed out waiting for the condition")
    meta = {k: v for k, v in target.known["metadata"].items() if k not in ("resourceVersion", "uid")}
    new = {**target.known, "metadata": meta}
    obj = call.session.create(target.resource, target.namespace, new, call.query(strict=True))
    call.done(obj, target.full_name, "replaced")


REPLACE = Verb(
    "replace",
    "Replace a resource by file name or stdin",
    run,
    (
        *PRINTING,
        *FILES,
        DRY_RUN,
        VALIDATE,
        SAVE_CONFIG,
        manager("kubectl-replace"),
        *DELETING,
        Flag("subresource"),
        Flag("raw"),
    ),
)
