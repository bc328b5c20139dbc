"""kubectl edit, by text: there is no editor here, so the edit stands in the cell.

    %%kubectl edit deployment/web           %%kubectl edit deployment/web
    s/replicas: 2/replicas: 3/              apiVersion: apps/v1
    s/nginx:1.27/nginx:1.28/                kind: Deployment …

A cell holds either substitutions, one a line, which replace text literally and must each find something, or the
whole edited object. An empty one shows the text that there is to edit. What happens then is what the real one does
when its editor closes: the difference is sent as a patch, and what the server refuses is shown above the text.
Upstream: `kubectl/pkg/cmd/util/editor/editoptions.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.kubectl.asking import ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, explain, raise_all
from k8snb.kubectl.flags import FILES, PRINTING, SAVE_CONFIG, VALIDATE, Flag, manager
from k8snb.kubectl.printing.goyaml import yaml_text
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.configuring import configured
from k8snb.kubectl.verbs.get import as_list
from k8snb.machinery.jsontext import json_text
from k8snb.machinery.patch import merge_diff, two_way_merge_patch
from k8snb.machinery.schema import type_of
from k8snb.machinery.schema.text import parse_yaml_documents
from k8snb.typing import Object

_HEADER = """# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
"""
_SUBSTITUTION = re.compile(r"s(?P<mark>[^\w\s])(?P<old>.+?)(?P=mark)(?P<new>.*?)(?P=mark)g?\s*")
_FIXED = ("apiVersion", "kind")


def run(call: Call) -> None:
    """Carry out `kubectl edit`."""
    result = found(call, ask(call, call.args))
    raise_all(result.errors)
    edit(call, [_cleaned(call, target) for target in result.targets], _HEADER, _save)


Save = Callable[[Call, Target, Object, str], None]
"""Sends an edited object; the text is what stood in the editor."""


def edit(call: Call, targets: Sequence[Target], header: str, save: Save) -> None:
    """Show the objects under a header, or take the edit of them and save what it changes."""
    shown = targets[0].known if len(targets) == 1 else as_list([target.known for target in targets])
    text = _written(call, shown)
    if not call.stdin.strip():
        call.out(header + text)
        call.err("Edit cancelled, no changes made.\n")
        return
    edited = _edited(text, call.stdin)
    objects = _objects(edited)
    if not objects:
        call.err("Edit cancelled, saved file was empty.\n")
        return
    if objects == [target.known for target in targets]:
        call.err("Edit cancelled, no changes made.\n")
        return
    for target, obj in _paired(targets, objects):
        save(call, target, obj, edited)


def _cleaned(call: Call, target: Target) -> Target:
    """The object without the bookkeeping of managers, unless that is to be edited."""
    if call.flags.on("show-managed-fields"):
        return target
    meta = {key: value for key, value in target.known["metadata"].items() if key != "managedFields"}
    return target.holding({**target.known, "metadata": meta})


def _written(call: Call, obj: Object) -> str:
    format = call.flags.text("output") or "yaml"
    if format not in ("yaml", "json"):
        raise CommandError("The flag 'output' must be one of yaml|json")
    return yaml_text(obj) if format == "yaml" else json_text(obj, indent=4) + "\n"


# -- the edit ------------------------------------------------------------------------------------------


def _edited(text: str, cell: str) -> str:
    lines = [line for line in cell.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines or not _SUBSTITUTION.fullmatch(lines[0].strip()):
        return cell
    for line in lines:
        match = _SUBSTITUTION.fullmatch(line.strip())
        if match is None:
            raise CommandError(_("this is no substitution of the form s/old/new/: {line}").format(line=line.strip()))
        old, new = match["old"].replace("\\n", "\n"), match["new"].replace("\\n", "\n")
        if old not in text:
            raise CommandError(_("there is nothing to replace: {text}").format(text=old))
        text = text.replace(old, new)
    return text


def _objects(text: str) -> list[Object]:
    try:
        documents = [value for value, _lines in parse_yaml_documents(text if text.endswith("\n") else f"{text}\n")]
    except ValueError as error:
        raise CommandError(f"The edited file had a syntax error: {error}") from None
    found: list[Object] = []
    for value in documents:
        if isinstance(value, dict):
            found += value["items"] if str(value.get("kind", "")).endswith("List") and "items" in value else [value]
    return found


def _paired(targets: Sequence[Target], objects: list[Object]) -> Iterator[tuple[Target, Object]]:
    """Every edited object with the one that it was."""
    for obj in objects:
        meta = obj.get("metadata") or {}
        before = next(
            (each for each in targets if each.name == meta.get("name") and each.known["kind"] == obj.get("kind")), None
        )
        if before is None:
            raise CommandError("At least one of apiVersion, kind and name was changed")
        if any(obj.get(field) != before.known[field] for field in _FIXED):
            raise CommandError("At least one of apiVersion, kind and name was changed")
        yield before, obj


# -- saving --------------------------------------------------------------------------------------------


def _save(call: Call, target: Target, obj: Object, edited: str) -> None:
    if call.flags.on("save-config"):
        obj = configured(obj)
    schema = type_of(obj["apiVersion"], obj["kind"])
    before = target.known
    patch: Any = two_way_merge_patch(before, obj, schema) if schema else merge_diff(before, obj)
    if not patch:
        call.done(before, target.full_name, "skipped")
        return
    if call.flags.on("output-patch"):
        call.out(f"Patch: {json_text(patch)}\n")
    kind, subresource = "strategic" if schema else "merge", call.flags.text("subresource")
    try:
        result = call.session.patch(target, kind, patch, call.query(strict=True), subresource=subresource)
    except StatusError as error:
        _reopened(call, target, edited, error)
        raise CommandError("Edit cancelled, no valid changes were saved.") from None
    call.done(result, target.full_name, "edited")


def _reopened(call: Call, target: Target, edited: str, error: StatusError) -> None:
    """The text with what is wrong with it on top, as an editor would show it again."""
    resource, details = target.resource, error.status.get("details") or {}
    title = f'{resource.group_resource} "{target.name}"'
    causes = [f"# * {cause.get('field', '')}: {cause.get('message', '')}\n" for cause in details.get("causes") or ()]
    invalid = error.reason == "Invalid"
    if invalid:
        head = f"# {title} was not valid:\n{''.join(causes) or f'# * {error.message}{chr(10)}'}"
        call.err(f"error: {title} is invalid\n")
    else:
        text = error.message.replace("\n", "\n# ")
        head = f"# {title} could not be patched: {text}\n"
        call.err(f"error: {title} could not be patched: {error.message}\n" if error.code != 409 else explain(error)[0])
    call.out(f"{_HEADER}{head}#\n{edited}")


EDIT = Verb(
    "edit",
    "Edit a resource on the server",
    run,
    (
        *PRINTING,
        *FILES,
        SAVE_CONFIG,
        VALIDATE,
        manager("kubectl-edit"),
        Flag("output-patch", kind="switch"),
        Flag("subresource"),
        Flag("windows-line-endings", kind="switch"),
    ),
)
