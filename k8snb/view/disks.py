"""Storage in a story: claims, the volumes that are theirs, and where those are attached.

A story shows it when it is asked about storage (`pvc/data`); others would only be longer for it. A volume hangs from
its claim and an attachment from its volume, in the box of the node that has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.view.scene import Snapshot

CLUSTER_WIDE = frozenset({"persistentvolumes", "volumeattachments"})
KINDS = ("PersistentVolumeClaim", "PersistentVolume", "VolumeAttachment")

_STATES = {"Pending": "pending", "Available": "pending", "Bound": "ready", "Released": "ending", "Failed": "failing"}


def concerns(about: Sequence[str]) -> bool:
    """Whether a story is about storage."""
    return any(name.partition("/")[0] in KINDS for name in about)


def stored(snapshot: Snapshot, namespace: str) -> Iterator[Object]:
    """The claims of a namespace, their volumes and those that are free, and the attachments of both."""
    yield from snapshot.list("persistentvolumeclaims", namespace)
    shown: dict[str, None] = {}
    for volume in snapshot.list("persistentvolumes"):
        if (volume["spec"].get("claimRef") or {}).get("namespace", namespace) == namespace:
            shown[volume["metadata"]["name"]] = None
            yield volume
    for each in snapshot.list("volumeattachments.storage.k8s.io"):
        if each["spec"]["source"].get("persistentVolumeName") in shown:
            yield each


def disk_item(obj: Object) -> dict[str, Any]:
    """How a claim, a volume or an attachment is drawn."""
    spec, status = obj["spec"], obj.get("status") or {}
    if obj["kind"] == "VolumeAttachment":
        attached = bool(status.get("attached"))
        word = _("attached") if attached else _("attaching")
        state = "ready" if attached else "starting"
        found = {
            "parent": f"PersistentVolume/{spec['source'].get('persistentVolumeName', '')}",
            "place": f"Node/{spec['nodeName']}",
        }
    else:
        word = status.get("phase", "Pending")
        state = _STATES.get(word, "pending")
        claim = (spec.get("claimRef") or {}).get("name", "")
        found = {"parent": f"PersistentVolumeClaim/{claim}"} if claim and obj["kind"] == "PersistentVolume" else {}
    if is_deleting(obj):
        state, word = "ending", _("Terminating")
    return {**found, "state": state, "word": word}
