"""kubectl label and annotate: keys on objects, put on and taken off.

Upstream: `kubectl/pkg/cmd/label/label.go`, `kubectl/pkg/cmd/annotate/annotate.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, ManyErrors, raise_all
from k8snb.kubectl.flags import (
    ALL,
    DRY_RUN,
    EVERY_NAMESPACE,
    FIELD_SELECTOR,
    FILES,
    LOCAL,
    PRINTING,
    RECORD,
    SELECTOR,
    Flag,
    manager,
)
from k8snb.kubectl.generators.pairs import parse_pairs, resources_and_pairs
from k8snb.kubectl.targets import Target
from k8snb.machinery.formats import label_value
from k8snb.machinery.jsontext import json_text
from k8snb.typing import Object


@dataclass(frozen=True, slots=True)
class _Kind:
    """Labels or annotations: where they are, and the words for what happens to them."""

    field: str
    noun: str
    done: Callable[[bool, bool], str]
    parse: Callable[[Sequence[str]], tuple[dict[str, str], list[str]]]
    none_given: str


def run(call: Call, kind: _Kind) -> None:
    """Carry out `kubectl label` or `kubectl annotate`."""
    words, pairs = resources_and_pairs(call.args, kind.noun)
    values, removed = kind.parse(pairs)
    if not words and not call.files:
        raise CommandError("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    if call.flags.on("local") and not call.files:
        raise CommandError("can only use local files by -f pod.yaml or --filename=pod.json when --local=true is set")
    if not values and not removed and not call.flags.on("list"):
        raise CommandError(kind.none_given)
    if both := [key for key in removed if key in values]:
        raise CommandError(_both(kind, both))
    asked = ask(call, words, every=call.flags.on("all"))
    result = found(call, asked, latest=not call.flags.on("local"))
    if kind.noun == "label" and call.flags.text("resource-version") and not asked.single:
        raise CommandError("--resource-version may only be used with a single resource")
    for target in result.targets:
        try:
            if call.flags.on("list"):
                _list(call, kind, target, _changed(kind, target, values, removed), single=asked.single)
            else:
                _change(call, kind, target, values, removed)
        except (StatusError, CommandError, ManyErrors) as error:
            result.errors += error.errors if isinstance(error, ManyErrors) else [error]
    raise_all(result.errors)


def _both(kind: _Kind, keys: Sequence[str]) -> str:
    if kind.noun == "label":
        return "can not both modify and remove a label in the same command"
    return f"can not both modify and remove the following annotation(s) in the same command: {', '.join(keys)}"


def _change(call: Call, kind: _Kind, target: Target, values: Mapping[str, str], removed: Sequence[str]) -> None:
    old: Mapping[str, str] = target.known["metadata"].get(kind.field) or {}
    if kind.noun == "label" and not call.flags.on("local") and call.dry_run != "client":
        for key in removed:
            if key not in old:
                call.out(f'label "{key}" not found.\n')
    if not call.flags.on("overwrite"):
        taken = [(key, old[key]) for key in values if key in old]
        taken = [(key, value) for key, value in taken if value != values[key]]
        raise_all([_refusal(kind, key, value) for key, value in taken])
    new = {k: v for k, v in {**old, **values}.items() if k not in removed}
    version = call.flags.text("resource-version")
    obj = _with(target.known, kind.field, new)
    if call.dry_run != "client" and not call.flags.on("local"):
        obj = call.session.patch(target, "merge", _patch(kind, old, new, version), call.query())
    shrunk = len(json_text(new)) < len(json_text(old)) and not call.flags.on("overwrite")
    if kind.noun == "label":
        call.printers.clear()  # a printer of its own for each object: no `---` between them
    call.done(obj, target.full_name, kind.done(old != new, shrunk))


def _refusal(kind: _Kind, key: str, value: str) -> CommandError:
    if kind.noun == "label":
        return CommandError(f"'{key}' already has a value ({value}), and --overwrite is false")
    lead = "--overwrite is false but found the following declared annotation(s):"
    return CommandError(f"{lead} '{key}' already has a value ({value})")


def _patch(kind: _Kind, old: Mapping[str, str], new: Mapping[str, str], version: str) -> Object:
    changes: dict[str, Any] = {key: value for key, value in new.items() if old.get(key) != value}
    changes |= {key: None for key in old if key not in new}
    meta: dict[str, Any] = {kind.field: changes} if changes else {}
    if version:
        meta["resourceVersion"] = version
    return {"metadata": meta} if meta else {}


def _with(obj: Object, field: str, values: Mapping[str, str]) -> Object:
    meta = {key: value for key, value in obj["metadata"].items() if key != field}
    return {**obj, "metadata": {**meta, field: values} if values else meta}


def _changed(kind: _Kind, target: Target, values: Mapping[str, str], removed: Sequence[str]) -> Mapping[str, str]:
    """What the labels would be; a command that lists them changes nothing."""
    old = target.known["metadata"].get(kind.field) or {}
    return {key: value for key, value in {**old, **values}.items() if key not in removed}


def _list(call: Call, kind: _Kind, target: Target, found: Mapping[str, str], *, single: bool) -> None:
    indent = ""
    if not single:
        indent = " "
        call.out(f"Listing {kind.field} for {target.resource.kind}.{target.resource.group}/{target.name}:\n")
    for key, value in sorted(found.items()):
        call.out(f"{indent}{key}={value}\n")


# -- labels --------------------------------------------------------------------------------------------


def _parse_labels(pairs: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    removed: list[str] = []
    for pair in pairs:
        if "=" in pair:
            parts = pair.split("=")
            if len(parts) != 2:
                raise CommandError(f"invalid label spec: {pair}")
            if bad := label_value(parts[1]):
                why = ";".join(bad).replace(", or '", ",  or '")
                raise CommandError(f'invalid label value: "{pair}": {why}')
            values[parts[0]] = parts[1]
        elif pair.endswith("-"):
            removed.append(pair[:-1])
        else:
            raise CommandError(f"unknown label spec: {pair}")
    return values, removed


def _labeled(changed: bool, shrunk: bool) -> str:
    if not changed:
        return "not labeled"
    return "unlabeled" if shrunk else "labeled"


_LABELS = _Kind("labels", "label", _labeled, _parse_labels, "at least one label update is required")
_ANNOTATIONS = _Kind(
    "annotations",
    "annotation",
    lambda changed, shrunk: "annotated",
    partial(parse_pairs, kind="annotation", removable=True),
    "at least one annotation update is required",
)
_FLAGS = (
    *PRINTING,
    *FILES,
    SELECTOR,
    FIELD_SELECTOR,
    EVERY_NAMESPACE,
    ALL,
    DRY_RUN,
    LOCAL,
    RECORD,
    Flag("overwrite", kind="switch"),
    Flag("list", kind="switch"),
    Flag("resource-version"),
)
LABEL = Verb(
    "label", "Update the labels on a resource", partial(run, kind=_LABELS), (*_FLAGS, manager("kubectl-label"))
)
ANNOTATE = Verb(
    "annotate",
    "Update the annotations on a resource",
    partial(run, kind=_ANNOTATIONS),
    (*_FLAGS, manager("kubectl-annotate")),
)
