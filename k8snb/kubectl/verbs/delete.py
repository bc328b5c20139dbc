"""kubectl delete: ask for the end of objects, and wait for it.

Upstream: `kubectl/pkg/cmd/delete/delete.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import Found, ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all, while_doing
from k8snb.kubectl.flags import ALL, DRY_RUN, EVERY_NAMESPACE, FIELD_SELECTOR, FILES, SELECTOR, Flag
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.raw import send_raw
from k8snb.kubectl.waiting import FOREVER_SECONDS, until
from k8snb.typing import Object

POLICIES = {
    "background": "Background",
    "orphan": "Orphan",
    "foreground": "Foreground",
    "true": "Background",
    "false": "Orphan",
}
_BOOLEAN = {"true": "background", "false": "orphan"}
_AT_ONCE = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. "
    "The resource may continue to run on the cluster indefinitely.\n"
)


def run(call: Call) -> None:
    """Carry out `kubectl delete`."""
    if call.flags.text("raw"):
        send_raw(call, "DELETE")
        return
    grace = _grace(call)
    if _policy(call) and call.flags.text("cascade") in _BOOLEAN:
        given = call.flags.text("cascade")
        call.err(
            f"warning: --cascade={given} is deprecated (boolean value) and can be replaced with "
            f"--cascade={_BOOLEAN[given]}.\n"
        )
    if call.flags.on("all") and (call.flags.text("selector") or call.flags.text("field-selector")):
        raise CommandError("setting 'all' parameter but found a non empty selector.")
    if call.flags.text("output") not in ("", "name"):
        what = f"unexpected -o output mode: {call.flags.text('output')}"
        raise CommandError(f"{what}. We only support '-o name'")
    if not call.args and not call.files and call.flags.text("selector"):
        raise CommandError("at least one resource must be specified to use a selector")
    asked = ask(call, call.args, every=call.flags.on("all"))
    if asked.listed and not call.flags.on("ignore-not-found"):
        call.flags.values["ignore-not-found"] = True
    deleted: list[tuple[Target, str]] = []
    result = found(call, asked, latest=False, read=False)
    if call.flags.has("namespace") and any(not target.resource.namespaced for target in result.targets):
        call.err("Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n")
    if call.flags.on("interactive") and result.targets and not _agreed(call, result.targets):
        return
    for target in result.targets:
        _try(call, target, grace, deleted, result)
    errors = _worth_telling(call, result)
    if not result.targets and not errors:
        call.out("No resources found\n")
    if call.flags.on("wait") and not call.dry_run:
        _wait(call, deleted, errors)
    raise_all(errors)


def _grace(call: Call) -> int:
    grace = call.flags.number("grace-period")
    if call.flags.on("now"):
        if grace != -1:
            raise CommandError("--now and --grace-period cannot be specified together")
        grace = 1
    force = call.flags.on("force")
    if grace == 0 and not force:
        grace = 1
        call.flags.values["wait"] = True
    if force and grace < 0:
        grace = 0
    if force and grace == 0:
        call.err(_AT_ONCE)
    elif force and grace > 0:
        raise CommandError("--force and --grace-period greater than 0 cannot be specified together")
    return grace


def _agreed(call: Call, targets: Sequence[Target]) -> bool:
    """Ask before anything is deleted; the answer is what the command reads."""
    listed = "".join(f"{target.full_name}\n" for target in targets)
    call.out(f"You are about to delete the following {len(targets)} resource(s):\n{listed}")
    call.out("Do you want to continue? (y/n): ")
    agreed = call.stdin.strip().lower() in ("y", "yes")
    if not agreed:
        call.out("deletion is cancelled\n")
    return agreed


def _try(call: Call, target: Target, grace: int, deleted: list[tuple[Target, str]], result: Found) -> None:
    try:
        deleted.append((target, delete(call, target, grace)))
    except StatusError as error:
        result.errors.append(while_doing("deleting", target.source, error))


def delete(call: Call, target: Target, grace: int = -1) -> str:
    """Delete one object and say so; returns its UID."""
    options: dict[str, Any] = {"propagationPolicy": _policy(call)}
    if grace >= 0:
        options["gracePeriodSeconds"] = grace
    answer: Object = {}
    if call.dry_run != "client":
        query = {"dryRun": "All"} if call.dry_run == "server" else {}
        answer = call.session.delete(target, options, query)
    if call.flags.text("output") == "name":
        call.out(f"{target.full_name}\n")
    else:
        say_deleted(call, target, "force deleted" if grace == 0 else "deleted")
    details = answer.get("details") or answer.get("metadata") or {}
    return str(details.get("uid", ""))


def say_deleted(call: Call, target: Target, done: str = "deleted") -> None:
    """Tell what has been deleted, and from which namespace if it was in one."""
    kind, _, name = target.full_name.partition("/")
    place = f" from {target.namespace} namespace" if target.resource.namespaced else ""
    call.out(f'{kind} "{name}" {done}{place}{call.dry_suffix}\n')


def _policy(call: Call) -> str:
    given = call.flags.text("cascade")
    if given not in POLICIES:
        raise CommandError(f'invalid cascade value ({given}). Must be "background", "foreground", or "orphan"')
    return POLICIES[given]


def _worth_telling(call: Call, result: Found) -> list[Exception]:
    ignore = call.flags.on("ignore-not-found")
    return [e for e in result.errors if not (ignore and isinstance(e, StatusError) and e.code == 404)]


def _wait(call: Call, deleted: Sequence[tuple[Target, str]], errors: list[Exception]) -> None:
    seconds = call.flags.seconds("timeout") or FOREVER_SECONDS
    for target, uid in deleted:
        if not wait_until_gone(call, target, uid, seconds):
            errors.append(CommandError(f"timed out waiting for the condition on {target.title}"))


def wait_until_gone(call: Call, target: Target, uid: str, seconds: float) -> bool:
    """Let time pass until the object of that UID (any, if empty) is no longer there."""
    try:
        current = call.session.get(target)
    except StatusError as error:
        if error.code == 404:
            return True
        raise
    if uid and current["metadata"].get("uid") != uid:
        return True
    return until(call.session, target, lambda type, _: type == "DELETED", seconds, missing=lambda: True)


DELETE = Verb(
    "delete",
    "Delete resources by file names, stdin, resources and names, or by resources and label selector",
    run,
    (
        *FILES,
        SELECTOR,
        FIELD_SELECTOR,
        EVERY_NAMESPACE,
        ALL,
        DRY_RUN,
        Flag("output", "o"),
        Flag("raw"),
        Flag("cascade", default="background", bare="background"),
        Flag("force", kind="switch"),
        Flag("grace-period", kind="number", default=-1),
        Flag("now", kind="switch"),
        Flag("ignore-not-found", kind="switch"),
        Flag("timeout", kind="seconds"),
        Flag("wait", kind="switch", default=True),
        Flag("interactive", "i", kind="switch"),
    ),
)
