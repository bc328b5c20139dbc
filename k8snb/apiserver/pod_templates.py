"""Pods that come in numbers: what the server makes of a pod template, worked out once.

A ReplicaSet's pods arrive with the same `spec`, `labels` and owner by identity. What defaulting, admission and
validation made of the first one holds for the others, for as long as nothing that admission looked at has changed.

Pods that clients make one by one are other objects each time. Where two of the same user differ in nothing but their
name, which their bytes tell, the same holds for them (`NamedPods`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import orjson

from k8snb.apiserver.admission.service_account import MIRROR
from k8snb.machinery.forms import form
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import User

TEMPLATES = 4096
"""How many templates are remembered."""
_LOOKED_AT = (
    "serviceaccounts",
    "namespaces",
    "priorityclasses.scheduling.k8s.io",
    "limitranges",
    "runtimeclasses.node.k8s.io",
)
"""What admission looks at when a pod is made, but for quotas, which are counted pod by pod."""
_OWN = ("name", "uid", "creationTimestamp", "resourceVersion")
_TO_COME = dict.fromkeys(_OWN[1:], "")
_PLAIN = frozenset({"name", "namespace", "labels", "annotations"})
"""The metadata of pods that may be like another one."""
NAMED = 1024
"""How many pods that clients made are remembered."""
LONGEST = 16 * 1024
"""The longest of them, in bytes."""


class PodTemplate(NamedTuple):
    """What pods have in common: as they are sent (`spec` to `owners`), as asked before admission, and as stored.

    `meta` and `pod` are forms of what is stored; `rest` is what of it is the same for all.
    """

    spec: Any
    labels: Any
    annotations: Any
    owners: Any
    stamp: tuple[int, ...]
    asked: Object
    prefix: str
    meta: dict[str, Any]
    pod: dict[str, Any]
    rest: Mapping[str, Any]


class _Watchful:
    """Knows by a stamp whether something has changed that admission looks at."""

    def __init__(self, store: Store) -> None:
        self._watched = tuple(store.bucket(name) for name in _LOOKED_AT)

    def _stamp(self) -> tuple[int, ...]:
        return tuple([bucket.changed for bucket in self._watched])


class PodTemplates(_Watchful):
    """The templates of pods that were made lately."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._known: dict[tuple[int, str, str], PodTemplate] = {}

    def find(self, namespace: str, given: Object) -> PodTemplate | None:
        """What the server makes of a pod, if it has made the same of another one."""
        meta = given["metadata"]
        found = self._known.get((id(given["spec"]), namespace, meta.get("generateName", "")))
        if (
            found is None
            or found.spec is not given["spec"]
            or found.labels is not meta.get("labels")
            or found.annotations is not meta.get("annotations")
            or found.owners is not meta.get("ownerReferences")
            or found.stamp != self._stamp()
            or "name" in meta
        ):
            return None
        return found

    def forget(self) -> None:
        """What was made of pods counts no more."""
        self._known.clear()

    def remember(self, namespace: str, given: Object, asked: Object, stored: Object) -> None:
        """Note what was made of a pod."""
        meta = given["metadata"]
        if "generateName" not in meta or "name" in meta:
            return
        if len(self._known) >= TEMPLATES:
            del self._known[next(iter(self._known))]
        rest = {k: v for k, v in stored.items() if k != "metadata"}
        self._known[id(given["spec"]), namespace, meta["generateName"]] = PodTemplate(
            given["spec"],
            meta.get("labels"),
            meta.get("annotations"),
            meta.get("ownerReferences"),
            self._stamp(),
            asked,
            meta["generateName"],
            form({"name": "", **{k: v for k, v in stored["metadata"].items() if k not in _OWN}, **_TO_COME}),
            form({**rest, "metadata": {}}),
            rest,
        )


Key: TypeAlias = tuple[User, str, bytes]
"""Whose pod it is, in which namespace, and all of it but its name."""


class NamedPod(NamedTuple):
    """What the server made of a client's pod: as asked before admission, and as stored."""

    stamp: tuple[int, ...]
    asked: Object
    stored: Object


def key_of(user: User, namespace: str, given: Object) -> Key | None:
    """What a pod has in common with those like it; None if it has too much of its own."""
    meta = given.get("metadata")
    if not meta or not meta.get("name") or not meta.keys() <= _PLAIN or MIRROR in (meta.get("annotations") or ()):
        return None
    content = orjson.dumps({**given, "metadata": {**meta, "name": ""}})
    return (user, namespace, content) if len(content) <= LONGEST else None


class NamedPods(_Watchful):
    """The pods that clients made lately."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._known: dict[Key, NamedPod] = {}

    def find(self, key: Key) -> NamedPod | None:
        """What the server made of a pod like this one, if it would make the same again."""
        found = self._known.get(key)
        return found if found is not None and found.stamp == self._stamp() else None

    def forget(self) -> None:
        """What was made of pods counts no more."""
        self._known.clear()

    def remember(self, key: Key, asked: Object, stored: Object) -> None:
        """Note what was made of a pod."""
        if len(self._known) >= NAMED:
            del self._known[next(iter(self._known))]
        meta = {name: value for name, value in stored["metadata"].items() if name != "resourceVersion"}
        self._known[key] = NamedPod(self._stamp(), asked, {**stored, "metadata": meta})
