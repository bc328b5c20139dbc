"""The exercises of the page on DaemonSets."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import is_true

COLLECTOR = "quay.io/fluentd_elasticsearch/fluentd:v5.0.3"
SYSTEM = "kube-system"


@exercise("workloads/daemonset", "Really everywhere", minutes=10)
def check_everywhere(cluster: Reader) -> Claims:
    """A daemon on every node, whatever keeps others away from it."""
    monitor = find(cluster, "daemonsets.apps", "disk-monitor")
    yield exists(monitor, _("the DaemonSet disk-monitor is still there"))
    reserved = find(cluster, "nodes", "node-3", "")
    keys = [each["key"] for each in reserved["spec"].get("taints") or ()]
    yield Claim("dedicated" in keys, _("node-3 is still reserved"), says(_("its taints"), keys))
    yield from _on_every_node(cluster, {"app": "disk-monitor"}, "default")


def _on_every_node(cluster: Reader, labels: dict[str, str], namespace: str) -> Claims:
    pods = pods_labelled(cluster, labels, namespace)
    ready = {pod["spec"].get("nodeName"): None for pod in pods if is_true(pod, "Ready")}
    nodes = [node["metadata"]["name"] for node in cluster.client.list("nodes")]
    lacking = [name for name in nodes if name not in ready]
    without = says(_("nodes without one that is ready"), lacking)
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
