"""To whom an object belongs: a label and two annotations. Upstream: `pkg/action/validate.go`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.errors import StatusError
from k8snb.helm.cluster.objects import Objects
from k8snb.helm.errors import HelmError
from k8snb.kubectl.targets import Target
from k8snb.typing import Object

LABELS = {"app.kubernetes.io/managed-by": "Helm"}
NAME, NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"


def owned(target: Target, release: str, namespace: str) -> Target:
    """The object, marked as the release's own."""
    obj = target.known
    meta = obj.get("metadata") or {}
    marked = {
        **meta,
        "labels": {**(meta.get("labels") or {}), **LABELS},
        "annotations": {**(meta.get("annotations") or {}), NAME: release, NAMESPACE: namespace},
    }
    return target.holding({**obj, "metadata": marked})


def to_adopt(
    objects: Objects, targets: Sequence[Target], release: str, namespace: str, *, take: bool = False
) -> list[Target]:
    """Those of the objects that are there already and are the release's own (or taken). Raises HelmError for others."""
    found: list[Target] = []
    for target in targets:
        what = f'{target.resource.kind} "{target.name}" in namespace "{target.namespace}"'
        try:
            live = objects.get(target)
        except StatusError as error:
            raise HelmError(f"could not get information about the resource {what}: {error.message}") from None
        if live is None:
            continue
        wrong = "" if take else foreign(live, release, namespace)
        if wrong:
            raise HelmError(f"{what} exists and cannot be imported into the current release: {wrong}")
        found.append(target)
    return found


def foreign(obj: Object, release: str, namespace: str) -> str:
    """Why an object is not the release's own; empty if it is."""
    meta = obj.get("metadata") or {}
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    wrong = [
        *_missing("label", labels, LABELS),
        *_missing("annotation", annotations, {NAME: release, NAMESPACE: namespace}),
    ]
    return f"invalid ownership metadata; {'; '.join(wrong)}" if wrong else ""


def _missing(what: str, given: Mapping[str, Any], wanted: Mapping[str, str]) -> list[str]:
    wrong: list[str] = []
    for key, value in wanted.items():
        if key not in given:
            wrong.append(f'{what} validation error: missing key "{key}": must be set to "{value}"')
        elif given[key] != value:
            message = f'key "{key}" must equal "{value}": current value is "{given[key]}"'
            wrong.append(f"{what} validation error: {message}")
    return wrong
