"""The exercises of the chapter "First app": namespaces."""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.first_app import Typed
from k8snb.lab.reading import Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery import quantity
from k8snb.machinery.objects import is_deleting
from k8snb.typing import Object

LAB = "lab"
MEBIBYTE = 1024 * 1024


@exercise("first-app/namespace", "Room for two", minutes=10)
def check_lab(cluster: Reader) -> Claims:
    """A namespace with room for two pods, and a Deployment that uses it."""
    yield from _there(cluster, LAB)
    hard = _hard(cluster)
    for resource, most in (("pods", "2"), ("services", "1")):
        found = min(
            (amount for name, amount in hard if name.removeprefix("count/") == resource), default=_("not limited")
        )
        sentence = _("{resource} are limited to {count}").format(resource=resource, count=most)
        yield Claim(found == most, sentence, says(resource, found))
    others = sorted({name for name, _amount in hard if name.removeprefix("count/") not in ("pods", "services")})
    yield Claim(not others, _("… whatever their size"), _("also limited: {names}").format(names=", ".join(others)))
    bench = find(cluster, "deployments.apps", "bench", LAB)
    yield exists(bench, _("there is a Deployment bench"), LAB)
    ready = bench["status"].get("availableReplicas", 0)
    yield Claim(ready == 2, _("two pods of it are ready"), says(_("their number"), ready))


@exercise("first-app/namespace", "Nobody without manners", minutes=10)
def check_manners(cluster: Reader) -> Claims:
    """A limit for containers that do not ask for one, and a limit to what may be asked for."""
    yield from _there(cluster, LAB)
    rules = [rule for each in cluster.client.list("limitranges", LAB) for rule in each["spec"]["limits"]]
    rules = [rule for rule in rules if rule["type"] == "Container"]
    yield Claim(bool(rules), _("a LimitRange has something to say about containers"), _("none does"))
    for part, size, sentence in (
        ("default", 64, _("who says nothing is limited to 64Mi")),
        ("max", 256, _("nobody gets more than 256Mi")),
    ):
        found = [str((rule.get(part) or {}).get("memory", _("absent"))) for rule in rules]
        holds = any(text[0].isdigit() and quantity.value(text) == size * MEBIBYTE for text in found)
        yield Claim(holds, sentence, says(f"{part}.memory", found))
    bench = find(cluster, "deployments.apps", "bench", LAB)
    yield exists(bench, _("the Deployment bench is still there"), LAB)
    pods = pods_labelled(cluster, bench["spec"]["selector"].get("matchLabels") or {}, LAB)
    yield Claim(len(pods) == 2, _("it has its two pods"), says(_("their number"), len(pods)))
    limits = list(dict.fromkeys(str(_limits(pod).get("memory", _("absent"))) for pod in pods))
    yield Claim(limits == ["64Mi"], _("… and they have the limit"), says("limits.memory", limits))


@exercise("first-app/namespace", "Held", minutes=5)
def check_attic(cluster: Reader) -> Claims:
    """A namespace that a finalizer held."""
    attic = cluster.client.find("namespaces", "attic")
    box = cluster.client.find("configmaps", "box", "attic") if attic else None
    held = (box or {}).get("metadata", {}).get("finalizers") or []
    yield Claim(
        not held,
        _("nothing in it is held any more"),
        _("ConfigMap box waits for {names}").format(names=", ".join(held)),
    )
    waiting = (
        _("it is Terminating; have you let time pass?")
        if attic and is_deleting(attic)
        else _("it is not being deleted")
    )
    yield Claim(attic is None, _("the namespace attic is gone"), waiting)
    orphan = cluster.client.find("configmaps", "box", "attic") is not None
    forced = _("box is still stored, in a namespace that is not there: the namespace was forced, not emptied")
    yield Claim(not orphan, _("… and nothing of it is left behind"), forced)


@exercise("first-app/namespace", "A short name across the border", minutes=10)
def check_border(cluster: Typed) -> Claims:
    """A program that knows its neighbour by a short name, and a neighbour who has moved."""
    clerk = find(cluster, "pods", "clerk", "desk")
    yield exists(clerk, _("the Pod clerk is still at its desk"), "desk")
    yield Claim(clerk["metadata"].get("generation", 1) == 1, _("… and as it was"), _("it was changed"))
    shelf = find(cluster, "deployments.apps", "files", "archive")
    yield exists(shelf, _("the Deployment files is in the archive"), "archive")
    doubles = [pod["metadata"]["name"] for pod in cluster.client.list("pods", "desk")]
    yield Claim(doubles == ["clerk"], _("nothing of it was copied to the desk"), says(_("pods there"), doubles))
    service = find(cluster, "services", "files", "desk")
    yield exists(service, _("the desk has a name for it: the Service files"), "desk")
    said = cluster.kubectl("exec clerk -n desk -- curl -sS -o /dev/null -w '%{http_code}' --max-time 3 files")
    seen = next((line for line in said.splitlines() if line.startswith("curl:")), said.strip())
    yield Claim(said.strip() == "200", _("the clerk reaches it by its short name"), seen)


def _there(cluster: Reader, name: str) -> Claims:
    found = cluster.client.find("namespaces", name)
    yield Claim(found is not None, _("there is a Namespace {name}").format(name=name), _("there is none of this name"))


def _hard(cluster: Reader) -> list[tuple[str, str]]:
    """Everything that quotas without a scope limit, with how much."""
    quotas = [each["spec"] for each in cluster.client.list("resourcequotas", LAB)]
    plain = [spec for spec in quotas if not spec.get("scopes") and not spec.get("scopeSelector")]
    return [(name, str(amount)) for spec in plain for name, amount in (spec.get("hard") or {}).items()]


def _limits(pod: Object) -> Mapping[str, str]:
    found: Mapping[str, str] = (pod["spec"]["containers"][0].get("resources") or {}).get("limits") or {}
    return found
