"""The exercises of the chapter "First app": nodes."""

from __future__ import annotations

import orjson

from k8snb.controllers.tolerations import tolerated_for, tolerates
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery import quantity
from k8snb.machinery.nodeselection import selection_of
from k8snb.machinery.objects import condition, is_deleting, is_true, labels_of

LOST = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""The taints of a node that is not heard of."""


@exercise("first-app/node", "Maintenance", minutes=5)
def check_maintenance(cluster: Reader) -> Claims:
    """A node that is empty and closed, and an app that has not lost a pod over it."""
    node = find(cluster, "nodes", "node-1", "")
    yield exists(node, _("node-1 is still in the cluster"), "")
    taints = [each for each in node["spec"].get("taints") or () if each["effect"] in ("NoSchedule", "NoExecute")]
    closed = bool(node["spec"].get("unschedulable")) or bool(taints)
    open_still = _("node-1 is not cordoned, and no taint keeps them away")
    yield Claim(closed, _("no new pod is placed there"), open_still)
    found = [pod for pod in cluster.client.list("pods", NAMESPACE) if pod["spec"].get("nodeName") == "node-1"]
    staying = [pod["metadata"]["name"] for pod in found if not is_deleting(pod)]
    yield Claim(not staying, _("no pod is left on it"), _("still there: {names}").format(names=", ".join(staying)))
    web = find(cluster, "deployments.apps", "web")
    yield exists(web, _("the Deployment web is still there"))
    counts = web["spec"].get("replicas"), web["status"].get("availableReplicas")
    yield Claim(counts == (4, 4), _("its four pods are available"), says(_("their number"), counts[1]))


@exercise("first-app/node", "Reserved", minutes=10)
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
    others = [each for each in cluster.client.list("nodes") if each["metadata"]["name"] != "node-3"]
    rules = selection_of(pod)
    free = [each["metadata"]["name"] for each in others if rules.matches(each["metadata"]["name"], labels_of(each))]
    luck = _("its own rules would let it go to {names}: it is there by luck").format(names=", ".join(free))
    yield Claim(not free or _placed_by_hand(cluster, "batch"), _("… and could be nowhere else"), luck)
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))


@exercise("first-app/node", "Impatience", minutes=10)
def check_impatient(cluster: Reader) -> Claims:
    """Pods that do not wait five minutes for a node that is gone."""
    impatient = find(cluster, "deployments.apps", "impatient")
    yield exists(impatient, _("there is a Deployment impatient"))
    pods = pods_labelled(cluster, impatient["spec"]["selector"].get("matchLabels") or {})
    yield Claim(len(pods) == 2, _("it has its two pods"), says(_("their number"), len(pods)))
    for key in LOST:
        taint = {"key": key, "effect": "NoExecute"}
        patience = list(dict.fromkeys(tolerated_for(pod, [taint]) for pod in pods))
        sentence = _("they stay 30 seconds with {taint}, and no longer").format(taint=key)
        yield Claim(patience == [30], sentence, says("tolerationSeconds", [_seconds(each) for each in patience]))


@exercise("first-app/node", "One that is large enough", minutes=10)
def check_giant(cluster: Reader) -> Claims:
    """A pod that fits nowhere, a machine for it, and nobody else on that."""
    giant = find(cluster, "pods", "giant")
    yield exists(giant, _("the Pod giant is still there"))
    requests = (giant["spec"]["containers"][0].get("resources") or {}).get("requests") or {}
    asked = str(requests.get("cpu", "0"))
    yield Claim(quantity.milli(asked) == 12_000, _("it still asks for 12 CPUs"), says(_("its request"), asked))
    place = giant["spec"].get("nodeName")
    reason = (condition(giant, "PodScheduled") or {}).get("message") or _("have you let time pass?")
    yield Claim(bool(place), _("it has found a node"), str(reason))
    yield Claim(is_true(giant, "Ready"), _("it is Ready"), says(_("the phase"), giant["status"].get("phase")))
    node = find(cluster, "nodes", str(place), "")
    taints = [each for each in node["spec"].get("taints") or () if each["effect"] in ("NoSchedule", "NoExecute")]
    open_to_all = _("{place} has no taint that keeps them away (and a cordon is not meant to stay)").format(place=place)
    lasting = [each for each in taints if not each["key"].startswith("node.kubernetes.io/")]
    yield Claim(bool(lasting), _("others are kept away from there"), open_to_all)
    here = [pod for pod in cluster.client.list("pods") if pod["spec"].get("nodeName") == place]
    others = [pod["metadata"]["name"] for pod in here if pod["metadata"]["name"] != "giant"]
    yield Claim(not others, _("… and none is there"), says(_("also there"), others))


def _placed_by_hand(cluster: Reader, pod: str) -> bool:
    """Whether somebody wrote the node's name into the pod; what the scheduler writes, a binding, is nobody's field."""
    response = cluster.client.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}")
    obj = response.object if response.object is not None else orjson.loads(response.body)
    managers = obj["metadata"].get("managedFields") or ()
    return any("f:nodeName" in (each["fieldsV1"].get("f:spec") or {}) for each in managers)


def _seconds(patience: float | None) -> str:
    return _("not set: they stay for ever") if patience is None else f"{patience:g}"
