"""A small world that admission plugins can look at, and requests to admit in it."""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.admission.chain import PLUGINS, Chain
from k8snb.apiserver.admission.plugin import Attributes, Plugin
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object
from k8snb.wire import User

SCHEME = Scheme()
ANN = User("ann")


def named(name: str, namespace: str = "", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"metadata": metadata, **fields}


class World:
    """Objects by resource word; `default` has its namespace and its account from the start."""

    def __init__(self, **objects: list[Object]) -> None:
        self.objects: dict[str, list[Object]] = {
            "namespaces": [named("default", status={"phase": "Active"})],
            "serviceaccounts": [named("default", "default")],
            "priorityclasses.scheduling.k8s.io": [],
            "nodes": [],
        }
        for word, more in objects.items():
            full = "priorityclasses.scheduling.k8s.io" if word == "priorityclasses" else word
            self.objects[full] = [*self.objects.get(full, ()), *more]

    def get(self, word: str, namespace: str, name: str) -> Object | None:
        for found in self.objects.get(word, ()):
            if found["metadata"]["name"] == name and found["metadata"].get("namespace", "") == namespace:
                return found
        return None

    def list(self, word: str, namespace: str) -> list[Object]:
        found = self.objects.get(word, [])
        return [each for each in found if not namespace or each["metadata"].get("namespace", namespace) == namespace]

    def commit(self, word: str, old: Object, new: Object) -> None:
        self.objects[word] = [new if each is old else each for each in self.objects[word]]

    def chain(self, *plugins: Plugin) -> Chain:
        """The chain of these plugins, or of all, in this world."""
        return Chain(self.get, self.list, plugins or PLUGINS, commit=self.commit)


def request(
    obj: Object | None, operation: str = "CREATE", word: str = "pods", *, old: Object | None = None, sub: str = ""
) -> Attributes:
    """A write of `obj` into the namespace `default`, or of `old` if it is deleted."""
    resource = SCHEME.find(word)
    assert resource is not None
    meta = (obj or old or {})["metadata"]
    namespace = meta.get("namespace", "default") if resource.namespaced else ""
    return Attributes(operation, resource, namespace, meta.get("name", ""), sub, obj, old, ANN, False)


def pod(name: str = "web", **spec: Any) -> dict[str, Any]:
    return named(name, "default", spec={"containers": [{"name": "c", "image": "nginx"}], **spec})
