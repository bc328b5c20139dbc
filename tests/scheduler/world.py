"""Pods, nodes and schedulers for the tests, each in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.machinery.devices.claims import consumer
from k8snb.machinery.objects import with_meta
from k8snb.scheduler.cache import Cache
from k8snb.scheduler.cycle import Cycle
from k8snb.scheduler.devices.claims import DeviceClaims
from k8snb.scheduler.nodeinfo import HOSTNAME, ZONE
from k8snb.scheduler.nominator import Nominator
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.registry import DEFAULT_PROFILE, Profile
from k8snb.scheduler.runtime import Framework, Surroundings
from k8snb.scheduler.selectors import OWNERS, DefaultSelectors
from k8snb.scheduler.storage import Storage
from k8snb.typing import Object


def pod(
    name: str = "p",
    *,
    cpu: str = "",
    memory: str = "",
    labels: Mapping[str, str] | None = None,
    namespace: str = "default",
    owner: Object | None = None,
    node: str = "",
    image: str = "nginx",
    status: Object | None = None,
    deleting: bool = False,
    **spec: Any,
) -> Object:
    """A pod with one container."""
    requests = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v}
    container = {"name": "main", "image": image, "resources": {"requests": requests} if requests else {}}
    meta: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{namespace}-{name}",
        "resourceVersion": "1",
    }
    meta |= {"labels": labels} if labels else {}
    meta |= {"ownerReferences": [owner]} if owner else {}
    meta |= {"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleting else {}
    full = {"schedulerName": "default-scheduler", "containers": [container], **spec}
    full |= {"nodeName": node} if node else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": full, "status": status or {"phase": "Pending"}}


def node(
    name: str = "n",
    *,
    cpu: str = "8",
    memory: str = "32Gi",
    pods: str = "110",
    labels: Mapping[str, str] | None = None,
    zone: str = "",
    taints: Sequence[Object] = (),
    images: Mapping[str, int] | None = None,
    unschedulable: bool = False,
    more: Mapping[str, str] | None = None,
) -> Object:
    """A node; `images` maps names to bytes."""
    all_labels = {HOSTNAME: name, **({ZONE: zone} if zone else {}), **(labels or {})}
    spec: dict[str, Any] = {"taints": list(taints)} if taints else {}
    spec |= {"unschedulable": True} if unschedulable else {}
    allocatable = {"cpu": cpu, "memory": memory, "pods": pods, **(more or {})}
    found = [{"names": [image], "sizeBytes": size} for image, size in (images or {}).items()]
    meta = {"name": name, "labels": all_labels, "uid": f"uid-{name}", "resourceVersion": "1"}
    status = {"allocatable": allocatable, "images": found}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec, "status": status}


def replica_set(name: str, match: Mapping[str, str], namespace: str = "default") -> Object:
    """A ReplicaSet that selects by labels."""
    meta = {"name": name, "namespace": namespace, "uid": f"uid-{name}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": meta,
        "spec": {"selector": {"matchLabels": match}},
    }


def owned_by(workload: Object) -> Object:
    """The owner reference of a workload's pods."""
    meta = workload["metadata"]
    return {"kind": workload["kind"], "name": meta["name"], "uid": meta["uid"], "controller": True}


def service(name: str, selector: Mapping[str, str], namespace: str = "default") -> Object:
    return {"kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": {"selector": selector}}


class Notebook:
    """Stands where the API server would be and writes down what it was asked."""

    def __init__(self) -> None:
        self.said: list[tuple[str, ...]] = []

    def bind(self, pod: Object, node: str) -> None:
        self.said.append(("bind", pod["metadata"]["name"], node))

    def set_unscheduled(self, pod: Object, reason: str, message: str, nominated: str | None) -> None:
        self.said.append(("unscheduled", pod["metadata"]["name"], reason, message))

    def nominate(self, pod: Object, node: str) -> bool:
        self.said.append(("nominate", pod["metadata"]["name"], node))
        return True

    def preempt(self, victim: Object, preemptor: Object, node: str) -> bool:
        self.said.append(("preempt", victim["metadata"]["name"], preemptor["metadata"]["name"], node))
        return True

    def tell_preempted(self, victim: Object, preemptor: Object, node: str, more: str = "") -> None:
        self.said.append(("preempted", victim["metadata"]["name"], preemptor["metadata"]["name"], node + more))

    def event(self, pod: Object, type: str, reason: str, action: str, note: str) -> None:
        self.said.append(("event", pod["metadata"]["name"], reason, note))

    def give(self, volume: Object, claim: Object) -> Object:
        self.said.append(("give", volume["metadata"]["name"], claim["metadata"]["name"]))
        return volume

    def select_node(self, claim: Object, node: str) -> None:
        self.said.append(("select", claim["metadata"]["name"], node))

    def reserve_claim(self, claim: Object, allocation: Object | None, pod: Object) -> Object:
        self.said.append(("reserve", claim["metadata"]["name"], pod["metadata"]["name"]))
        status: dict[str, Any] = dict(claim.get("status") or {})
        status |= {"allocation": allocation} if allocation is not None else {}
        status |= {"reservedFor": [*status.get("reservedFor", ()), consumer(pod)]}
        return {**with_meta(claim, resourceVersion="2"), "status": status}

    def release_claim(self, claim: Object, pod: Object) -> Object | None:
        self.said.append(("release", claim["metadata"]["name"], pod["metadata"]["name"]))
        return claim

    def make_claim(self, claim: Object) -> Object:
        self.said.append(("make", claim["metadata"]["generateName"]))
        return with_meta(claim, name="made", uid="uid-made", resourceVersion="1")

    def remove_claim(self, claim: Object) -> None:
        self.said.append(("remove", claim["metadata"]["name"]))

    def tell_devices(self, pod: Object, claim: str, mappings: Sequence[Object]) -> None:
        told = (f"{each['containerName']}={each['requestName']}" for each in mappings)
        self.said.append(("devices", pod["metadata"]["name"], claim, *told))

    def deallocate(self, claim: Object) -> Object:
        self.said.append(("deallocate", claim["metadata"]["name"]))
        return {**claim, "status": {}}


class Shelf:
    """Objects as an informer would list them."""

    def __init__(self, objects: Sequence[Object]) -> None:
        self._objects = {(o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in objects}

    def get(self, namespace: str, name: str) -> Object | None:
        return self._objects.get((namespace, name))

    def list(self, namespace: str = "") -> list[Object]:
        return list(self._objects.values())


class World:
    """A scheduler's picture of a cluster, and one profile that decides on it, without an API server."""

    def __init__(
        self,
        nodes: Sequence[Object] = (),
        pods: Sequence[Object] = (),
        *,
        owners: Sequence[Object] = (),
        services: Sequence[Object] = (),
        namespaces: Mapping[str, Mapping[str, str]] | None = None,
        profile: Profile = DEFAULT_PROFILE,
        storage: Sequence[Object] = (),
        budgets: Sequence[Object] = (),
    ) -> None:
        self.cache = Cache()
        self.api = Notebook()
        self.owners = {(o["kind"], o["metadata"]["namespace"], o["metadata"]["name"]): o for o in owners}
        find = {kind: self._finder(kind) for kind in OWNERS}
        self.selectors = DefaultSelectors(self.cache.spreading, find)
        for each in services:
            self.selectors.put_service(None, each)
        for each in nodes:
            self.cache.put_node(each)
        for each in pods:
            self.cache.put_pod(each)
        self.nominator = Nominator()

        def shelf(word: str) -> Shelf:
            return Shelf([each for each in storage if _word(each) == word])

        self.surroundings = Surroundings(
            cache=self.cache,
            selectors=self.selectors,
            namespaces=lambda name: (namespaces or {}).get(name, {}),
            nominator=self.nominator,
            api=self.api,
            now=lambda: 0.0,
            budgets=lambda: budgets,
            storage=Storage(shelf),
            devices=DeviceClaims(shelf),
        )
        self.framework = Framework(self.surroundings, profile)
        self.cycle = Cycle(self.framework)

    def _finder(self, kind: str) -> Any:
        return lambda namespace, name: self.owners.get((kind, namespace, name))

    def evict(self) -> None:
        """Let those leave that make room."""
        while self.framework.evictions.running:
            self.framework.evictions.step()

    def choose(self, pod: Object) -> str:
        """The name of the node that the pod would get."""
        return self.cycle.choose(PodInfo(pod)).node.name

    def place(self, pod: Object) -> str:
        """Put the pod where it belongs and say where that is."""
        info = PodInfo(pod)
        found = self.cycle.choose(info).node
        self.cache.assume(info, found)
        return found.name


def _word(obj: Object) -> str:
    """The resource that an object is filed under."""
    plural = f"{obj['kind'].lower()}{'es' if obj['kind'].endswith('Class') else 's'}"
    return plural if obj["apiVersion"] == "v1" else f"{plural}.{obj['apiVersion'].partition('/')[0]}"
