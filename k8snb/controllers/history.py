"""ControllerRevisions: the templates that a StatefulSet or a DaemonSet has had, one object each.

A revision holds the template as a patch that restores it, so that equal templates are equal data; its name ends in a
hash of that data. A template that comes back does not get a second revision: the old one gets the highest number.
Two templates with one hash are told apart by a count of collisions, which goes into the hash. Upstream:
`pkg/controller/history/controller_history.go`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from k8snb.client.client import Client
from k8snb.errors import StatusError
from k8snb.machinery.names import encode_safe
from k8snb.machinery.objects import controller_reference, labels_of
from k8snb.typing import Object

REVISIONS = "controllerrevisions.apps"
HASH_LABEL = "controller.kubernetes.io/hash"
REVISION_LABEL = "controller-revision-hash"
"""The label of pods that says which revision they were made from."""

_PREFIX = 223
_PRIME, _BASIS, _MASK = 16777619, 2166136261, 0xFFFFFFFF


def data_of(owner: Object) -> Object:
    """The patch that restores the owner's present template."""
    template = {k: v for k, v in owner["spec"]["template"].items() if k != "$patch"}
    return {"spec": {"template": {"$patch": "replace", **template}}}


def restored(owner: Object, revision: Object) -> Object:
    """The owner as it was in a revision."""
    template = {k: v for k, v in revision["data"]["spec"]["template"].items() if k != "$patch"}
    return {**owner, "spec": {**owner["spec"], "template": template}}


def compose(owner: Object, number: int, collisions: int, annotations: Mapping[str, str]) -> Object:
    """The revision of the owner's present template."""
    data = data_of(owner)
    hash = data_hash(data, collisions)
    template_labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
    meta: dict[str, Any] = {
        "name": f"{owner['metadata']['name'][:_PREFIX]}-{hash}",
        "namespace": owner["metadata"]["namespace"],
        "labels": {**template_labels, HASH_LABEL: hash},
        "ownerReferences": [controller_reference(owner)],
    }
    if annotations:
        meta["annotations"] = dict(annotations)
    return {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": meta, "data": data, "revision": number}


def data_hash(data: Object, collisions: int) -> str:
    """Up to ten letters that stand for a revision's data: FNV-1 over its JSON as Go writes it, and the collisions."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    value = _BASIS
    for byte in f"{text}{collisions}".encode():
        value = (value * _PRIME & _MASK) ^ byte
    return encode_safe(str(value))


def in_order(revisions: Collection[Object]) -> list[Object]:
    """Revisions from the lowest number to the highest."""
    return sorted(revisions, key=lambda each: (each["revision"], each["metadata"]["creationTimestamp"], _name(each)))


def next_number(revisions: Sequence[Object]) -> int:
    """The number of the next revision; `revisions` are in order."""
    return int(revisions[-1]["revision"]) + 1 if revisions else 1


def same_data(one: Object, other: Object) -> bool:
    """Whether two revisions are of the same template."""
    return bool(one["data"] == other["data"])


def create(
    client: Client, owner: Object, number: int, collisions: int, annotations: Mapping[str, str]
) -> tuple[Object, int]:
    """Create the revision of the owner's present template; returns it and the number of collisions by then."""
    while True:
        revision = compose(owner, number, collisions, annotations)
        try:
            return client.create(REVISIONS, revision), collisions
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
        found = client.get(REVISIONS, _name(revision), owner["metadata"]["namespace"])
        if same_data(found, revision):
            return found, collisions
        collisions += 1


def to_forget(revisions: Sequence[Object], live: Collection[str], limit: int) -> list[Object]:
    """The oldest revisions beyond the limit among those that are not live; `revisions` are in order."""
    history = [each for each in revisions if _name(each) not in live]
    return history[: len(history) - limit] if 0 <= limit < len(history) else []


def revision_name(pod: Object) -> str:
    """What the pod says that it was made from."""
    return labels_of(pod).get(REVISION_LABEL, "")


def _name(revision: Object) -> str:
    name: str = revision["metadata"]["name"]
    return name
