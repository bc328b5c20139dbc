"""The exercises of the page on autoscaling."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import condition
from k8snb.typing import Object

AUTOSCALERS = "horizontalpodautoscalers.autoscaling"


@exercise("workloads/autoscaling", "The shop on sale day", minutes=10)
def check_shop(cluster: Reader) -> Claims:
    """An autoscaler that works: bounds, target, and something to divide by."""
    yield exists(find(cluster, "deployments.apps", "shop"), _("the Deployment shop is still there"))
    found = [each for each in cluster.client.list(AUTOSCALERS, NAMESPACE) if _target(each) == ("Deployment", "shop")]
    yield Claim(len(found) == 1, _("one autoscaler is for it"), says(_("their number"), len(found)))
    spec = found[0]["spec"]
    bounds = spec.get("minReplicas"), spec["maxReplicas"]
    yield Claim(bounds == (2, 6), _("from 2 to 6 pods"), says(_("the bounds"), " – ".join(map(str, bounds))))
    targets = [((each.get("resource") or {}).get("target") or {}) for each in spec.get("metrics") or ()]
    percents = [each.get("averageUtilization") for each in targets]
    yield Claim(percents == [60], _("at 60 % of what they ask for"), says("averageUtilization", percents))
    active = condition(found[0], "ScalingActive") or {}
    why = active.get("message") or _("it has not looked yet; have you let time pass, with cluster.advance(60)?")
    yield Claim(active.get("status") == "True", _("it can compute: ScalingActive is True"), why)


@exercise("workloads/autoscaling", "In no hurry", minutes=5)
def check_patient(cluster: Reader) -> Claims:
    """An autoscaler that shrinks slowly and late, and grows as before."""
    hpa = find(cluster, AUTOSCALERS, "php-apache")
    yield exists(hpa, _("the autoscaler php-apache is still there"))
    behavior = hpa["spec"].get("behavior") or {}
    down, up = behavior.get("scaleDown") or {}, behavior.get("scaleUp") or {}
    window = down.get("stabilizationWindowSeconds", 300)
    yield Claim(window == 600, _("it waits for ten minutes of low load"), says("stabilizationWindowSeconds", window))
    policies = down.get("policies") or []
    shown = [f"{each['type']} {each['value']}/{each['periodSeconds']} s" for each in policies]
    slow = any((each["type"], each["value"], each["periodSeconds"]) == ("Pods", 2, 120) for each in policies)
    yield Claim(slow, _("and then takes away two pods in two minutes"), says("policies", shown))
    least = len(policies) == 1 or down.get("selectPolicy") == "Min"
    yield Claim(least, _("… at most"), _("of several policies the most generous counts"))
    free = up.get("selectPolicy", "Max") == "Max" and not up.get("stabilizationWindowSeconds")
    yield Claim(free, _("it grows at once"), says("scaleUp", up))


def _target(hpa: Object) -> tuple[str, str]:
    reference = hpa["spec"]["scaleTargetRef"]
    return reference["kind"], reference["name"]
