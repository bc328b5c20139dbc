"""The two nouns everything speaks of: an API object and the resource it is served under.

An `Object` is the JSON form of a Kubernetes object. It is immutable by contract: once it has been
handed to anybody it is never changed, so it may be shared without copying. The type says so too:
`Mapping` has no assignment. A change is a new mapping that shares what it does not change
(`{**pod, "status": status}`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Object: TypeAlias = Mapping[str, Any]


class ObjectKey(NamedTuple):
    """What names an object within its resource; `namespace` is empty for cluster-scoped ones."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One row of the table of kinds: how a kind is named, scoped and served.

    `group` is empty for the core group. `subresources` lists what is served below an object.
    Identity is equality: there is one instance per served resource.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = (
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    )
    storage: str = ""
    """The bucket it is stored in: `plural.group` of its storage version, e.g. `events` for both event APIs."""

    list_kind: str = ""
    """The kind of a list of it, where that is not `<kind>List`."""

    definition: Object | None = None
    """Of a custom resource the version in its definition (`spec.versions[…]`): schema, columns, subresources."""

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`: what stands in the object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """`pods`, `deployments.apps`: how messages and clients name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def listed_as(self) -> str:
        """The kind of a list of it."""
        return self.list_kind or f"{self.kind}List"

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path it is served at."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        tail = f"/{name}" if name else ""
        return f"{root}{scope}/{self.plural}{tail}" + (f"/{subresource}" if subresource else "")
