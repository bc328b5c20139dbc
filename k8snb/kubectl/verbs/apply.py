"""kubectl apply: make the objects on the server what the files say.

Client-side apply compares three documents: what was applied last (kept in an annotation), what the file says
now, and what the server has. What the file no longer says is deleted, what it says anew is changed, and what
others added stays. Upstream: `kubectl/pkg/cmd/apply` (`apply.go`, `patcher.go`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import manifests, parsed_selector
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all, while_doing
from k8snb.kubectl.flags import ALL, DRY_RUN, FILES, PRINTING, RECORD, SELECTOR, VALIDATE, Flag
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs import last_applied, pruning, server_side
from k8snb.kubectl.verbs.configuring import configured
from k8snb.kubectl.verbs.edit_last_applied import EDIT_LAST_APPLIED
from k8snb.kubectl.verbs.get import as_list
from k8snb.machinery.jsontext import json_text
from k8snb.machinery.managed.applying import LAST_APPLIED
from k8snb.machinery.patch import three_way_json_merge_patch, three_way_merge_patch
from k8snb.machinery.schema import type_of
from k8snb.typing import Object

_RETRIES = 5
_UNCONFIGURED = (
    "Warning: resource {title} is missing the {annotation} annotation which is required by kubectl apply. "
    "kubectl apply should only be used on resources created declaratively by either kubectl create --save-config "
    "or kubectl apply. The missing annotation will be patched automatically.\n"
)


def run(call: Call) -> None:
    """Carry out `kubectl apply`."""
    if call.args:
        raise call.usage(f"Unexpected args: [{' '.join(call.args)}]")
    if not call.files:
        raise CommandError("must specify one of -f and -k")
    server_side.check(call)
    call.query(strict=True)  # a value of --validate that there is not
    pruning.check(call)
    apply = _on_server if call.flags.on("server-side") else _on_client
    errors: list[Exception] = []
    applied = _asked(call, errors)
    for target in applied:
        try:
            apply(call, target)
        except (StatusError, CommandError) as error:
            errors.append(error)
    if not applied and not errors:
        raise CommandError("no objects passed to apply")
    if call.flags.on("prune") and not errors:
        pruning.prune(call, applied)
    _print_all(call)
    raise_all(errors)


def _asked(call: Call, errors: list[Exception]) -> list[Target]:
    found: list[Target] = []
    matches = parsed_selector(call.flags.text("selector")).matches
    try:
        for target in manifests(call):
            if matches((target.known.get("metadata") or {}).get("labels") or {}):
                found.append(target)  # noqa: PERF401  a bad document must not lose the ones before it
    except CommandError as error:
        errors.append(error)
    return found


def _print_all(call: Call) -> None:
    """With `-o yaml` and the like, objects are printed together at the end."""
    printer = call.printer()
    if printer is not None and call.created:
        call.out(printer(call.created[0] if len(call.created) == 1 else as_list(call.created)))


def _done(call: Call, obj: Object, target: Target, operation: str) -> None:
    format = call.flags.text("output")
    if format and format != "name":
        call.created.append(obj)
    else:
        call.done(obj, target.full_name, operation)


# -- client side ---------------------------------------------------------------------------------------


def _on_client(call: Call, target: Target) -> None:
    modified = configured(target.known)
    current = _current(call, target)
    if current is None:
        _create(call, target, modified)
        return
    if call.dry_run == "client":
        _done(call, _overlaid(current, target.known), target, "configured")
        return
    if LAST_APPLIED not in (current["metadata"].get("annotations") or {}):
        call.err(_UNCONFIGURED.format(title=target.title, annotation=LAST_APPLIED))
    patch, result = _patched(call, target, current, modified)
    _warn_if_deleting(call, target, result)
    unchanged = not patch and call.flags.text("output") in ("", "name")
    _done(call, result, target, "unchanged" if unchanged else "configured")


def _current(call: Call, target: Target) -> Object | None:
    if (target.known.get("metadata") or {}).get("generateName") and not target.name:
        raise CommandError(f"from {target.known['metadata']['generateName']}: cannot use generate name with apply")
    if not target.name:
        raise CommandError(f"error when {_retrieving(target)}: resource name may not be empty")
    try:
        return call.session.get(target)
    except StatusError as error:
        if error.code == 404:
            return None
        message = f"error when {_retrieving(target)}: {error.message}"
        error.status = {**error.status, "message": message}
        raise


def _retrieving(target: Target) -> str:
    resource = target.resource
    version = f"{resource.group}/{resource.version}"
    return (
        f'retrieving current configuration of:\nResource: "{version}, Resource={resource.plural}", '
        f'GroupVersionKind: "{version}, Kind={resource.kind}"\nName: "{target.name}", '
        f'Namespace: "{target.namespace}"\nfrom server for: "{target.source}"'
    )


def _create(call: Call, target: Target, modified: Object) -> None:
    result = modified
    if call.dry_run != "client":
        try:
            result = call.session.create(target.resource, target.namespace, modified, call.query(strict=True))
        except StatusError as error:
            raise while_doing("creating", target.source, error) from None
    _done(call, result, target, "created")


def _patched(call: Call, target: Target, current: Object, modified: Object) -> tuple[Mapping[str, Any], Object]:
    """Send the difference; if somebody else was faster, look again and try once more."""
    for attempt in range(_RETRIES + 1):
        patch, kind = difference(current, modified)
        if not patch:
            return patch, current
        try:
            return patch, call.session.patch(target, kind, patch, call.query(strict=True))
        except StatusError as error:
            if error.code != 409 or attempt == _RETRIES:
                if call.flags.on("force") and error.code in (409, 422):
                    return patch, _recreated(call, target, modified)
                raise _while_patching(target, patch, error) from None
            current = call.session.get(target)
    raise AssertionError("unreachable")


def difference(current: Object, modified: Object) -> tuple[Mapping[str, Any], str]:
    """The patch that makes of the current object what was modified, and its kind."""
    annotation = (current["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    original: Object = json.loads(annotation) if annotation else {}
    schema = type_of(current["apiVersion"], current["kind"])
    if schema is None:
        return three_way_json_merge_patch(original, modified, current), "merge"
    return three_way_merge_patch(original, modified, current, schema), "strategic"


def _while_patching(target: Target, patch: Mapping[str, Any], error: StatusError) -> StatusError:
    resource = target.resource
    version = f"{resource.group}/{resource.version}"
    what = (
        f'Resource: "{version}, Resource={resource.plural}", GroupVersionKind: "{version}, Kind={resource.kind}"\n'
        f'Name: "{target.name}", Namespace: "{target.namespace}"'
    )
    return while_doing(f"applying patch:\n{json_text(patch)}\nto:\n{what}\nfor:", target.source, error)


def _recreated(call: Call, target: Target, modified: Object) -> Object:
    call.session.delete(target, {"propagationPolicy": "Background"})
    gone = call.session.wait(lambda: _absent(call, target), 60.0)
    if not gone:
        raise CommandError("timed out waiting for the condition")
    return call.session.create(target.resource, target.namespace, modified, call.query(strict=True))


def _absent(call: Call, target: Target) -> bool:
    try:
        call.session.get(target)
    except StatusError as error:
        return error.code == 404
    return False


def _overlaid(current: Object, wanted: Object) -> Object:
    """What a dry run on the client shows: the live object, as it is."""
    return current


# -- server side ---------------------------------------------------------------------------------------


def _on_server(call: Call, target: Target) -> None:
    result = server_side.applied(call, target)
    _warn_if_deleting(call, target, result)
    _done(call, result, target, "serverside-applied")


def _warn_if_deleting(call: Call, target: Target, obj: Object) -> None:
    if obj["metadata"].get("deletionTimestamp"):
        call.err(f"Warning: Detected changes to resource {target.name} which is currently being deleted.\n")


_VIEW = Verb(
    "view-last-applied",
    "View the latest last-applied-configuration annotations of a resource/object",
    last_applied.view,
    (*FILES, SELECTOR, ALL, Flag("output", "o", default="yaml")),
)
_SET = Verb(
    "set-last-applied",
    "Set the last-applied-configuration annotation on a live object to match the contents of a file",
    last_applied.put,
    (*PRINTING, FILES[0], DRY_RUN, Flag("create-annotation", kind="switch")),
)

APPLY = Verb(
    "apply",
    "Apply a configuration to a resource by file name or stdin",
    run,
    (
        *PRINTING,
        *FILES,
        DRY_RUN,
        SELECTOR,
        VALIDATE,
        Flag("field-manager", default="kubectl-client-side-apply"),
        Flag("server-side", kind="switch"),
        Flag("force-conflicts", kind="switch"),
        Flag("force", kind="switch"),
        Flag("overwrite", kind="switch", default=True),
        Flag("wait", kind="switch"),
        Flag("timeout", kind="seconds"),
        Flag("grace-period", kind="number", default=-1),
        Flag("cascade", default="background", bare="background"),
        Flag("openapi-patch", kind="switch", default=True),
        RECORD,
        Flag("subresource"),
        *pruning.FLAGS,
    ),
    (EDIT_LAST_APPLIED, _SET, _VIEW),
)
