"""A history made by hand: objects, revisions and the record of who wrote them, for tests of views.

A `Tape` is what views know of a cluster: `at(revision)` and a trace. Nothing in it runs; tests put down what happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from k8snb.machinery.scheme import ROWS
from k8snb.trace import Span, Trace
from k8snb.typing import Object, ObjectKey
from k8snb.view.scene import identity
from k8snb.view.stepper import Stepper
from k8snb.view.story import story
from k8snb.wire import Request, RequestInfo, User

KINDS = {row.kind: row for row in ROWS if row.plural != "events" or not row.group}
YOU = "kubernetes-admin"


class Snapshot:
    """The objects as of one revision."""

    def __init__(self, objects: dict[str, Object]) -> None:
        self.objects = objects

    def list(self, resource: str, namespace: str = "") -> list[Object]:
        found = [o for o in self.objects.values() if KINDS[o["kind"]].group_resource == resource]
        inside = [o for o in found if not namespace or o["metadata"].get("namespace", "") in ("", namespace)]
        return sorted(inside, key=lambda o: (o["metadata"].get("namespace", ""), o["metadata"]["name"]))

    def get(self, resource: str, name: str, namespace: str = "") -> Object:
        return next(o for o in self.list(resource, namespace) if o["metadata"]["name"] == name)


class Tape:
    """Write objects, one revision each; the trace keeps who did."""

    def __init__(self) -> None:
        self.time = 0.0
        self.revisions: list[dict[str, Object]] = [{}]
        self.trace = Trace(lambda: self.time, lambda: self.revision)

    @property
    def revision(self) -> int:
        return len(self.revisions) - 1

    def at(self, revision: int) -> Snapshot:
        return Snapshot(self.revisions[revision])

    @contextmanager
    def span(self, component: str, name: str, cause: int = 0, wants: str = "", **observed: Any) -> Iterator[Span]:
        """What is written inside belongs to one reconcile."""
        span = self.trace.begin(component, ObjectKey("default", name), cause)
        span.observed, span.wanted = observed, wants
        yield span
        self.trace.end(span)

    def write(self, verb: str, obj: Object, *, user: str = YOU, sub: str = "", code: int = 200) -> int:
        """Send one request; unless it is refused, the object becomes a new revision."""
        name = identity(obj)
        if code < 300:
            objects = dict(self.revisions[-1])
            if verb == "delete":
                del objects[name]
            else:
                meta = {**obj["metadata"], "resourceVersion": str(self.revision + 1)}
                objects[name] = {**obj, "metadata": meta}
            self.revisions.append(objects)
        self.ask(verb, obj, user=user, sub=sub, code=code)
        return self.revision

    def ask(self, verb: str, obj: Object, *, user: str = YOU, sub: str = "", code: int = 200) -> None:
        """Send a request that changes nothing."""
        meta = obj["metadata"]
        info = RequestInfo(verb, KINDS[obj["kind"]], meta.get("namespace", ""), meta["name"], sub)
        self.trace.sent(Request(info=info, object=obj, user=User(user)), code)

    def event(self, obj: Object, reason: str, message: str, *, user: str = YOU) -> None:
        """Say something about an object."""
        about = {"kind": obj["kind"], "name": obj["metadata"]["name"]}
        event = {"kind": "Event", "metadata": {"name": "e", "namespace": "default"}, "involvedObject": about}
        self.ask("create", {**event, "reason": reason, "message": message}, user=user)

    def get(self, name: str) -> Object:
        return self.revisions[-1][name]

    def story(self, title: str = "A story", since: int = 0, **limits: Any) -> Stepper:
        until = limits.pop("until", self.revision)
        trace = self.trace
        limits = {"since": since, "until": until, "measured": trace.measured, **limits}
        return story(title, trace.spans, trace.requests, self.at, **limits)


# -- objects -----------------------------------------------------------------------------------------------


def _meta(name: str, owner: Object | None = None, **more: Any) -> dict[str, Any]:
    owners = [{"kind": owner["kind"], "name": owner["metadata"]["name"], "controller": True}] if owner else []
    return {"name": name, "namespace": "default", **({"ownerReferences": owners} if owners else {}), **more}


def node(name: str, *, ready: bool = True, cordoned: bool = False) -> Object:
    conditions = [{"type": "Ready", "status": "True" if ready else "Unknown"}]
    spec = {"unschedulable": True} if cordoned else {}
    return {"kind": "Node", "metadata": {"name": name}, "spec": spec, "status": {"conditions": conditions}}


def deployment(name: str = "web", replicas: int = 3, image: str = "nginx:1.14.2", **status: int) -> Object:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "nginx", "image": image}]}}
    selector = {"matchLabels": {"app": name}}
    spec = {"replicas": replicas, "selector": selector, "template": template}
    return {"kind": "Deployment", "metadata": _meta(name), "spec": spec, "status": status}


def replica_set(owner: Object, suffix: str, revision: int, replicas: int, **status: int) -> Object:
    meta = _meta(f"{owner['metadata']['name']}-{suffix}", owner)
    meta["annotations"] = {"deployment.kubernetes.io/revision": str(revision)}
    spec = {"replicas": replicas, "selector": owner["spec"]["selector"], "template": owner["spec"]["template"]}
    return {"kind": "ReplicaSet", "metadata": meta, "spec": spec, "status": status}


def pod(name: str, owner: Object | None = None, *, image: str = "nginx:1.14.2") -> Object:
    containers = [{"name": "nginx", "image": image, "ports": [{"containerPort": 80}]}]
    meta = _meta(name, owner, labels={"app": "web"})
    return {"kind": "Pod", "metadata": meta, "spec": {"containers": containers}, "status": {"phase": "Pending"}}


def bound(pod: Object, place: str) -> Object:
    return {**pod, "spec": {**pod["spec"], "nodeName": place}}


def creating(pod: Object, reason: str = "ContainerCreating") -> Object:
    waiting = [{"name": "nginx", "restartCount": 0, "state": {"waiting": {"reason": reason}}}]
    return {**pod, "status": {"phase": "Pending", "containerStatuses": waiting}}


def running(pod: Object, address: str, *, ready: bool = True, restarts: int = 0) -> Object:
    containers = [{"name": "nginx", "restartCount": restarts, "ready": ready, "state": {"running": {}}}]
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    status = {"phase": "Running", "podIP": address, "conditions": conditions, "containerStatuses": containers}
    return {**pod, "status": status}


def ending(pod: Object) -> Object:
    return {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}


def service(name: str = "web", port: int = 80, target: int = 80) -> Object:
    ports = [{"port": port, "targetPort": target}]
    spec = {"type": "ClusterIP", "clusterIP": "10.96.14.7", "ports": ports, "selector": {"app": name}}
    return {"kind": "Service", "metadata": _meta(name), "spec": spec}


def endpoint_slice(owner: Object, *pods: Object) -> Object:
    name = owner["metadata"]["name"]
    labels = {"kubernetes.io/service-name": name}
    endpoints = [
        {
            "addresses": [each["status"].get("podIP", "")],
            "conditions": {"ready": any(c["status"] == "True" for c in each["status"].get("conditions", ()))},
            "nodeName": each["spec"].get("nodeName", ""),
            "targetRef": {"kind": "Pod", "name": each["metadata"]["name"]},
        }
        for each in pods
    ]
    meta = _meta(f"{name}-x7k2p", owner, labels=labels)
    return {"kind": "EndpointSlice", "metadata": meta, "endpoints": endpoints, "ports": [{"port": 80}]}


# -- stories -----------------------------------------------------------------------------------------------

KUBELET = "system:node:"
SCHEDULER = "system:kube-scheduler"
ACCOUNT = "system:serviceaccount:kube-system:"


def start_pod(tape: Tape, new: Object, place: str, address: str, cause: int) -> int:
    """Scheduler and kubelet bring a pod to life; returns the revision at which it is ready."""
    name = new["metadata"]["name"]
    with tape.span("scheduler", name, cause, f"bind it to {place}, the best of 3 nodes", nodes=3, fit=3):
        at = tape.write("create", bound(new, place), user=SCHEDULER, sub="binding")
        tape.event(new, "Scheduled", f"Successfully assigned default/{name} to {place}", user=SCHEDULER)
    pod_now = bound(new, place)
    with tape.span("kubelet", name, at, "make its sandbox and pull the image", containers=1):
        tape.event(new, "Pulling", 'Pulling image "nginx"', user=KUBELET + place)
        at = tape.write("patch", creating(pod_now), user=KUBELET + place, sub="status")
    tape.time += 1.5
    with tape.span("kubelet", name, 0, "report that it runs", containers=1, running=1):
        tape.event(new, "Started", "Started container nginx", user=KUBELET + place)
        return tape.write("patch", running(pod_now, address), user=KUBELET + place, sub="status")


def scale_set(tape: Tape, rs: Object, replicas: int, cause: int, wants: str) -> Object:
    """The Deployment controller changes how many pods a ReplicaSet should have."""
    scaled = {**rs, "spec": {**rs["spec"], "replicas": replicas}}
    known = f"ReplicaSet/{rs['metadata']['name']}" in tape.revisions[-1]
    with tape.span("deployment-controller", "web", cause, wants, wanted=3, max_surge=1, max_unavailable=0):
        tape.write("update" if known else "create", scaled, user=ACCOUNT + "deployment-controller")
    return scaled


def rollout(pods: int = 3) -> Tape:
    """Three nodes, a Deployment with its first ReplicaSet, and a rolling update to another image."""
    tape = Tape()
    for name in ("node-1", "node-2", "node-3"):
        tape.write("create", node(name), user=KUBELET + name)
    web = deployment(replicas=pods)
    tape.write("create", web)
    old = replica_set(web, "5d4f8c7b9", 1, 0)
    old = scale_set(tape, old, pods, tape.revision, f"create revision 1 with {pods} pods")
    names = [f"web-5d4f8c7b9-{letters}" for letters in _letters(pods)]
    olds = _grow(tape, old, names, 1, tape.revision)
    new_web = deployment(replicas=pods, image="nginx:1.16.1")
    cause = tape.write("patch", new_web)
    new = replica_set(new_web, "7f6b9d8c4", 2, 0)
    for number, name in enumerate(f"web-7f6b9d8c4-{letters}" for letters in _letters(pods, 7)):
        new = scale_set(tape, new, number + 1, cause, f"one new pod more: revision 2 from {number} to {number + 1}")
        _grow(tape, new, [name], 11 + number, tape.revision)
        old = scale_set(tape, old, pods - number - 1, tape.revision, "one old pod fewer: the new one is ready")
        gone = olds[number]
        with tape.span("replicaset-controller", old["metadata"]["name"], tape.revision, "delete 1 pod", pods=pods):
            at = tape.write("update", ending(gone), user=ACCOUNT + "replicaset-controller")
        tape.time += 0.5
        with tape.span("kubelet", gone["metadata"]["name"], at, "the containers have stopped: let it go", running=0):
            tape.write("delete", ending(gone), user=KUBELET + gone["spec"]["nodeName"])
        cause = tape.revision
    done = {"replicas": pods, "updatedReplicas": pods, "readyReplicas": pods, "availableReplicas": pods}
    with tape.span("deployment-controller", "web", cause, "all pods are new and ready: done", new=pods, old=0):
        tape.write("update", {**new_web, "status": done}, user=ACCOUNT + "deployment-controller", sub="status")
    return tape


def _letters(count: int, shift: int = 0) -> list[str]:
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    return ["".join(alphabet[(i * 7 + k * 5 + shift) % 27] for k in range(5)) for i in range(count)]


def _grow(tape: Tape, rs: Object, names: list[str], address: int, cause: int) -> list[Object]:
    image = rs["spec"]["template"]["spec"]["containers"][0]["image"]
    made = [pod(name, rs, image=image) for name in names]
    wants = f"create {len(made)} pods"
    user = ACCOUNT + "replicaset-controller"
    with tape.span("replicaset-controller", rs["metadata"]["name"], cause, wants, wanted=rs["spec"]["replicas"]):
        for each in made:
            cause = tape.write("create", each, user=user)
            tape.event(rs, "SuccessfulCreate", f"Created pod: {each['metadata']['name']}", user=user)
    for number, each in enumerate(made):
        place = f"node-{(address + number) % 3 + 1}"
        start_pod(tape, each, place, f"10.244.{(address + number) % 3}.{address + number}", cause)
    grown = {**rs, "status": {"replicas": len(names), "readyReplicas": len(names)}}
    with tape.span("replicaset-controller", rs["metadata"]["name"], tape.revision, "count the ready pods"):
        tape.write("update", grown, user=user, sub="status")
    return [tape.get(f"Pod/{name}") for name in names]
