"""The exercises of the chapter "First app": container runtime."""

from __future__ import annotations

from typing import Any

from k8snb.i18n import _
from k8snb.kubelet.cgroups import quota, shares, weight
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery import quantity
from k8snb.machinery.objects import is_true
from k8snb.typing import Object

MEBIBYTE = 1024 * 1024
STEP = 50 * MEBIBYTE
NEEDED = 261 * MEBIBYTE
"""Bytes that the glutton takes: an M is a mebibyte to `stress`, and it takes one itself."""


@exercise("first-app/runtime", "Guaranteed", minutes=10)
def check_calm(cluster: Reader) -> Claims:
    """A pod whose limits say what the kernel is to be told, and whose class follows from them."""
    pod = find(cluster, "pods", "calm")
    yield exists(pod, _("there is a Pod calm"))
    cpu, memory = _limit(pod, "cpu"), _limit(pod, "memory")
    time = quota(quantity.milli(cpu)) if cpu else "max"
    yield Claim(time == "200000 100000", _("cpu.max is 200000 100000"), says("cpu.max", time))
    size = quantity.value(memory) if memory else 0
    yield Claim(size == 256 * MEBIBYTE, _("memory.max is 256 MiB"), says("memory.max", size or "max"))
    quality = pod["status"].get("qosClass")
    yield Claim(quality == "Guaranteed", _("its class is Guaranteed"), says("qosClass", quality))
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))


@exercise("first-app/runtime", "Enough to live", minutes=10)
def check_glutton(cluster: Reader) -> Claims:
    """A memory limit that is enough, and no more than that."""
    pod = find(cluster, "pods", "glutton")
    yield exists(pod, _("the Pod glutton is still there"))
    container = pod["spec"]["containers"][0]
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    yield Claim("260M" in words, _("it still wants 260M"), says(_("its command"), " ".join(words)))
    limit = quantity.value(_limit(pod, "memory") or "0")
    enough = _("memory.max is {size} MiB").format(size=limit // MEBIBYTE)
    yield Claim(not limit or limit >= NEEDED, _("its limit is more than it needs"), enough)
    most = -(-NEEDED // STEP) * STEP
    yield Claim(0 < limit <= most, _("… and no step more than that"), enough if limit else _("there is no limit"))
    waiting = _("it has not been restarted yet; have you let time pass, with cluster.advance(60)?")
    yield Claim(is_true(pod, "Ready"), _("it runs"), waiting)


@exercise("first-app/runtime", "When CPU is scarce", minutes=10)
def check_scarce(cluster: Reader) -> Claims:
    """Two pods with their shares, and none that waits when there is enough."""
    for name, wanted in (("front", 100), ("back", 35)):
        pod = find(cluster, "pods", name)
        yield exists(pod, _("there is a Pod {name}").format(name=name))
        cpu = _limit(pod, "cpu")
        free = _("{name} may use what is free: cpu.max is max").format(name=name)
        yield Claim(not cpu, free, _("its limit of {cpu} holds also when nobody else wants CPU").format(cpu=cpu))
        asked = _requested(pod, "cpu")
        found = weight(shares(quantity.milli(asked))) if asked else 1
        weighs = _("the kernel weighs {name} {weight}").format(name=name, weight=wanted)
        hint = _("cpu.weight is {weight}, because it requests {cpu}").format(weight=found, cpu=asked or _("no CPU"))
        yield Claim(found == wanted, weighs, hint)
        yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))


@exercise("first-app/runtime", "Behind glass", minutes=10)
def check_vault(cluster: Reader) -> Claims:
    """A Deployment whose pods run in virtual machines, and a scheduler that knows what those cost."""
    vault = find(cluster, "deployments.apps", "vault")
    yield exists(vault, _("there is a Deployment vault"))
    spec = vault["spec"]["template"]["spec"]
    name = spec.get("runtimeClassName")
    absent = _("its template names no RuntimeClass; a node alone does not choose the runtime")
    yield Claim(bool(name), _("its pods ask for a runtime"), absent)
    handler = find(cluster, "runtimeclasses.node.k8s.io", str(name), "").get("handler")
    yield Claim(handler == "kata", _("… which is kata"), says("handler", handler or _("absent")))
    pods = pods_labelled(cluster, vault["spec"]["selector"].get("matchLabels") or {})
    costs = [(pod["spec"].get("overhead") or {}).get("memory") for pod in pods]
    free = _("the class {name} says nothing of an overhead").format(name=name)
    yield Claim(bool(pods) and all(costs), _("each pod is charged for its machine"), free)
    ready = [pod for pod in pods if is_true(pod, "Ready")]
    places = sorted({str(pod["spec"].get("nodeName", _("nowhere"))) for pod in pods})
    seen = _("ready: {count}, on {places}; kata is on node-3").format(count=len(ready), places=", ".join(places))
    yield Claim(len(ready) == 2, _("two of them are ready"), seen)


def _requested(pod: Object, resource: str) -> str:
    """A request of the first container; empty if it has none."""
    resources: dict[str, Any] = pod["spec"]["containers"][0].get("resources") or {}
    return str((resources.get("requests") or {}).get(resource, ""))


def _limit(pod: Object, resource: str) -> str:
    """A limit of the first container; empty if it has none."""
    resources: dict[str, Any] = pod["spec"]["containers"][0].get("resources") or {}
    return str((resources.get("limits") or {}).get(resource, ""))
