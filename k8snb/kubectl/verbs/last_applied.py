"""kubectl apply view-last-applied and set-last-applied: the annotation by which apply knows what it applied last.

Upstream: `kubectl/pkg/cmd/apply/apply_view_last_applied.go`, `apply_set_last_applied.go`.
"""

from __future__ import annotations

import json

from k8snb.errors import StatusError
from k8snb.kubectl.asking import NOTHING_NAMED, ask, found, manifests
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.printing.goyaml import yaml_text
from k8snb.kubectl.targets import Target
from k8snb.machinery.jsontext import json_text
from k8snb.machinery.managed.applying import LAST_APPLIED
from k8snb.typing import Object

_MISSING = "no last-applied-configuration annotation found on resource: {name}"


def _annotation(obj: Object) -> str | None:
    annotations = obj["metadata"].get("annotations") or {}
    text: str | None = annotations.get(LAST_APPLIED)
    return text


def view(call: Call) -> None:
    """Carry out `kubectl apply view-last-applied`."""
    format = call.flags.text("output")
    if format not in ("json", "yaml"):
        why = f"Unexpected -o output mode: {format}, the flag 'output' must be one of yaml|json"
        raise call.usage(why)
    if call.flags.on("all") and not call.args and not call.files:
        raise CommandError("at least one resource must be specified to use a selector")
    if call.flags.on("all") and call.flags.has("namespace") and len(call.args) == 1:
        raise CommandError("setting 'all' parameter but found a non empty selector.")
    result = found(call, ask(call, call.args, every=call.flags.on("all")))
    for target in result.targets:
        text = _annotation(target.known)
        if text is None:
            if target.source:
                missing = _MISSING.format(name=target.name)
                result.errors.append(CommandError(f'error when {missing}\n "{target.source}": <nil>'))
            continue
        call.out(_indented(text) if format == "json" else yaml_text(json.loads(text)))
    raise_all(result.errors)


def _indented(text: str) -> str:
    return json_text(json.loads(text), indent=2, ordered=False) + "\n"


def put(call: Call) -> None:
    """Carry out `kubectl apply set-last-applied`."""
    if not call.files:
        raise CommandError(NOTHING_NAMED)
    errors: list[Exception] = []
    changes = [change for target in manifests(call) if (change := _change(call, target, errors)) is not None]
    raise_all(errors)
    for target, text in changes:
        new: Object = {
            **target.known,
            "metadata": {**target.known["metadata"], "annotations": _with(target.known, text)},
        }
        if call.dry_run != "client":
            patch = {"metadata": {"annotations": {LAST_APPLIED: text}}}
            new = call.session.patch(target, "merge", patch, call.query())
        call.done(new, target.full_name, "configured")


def _with(obj: Object, text: str) -> Object:
    return {**(obj["metadata"].get("annotations") or {}), LAST_APPLIED: text}


def _change(call: Call, target: Target, errors: list[Exception]) -> tuple[Target, str] | None:
    """The object on the server and its new annotation; None if that is what it has, or if it has none."""
    text = json_text(target.known) + "\n"
    try:
        live = call.session.get(target)
    except StatusError as error:
        if error.code == 404:
            raise
        message = f'retrieving current configuration of:\n{target.title}\nfrom server for: "{target.source}"'
        raise CommandError(f"error when {message}: {error.message}") from None
    known = _annotation(live)
    if known is None and not call.flags.on("create-annotation"):
        how = "to create the annotation, run the command with --create-annotation"
        errors.append(CommandError(f"{_MISSING.format(name=target.name)}, {how}"))
        return None
    if known is not None and known.strip() == text.strip():
        call.out(f"set-last-applied {target.name}: no changes required.\n")
        return None
    return target.holding(live), text
