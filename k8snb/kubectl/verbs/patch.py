"""kubectl patch: change part of an object. Upstream: `kubectl/pkg/cmd/patch/patch.go`."""

from __future__ import annotations

from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.files import read_file
from k8snb.kubectl.flags import DRY_RUN, FILES, LOCAL, PRINTING, RECORD, Flag, manager
from k8snb.kubectl.printing.printers import full_name
from k8snb.kubectl.targets import Target
from k8snb.machinery.patch import json_patch, merge_patch, strategic_merge_patch
from k8snb.machinery.schema import parse_json, parse_yaml, type_of

_TYPES = ("json", "merge", "strategic")


def run(call: Call) -> None:
    """Carry out `kubectl patch`."""
    patch = _patch(call)
    kind = call.flags.text("type") or "strategic"
    if kind not in _TYPES:
        raise CommandError(f'--type must be one of [{" ".join(_TYPES)}], not "{kind}"')
    local = call.flags.on("local")
    result = found(call, ask(call, call.args), latest=not local)
    if not result.targets and not result.errors:
        raise CommandError("no objects passed to patch")
    for target in result.targets:
        try:
            _send(call, target, kind, patch, local=local)
        except StatusError as error:
            result.errors.append(error)
    raise_all(result.errors)


def _patch(call: Call) -> Any:
    text = call.flags.text("patch")
    if text and call.flags.text("patch-file"):
        raise CommandError("cannot specify --patch and --patch-file together")
    if call.flags.text("patch-file"):
        text = read_file(call.flags.text("patch-file"), "unable to read patch file: ")
    if not text:
        raise CommandError("must specify --patch or --patch-file containing the contents of the patch")
    if text.lstrip().startswith("{"):
        return text.encode()  # the server says what is wrong with it, if anything is
    try:
        return parse_yaml(text)[0]
    except ValueError as error:
        raise CommandError(f'unable to parse "{text}": {error}') from None


def _send(call: Call, target: Target, kind: str, patch: Any, *, local: bool) -> None:
    subresource = call.flags.text("subresource")
    if local or call.dry_run == "client":
        new = _patched(target, kind, patch)
    else:
        new = call.session.patch(target, kind, patch, call.query(), subresource=subresource)
    operation = "patched" if new != target.known else "patched (no change)"
    call.done(new, full_name(new, call.scheme), operation, dry_suffix=False)


def _patched(target: Target, kind: str, patch: Any) -> Any:
    if isinstance(patch, bytes):
        try:
            patch = parse_json(patch)[0]
        except ValueError as error:
            raise CommandError(str(error)) from None
    if kind == "json":
        return json_patch(target.known, patch)
    version, name = target.known["apiVersion"], target.known["kind"]
    if kind == "merge" or type_of(version, name) is None:
        return merge_patch(target.known, patch)
    return strategic_merge_patch(target.known, patch, version, name)


PATCH = Verb(
    "patch",
    "Update fields of a resource",
    run,
    (
        *PRINTING,
        *FILES,
        DRY_RUN,
        LOCAL,
        RECORD,
        manager("kubectl-patch"),
        Flag("patch", "p"),
        Flag("patch-file"),
        Flag("type", default="strategic"),
        Flag("subresource"),
    ),
)
