"""What changed between two versions of an object, field by field, in the words of the manifest.

Lists whose entries have a name, a type or an address are compared by that and not by place, so that a new condition is
one change and not a shift of all that follow; of others what went and what came is told. A condition is told as one
field (`False (ContainersNotReady) → True`), and so are a container's state and an endpoint. Bookkeeping that changes
with every write, and what only repeats other fields, is left out. What a Secret holds is told by its size, as `kubectl
describe` does.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

from k8snb.i18n import _
from k8snb.machinery.managed.applying import LAST_APPLIED
from k8snb.typing import Object

_BOOKKEEPING = {
    "metadata.resourceVersion",
    "metadata.managedFields",
    "metadata.generation",
    "metadata.uid",
    "metadata.creationTimestamp",
    "status.observedGeneration",
    'metadata.annotations["endpoints.kubernetes.io/last-change-trigger-time"]',
}
_STAMPS = ("lastTransitionTime", "lastUpdateTime", "lastProbeTime", "lastHeartbeatTime", "startTime")
_REPEATED = re.compile(
    r"^status\.(podIPs|hostIPs|hostIP|qosClass|fullyLabeledReplicas)$|^status\.\w*[cC]ontainerStatuses\[.*\]"
    r"\.(containerID|imageID|image|started|resources|allocatedResources|allocatedResourcesStatus|user|volumeMounts)$"
)
_NAMES = ("name", "type", "ip", "ipAddress", "containerPort", "port", "uid")
_STATES = {"waiting", "running", "terminated"}
LONGEST = 48
"""Longer values are cut, with an ellipsis."""


class Change(NamedTuple):
    """One field: where it stands, what it was and what it is; empty when it was not there."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}: {self.before or '∅'} → {self.after or '∅'}"


def changes(before: Object | None, after: Object | None, kind: str = "") -> list[Change]:
    """The fields that differ; nothing when the object is new or gone, because then all of it is the change.

    What `kind` it is has to be said where neither does, as in patches.
    """
    if before is None or after is None:
        return []
    if "Secret" in (kind, before.get("kind"), after.get("kind")):
        before, after = _sealed(before), _sealed(after)
    return [_change(path, old, new) for path, old, new in _walk("", before, after)]


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A value of a Secret: it may be compared, and told by its size alone."""

    content: bytes

    def __str__(self) -> str:
        return _("{count} bytes").format(count=len(self.content))


def _sealed(secret: Object) -> Object:
    """A Secret, or a patch of one, with what nobody shall read over a reader's shoulder in envelopes."""
    found: dict[str, Any] = dict(secret)
    for field, read in (("data", _decoded), ("stringData", str.encode)):
        if isinstance(values := secret.get(field), Mapping):
            found[field] = {name: _Sealed(read(v)) if isinstance(v, str) else v for name, v in values.items()}
    meta = secret.get("metadata") or {}
    annotations = meta.get("annotations") or {}
    if applied := annotations.get(LAST_APPLIED):
        found["metadata"] = {**meta, "annotations": {**annotations, LAST_APPLIED: _Sealed(applied.encode())}}
    return found


def sized(secret: Object) -> Object:
    """A Secret with the size of each value in its place."""
    found: Object = _told(_sealed(secret))
    return found


def _told(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _told(each) for name, each in value.items()}
    return str(value) if isinstance(value, _Sealed) else value


def _decoded(value: str) -> bytes:
    """What a value of `data` stands for; itself where it is not base64, as in a request that will be refused."""
    try:
        return binascii.a2b_base64(value)
    except binascii.Error:
        return value.encode()


def _change(path: str, before: Any, after: Any) -> Change:
    shown = show(after)
    if isinstance(after, _Sealed) and shown == show(before):
        shown = _("{count} other bytes").format(count=len(after.content))
    return Change(path, show(before), shown)


def _walk(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if before == after or path in _BOOKKEEPING or path.endswith(_STAMPS) or _REPEATED.match(path):
        return
    if _is_whole(path, before) or _is_whole(path, after):
        if show(before) != show(after):
            yield path, before, after
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _fields(path, before, after)
    elif _named(before) and _named(after):
        yield from _entries(path, _by_name(before), _by_name(after))
    elif isinstance(before, list) and isinstance(after, list) and before and after:
        yield from _places(path, before, after)
    else:
        yield path, before, after


def _is_whole(path: str, value: Any) -> bool:
    """Whether a value says more as one than field by field."""
    return isinstance(value, Mapping) and (_is_condition(value) or _is_endpoint(value) or path.endswith(".state"))


def _is_condition(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("type"), str) and isinstance(value.get("status"), str)


def _is_endpoint(value: Mapping[str, Any]) -> bool:
    addresses = value.get("addresses")
    return isinstance(addresses, Sequence) and bool(addresses) and isinstance(value.get("conditions"), Mapping)


def _fields(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in [*before, *(name for name in after if name not in before)]:
        here = f'{path}["{name}"]' if "." in name or "/" in name else f"{path}.{name}" if path else name
        old, new = before.get(name), after.get(name)
        if old is None and isinstance(new, Mapping):
            old = {}
        if new is None and isinstance(old, Mapping):
            new = {}
        if old is None and _named(new):
            old = []
        if new is None and _named(old):
            new = []
        yield from _walk(here, old, new)


def _entries(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in [*before, *(name for name in after if name not in before)]:
        yield from _walk(f"{path}[{name}]", before.get(name), after.get(name))


def _places(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[str, Any, Any]]:
    """What went from a list without names and what came, each at its place."""
    gone = [(n, each) for n, each in enumerate(before) if each not in after]
    new = [(n, each) for n, each in enumerate(after) if each not in before]
    if not gone and not new:  # only the order is another
        yield path, before, after
    for one, other in zip_longest(gone, new):
        place, _entry = other or one
        yield f"{path}[{place}]", one and one[1], other and other[1]


def _named(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(each, Mapping) and _name(each) is not None for each in value)
        and len(_by_name(value)) == len(value)
    )


def _by_name(value: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {str(_name(each)): each for each in value}


def _name(entry: Mapping[str, Any]) -> Any:
    """What an entry of a list is known by: its name or the like, or its first address; None if it has neither.

    An empty name, which the only port of a slice may have, tells nothing.
    """
    if isinstance(entry.get("parentRef"), Mapping):
        return entry["parentRef"].get("name")
    known = next((entry[name] for name in _NAMES if entry.get(name) not in (None, "")), None)
    return entry["addresses"][0] if known is None and _is_endpoint(entry) else known


def show(value: Any) -> str:
    """A value in one short line."""
    text = _text(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _text(value: Any) -> str:
    """A value in words rather than in brackets and quotes."""
    if value is None:
        return ""
    if isinstance(value, str | _Sealed):
        return str(value)
    if isinstance(value, Mapping):
        spoken = _spoken(value)
        return spoken if isinstance(spoken, str) else _pairs(spoken) or "∅"
    if isinstance(value, Sequence):
        return ", ".join(map(_text, value)) or "∅"
    return json.dumps(value)


def _pairs(value: Mapping[str, Any]) -> str:
    return "; ".join(f"{name.rstrip('.')}: {_text(each) or json.dumps(each)}" for name, each in value.items())


def _spoken(value: Mapping[str, Any]) -> Any:
    """What a mapping is called when it is told as one."""
    if _is_condition(value):
        return f"{value['status']} ({value['reason']})" if value.get("reason") else value["status"]
    if _is_endpoint(value):
        return _endpoint(value)
    if isinstance(value.get("state"), Mapping):  # a container's status
        return _spoken(value["state"])
    if _STATES.intersection(value):
        return ", ".join(_because(state, why or {}) for state, why in value.items() if state in _STATES)
    if "verbs" in value:
        return _rule(value)
    if "key" in value and "effect" in value:  # a taint, or what tolerates one
        return f"{value['key']}{'=' + value['value'] if value.get('value') else ''}:{value['effect']}"
    name = value.get("name")
    return name if isinstance(name, str) and name else value


def _rule(value: Mapping[str, Any]) -> str:
    """`get, list on pods, pods/log`, as a rule of RBAC is read aloud."""
    things = value.get("resources") or value.get("nonResourceURLs") or ()
    return f"{', '.join(value['verbs'])} on {', '.join(things)}"


def _endpoint(value: Mapping[str, Any]) -> str:
    """`ready`, `not ready`, `serving, terminating`; and for whom it is meant, if the slice hints at that."""
    conditions, hints = value["conditions"], value.get("hints") or {}
    states = [state for state in ("serving", "terminating") if conditions.get(state)]
    word = "ready" if conditions.get("ready") is not False else ", ".join(states) if len(states) > 1 else "not ready"
    near = [each["name"] for kind in ("forZones", "forNodes") for each in hints.get(kind) or ()]
    return f"{word} (for {', '.join(near)})" if near else word


def _because(state: str, why: Mapping[str, Any]) -> str:
    return f"{state} ({why['reason']})" if why.get("reason") else state
