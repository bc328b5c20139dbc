"""A small world with custom resources: a server, the loops that serve definitions, and the garbage collector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from k8snb.controllers.garbagecollector import GarbageCollector
from k8snb.controllers.namespace import NamespaceController
from k8snb.controllers.table import OF_THE_SERVER
from k8snb.typing import Object
from k8snb.wire import Response
from tests.controllers.world import World

NAME = "gadgets.example.com"


def version(properties: Mapping[str, Any], name: str = "v1", *, storage: bool = True, **more: Any) -> Object:
    """A version whose spec has these properties."""
    spec = {"type": "object", "properties": properties, **more.pop("spec", {})}
    schema = {"type": "object", "properties": {"spec": spec, **more.pop("beside", {})}}
    return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more}


def operated(properties: Mapping[str, Any], **spec: Any) -> Object:
    """A version for operators: its status is a subresource, and may have anything in it."""
    status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return version(properties, subresources={"status": {}}, beside={"status": status}, spec=spec)


def definition(*versions: Object, **spec: Any) -> Object:
    """The definition of gadgets."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "gadgets", "kind": "Gadget", "shortNames": ["gd"]},
            "versions": list(versions),
            **spec,
        },
    }


def gadget(name: str = "one", api: str = "example.com/v1", **spec: Any) -> Object:
    return {"apiVersion": api, "kind": "Gadget", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


class Workshop(World):
    """The world; requests come as bytes, as from outside."""

    def __init__(self, *versions: Object, **spec: Any) -> None:
        super().__init__(*OF_THE_SERVER, NamespaceController, GarbageCollector)
        if versions:
            self.define(*versions, **spec)

    def define(self, *versions: Object, **spec: Any) -> None:
        response = self.send(
            "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition(*versions, **spec)
        )
        assert response.code == 201, response.object
        self.settle()

    def send(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, **headers: str
    ) -> Response:
        sent = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.client.request(method, path, query or {}, sent, b"" if body is None else orjson.dumps(body))

    def create(self, obj: Object, **query: str) -> Response:
        api, meta = obj["apiVersion"], obj["metadata"]
        return self.send("POST", f"/apis/{api}/namespaces/{meta['namespace']}/gadgets", obj, query)

    def replace(self, obj: Object) -> Response:
        return self.send("PUT", self.path(obj["metadata"]["name"], obj["apiVersion"]), obj)

    @staticmethod
    def path(name: str = "one", api: str = "example.com/v1") -> str:
        return f"/apis/{api}/namespaces/default/gadgets/{name}"

    def causes(self, response: Response) -> list[str]:
        """What is wrong, finding by finding."""
        assert response.object is not None
        assert response.code == 422, response.object
        return [f"{each['field']}: {each['message']}" for each in response.object["details"]["causes"]]
