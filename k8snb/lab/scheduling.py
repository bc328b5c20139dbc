"""The exercises of the chapter "Architecture": where pods go, and why.

What a pod asks of its node is not read field by field: it is put before a node that only the check knows, one with the
label in question and one without. So a rule counts for what it does, however it is written.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery import quantity
from k8snb.machinery.nodeselection import PreferredNodes, selection_of
from k8snb.machinery.objects import is_true, labels_of
from k8snb.machinery.selectors import of_object
from k8snb.typing import Object

HOST = "kubernetes.io/hostname"
SCHEDULER = "default-scheduler"
FAST = {"disk": "ssd"}
ELSEWHERE = {HOST: "a-node-to-come", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
"""The labels of a node that nobody has named in a rule."""

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@exercise("architecture/scheduler", "Apart", minutes=10)
def check_apart(cluster: Reader) -> Claims:
    """Pods of which no two are on one node, whoever adds how many."""
    apart = find(cluster, "deployments.apps", "apart")
    yield exists(apart, _("there is a Deployment apart"))
    template = apart["spec"]["template"]
    rules = [*_hard_spreads(template), *_hard_aversions(template), *_own_ports(template)]
    yield Claim(HOST in rules, _("the pods insist on different nodes"), says(_("they insist on"), rules))
    count = apart["spec"].get("replicas")
    yield Claim(count == 3, _("there are to be 3"), says(_("their number"), count))
    pods = pods_labelled(cluster, apart["spec"]["selector"].get("matchLabels") or {})
    places = sorted(pod["spec"].get("nodeName") or _("nowhere") for pod in pods if is_true(pod, "Ready"))
    yield Claim(len(set(places)) == 3, _("they are Ready on 3 nodes"), says(_("they are on"), places))


def _hard_spreads(template: Object) -> Iterator[str]:
    for each in template["spec"].get("topologySpreadConstraints") or ():
        if each["whenUnsatisfiable"] == "DoNotSchedule" and each["maxSkew"] == 1:
            yield each["topologyKey"] if _of_its_own(each, template) else _("pods that are not theirs")


def _hard_aversions(template: Object) -> Iterator[str]:
    found = ((template["spec"].get("affinity") or {}).get("podAntiAffinity") or {}).get(_REQUIRED) or ()
    return (term["topologyKey"] if _of_its_own(term, template) else _("pods that are not theirs") for term in found)


def _of_its_own(rule: Object, template: Object) -> bool:
    """Whether a rule about other pods is about those of the same template."""
    return of_object(rule.get("labelSelector")).matches(labels_of(template))


def _own_ports(template: Object) -> Iterator[str]:
    """A port of the node is there once, so who asks for one is alone."""
    for container in template["spec"]["containers"]:
        yield from (HOST for port in container.get("ports") or () if port.get("hostPort"))


@exercise("architecture/scheduler", "If possible", minutes=10)
def check_preference(cluster: Reader) -> Claims:
    """A pod that likes a node and would make do with another."""
    pod = find(cluster, "pods", "cache")
    yield exists(pod, _("there is a Pod cache"))
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    anywhere = selection_of(pod).matches(ELSEWHERE[HOST], ELSEWHERE)
    yield Claim(anywhere, _("it would run on any node"), _("it insists on a label"))
    preferred = affinity.get(_PREFERRED) or ()
    liked = [expression for each in preferred for expression in each["preference"].get("matchExpressions") or ()]
    seen = [f"{each['key']} {each['operator']} {each.get('values') or []}" for each in liked]
    kinds: tuple[dict[str, str], ...] = (FAST, {"disk": "hdd"}, {})
    fast, slow, unknown = (PreferredNodes(preferred).score(ELSEWHERE[HOST], {**ELSEWHERE, **each}) for each in kinds)
    yield Claim(fast > max(slow, unknown), _("it prefers nodes with disk=ssd"), says(_("its preferences"), seen))
    requested = _requested(pod, "cpu")
    yield Claim(quantity.compare(requested, "1") == 0, _("it requests 1 CPU"), says(_("its request"), requested))
    place = pod["spec"].get("nodeName") or _("nowhere")
    node = find(cluster, "nodes", place, "")
    elsewhere = _("it is on {place}; how much does the preference weigh?").format(place=place)
    yield Claim(_is_fast(node), _("it is on such a node"), elsewhere)
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))


def _is_fast(node: Object) -> bool:
    return FAST.items() <= labels_of(node).items()


def _requested(pod: Object, resource: str) -> str:
    resources = pod["spec"]["containers"][0].get("resources") or {}
    return str((resources.get("requests") or {}).get(resource, "0"))


COURIER = """
{apiVersion: apps/v1, kind: Deployment, metadata: {name: courier}, spec: {replicas: 2,
  selector: {matchLabels: {app: courier}}, template: {metadata: {labels: {app: courier}}, spec: {
    schedulerName: thrifty, nodeSelector: {disk: SSD}, containers: [{name: courier, image: nginx}]}}}}
"""
"""Two pods that nobody decides about, and that would fit nowhere."""


@exercise("architecture/scheduler", "Nobody answers", minutes=10)
def check_courier(cluster: Reader) -> Claims:
    """Pods that wait without a word, and then with one."""
    courier = find(cluster, "deployments.apps", "courier")
    yield exists(courier, _("the Deployment courier is there"))
    template = courier["spec"]["template"]
    asked = template["spec"].get("schedulerName")
    yield Claim(asked == SCHEDULER, _("its pods ask a scheduler that is there"), says("schedulerName", asked))
    decided = "nodeName" not in template["spec"]
    yield Claim(decided, _("it decides where they go"), _("spec.nodeName is set: no scheduler is asked"))
    selection = selection_of(template)
    anywhere = selection.matches(ELSEWHERE[HOST], ELSEWHERE)
    yield Claim(not anywhere, _("they insist on a fast disk"), _("a node without one would do"))
    fast = selection.matches(ELSEWHERE[HOST], {**ELSEWHERE, **FAST})
    refused = _("a new node with disk=ssd would not do; it selects {labels}")
    labels = template["spec"].get("nodeSelector") or _("by affinity")
    yield Claim(fast, _("and on nothing else"), refused.format(labels=labels))
    slow = [node["metadata"]["name"] for node in cluster.client.list("nodes") if "disk" in labels_of(node)]
    yield Claim("node-1" not in slow, _("no node has been given a disk"), says(_("labelled"), slow))
    pods = pods_labelled(cluster, {"app": "courier"})
    ready = [pod for pod in pods if is_true(pod, "Ready")]
    both = _("two of them are Ready, and no other waits")
    yield Claim(len(ready) == len(pods) == 2, both, says(_("pods and ready ones"), [len(pods), len(ready)]))


NIGHTLY = """
{apiVersion: v1, kind: Pod, metadata: {name: nightly}, spec: {containers: [
  {name: work, image: busybox, command: [sleep, infinity], resources: {requests: {cpu: 7500m}}}]}}
"""
"""A pod that waits for a node that is all but empty."""

_ROOM = "7500m"


@exercise("architecture/scheduler", "First in line", minutes=10)
def check_invoice(cluster: Reader) -> Claims:
    """Who comes before those that wait, and takes nothing from those that run."""
    nightly, invoice = find(cluster, "pods", "nightly"), find(cluster, "pods", "invoice")
    yield exists(nightly, _("the Pod nightly is there"))
    yield exists(invoice, _("there is a Pod invoice"))
    requested = _requested(invoice, "cpu")
    enough = quantity.compare(requested, _ROOM) == 0
    yield Claim(enough, _("it requests {room} of CPU").format(room=_ROOM), says(_("its request"), requested))
    first, second = (pod["spec"].get("priority", 0) for pod in (invoice, nightly))
    yield Claim(first > second, _("it is more important than nightly"), says(_("their priorities"), [first, second]))
    policy = invoice["spec"].get("preemptionPolicy")
    yield Claim(policy == "Never", _("nobody has to leave for it"), says("preemptionPolicy", policy))
    found = cluster.client.list("priorityclasses.scheduling.k8s.io")
    everybody = [each["metadata"]["name"] for each in found if each.get("globalDefault")]
    yield Claim(not everybody, _("other pods to come are as important as before"), says("globalDefault", everybody))
    place = nightly["spec"].get("nodeName")
    yield Claim(not place, _("nightly still waits"), says(_("its node"), place))
    ready = is_true(invoice, "Ready")
    waits = _("it waits: is there a node with so much room?")
    yield Claim(ready, _("and invoice runs"), waits)
