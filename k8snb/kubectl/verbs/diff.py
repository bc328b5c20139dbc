"""kubectl diff: what apply would change, asked of the server as a dry run.

Each object is written down twice, as it is and as it would be, and the two texts are compared the way `diff -u -N`
compares files. The exit status is 0 without differences, 1 with some, 2 if something went wrong. What a Secret
holds is not shown. Upstream: `kubectl/pkg/cmd/diff/diff.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import unified_diff
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import manifests, parsed_selector
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, FlagError, ManyErrors, UsageError
from k8snb.kubectl.flags import FILES, MANAGED_FIELDS, SELECTOR, Flag
from k8snb.kubectl.printing.goyaml import yaml_text
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.apply import difference
from k8snb.kubectl.verbs.pruning import left_over
from k8snb.machinery.jsontext import json_text
from k8snb.machinery.managed.applying import LAST_APPLIED
from k8snb.typing import Object

LIVE, MERGED = "/tmp/LIVE-0000000001", "/tmp/MERGED-0000000002"
"""Where the real one keeps the two texts."""
_MASK, _BEFORE, _AFTER = "***", "*** (before)", "*** (after)"
_FAILED = 2


def run(call: Call) -> None:
    """Carry out `kubectl diff`."""
    try:
        different = _run(call)
    except CommandError as error:
        raise CommandError(str(error), _FAILED, plain=error.plain) from None
    except (StatusError, ManyErrors) as error:
        raise Failed(error) from None
    if different:
        raise CommandError("", 1)


class Failed(ManyErrors):
    """What went wrong, with the exit status that tells it from a difference."""

    code = _FAILED

    def __init__(self, error: Exception) -> None:
        super().__init__(error.errors if isinstance(error, ManyErrors) else [error])


def _run(call: Call) -> bool:
    if call.args:
        raise call.usage(f"Unexpected args: [{' '.join(call.args)}]")
    if call.flags.on("force-conflicts") and not call.flags.on("server-side"):
        raise CommandError("--force-conflicts only works with --server-side")
    if not call.files:
        raise CommandError("must specify one of -f and -k")
    pages: dict[str, str] = {}
    matches = parsed_selector(call.flags.text("selector")).matches
    seen: list[Target] = []
    for target in manifests(call):
        if not matches((target.known.get("metadata") or {}).get("labels") or {}):
            continue
        seen.append(target)
        name = _file_name(target)
        page = _compared(call, name, *_versions(call, target))
        if page:
            pages[name] = page
    for target in left_over(call, seen) if call.flags.on("prune") else ():
        pages[_file_name(target)] = _compared(call, _file_name(target), target.known, None)
    call.out("".join(pages[name] for name in sorted(pages)))
    return bool(pages)


def _file_name(target: Target) -> str:
    resource = target.resource
    group = f"{resource.group}." if resource.group else ""
    return f"{group}{resource.version}.{resource.kind}.{target.namespace}.{target.name}"


def _versions(call: Call, target: Target) -> tuple[Object | None, Object]:
    """The object as it is, and as it would be."""
    if not target.name:
        raise CommandError("resource name may not be empty")
    try:
        live = call.session.get(target)
    except StatusError as error:
        if error.code != 404:
            raise
        live = None
    return live, _merged(call, target, live)


def _merged(call: Call, target: Target, live: Object | None) -> Object:
    query = {"dryRun": "All", "fieldManager": call.flags.text("field-manager")}
    if call.flags.on("server-side"):
        query |= {"force": "true" if call.flags.on("force-conflicts") else ""}
        query["fieldManager"] = query["fieldManager"] if call.flags.has("field-manager") else "kubectl"
        return call.session.patch(target, "apply", json_text(target.known, ordered=False).encode(), query)
    if live is None:
        return call.session.create(target.resource, target.namespace, target.known, query)
    patch, kind = difference(live, _plain(target.known))
    return call.session.patch(target, kind, patch, query) if patch else live


def _plain(obj: Object) -> Object:
    """The object as apply compares it: with annotations, if only empty ones."""
    meta = obj.get("metadata") or {}
    annotations = {key: value for key, value in (meta.get("annotations") or {}).items() if key != LAST_APPLIED}
    return {**obj, "metadata": {**meta, "annotations": annotations}}


# -- texts ---------------------------------------------------------------------------------------------


def _compared(call: Call, name: str, live: Object | None, merged: Object | None) -> str:
    if merged is not None and not call.flags.on("show-managed-fields"):
        live, merged = (None if live is None else _unmanaged(live)), _unmanaged(merged)
    if merged is not None and merged.get("kind") == "Secret":
        old = "null\n" if live is None else yaml_text(_masked(live, merged, _BEFORE))
        new = yaml_text(_masked(merged, live or {}, _AFTER))
    else:
        old, new = ("" if each is None else yaml_text(each) for each in (live, merged))
    stamp = datetime.fromtimestamp(call.now, UTC).strftime("%Y-%m-%d %H:%M:%S.%f000 +0000")
    lines = list(
        unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            f"{LIVE}/{name}",
            f"{MERGED}/{name}",
            stamp,
            stamp,
        )
    )
    return f"diff -u -N {LIVE}/{name} {MERGED}/{name}\n{''.join(lines)}" if lines else ""


def _unmanaged(obj: Object) -> Object:
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": meta}


def _masked(obj: Object, other: Object, changed: str) -> Object:
    """A Secret whose values are covered; one that differs says so."""
    data: Mapping[str, Any] = obj.get("data") or {}
    others: Mapping[str, Any] = other.get("data") or {}
    covered = {key: changed if key in others and others[key] != value else _MASK for key, value in data.items()}
    return {**obj, "data": covered} if data else obj


def _misused(path: str, error: FlagError) -> CommandError:
    return CommandError(str(UsageError(path, str(error).partition("\n")[0])), _FAILED)


DIFF = Verb(
    "diff",
    "Diff the live version against a would-be applied version",
    run,
    (
        *FILES,
        SELECTOR,
        MANAGED_FIELDS,
        Flag("concurrency", kind="number", default=1),
        Flag("field-manager", default="kubectl-client-side-apply"),
        Flag("force-conflicts", kind="switch"),
        Flag("prune", kind="switch"),
        Flag("prune-allowlist", kind="texts"),
        Flag("server-side", kind="switch"),
    ),
    misused=_misused,
)
