"""One object on its way through the layers: what it was called on the way, and what is still to be done with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from k8snb.typing import Object


@dataclass(frozen=True, slots=True)
class Item:
    """An object, the names it has had, and whether a hash of its content is to be added to its name."""

    object: Object
    names: tuple[str, ...] = ()
    hashed: bool = False

    @property
    def kind(self) -> str:
        return str(self.object.get("kind", ""))

    @property
    def name(self) -> str:
        """What it is called now."""
        return str((self.object.get("metadata") or {}).get("name", ""))

    @property
    def namespace(self) -> str:
        return str((self.object.get("metadata") or {}).get("namespace", ""))

    def called(self, name: str) -> bool:
        """Whether that is or was its name."""
        return name == self.name or name in self.names

    def holding(self, obj: Object) -> Item:
        """The same, with its object changed."""
        return replace(self, object=obj)

    def renamed(self, name: str) -> Item:
        """The same under another name."""
        meta = {**(self.object.get("metadata") or {}), "name": name}
        return replace(self, object={**self.object, "metadata": meta}, names=(*self.names, self.name))

    @property
    def title(self) -> str:
        """As messages name it: `Deployment.v1.apps/web.[noNs]`."""
        group, _, version = str(self.object.get("apiVersion", "")).rpartition("/")
        return f"{self.kind}.{version}.{group or '[noGrp]'}/{self.name}.{self.namespace or '[noNs]'}"
