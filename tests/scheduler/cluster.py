"""A control plane of API server and scheduler alone: pods get nodes, and nothing else happens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apiserver.bootstrap import bootstrap_objects
from k8snb.apiserver.server import APIServer
from k8snb.client.client import Client
from k8snb.client.controller import Context
from k8snb.client.informer import Informers
from k8snb.clock import VirtualClock
from k8snb.loop import Loop
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import condition
from k8snb.scheduler.scheduler import Scheduler
from k8snb.store.mvcc import Store
from k8snb.trace import Trace
from k8snb.typing import Object
from k8snb.wire import User

ADMIN = User("kubernetes-admin", ("system:masters",))


class ControlPlane:
    """Give it objects, let it settle, look what became of them."""

    def __init__(self, nodes: Iterable[Object] = (), *, quantum: int = 1, trace: int = 1_000) -> None:
        self.clock = VirtualClock()
        self.store = Store(self.clock)
        lottery = Lottery(1)
        self.trace = Trace(self.clock.now, lambda: self.store.revision, trace)
        self.loop = Loop(self.clock, quantum)
        self.server = APIServer(self.store, self.clock, lottery, self.trace)
        scheme = self.server.scheme
        self.client = Client(self.server, scheme, ADMIN)
        for resource, obj in bootstrap_objects():
            self.client.create(resource, obj)
        for each in nodes:
            self.add_node(each)
        account = {"name": "default", "namespace": "default"}
        self.client.create("serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        user = User("system:kube-scheduler", ("system:authenticated",))
        client = Client(self.server, scheme, user)
        context = Context(
            self.loop, self.clock, self.trace, lottery, self.server, scheme, client, Informers(self.loop, client)
        )
        self.scheduler = Scheduler(context)
        self.scheduler.start()

    def settle(self) -> None:
        """Turns until all is quiet; time stands still."""
        while self.loop.turn():
            pass

    def advance(self, seconds: float) -> None:
        """Let time pass, with everything that happens in it."""
        until = self.clock.now() + seconds
        self.settle()
        while (due := self.clock.next_due()) is not None and due <= until:
            self.clock.advance_to(due)
            self.settle()
        self.clock.advance_to(until)

    def add_node(self, node: Object) -> None:
        self.client.create("nodes", _new(node))
        name = node["metadata"]["name"]
        self.client.patch("nodes", name, {"spec": {"taints": node["spec"].get("taints")}})  # else it waits to be ready
        self.client.patch("nodes", name, {"status": node["status"]}, subresource="status")

    def create(self, pod: Object) -> None:
        self.client.create("pods", _new(pod))

    def pod(self, name: str, namespace: str = "default") -> Object:
        return self.client.get("pods", name, namespace)

    def node_of(self, name: str) -> str:
        """Where a pod was put; empty if it waits."""
        return str(self.pod(name)["spec"].get("nodeName", ""))

    def why(self, name: str) -> str:
        """What the pod's condition says about its having no node."""
        found = condition(self.pod(name), "PodScheduled")
        return "" if found is None else f"{found.get('reason', found['status'])}: {found.get('message', '')}"

    def events(self, name: str, reason: str = "") -> list[dict[str, Any]]:
        """What people were told about a pod."""
        found = self.client.list("events", "default")
        return [dict(e) for e in found if e["involvedObject"]["name"] == name and reason in ("", e["reason"])]


def _new(obj: Object) -> Object:
    meta = {k: v for k, v in obj["metadata"].items() if k not in ("uid", "resourceVersion")}
    return {k: v for k, v in {**obj, "metadata": meta}.items() if k != "status"}
