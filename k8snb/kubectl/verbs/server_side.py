"""kubectl apply --server-side: send the manifest and let the server merge it.

An object that `kubectl apply` managed on the client's side before is taken over: its last-applied annotation goes to an
owner of its own, and what the old way of applying owns becomes owned by the new one, so that fields dropped from the
manifest are dropped from the object. Upstream: `kubectl/pkg/cmd/apply/apply.go`, `client-go/util/csaupgrade`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.session import Query
from k8snb.kubectl.targets import Target
from k8snb.machinery.jsontext import json_text
from k8snb.machinery.managed.applying import LAST_APPLIED
from k8snb.machinery.managed.managers import APPLY, UPDATE
from k8snb.machinery.managed.sets import has, union
from k8snb.typing import Object

MANAGER = "kubectl"
"""The field manager of server-side apply, unless told otherwise."""
_KEEPER = "kubectl-last-applied"
_RETRIES = 5
_ANNOTATION = ("f:metadata", "f:annotations", f"f:{LAST_APPLIED}")

_LATER = "This is non-fatal and will be retried next time you apply. Error: {error}\n"
_NOT_KEPT = f"Warning: failed to migrate {LAST_APPLIED} for Server-Side Apply. {_LATER}"
_NOT_MIGRATED = f"Warning: server rejected managed fields migration to Server-Side Apply. {_LATER}"
_NOT_APPLIED_AGAIN = f"Warning: failed to re-apply configuration after performing Server-Side Apply migration. {_LATER}"

Entries = list[Mapping[str, Any]]

_CONFLICT_HELP = """
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""


def check(call: Call) -> None:
    """Raise where flags do not go together."""
    server = call.flags.on("server-side")
    if call.flags.text("subresource") and not server:
        raise CommandError("--subresource can only be specified for --server-side")
    if call.flags.on("force-conflicts") and not server:
        raise CommandError("--force-conflicts only works with --server-side")
    if call.dry_run == "client" and server:
        why = "did you mean --dry-run=server instead?"
        raise CommandError(f"--dry-run=client doesn't work with --server-side ({why})")
    if server and call.flags.on("force"):
        raise CommandError("--force cannot be used with --server-side")
    if call.dry_run == "server" and call.flags.on("force"):
        raise CommandError("--dry-run=server cannot be used with --force")


def applied(call: Call, target: Target) -> Object:
    """The object after the manifest has been applied."""
    manager = call.flags.text("field-manager") if call.flags.has("field-manager") else MANAGER
    query = {**call.query(strict=True), "fieldManager": manager}
    forced = {**query, "force": "true" if call.flags.on("force-conflicts") else "false"}
    try:
        result = _apply(call, target, target.known, forced)
    except StatusError as error:
        if error.code == 409:
            raise CommandError(f"{error.message}{_CONFLICT_HELP}") from None
        raise
    if call.flags.text("subresource"):
        return result
    return _taken_over(call, target, result, manager, query)


def _taken_over(call: Call, target: Target, live: Object, manager: str, query: Query) -> Object:
    """What client-side apply left is taken over; where that fails the object has been applied all the same."""
    if manager == MANAGER:
        try:
            live = _kept(call, target, live, {**query, "fieldManager": _KEEPER})
        except StatusError as error:
            call.err(_NOT_KEPT.format(error=error.message))
            return live
    try:
        migrated = _migrated(call, target, live, manager, query)
    except StatusError as error:
        call.err(_NOT_MIGRATED.format(error=error.message))
        return live
    if migrated is None:
        return live
    forced = {**query, "force": "true" if call.flags.on("force-conflicts") else "false"}
    try:
        return _apply(call, target, target.known, forced)
    except StatusError as error:
        call.err(_NOT_APPLIED_AGAIN.format(error=error.message))
        return migrated


def _apply(call: Call, target: Target, obj: Object, query: Query) -> Object:
    body = json_text(obj, ordered=False).encode()
    return call.session.patch(target, "apply", body, query, subresource=call.flags.text("subresource"))


def _kept(call: Call, target: Target, live: Object, query: Query) -> Object:
    """Give the annotation of client-side apply an owner, so that it stays."""
    meta = live["metadata"]
    text = (meta.get("annotations") or {}).get(LAST_APPLIED)
    if text is None or _owners(meta.get("managedFields") or [], APPLY):
        return live
    place = {"namespace": meta["namespace"]} if "namespace" in meta else {}
    named = {"name": meta["name"], **place, "annotations": {LAST_APPLIED: text}}
    only = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": named}
    return _apply(call, target, only, query)


def _owners(entries: Entries, operation: str) -> list[str]:
    """Who owns the annotation by an operation."""
    found = [each for each in entries if each["operation"] == operation and not each.get("subresource")]
    return [each.get("manager", "") for each in found if has(each.get("fieldsV1") or {}, *_ANNOTATION)]


def _migrated(call: Call, target: Target, live: Object, manager: str, query: Query) -> Object | None:
    """Hand what client-side apply owns to the applier; None if it owns nothing."""
    old = set(_owners(live["metadata"].get("managedFields") or [], UPDATE))
    for _ in range(_RETRIES):
        meta = live["metadata"]
        entries: Entries = meta.get("managedFields") or []
        upgraded = _upgraded(entries, old, manager)
        if upgraded == entries:
            return None
        operations = [
            {"op": "replace", "path": "/metadata/managedFields", "value": upgraded},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]},
        ]
        try:
            return call.session.patch(target, "json", operations, query)
        except StatusError as error:
            if error.code != 409:
                raise
            live = call.session.get(target)
    return None


def _upgraded(entries: Entries, old: set[str], manager: str) -> Entries:
    """The entries with those of the old managers joined to the one of the new."""
    made = list(entries)
    for name in sorted(old):
        theirs = next((each for each in made if _is(each, name, UPDATE)), None)
        mine = next((each for each in made if _is(each, manager, APPLY)), None)
        if theirs is None:
            continue
        if mine is None:
            made[made.index(theirs)] = {**theirs, "manager": manager, "operation": APPLY}
        elif mine["apiVersion"] == theirs["apiVersion"]:
            made[made.index(mine)] = {**mine, "fieldsV1": union(mine["fieldsV1"], theirs["fieldsV1"])}
        made = [each for each in made if not _is(each, name, UPDATE)]
    return made


def _is(entry: Mapping[str, Any], name: str, operation: str) -> bool:
    return entry.get("manager", "") == name and entry["operation"] == operation and not entry.get("subresource")
