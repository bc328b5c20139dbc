"""A cluster with a driver, and claims, classes and pods in one line."""

from __future__ import annotations

from typing import Any

from k8snb import Cluster, NodeSpec
from k8snb.typing import Object

DRIVER = "disks.example.com"
ZONE = "topology.kubernetes.io/zone"


def storage_class(name: str = "fast", **more: Any) -> Object:
    head = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    late = {"volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": True}
    return {**head, "provisioner": DRIVER, **late, **more}


def claim(name: str = "data", size: str = "1Gi", *modes: str, **spec: Any) -> Object:
    body = {"accessModes": list(modes or ("ReadWriteOnce",)), "resources": {"requests": {"storage": size}}}
    meta = {"name": name, "namespace": "default"}
    spec = {"storageClassName": "fast", **body, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def pod(name: str, *claims: str, node: str = "", script: str = "sleep infinity", **spec: Any) -> Object:
    mounts = [{"name": each, "mountPath": f"/{each}"} for each in claims]
    volumes = [{"name": each, "persistentVolumeClaim": {"claimName": each}} for each in claims]
    main = {"name": "main", "image": "busybox", "command": ["sh", "-c", script], "volumeMounts": mounts}
    where = {"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}
    body = {"containers": [main], "volumes": volumes, "terminationGracePeriodSeconds": 1, **where, **spec}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": body
    }  # fmt: skip


class Shop:
    """A cluster whose class `fast` is the driver's."""

    def __init__(self, nodes: int = 2, *, zones: bool = False, kind: Object | None = None, **driver: Any) -> None:
        specs = [NodeSpec(f"node-{n}", labels={ZONE: f"zone-{n}"} if zones else {}) for n in range(1, nodes + 1)]
        self.cluster = Cluster(specs, seed=1)
        self.driver = self.cluster.add_driver(DRIVER, **driver)
        self.create(kind or storage_class())

    def create(self, *objects: Object) -> None:
        plural = {"StorageClass": "storageclasses"}
        for each in objects:
            self.cluster.client.create(plural.get(each["kind"], f"{each['kind'].lower()}s"), each)
        self.cluster.settle()

    def delete(self, resource: str, name: str) -> None:
        self.cluster.client.delete(resource, name, "" if resource == "persistentvolumes" else "default")
        self.cluster.settle()

    def run(self, name: str, script: str) -> str:
        return self.cluster.kubectl(f'exec {name} -- sh -c "{script}"')

    def phase(self, name: str) -> str:
        return self.cluster.kubectl(f"get pod {name} -o jsonpath={{.status.phase}}")

    def volumes(self) -> list[str]:
        """What every volume is, and whose."""
        found = self.cluster.client.list("persistentvolumes")
        return [f"{each['status']['phase']} {each['spec']['claimRef']['name']}" for each in found]

    def attached(self) -> list[str]:
        """Which nodes have a volume."""
        found = self.cluster.client.list("volumeattachments.storage.k8s.io")
        return [each["spec"]["nodeName"] for each in found if each["status"]["attached"]]

    def events(self, name: str, *reasons: str) -> list[str]:
        found = self.cluster.client.list("events", "default", fields=f"involvedObject.name={name}")
        return [f"{each['reason']}: {each['message']}" for each in found if each["reason"] in reasons]

    def name_of(self, claim: str = "data") -> str:
        return str(self.cluster.client.get("persistentvolumeclaims", claim, "default")["spec"]["volumeName"])
