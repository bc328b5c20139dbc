"""The exercises of the chapter "First app": nodes."""

from __future__ import annotations

from k8snb.controllers.tolerations import tolerated_for, tolerates
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import is_deleting, is_true

LOST = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""The taints of a node that is not heard of."""


@exercise("first-app/node", "Maintenance", minutes=5)
def check_maintenance(cluster: Reader) -> Claims:
    """A node that is empty and closed, and an app that has not lost a pod over it."""
    node = find(cluster, "nodes", "node-1", "")
    yield exists(node, _("node-1 is still in the cluster"), "")
    closed = bool(node["spec"].get("unschedulable"))
    yield Claim(closed, _("no new pod is placed there"), _("node-1 is not cordoned"))
    found = [pod for pod in cluster.client.list("pods", NAMESPACE) if pod["spec"].get("nodeName") == "node-1"]
    staying = [pod["metadata"]["name"] for pod in found if not is_deleting(pod)]
    yield Claim(not staying, _("no pod is left on it"), _("still there: {names}").format(names=", ".join(staying)))
    web = find(cluster, "deployments.apps", "web")
    yield exists(web, _("the Deployment web is still there"))
    counts = web["spec"].get("replicas"), web["status"].get("availableReplicas")
    yield Claim(counts == (4, 4), _("its four pods are available"), says(_("their number"), counts[1]))


@exercise("first-app/node", "Reserved", minutes=5)
def check_reserved(cluster: Reader) -> Claims:
    """A node for one kind of work alone, and the pod that is meant for it."""
    node = find(cluster, "nodes", "node-3", "")
    taints = [each for each in node["spec"].get("taints") or () if each["key"] == "dedicated"]
    seen = [f"{each['key']}={each.get('value', '')}:{each['effect']}" for each in node["spec"].get("taints") or ()]
    wanted = [each for each in taints if each.get("value") == "batch" and each["effect"] == "NoSchedule"]
    yield Claim(bool(wanted), _("node-3 keeps others away: dedicated=batch:NoSchedule"), says(_("the taint"), seen))
    pod = find(cluster, "pods", "batch")
    yield exists(pod, _("there is a Pod batch"))
    tolerated = any(tolerates(each, wanted[0]) for each in pod["spec"].get("tolerations") or ())
    yield Claim(tolerated, _("it tolerates the taint"), _("none of its tolerations fits"))
    place = pod["spec"].get("nodeName") or _("nowhere")
    elsewhere = _("it is on {place}; a toleration only permits").format(place=place)
    yield Claim(place == "node-3", _("it is on node-3"), elsewhere)
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))


@exercise("first-app/node", "Impatience", minutes=5)
def check_impatient(cluster: Reader) -> Claims:
    """Pods that do not wait five minutes for a node that is gone."""
    impatient = find(cluster, "deployments.apps", "impatient")
    yield exists(impatient, _("there is a Deployment impatient"))
    pods = pods_labelled(cluster, impatient["spec"]["selector"].get("matchLabels") or {})
    yield Claim(bool(pods), _("it has pods"), _("there are none"))
    for key in LOST:
        taint = {"key": key, "effect": "NoExecute"}
        patience = list(dict.fromkeys(tolerated_for(pod, [taint]) for pod in pods))
        sentence = _("they stay 30 seconds with {taint}, and no longer").format(taint=key)
        yield Claim(patience == [30], sentence, says("tolerationSeconds", [_seconds(each) for each in patience]))


def _seconds(patience: float | None) -> str:
    return _("not set: they stay for ever") if patience is None else f"{patience:g}"
