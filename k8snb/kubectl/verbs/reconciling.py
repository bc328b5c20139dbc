"""Bringing a role or binding on the server to what a file says: nothing is taken away unless that is asked for.

Upstream: `component-helpers/auth/rbac/reconciliation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.apiserver.access.rules import uncovered
from k8snb.errors import StatusError
from k8snb.kubectl.call import Call
from k8snb.kubectl.targets import Target
from k8snb.typing import Object

GROUP = "rbac.authorization.k8s.io"


def reconcile(call: Call, target: Target) -> None:
    """Create or update the object, and say what had to be done."""
    if target.resource.group != GROUP:
        return
    try:
        old = call.session.get(target)
    except StatusError as error:
        if error.code != 404:
            raise
        old = None
    binding = target.resource.kind.endswith("Binding")
    field, remove = ("subjects", "subjects") if binding else ("rules", "permissions")
    new, missing, extra = _merged(target.known, old, field, remove=call.flags.on(f"remove-extra-{remove}"))
    operation = _write(call, target, old, new, binding=binding)
    call.done(new, target.full_name, "reconciled")
    if call.printer() is None:
        lines = [f"reconciliation required {operation}"] if operation else []
        noun = "subjects" if binding else "rules"
        lines += _told(f"missing {noun} added", missing) + _told(f"extra {noun} removed", extra)
        call.err("".join(f"\t{line}\n" for line in lines))


def _merged(
    wanted: Object, old: Object | None, field: str, *, remove: bool
) -> tuple[Object, Sequence[Object], Sequence[Object]]:
    """The object as it shall be, what of the list is new in it, and what is taken out of it."""
    asked = list(wanted.get(field) or ())
    if old is None:
        return wanted, asked, ()
    there = list(old.get(field) or ())
    if field == "rules":
        missing, extra = uncovered(there, asked), uncovered(asked, there)
    else:
        missing = [each for each in asked if each not in there]
        extra = [each for each in there if each not in asked]
    listed = asked if remove and extra else [*there, *missing]
    meta, given = old["metadata"], wanted["metadata"]
    marks = {
        name: {**(meta.get(name) or {}), **(given.get(name) or {})}
        for name in ("labels", "annotations")
        if meta.get(name) or given.get(name)
    }
    changed: dict[str, Any] = {**old, "metadata": {**meta, **marks}, field: listed}
    if "roleRef" in wanted:
        changed["roleRef"] = wanted["roleRef"]
    return changed, missing, extra if remove else ()


def _write(call: Call, target: Target, old: Object | None, new: Object, *, binding: bool) -> str:
    """Send what has to be sent; returns what that was: create, update, recreate or nothing."""
    if old is None:
        operation = "create"
    elif binding and old.get("roleRef") != new.get("roleRef"):
        operation = "recreate"
    else:
        operation = "update" if new != old else ""
    if call.dry_run == "client" or not operation:
        return operation
    if operation == "recreate":
        call.session.delete(target, {}, call.query())
        new = {**new, "metadata": {k: v for k, v in new["metadata"].items() if k not in ("uid", "resourceVersion")}}
    if operation == "update":
        call.session.replace(target, new, call.query())
    else:
        call.session.create(target.resource, target.namespace, new, call.query())
    return operation


def _told(title: str, items: Sequence[Object]) -> list[str]:
    return [f"{title}:", *(f"\t{_go(item)}" for item in items)] if items else []


def _go(item: Object) -> str:
    """A rule or subject as Go prints the struct: `{Verbs:[get] APIGroups:[] …}`."""
    fields = (
        ("Verbs", "APIGroups", "Resources", "ResourceNames", "NonResourceURLs")
        if "verbs" in item
        else ("Kind", "APIGroup", "Name", "Namespace")
    )
    words = []
    for title in fields:
        name = {"APIGroups": "apiGroups", "APIGroup": "apiGroup"}.get(title) or title[:1].lower() + title[1:]
        value = item.get(name) or ("" if "verbs" not in item else ())
        words.append(f"{title}:{value if isinstance(value, str) else '[' + ' '.join(value) + ']'}")
    return "{" + " ".join(words) + "}"
