"""The exercises of the chapter "Architecture": where pods go, and why."""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import is_true
from k8snb.typing import Object

HOST = "kubernetes.io/hostname"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@exercise("architecture/scheduler", "Apart", minutes=5)
def check_apart(cluster: Reader) -> Claims:
    """Pods of which no two are on one node, whoever adds how many."""
    apart = find(cluster, "deployments.apps", "apart")
    yield exists(apart, _("there is a Deployment apart"))
    spec = apart["spec"]["template"]["spec"]
    rules = (*_hard_spreads(spec), *_hard_aversions(spec))
    yield Claim(HOST in rules, _("the pods insist on different nodes"), says(_("they insist on"), list(rules)))
    count = apart["spec"].get("replicas")
    yield Claim(count == 3, _("there are to be 3"), says(_("their number"), count))
    pods = pods_labelled(cluster, apart["spec"]["selector"].get("matchLabels") or {})
    places = sorted(pod["spec"].get("nodeName") or _("nowhere") for pod in pods if is_true(pod, "Ready"))
    yield Claim(len(set(places)) == 3, _("they are Ready on 3 nodes"), says(_("they are on"), places))


def _hard_spreads(spec: Object) -> Iterator[str]:
    for each in spec.get("topologySpreadConstraints") or ():
        if each["whenUnsatisfiable"] == "DoNotSchedule" and each["maxSkew"] == 1:
            yield each["topologyKey"]


def _hard_aversions(spec: Object) -> Iterator[str]:
    found = ((spec.get("affinity") or {}).get("podAntiAffinity") or {}).get(_REQUIRED) or ()
    return (term["topologyKey"] for term in found)


@exercise("architecture/scheduler", "If possible", minutes=5)
def check_preference(cluster: Reader) -> Claims:
    """A pod that likes a node and would make do with another."""
    pod = find(cluster, "pods", "cache")
    yield exists(pod, _("there is a Pod cache"))
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    insists = bool(pod["spec"].get("nodeSelector") or affinity.get(_REQUIRED))
    yield Claim(not insists, _("it would run on any node"), _("it insists on a label"))
    liked = [
        expression
        for each in affinity.get(_PREFERRED) or ()
        for expression in each["preference"].get("matchExpressions") or ()
    ]
    seen = [f"{each['key']} {each['operator']} {each.get('values')}" for each in liked]
    likes = any(each["key"] == "disk" and "ssd" in (each.get("values") or ()) for each in liked)
    yield Claim(likes, _("it prefers nodes with disk=ssd"), says(_("its preferences"), seen))
    place = pod["spec"].get("nodeName") or _("nowhere")
    node = find(cluster, "nodes", place, "")
    has = (node["metadata"].get("labels") or {}).get("disk") == "ssd"
    elsewhere = _("it is on {place}; how much does the preference weigh?").format(place=place)
    yield Claim(has, _("it is on such a node"), elsewhere)
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))
