"""Pods in one line, and what became of them."""

from __future__ import annotations

from typing import Any

from k8snb.cluster.cluster import Cluster
from k8snb.typing import Object


def container(name: str = "main", image: str = "busybox:1.36", *command: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "image": image, **fields}
    return {**made, "command": list(command)} if command else made


def sh(script: str, name: str = "main", **fields: Any) -> dict[str, Any]:
    return container(name, "busybox:1.36", "sh", "-c", script, **fields)


def pod(*containers: Object, name: str = "p", **spec: Any) -> Object:
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": list(containers), **spec}}


class Here:
    """A cluster of two nodes, and the pod `p` in it."""

    def __init__(self, *pods: Object, settle: bool = True) -> None:
        self.cluster = Cluster(nodes=2, seed=1)
        for each in pods:
            self.cluster.client.create("pods", each)
        if settle:
            self.cluster.settle()

    def get(self, name: str = "p") -> Object:
        return self.cluster.client.get("pods", name, "default")

    def gone(self, name: str = "p") -> bool:
        return self.cluster.client.find("pods", name, "default") is None

    @property
    def phase(self) -> str:
        return str(self.get()["status"]["phase"])

    def status(self, container: str = "main") -> Object:
        status = self.get()["status"]
        every = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        return next(each for each in every if each["name"] == container)

    def waiting(self, container: str = "main") -> tuple[str, str]:
        waiting = self.status(container)["state"]["waiting"]
        return waiting["reason"], waiting.get("message", "")

    def condition(self, type: str) -> Object:
        return next(each for each in self.get()["status"]["conditions"] if each["type"] == type)

    def events(self, name: str = "p") -> list[str]:
        found = self.cluster.client.list("events", "default", fields=f"involvedObject.name={name}")
        return [f"{e['reason']}: {e['message']}" for e in found if e["source"].get("component") == "kubelet"]

    def log(self, container: str = "main", name: str = "p", **query: str) -> str:
        path = f"/api/v1/namespaces/default/pods/{name}/log"
        return self.cluster.client.request("GET", path, {"container": container, **query}).body.decode()

    def seconds(self) -> float:
        return self.cluster.clock.now() - 1767225600.0
