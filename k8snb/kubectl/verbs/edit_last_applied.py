"""kubectl apply edit-last-applied: edit what the next apply takes for the last one.

What is edited is the manifest in the annotation, not the object; how the edit is given is what `kubectl edit` says.
Upstream: `kubectl/pkg/cmd/apply/apply_edit_last_applied.go`.
"""

from __future__ import annotations

import json

from k8snb.kubectl.asking import ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import FILES, PRINTING, VALIDATE, Flag, manager
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.edit import edit
from k8snb.machinery.jsontext import json_text
from k8snb.machinery.managed.applying import LAST_APPLIED
from k8snb.typing import Object

_HEADER = """# Please edit the 'last-applied-configuration' annotations below.
# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.
#
"""
_NOTHING = (
    "no last-applied-configuration annotation found on resources, to create the annotation, use command "
    "`kubectl apply set-last-applied --create-annotation`"
)


def run(call: Call) -> None:
    """Carry out `kubectl apply edit-last-applied`."""
    result = found(call, ask(call, call.args))
    raise_all(result.errors)
    annotated = [each for each in result.targets if LAST_APPLIED in (each.known["metadata"].get("annotations") or {})]
    if not annotated:
        raise CommandError(_NOTHING)
    edit(call, [_manifest(each) for each in annotated], _HEADER, _save)


def _manifest(target: Target) -> Target:
    return target.holding(json.loads(target.known["metadata"]["annotations"][LAST_APPLIED]))


def _save(call: Call, target: Target, obj: Object, edited: str) -> None:
    if obj == target.known:
        call.done(obj, target.full_name, "skipped")
        return
    patch = {"metadata": {"annotations": {LAST_APPLIED: json_text(obj) + "\n"}}}
    result = call.session.patch(target, "merge", patch, call.query())
    call.done(result, target.full_name, "edited")


EDIT_LAST_APPLIED = Verb(
    "edit-last-applied",
    "Edit latest last-applied-configuration annotations of a resource/object",
    run,
    (*PRINTING, *FILES, VALIDATE, manager("kubectl-client-side-apply"), Flag("windows-line-endings", kind="switch")),
)
