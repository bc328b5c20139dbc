"""What is particular to a kind when it is written.

The handlers do what is the same for every kind; at each point where kinds differ they ask the kind's
strategy. All methods are pure functions of the objects (a strategy that allocates, such as the one of
Services, keeps that state itself). Objects are never changed in place: a method returns the object it
was given, or a new one that shares what it did not change.

The order on create: `default` → admission → `default` again → `prepare_create` → metadata filled in →
`validate_create` → `allocate` → stored. On update: `default` → admission → `prepare_update` → `validate` +
`validate_update` → `allocate` → stored. On an update of a subresource `status`: `prepare_status`,
`validate_status`. Upstream: `registry/rest/create.go`, `update.go` and each kind's `strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from k8snb.errors import FieldError
from k8snb.typing import Object

Field = Callable[[Object], str]
Decode = Callable[[Object, str, Sequence[str]], tuple[Object, list[str]]]
"""(value, mode, problems found so far) → the object and the warnings about it. Raises BadRequest."""


class Scaling(Protocol):
    """An object as its subresource `scale` shows it."""

    def show(self, obj: Object) -> Object:
        """The Scale of an object."""
        ...

    def scaled(self, obj: Object, replicas: int) -> Object:
        """The object with another number of replicas."""
        ...


class Strategy:
    """The rules of a kind that has none of its own."""

    name_rule = "dns-subdomain"
    """How names must look: `dns-subdomain`, `dns-label`, `dns1035-label`, `path-segment` or `ip`."""

    counts_generation = True
    """Whether a change of anything but metadata and status raises `metadata.generation`."""

    dependents: str | None = None
    """What becomes of dependents where a deletion does not say it; by default they go in the background."""

    deprecation = ""
    """The warning that goes back with every answer about the kind."""

    fields: Mapping[str, Field] = {}
    """What field selectors may ask besides `metadata.name` and `metadata.namespace`: path → value as text."""

    decode: Decode | None = None
    """How bodies are read where no schema is published: of custom resources."""

    scaling: Scaling | None = None
    """How the subresource `scale` sees the object, where it is not by `spec.replicas`."""

    parts: Mapping[str, Strategy] = {}
    """The rules of updates through a subresource other than `status`: its name → the strategy."""

    def default(self, obj: Object) -> Object:
        """The object with every default of the versioned API filled in (`zz_generated.defaults.go`)."""
        return obj

    def prepare_create(self, obj: Object) -> Object:
        """What the server sets or drops on create; by default a client's `status` is dropped."""
        return {k: v for k, v in obj.items() if k != "status"} if "status" in obj else obj

    def validate(self, obj: Object) -> list[FieldError]:
        """What is wrong with the object (without its metadata, which is checked for every kind alike)."""
        return []

    def validate_create(self, obj: Object) -> list[FieldError]:
        """What is wrong with a new object; by default what `validate` finds in any."""
        return self.validate(obj)

    def content(self, obj: Object) -> Object:
        """What of the object counts for `metadata.generation`: everything but metadata and status."""
        return {k: v for k, v in obj.items() if k not in ("metadata", "status")}

    def prepare_update(self, new: Object, old: Object) -> Object:
        """What an ordinary update may not change; by default `status` stays as it was."""
        if new.get("status") is old.get("status"):
            return new
        without = {k: v for k, v in new.items() if k != "status"}
        return {**without, "status": old["status"]} if "status" in old else without

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What is wrong with the change; `validate(new)` is asked separately."""
        return []

    def prepare_status(self, new: Object, old: Object) -> Object:
        """An update of the status subresource: everything but `status` (and finalizers, labels, annotations) stays."""
        return {**old, "metadata": {**old["metadata"], **_status_metadata(new)}, "status": new.get("status", {})}

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        """What is wrong with the new status."""
        return []

    def allocate(self, new: Object, old: Object | None) -> Object:
        """Claim what the object needs from a pool (addresses, ports); raises StatusError when it is exhausted."""
        return new

    def take_back(self, obj: Object) -> None:
        """Count what an object holds that was stored before this process began."""

    def release(self, obj: Object) -> None:
        """Give back what `allocate` claimed; the object is about to go."""

    def grace_seconds(self, obj: Object) -> int | None:
        """The grace period of a deletion that names none; None where deletion is not graceful."""
        return None

    def deletion_refusal(self, obj: Object) -> str:
        """Why the object may not be deleted; empty if it may."""
        return ""

    def warnings(self, obj: Object) -> list[str]:
        """Advice that goes back as `Warning` headers."""
        return []

    def update_warnings(self, new: Object, old: Object) -> list[str]:
        """The same of an update."""
        return self.warnings(new)

    def before_deletion(self, obj: Object) -> Object:
        """What a first request to delete the object makes of it."""
        return obj


def _status_metadata(new: Object) -> Object:
    meta = new["metadata"]
    return {k: meta[k] for k in ("labels", "annotations", "managedFields") if k in meta}
