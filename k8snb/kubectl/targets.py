"""What a command is about: objects on the server, named or found, and objects from files."""

from __future__ import annotations

from dataclasses import dataclass, replace

from k8snb.kubectl.printing.tables import kind_name
from k8snb.typing import Object, Resource


@dataclass(frozen=True, slots=True)
class Target:
    """One object: where it is, and what it looks like as far as that is known.

    `source` is the file it comes from, `STDIN` for the standard input, empty for the server.
    """

    resource: Resource
    namespace: str
    name: str
    object: Object | None = None
    source: str = ""

    @property
    def path(self) -> str:
        """Where the API serves it."""
        return self.resource.path(self.namespace, self.name)

    @property
    def title(self) -> str:
        """`deployments/web`: what messages call it."""
        return f"{self.resource.plural}/{self.name}"

    @property
    def full_name(self) -> str:
        """`deployment.apps/web`: what verbs print when they are done."""
        return f"{kind_name(self.resource)}/{self.name}"

    @property
    def known(self) -> Object:
        """The object; it must have been read."""
        assert self.object is not None
        return self.object

    def holding(self, obj: Object) -> Target:
        """The same, with its object."""
        return replace(self, object=obj, name=obj["metadata"].get("name", self.name))


def target_of(resource: Resource, obj: Object, source: str = "") -> Target:
    """The target that an object is."""
    meta = obj.get("metadata") or {}
    namespace = meta.get("namespace", "") if resource.namespaced else ""
    return Target(resource, namespace, meta.get("name", ""), obj, source)
