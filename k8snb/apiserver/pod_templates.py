"""Pods that come in numbers: what the server makes of a pod template, worked out once.

A ReplicaSet's pods arrive with the same `spec`, `labels` and owner by identity. What defaulting, admission and
validation made of the first one holds for the others, for as long as nothing that admission looked at has changed.

Pods that clients make one by one are other objects each time. Where two of the same user differ in nothing but their
name, which their texts tell before they are read, the same holds for them (`NamedPods`).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import orjson

from k8snb.apiserver.admission.service_account import MIRROR
from k8snb.apiserver.negotiation import JSON
from k8snb.machinery.forms import form
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import Request, User

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
_NAME = re.compile(
    rb'"metadata":\s*\{\s*(?:"(?:annotations|labels|namespace)":\s*(?:\{[^{}]*\}|"[^"]*"),\s*)*"name":\s*"([-.a-z0-9]+)"'
)
"""Where a name is in a text that is written as clients do."""
_NO_NAME = b"?"


class PodTemplate(NamedTuple):
    """What pods have in common: as they are sent (`spec` to `owners`), as asked before admission, and as stored.

    `meta` and `pod` are forms of what is stored.
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
        self._known[id(given["spec"]), namespace, meta["generateName"]] = PodTemplate(
            given["spec"],
            meta.get("labels"),
            meta.get("annotations"),
            meta.get("ownerReferences"),
            self._stamp(),
            asked,
            meta["generateName"],
            form({"name": "", **{k: v for k, v in stored["metadata"].items() if k not in _OWN}, **_TO_COME}),
            form({**stored, "metadata": {}}),
        )


class Likeness(NamedTuple):
    """A pod as a client's text makes it: its name, and all that it may have in common with others.

    That is whose it is, how it is sent, and the text before and after the name.
    """

    name: str
    key: tuple[User | None, str, tuple[tuple[str, str], ...], bytes, bytes]


class NamedPod(NamedTuple):
    """What the server made of a client's pod: as asked before admission, and as stored."""

    stamp: tuple[int, ...]
    asked: Object
    stored: Object


def likeness(request: Request, namespace: str) -> Likeness | None:
    """What a pod has in common with those like it; None if it is sent in another way than most."""
    text = request.body
    if len(text) > LONGEST or "dryRun" in request.query or request.headers.get("content-type", JSON) != JSON:
        return None
    found = _NAME.search(text)
    if found is None:
        return None
    begin, end = found.span(1)
    sent = (request.user, namespace, tuple(request.query.items()), text[:begin], text[end:])
    return Likeness(text[begin:end].decode(), sent)


def _is_name(alike: Likeness) -> bool:
    """Whether it is the pod's own name that was cut out of the text."""
    *_, before, after = alike.key
    try:
        meta = orjson.loads(before + _NO_NAME + after)["metadata"]
    except ValueError:
        return False
    is_plain = meta.keys() <= _PLAIN and MIRROR not in (meta.get("annotations") or ())
    return is_plain and meta.get("name") == _NO_NAME.decode()


class NamedPods(_Watchful):
    """The pods that clients made lately."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._known: dict[Any, NamedPod] = {}

    def find(self, alike: Likeness) -> NamedPod | None:
        """What the server made of a pod like this one, if it would make the same again."""
        found = self._known.get(alike.key)
        return found if found is not None and found.stamp == self._stamp() else None

    def forget(self) -> None:
        """What was made of pods counts no more."""
        self._known.clear()

    def remember(self, alike: Likeness, asked: Object, stored: Object) -> None:
        """Note what was made of a pod."""
        if not _is_name(alike):
            return
        if len(self._known) >= NAMED:
            del self._known[next(iter(self._known))]
        meta = {name: value for name, value in stored["metadata"].items() if name != "resourceVersion"}
        self._known[alike.key] = NamedPod(self._stamp(), asked, {**stored, "metadata": meta})
