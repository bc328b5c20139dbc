"""The exercises of the chapter "First app": kubectl."""

from __future__ import annotations

from typing import Any

import orjson

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, NOTHING, Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import annotations_of

DEPLOYMENTS = "deployments.apps"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@exercise("first-app/kubectl", "By heart", minutes=10)
def check_facts(cluster: Reader) -> Claims:
    """A ConfigMap that knows where the oldest pod runs."""
    facts = find(cluster, "configmaps", "facts")
    yield exists(facts, _("there is a ConfigMap facts"))
    keys = sorted(facts.get("data") or {})
    yield Claim(keys == ["node"], _("it has one key, node"), says(_("its keys"), keys))
    pods = sorted(pods_labelled(cluster, {"app": "shop"}), key=lambda pod: pod["metadata"]["creationTimestamp"])
    oldest = [pod for pod in pods if pod["metadata"]["creationTimestamp"] == pods[0]["metadata"]["creationTimestamp"]]
    places = sorted({str(pod["spec"].get("nodeName")) for pod in oldest})
    value = facts["data"]["node"]
    yield Claim(value in places, _("the oldest pod of shop runs there"), says(_("the value"), value))


@exercise("first-app/kubectl", "Taken out", minutes=10)
def check_greeter(cluster: Reader) -> Claims:
    """A field that was taken out of the file, and one that was never in it."""
    greeter = find(cluster, DEPLOYMENTS, "greeter")
    yield exists(greeter, _("the Deployment greeter is still there"))
    names = [each["name"] for each in greeter["spec"]["template"]["spec"]["containers"][0].get("env") or ()]
    yield Claim("BYE" not in names, _("BYE is gone"), says(_("its variables"), names))
    yield Claim("HELLO" in names, _("HELLO is still there"), says(_("its variables"), names))
    replicas = greeter["spec"].get("replicas")
    yield Claim(replicas == 4, _("it has four replicas, as somebody wanted"), says("replicas", replicas))
    last = annotations_of(greeter).get(_LAST_APPLIED, "")
    by_server = any(each["operation"] == "Apply" for each in _managers(cluster, "greeter"))
    applied = by_server or (bool(last) and "BYE" not in last)
    yield Claim(applied, _("a file was applied"), _("the last file that was applied still contains BYE"))


@exercise("first-app/kubectl", "Mine", minutes=10)
def check_payroll(cluster: Reader) -> Claims:
    """A field with one manager."""
    web = find(cluster, DEPLOYMENTS, "web")
    yield exists(web, _("the Deployment web is still there"))
    managers = _managers(cluster, "web")
    owners = [each["manager"] for each in managers if "f:replicas" in (each["fieldsV1"].get("f:spec") or {})]
    yield Claim("payroll" in owners, _("payroll manages spec.replicas"), says(_("the manager"), owners))
    ways = [each["operation"] for each in managers if each["manager"] == "payroll"]
    yield Claim(ways == ["Apply"], _("… by server-side apply"), says(_("the operation"), ways))
    yield Claim(owners == ["payroll"], _("nobody else does"), says(_("the manager"), owners))
    replicas = web["spec"].get("replicas")
    yield Claim(replicas == 4, _("there are four replicas"), says("replicas", replicas))


@exercise("first-app/kubectl", "No longer on the list", minutes=10)
def check_menu(cluster: Reader) -> Claims:
    """What is no longer in the file goes away; what was never in it stays."""
    maps = {each["metadata"]["name"]: each for each in cluster.client.list("configmaps", NAMESPACE)}
    soup, salad = maps.get("soup", NOTHING), maps.get("salad", NOTHING)
    yield exists(soup, _("there is soup"))
    price = (soup.get("data") or {}).get("price")
    yield Claim(price == "5", _("… at the new price, 5"), says(_("the price"), price))
    yield exists(salad, _("there is salad"))
    yield Claim("fish" not in maps, _("there is no fish any more"), _("apply alone deletes nothing: look for --prune"))
    guest = _("it was not on the menu, and is gone: what did you let apply choose from?")
    yield Claim("guests" in maps, _("the ConfigMap guests is still there"), guest)
    last = annotations_of(soup).get(_LAST_APPLIED, "")
    by_hand = _("the last file that was applied has the old price")
    yield Claim('"5"' in last, _("the new menu was applied, not edited by hand"), by_hand)


def _managers(cluster: Reader, name: str) -> list[Any]:
    """The managers of a Deployment's own fields, without those of its status."""
    response = cluster.client.request("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}")
    obj = response.object if response.object is not None else orjson.loads(response.body)
    return [each for each in obj["metadata"].get("managedFields") or () if not each.get("subresource")]
