"""The exercises of the chapter "Architecture": the kubelet."""

from __future__ import annotations

from typing import Protocol

from k8snb.client.client import Client
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, listed, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery import quantity
from k8snb.machinery.objects import annotations_of, is_true
from k8snb.typing import Object

USED = 901 * 1024 * 1024
"""What the database uses, in bytes."""

_STARTED = ["test", "-e", "/tmp/up"]


@exercise("architecture/kubelet", "A slow starter", minutes=10)
def check_slow_starter(cluster: Reader) -> Claims:
    """A slow start that nobody takes for a hang."""
    pod = find(cluster, "pods", "sluggish")
    yield exists(pod, _("there is a Pod sluggish"))
    container = pod["spec"]["containers"][0]
    command = " ".join(container.get("command") or ())
    yield Claim("sleep 20;" in command, _("it needs its twenty seconds"), says(_("its command"), command))
    liveness = container.get("livenessProbe") or {}
    strict = (liveness.get("initialDelaySeconds", 0), liveness.get("periodSeconds"), liveness.get("failureThreshold"))
    same = strict == (0, 2, 2) and (liveness.get("exec") or {}).get("command") == _STARTED
    yield Claim(same, _("its liveness probe is as strict as before"), says("livenessProbe", str(liveness)))
    yield Claim("startupProbe" in container, _("it has a startup probe"), _("it has none"))
    statuses = pod["status"].get("containerStatuses") or [{}]
    restarts = statuses[0].get("restartCount", 0)
    yield Claim(restarts == 0, _("it was not restarted"), says(_("the number of its restarts"), restarts))
    ready = is_true(pod, "Ready")
    yield Claim(ready, _("and it is ready"), says(_("the phase"), pod["status"].get("phase")))


@exercise("architecture/kubelet", "Who has to go?", minutes=10)
def check_survivor(cluster: Reader) -> Claims:
    """A database that its node does not end when memory runs short."""
    database, batch = find(cluster, "pods", "database"), find(cluster, "pods", "batch")
    yield exists(database, _("there is a Pod database"))
    place = database["spec"].get("nodeName")
    yield Claim(place == "node-2", _("it is on node-2"), says(_("its node"), place or _("none")))
    yield exists(batch, _("there is a Pod batch"))
    container = database["spec"]["containers"][0]
    requested = ((container.get("resources") or {}).get("requests") or {}).get("memory", "0")
    above = database["spec"].get("priority", 0) > batch["spec"].get("priority", 0)
    enough = above or quantity.value(requested) >= USED
    why = _("it requests {requested}, and is not more important").format(requested=requested)
    yield Claim(enough, _("the node has a reason to spare it"), why)
    reason = batch["status"].get("reason") or batch["status"].get("phase")
    yield Claim(reason == "Evicted", _("batch had to go"), says(_("its state"), reason))
    phase = database["status"].get("phase")
    yield Claim(phase == "Running", _("and the database runs"), says(_("its phase"), phase))


FRONT = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: stock}, spec: {selector: {app: stock}, ports: [{port: 80}]}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: front}, spec: {replicas: 2, strategy: {type: Recreate},
    selector: {matchLabels: {app: front}}, template: {metadata: {labels: {app: front}}, spec: {
      containers: [{name: front, image: nginx, ports: [{containerPort: 80}], livenessProbe: {
        exec: {command: [curl, -sf, "http://stock/"]}, periodSeconds: 5, failureThreshold: 2}}]}}}}
"""
"""A Service of which there are no pods, and pods that are ended because of it."""


@exercise("architecture/kubelet", "Not its fault", minutes=10)
def check_fault(cluster: Reader) -> Claims:
    """Pods that wait for what they need and are not ended for it."""
    front = find(cluster, "deployments.apps", "front")
    yield exists(front, _("the Deployment front is there"))
    there = list(listed(cluster, "stock"))
    yield Claim(not there, _("stock is away, as before"), says(_("its addresses"), there))
    stock = find(cluster, "services", "stock")
    yield exists(stock, _("… but its Service is not"))
    container = front["spec"]["template"]["spec"]["containers"][0]
    liveness, readiness = (container.get(each) or {} for each in ("livenessProbe", "readinessProbe"))
    yield Claim(bool(liveness), _("a container that hangs is restarted"), _("no probe would notice"))
    asks = _asks(liveness, stock)
    yield Claim(not asks, _("… and one that has no stock is not"), _("its liveness probe asks for it"))
    away = _("no readiness probe asks for it")
    yield Claim(_asks(readiness, stock), _("without stock there are no requests"), away)
    pods = pods_labelled(cluster, {"app": "front"})
    yield Claim(len(pods) == 2, _("there are two pods of front"), says(_("their number"), len(pods)))
    statuses = [each for pod in pods for each in pod["status"].get("containerStatuses") or ()]
    restarts = [each["restartCount"] for each in statuses]
    yield Claim(not any(restarts), _("nobody restarts them"), says(_("restarts"), restarts))
    running = [each["state"] for each in statuses if "running" in each["state"] and each.get("started")]
    yield Claim(len(running) == 2, _("they run"), says(_("of them run"), len(running)))
    ready = [pod["metadata"]["name"] for pod in pods if is_true(pod, "Ready")]
    yield Claim(not ready, _("and are not ready"), says(_("ready"), ready))


def _asks(probe: Object, service: Object) -> bool:
    """Whether a probe asks a Service, by its name or its address."""
    told = str(probe)
    return "stock" in told or service["spec"]["clusterIP"] in told


class Haunted(Protocol):
    """A cluster, as far as somebody gets at its machines."""

    @property
    def client(self) -> Client: ...

    def put_manifest(self, node: str, manifest: str | Object) -> None: ...


MIRROR = "kubernetes.io/config.mirror"
_MINER = {"containers": [{"name": "miner", "image": "busybox", "command": ["sleep", "infinity"]}]}


def haunt(cluster: Haunted) -> None:
    """Let somebody who got at a machine leave something there."""
    miner = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "miner"}, "spec": _MINER}
    cluster.put_manifest("node-2", miner)


@exercise("architecture/kubelet", "It comes back", minutes=5)
def check_gone(cluster: Reader) -> Claims:
    """A pod that is no object of the API."""
    node = find(cluster, "nodes", "node-2", "")
    yield exists(node, _("node-2 belongs to the cluster"), "")
    yield Claim(is_true(node, "Ready"), _("its kubelet runs"), _("it is not Ready"))
    closed = [each["key"] for each in node["spec"].get("taints") or () if each["key"].endswith("unschedulable")]
    yield Claim(not closed, _("it takes pods"), says(_("its taints"), closed))
    pods = cluster.client.list("pods", NAMESPACE)
    mirrors = [pod["metadata"]["name"] for pod in pods if MIRROR in annotations_of(pod)]
    whose = _("it is there: who made it, and from what?")
    yield Claim("miner-node-2" not in mirrors, _("miner-node-2 is gone"), whose)
    yield Claim("agent-node-1" in mirrors, _("agent-node-1 is not"), says(_("static pods"), mirrors))
