"""What an admission plugin is given, what it can do, and how it refuses.

A plugin says which resources and operations it is for and has `admit` (may change the object), `validate` (may
only refuse), or both. A name that is to be generated is there from `validate` on, so `admit` refuses with `refused`
and `validate` with `denied`. Apart from the objects it reads it is a pure function: the pods of one ReplicaSet share
their spec by identity, and what admission makes of that spec is worked out once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from k8snb.apiserver.notes import Notes
from k8snb.errors import StatusError, forbidden
from k8snb.typing import Object, Resource
from k8snb.wire import User

ReadOne = Callable[[str, str, str], Object | None]
"""(resource word, namespace, name) → the object, None if there is none."""
ReadAll = Callable[[str, str], list[Object]]
"""(resource word, namespace) → the objects in key order; none where the resource is not served."""
Commit = Callable[[str, Object, Object], None]
"""(resource word, old, new): stores a new version of an object as the server itself."""


class Attributes(NamedTuple):
    """What is being admitted. `object` is None on a deletion, `old` is None on a creation and a connection."""

    operation: str
    resource: Resource
    namespace: str
    name: str
    subresource: str
    object: Object | None
    old: Object | None
    user: User
    dry_run: bool
    options: Mapping[str, Any] = MappingProxyType({})
    """What the client said besides: the query of a write, the options of a deletion."""
    notes: Notes | None = None
    """What is noted of the request, where anybody wants to know."""

    def annotate(self, key: str, value: str) -> None:
        """Say something for the audit log."""
        if self.notes is not None:
            self.notes.annotate(key, value)


def nowhere(word: str, old: Object, new: Object) -> None:
    """There is no store to write to."""
    raise NotImplementedError


class Reader(NamedTuple):
    """The objects of the cluster, as plugins may look at them, and the time."""

    get: ReadOne
    list: ReadAll
    commit: Commit = nowhere
    now: Callable[[], float] = lambda: 0.0
    warn: Callable[[str], None] = lambda text: None
    """Sends a `Warning` header back with the answer."""


class Plugin:
    """One admission plugin. Subclasses override `admit`, `validate` or both."""

    name: ClassVar[str]
    """Upstream's name of the plugin."""

    resources: ClassVar[tuple[str, ...]] = ()
    """The resources it is for, `pods/binding` with a subresource; empty for all, without subresources."""

    operations: ClassVar[tuple[str, ...]] = ("CREATE",)
    """CREATE, UPDATE, DELETE, CONNECT."""

    def concerns(self, resource: Resource, subresource: str, operation: str) -> bool:
        """Whether the plugin looks at such requests; what it answers is remembered."""
        if operation not in self.operations:
            return False
        if not self.resources:
            return not subresource
        word = resource.group_resource
        return (f"{word}/{subresource}" if subresource else word) in self.resources

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        """The object as it shall be, or None to leave it; raises StatusError to refuse."""
        return None

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        """Raises StatusError to refuse."""


def refused(attributes: Attributes, why: str) -> StatusError:
    """The answer to a write that a plugin does not let pass, while it may still change it.

    A name that is still to be generated is shown as its prefix, as upstream, where the name comes later.
    """
    return forbidden(attributes.resource, shown_name(attributes), why)


def denied(attributes: Attributes, why: str) -> StatusError:
    """The answer to a write that a plugin does not let pass, when the object is complete."""
    meta = (attributes.object or {}).get("metadata") or {}
    return forbidden(attributes.resource, meta.get("name") or attributes.name or "Unknown", why)


def aggregate(messages: Sequence[str]) -> str:
    """Several messages as one, as Go's `utilerrors.Aggregate` prints them."""
    told = list(dict.fromkeys(messages))
    return told[0] if len(told) == 1 else f"[{', '.join(told)}]"


def shown_name(attributes: Attributes) -> str:
    """The name in messages: that of the request, or the prefix of a generated one."""
    meta = (attributes.object or {}).get("metadata") or {}
    return str(meta.get("generateName") or attributes.name or meta.get("name") or "Unknown")
