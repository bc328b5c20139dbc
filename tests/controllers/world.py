"""A small world for these tests: an API server and controllers, with nodes and kubelets played by the test."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from k8snb.apiserver.bootstrap import bootstrap_objects
from k8snb.apiserver.server import APIServer
from k8snb.client.client import Client
from k8snb.client.controller import Context, Controller
from k8snb.client.informer import Informers
from k8snb.clock import VirtualClock
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.controllers.table import CONTROLLERS, make, user_of
from k8snb.loop import Loop
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import is_deleting, with_condition
from k8snb.store.mvcc import Store
from k8snb.trace import Span, Trace
from k8snb.typing import Object
from k8snb.wire import User

ADMIN = User("kubernetes-admin", ("system:masters", "system:authenticated"))


class World:
    """A control plane without a scheduler. `settle` runs it; the other verbs are what nodes would do."""

    def __init__(self, *kinds: type[Controller], seed: int = 1, nodes: int = 0, settings: Settings = DEFAULTS) -> None:
        self.clock = VirtualClock()
        lottery = Lottery(seed)
        self.store = Store(self.clock, debug=True)
        self.trace = Trace(self.clock.now, lambda: self.store.revision)
        self.loop = Loop(self.clock)
        self.server = APIServer(self.store, self.clock, lottery, self.trace)
        scheme = self.server.scheme
        self.client = Client(self.server, scheme, ADMIN)
        informers = Informers(self.loop, self.client)
        context = Context(self.loop, self.clock, self.trace, lottery, self.server, scheme, self.client, informers)
        for resource, obj in bootstrap_objects():
            self.client.create(resource, obj)
        self.controllers: dict[str, Any] = {}
        for kind in kinds or CONTROLLERS:
            self.controllers[kind.name] = make(kind, context.act_as(user_of(kind), "system:serviceaccounts"), settings)
        for controller in self.controllers.values():
            controller.start()
        self.settle()
        self._addresses = 0
        self._silent: set[str] = set()
        for number in range(nodes):
            self.add_node(f"node-{number + 1}")

    # -- time --------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Run until nothing but background timers is left."""
        while True:
            while self.loop.turn():
                pass
            due = self.clock.next_due(foreground=True)
            if due is None:
                break
            self.clock.advance_to(self.clock.next_due() or due)
        assert self.server.panics == []
        assert self.store.verify() == []

    def advance(self, seconds: float) -> None:
        """Let time pass, with everything that happens in it."""
        until = self.clock.now() + seconds
        while True:
            while self.loop.turn():
                pass
            due = self.clock.next_due()
            if due is None or due > until:
                break
            self.clock.advance_to(due)
        self.clock.advance_to(until)
        self.settle()

    # -- looking -----------------------------------------------------------------------------------

    def get(self, resource: str, name: str, namespace: str = "default") -> Object:
        return self.client.get(resource, name, namespace)

    def find(self, resource: str, name: str, namespace: str = "default") -> Object | None:
        return self.client.find(resource, name, namespace)

    def list(self, resource: str, namespace: str = "default", labels: str = "") -> builtins.list[Object]:
        return self.client.list(resource, namespace, labels=labels)

    def pods(self, labels: str = "") -> builtins.list[Object]:
        """The pods that nobody has asked to go."""
        return [pod for pod in self.list("pods", labels=labels) if not is_deleting(pod)]

    def events(self, reason: str = "") -> builtins.list[str]:
        """What was said, in the order in which it was said first."""
        events = sorted(self.list("events"), key=lambda event: int(event["metadata"]["resourceVersion"]))
        return [event["message"] for event in events if not reason or event["reason"] == reason]

    def spans(self, component: str) -> builtins.list[Span]:
        return [span for span in self.trace.spans if span.component == component]

    # -- what people do ----------------------------------------------------------------------------

    def create(self, obj: Object) -> Object:
        created = self.client.create(obj["kind"].lower() + "s", obj)
        self.settle()
        return created

    def patch(self, resource: str, name: str, change: Object, namespace: str = "default") -> Object:
        changed = self.client.patch(resource, name, change, namespace)
        self.settle()
        return changed

    def delete(self, resource: str, name: str, namespace: str = "default", **options: Any) -> None:
        self.client.delete(resource, name, namespace, **options)
        self.settle()

    # -- what nodes do -----------------------------------------------------------------------------

    def add_node(self, name: str, labels: Mapping[str, str] = MappingProxyType({})) -> None:
        shown = {"kubernetes.io/hostname": name, **labels}
        self.client.create("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": shown}})
        self.post_status(name)
        lease = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": self.clock.micro_timestamp()}
        meta = {"name": name, "namespace": "kube-node-lease"}
        self.client.create(
            "leases", {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": lease}
        )
        self._beat(name)
        self.settle()

    def post_status(self, name: str, ready: str = "True") -> None:
        """The kubelet posts the node's status."""
        node = self.client.get("nodes", name)
        now = self.clock.timestamp()
        conditions: builtins.list[Object] = (node.get("status") or {}).get("conditions") or []
        for type in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"):
            status = ready if type == "Ready" else "False"
            new = {"type": type, "status": status, "lastHeartbeatTime": now, "lastTransitionTime": now}
            conditions = with_condition(conditions, {**new, "reason": "Kubelet", "message": "posted"})
        self.client.update_status("nodes", {**node, "status": {**(node.get("status") or {}), "conditions": conditions}})
        self.settle()

    def _beat(self, name: str) -> None:
        """The kubelet renews its lease, every ten seconds until it falls silent."""
        if name in self._silent:
            return
        change = {"spec": {"renewTime": self.clock.micro_timestamp()}}
        self.client.patch("leases", name, change, "kube-node-lease")
        self.clock.call_later(10, lambda: self._beat(name), background=True)

    def stop_kubelet(self, name: str) -> None:
        self._silent.add(name)

    def start_kubelet(self, name: str) -> None:
        self._silent.discard(name)
        self._beat(name)
        self.post_status(name)

    def bind(self, pod: Object, node: str = "node-1") -> None:
        """The scheduler gives the pod a node."""
        meta = pod["metadata"]
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}}
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        self.client.post("pods", meta["name"], {**binding, "target": target}, meta["namespace"], subresource="binding")

    def post_pod(self, pod: Object, ready: bool = True, phase: str = "Running") -> None:
        """The kubelet posts the pod's status."""
        pod = self.client.get("pods", pod["metadata"]["name"], pod["metadata"]["namespace"])
        status = pod.get("status") or {}
        if "podIP" not in status:
            self._addresses += 1
            ip = f"10.244.{self._addresses // 250}.{self._addresses % 250 + 1}"
            status = {**status, "podIP": ip, "podIPs": [{"ip": ip}]}
        now = self.clock.timestamp()
        ready_now = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": now}
        conditions = with_condition(status.get("conditions") or (), ready_now)
        self.client.update_status("pods", {**pod, "status": {**status, "phase": phase, "conditions": conditions}})

    def run_pods(self, ready: Callable[[Object], bool] = lambda pod: True, node: str = "node-1") -> None:
        """Every node does its work until there is none: new pods run, ending ones end."""
        while self._run_once(ready, node):
            self.settle()

    def _run_once(self, ready: Callable[[Object], bool], node: str) -> bool:
        worked = False
        for pod in self.list("pods"):
            name = pod["metadata"]["name"]
            if is_deleting(pod):
                self.client.delete("pods", name, "default", grace=0)
            elif not pod["spec"].get("nodeName"):
                self.bind(pod, node)
                self.post_pod(pod, ready(pod))
            else:
                continue
            worked = True
        return worked


# -- objects in one line -------------------------------------------------------------------------------


def template(app: str = "web", image: str = "nginx:1", **spec: Any) -> Object:
    container = {"name": "web", "image": image, "ports": [{"name": "http", "containerPort": 80}]}
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [container], **spec}}


def deployment(name: str = "web", replicas: int = 3, image: str = "nginx:1", **spec: Any) -> Object:
    selector = {"matchLabels": {"app": name}}
    body = {"replicas": replicas, "selector": selector, "template": template(name, image), **spec}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": body}


def replicaset(name: str = "web", replicas: int = 3, **spec: Any) -> Object:
    selector = {"matchLabels": {"app": name}}
    body = {"replicas": replicas, "selector": selector, "template": template(name), **spec}
    meta = {"name": name, "namespace": "default", "labels": {"app": name}}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta, "spec": body}


def replicationcontroller(name: str = "web", replicas: int = 3) -> Object:
    older = {**replicaset(name, replicas), "apiVersion": "v1", "kind": "ReplicationController"}
    return {**older, "spec": {**older["spec"], "selector": {"app": name}}}


def service(name: str = "web", ports: Sequence[Object] = ({"port": 80},), **spec: Any) -> Object:
    meta = {"name": name, "namespace": "default"}
    body = {"selector": {"app": name}, "ports": list(ports), **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": body}


def pod(name: str = "web", app: str = "web", namespace: str = "default", **spec: Any) -> Object:
    meta = {"name": name, "namespace": namespace, "labels": {"app": app}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**template(app)["spec"], **spec}}


def config_map(name: str, namespace: str = "default", owners: Sequence[Object] = (), **meta: Any) -> Object:
    body: dict[str, Any] = {"name": name, "namespace": namespace, **meta}
    if owners:
        body["ownerReferences"] = list(owners)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": body}


def statefulset(name: str = "web", replicas: int = 3, image: str = "nginx:1", **spec: Any) -> Object:
    selector = {"matchLabels": {"app": name}}
    body = {"serviceName": name, "replicas": replicas, "selector": selector, "template": template(name, image), **spec}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": body}


def daemonset(name: str = "web", image: str = "nginx:1", **spec: Any) -> Object:
    body = {"selector": {"matchLabels": {"app": name}}, "template": template(name, image), **spec}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": body}
