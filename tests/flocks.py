"""Controllers as a reader writes them: one that compares, one that reacts, and the ConfigMaps that they live by."""

from __future__ import annotations

from typing import Any

from k8snb import Cluster, Controller
from k8snb.machinery.objects import controller_of, controller_reference
from k8snb.typing import Object, ObjectKey


def sheep(flock: Object) -> Object:
    """A pod of a flock."""
    name = flock["metadata"]["name"]
    meta = {"generateName": f"{name}-", "namespace": "default", "ownerReferences": [controller_reference(flock)]}
    spec = {"containers": [{"name": "sheep", "image": "nginx"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def of_flock(pods: list[Object], name: str) -> list[Object]:
    """Those pods that belong to the flock of that name."""
    return [pod for pod in pods if (controller_of(pod) or {}).get("name") == name]


class Flock(Controller):
    """Keeps as many pods as the ConfigMap says; looks at what is."""

    name = "flock-controller"

    def start(self) -> None:
        self.follow("configmaps")
        self.follow_owned("pods", "ConfigMap")

    def reconcile(self, key: ObjectKey) -> float | None:
        flock = self.informers.of("configmaps").get(*key)
        if flock is None or "size" not in flock.get("data", {}):
            return None
        have = of_flock(self.informers.of("pods").list("default"), key.name)
        want = int(flock["data"]["size"])
        for _ in range(want - len(have)):
            self.client.create("pods", sheep(flock))
        for pod in have[want:]:
            self.client.delete("pods", pod["metadata"]["name"], "default")
        return None


class EdgeFlock(Controller):
    """Makes pods when it hears of a new ConfigMap, and one for each that it hears is gone; looks at nothing."""

    name = "edge-controller"

    def start(self) -> None:
        self.hear("configmaps", self.flock)
        self.hear("pods", self.pod)

    def flock(self, type: str, flock: Object) -> None:
        if type == "ADDED" and "size" in flock.get("data", {}):
            for _ in range(int(flock["data"]["size"])):
                self.client.create("pods", sheep(flock))

    def pod(self, type: str, pod: Object) -> None:
        owner = controller_of(pod)
        if type == "DELETED" and owner is not None:
            self.client.create("pods", sheep(self.client.get("configmaps", owner["name"], "default")))


def set_size(cluster: Cluster, name: str, size: int) -> None:
    """Say how large a flock is to be, a new one or one that is there."""
    flock = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}
    if cluster.client.find("configmaps", name, "default") is None:
        cluster.client.create("configmaps", {**flock, "data": {"size": str(size)}})
    else:
        cluster.client.patch("configmaps", name, {"data": {"size": str(size)}}, "default")


def count(cluster: Cluster, name: str = "merinos") -> int:
    """How many pods a flock has."""
    return len(of_flock(cluster.client.list("pods", "default"), name))


def lose_one(cluster: Cluster, name: str = "merinos") -> None:
    """Delete a pod of a flock."""
    pods: list[Any] = of_flock(cluster.client.list("pods", "default"), name)
    if pods:
        cluster.client.delete("pods", pods[0]["metadata"]["name"], "default", grace=0)
