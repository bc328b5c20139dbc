"""The exercises of the page on DaemonSets."""

from __future__ import annotations

from typing import Protocol

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery import quantity
from k8snb.machinery.objects import is_true, labels_of

COLLECTOR = "quay.io/fluentd_elasticsearch/fluentd:v5.0.3"
SYSTEM = "kube-system"
TAINTED = {"node-3": "dedicated", "control-plane": "node-role.kubernetes.io/control-plane"}
"""The nodes that keep others away, and by which taint."""


@exercise("workloads/daemonset", "Really everywhere", minutes=10)
def check_everywhere(cluster: Reader) -> Claims:
    """A daemon on every node, whatever keeps others away from it."""
    monitor = find(cluster, "daemonsets.apps", "disk-monitor")
    yield exists(monitor, _("the DaemonSet disk-monitor is still there"))
    for name, wanted in TAINTED.items():
        keys = [each["key"] for each in find(cluster, "nodes", name, "")["spec"].get("taints") or ()]
        yield Claim(wanted in keys, _("{name} is still reserved").format(name=name), says(_("its taints"), keys))
    fast = [node["metadata"]["name"] for node in cluster.client.list("nodes") if "disktype" in labels_of(node)]
    only = _("node-2 alone is labelled as one with a fast disk")
    yield Claim(fast == ["node-2"], only, says(_("labelled"), fast))
    yield from _on_every_node(cluster, {"app": "disk-monitor"}, NAMESPACE)


def _on_every_node(cluster: Reader, labels: dict[str, str], namespace: str) -> Claims:
    pods = pods_labelled(cluster, labels, namespace)
    ready = {pod["spec"].get("nodeName"): None for pod in pods if is_true(pod, "Ready")}
    nodes = [node["metadata"]["name"] for node in cluster.client.list("nodes")]
    lacking = [name for name in nodes if name not in ready]
    without = says(_("without one that is ready"), lacking)
    yield Claim(not lacking, _("every node has one that is ready"), without)


@exercise("workloads/daemonset", "No gap", minutes=10)
def check_seamless(cluster: Reader) -> Claims:
    """An update during which no node is without its daemon."""
    collector = find(cluster, "daemonsets.apps", "fluentd-elasticsearch", SYSTEM)
    yield exists(collector, _("the DaemonSet fluentd-elasticsearch is still there"), SYSTEM)
    rolling = (collector["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    least, surge = str(rolling.get("maxUnavailable")), str(rolling.get("maxSurge"))
    yield Claim(least in ("0", "0%"), _("no node may be without one"), says("maxUnavailable", least))
    yield Claim(surge not in ("0", "0%", "None"), _("a new one may start beside the old one"), says("maxSurge", surge))
    image = collector["spec"]["template"]["spec"]["containers"][0]["image"]
    yield Claim(image == COLLECTOR, _("it asks for {image}").format(image=COLLECTOR), says("image", image))
    pods = pods_labelled(cluster, {"name": "fluentd-elasticsearch"}, SYSTEM)
    old = [pod["metadata"]["name"] for pod in pods if pod["spec"]["containers"][0]["image"] != COLLECTOR]
    yield Claim(not old, _("all its pods run it"), says(_("not yet"), old))
    status = collector["status"]
    counts = status.get("desiredNumberScheduled"), status.get("numberAvailable")
    yield Claim(counts[0] == counts[1], _("and are available"), says(_("available"), counts[1]))


class Crowded(Protocol):
    """A cluster in which something is set up."""

    def kubectl(self, command: str, stdin: str = "") -> str: ...
    def settle(self, timeout: float = ...) -> float: ...


CRUNCH = """
{apiVersion: apps/v1, kind: Deployment, metadata: {name: crunch}, spec: {replicas: 1,
  selector: {matchLabels: {app: crunch}}, template: {metadata: {labels: {app: crunch}}, spec: {
    nodeSelector: {kubernetes.io/hostname: node-2}, containers: [
      {name: crunch, image: busybox, command: [sleep, infinity], resources: {requests: {cpu: 7500m}}}]}}}}
"""
AGENT = """
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {
  selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {
    tolerations: [{operator: Exists}], containers: [
      {name: agent, image: nginx, resources: {requests: {cpu: 500m}}}]}}}}
"""


def crowd(cluster: Crowded) -> None:
    """Fill a node before a daemon comes that is to run there, too."""
    for manifest in (CRUNCH, AGENT):
        cluster.kubectl("apply -f -", manifest)
        cluster.settle()


@exercise("workloads/daemonset", "No room on node-2", minutes=10)
def check_agent(cluster: Reader) -> Claims:
    """A daemon for which others make room."""
    agent, crunch = find(cluster, "daemonsets.apps", "agent"), find(cluster, "deployments.apps", "crunch")
    yield exists(agent, _("the DaemonSet agent is still there"))
    yield exists(crunch, _("so is the Deployment crunch"))
    boxes = [each["spec"]["template"]["spec"]["containers"][0] for each in (agent, crunch)]
    asked = [((box.get("resources") or {}).get("requests") or {}).get("cpu", "0") for box in boxes]
    same = all(quantity.compare(*each) == 0 for each in zip(asked, ("500m", "7500m"), strict=True))
    yield Claim(same, _("they request what they need"), says(_("their requests"), asked))
    wanted = crunch["spec"].get("replicas")
    yield Claim(wanted == 1, _("crunch is to run when there is room"), says("replicas", wanted))
    yield from _on_every_node(cluster, {"app": "agent"}, NAMESPACE)
    [lowest, highest] = (
        choose([pod["spec"].get("priority", 0) for pod in pods_labelled(cluster, {"app": name})], default=0)
        for name, choose in (("agent", min), ("crunch", max))
    )
    first = _("wherever there is room for one of the two, it is the daemon's")
    yield Claim(lowest > highest, first, says(_("their priorities"), [lowest, highest]))


FORGOTTEN = """
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: exporter}, spec: {updateStrategy: {type: OnDelete},
  selector: {matchLabels: {app: exporter}}, template: {metadata: {labels: {app: exporter}}, spec: {
    tolerations: [{operator: Exists}], containers: [{name: exporter, image: "nginx:1.28"}]}}}}
"""
_EXPORTER = "nginx:1.29"


@exercise("workloads/daemonset", "A forgotten update", minutes=10)
def check_exporter(cluster: Reader) -> Claims:
    """Daemons that are exchanged by themselves, two at a time."""
    exporter = find(cluster, "daemonsets.apps", "exporter")
    yield exists(exporter, _("the DaemonSet exporter is still there"))
    image = exporter["spec"]["template"]["spec"]["containers"][0]["image"]
    yield Claim(image == _EXPORTER, _("it asks for {image}").format(image=_EXPORTER), says("image", image))
    strategy = exporter["spec"].get("updateStrategy") or {}
    kind = strategy.get("type")
    yield Claim(kind == "RollingUpdate", _("nobody has to delete pods for an update"), says("updateStrategy", kind))
    rolling = strategy.get("rollingUpdate") or {}
    least, surge = str(rolling.get("maxUnavailable")), str(rolling.get("maxSurge", 0))
    pace = least in ("2", "50%") or (least in ("0", "0%") and surge in ("2", "50%"))
    seen = _("maxUnavailable is {least}, maxSurge {surge}").format(least=least, surge=surge)
    yield Claim(pace, _("two of the four nodes at a time"), seen)
    pods = pods_labelled(cluster, {"app": "exporter"})
    old = [pod["metadata"]["name"] for pod in pods if pod["spec"]["containers"][0]["image"] != _EXPORTER]
    yield Claim(not old, _("all its pods run it"), says(_("not yet"), old))
    yield from _on_every_node(cluster, {"app": "exporter"}, NAMESPACE)
