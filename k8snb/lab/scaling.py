"""The exercises of the page on autoscaling."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.puzzles import Bench
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import condition
from k8snb.typing import Object

AUTOSCALERS = "horizontalpodautoscalers.autoscaling"


@exercise("workloads/autoscaling", "The shop on sale day", minutes=10)
def check_shop(cluster: Reader) -> Claims:
    """An autoscaler that works: bounds, target, and something to divide by."""
    yield exists(find(cluster, "deployments.apps", "shop"), _("the Deployment shop is still there"))
    yield from _autoscaled(cluster, "shop", (2, 6), 60)
    yield _computes(_of(cluster, "shop")[0])


@exercise("workloads/autoscaling", "In no hurry", minutes=10)
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


@exercise("workloads/autoscaling", "Two for one", minutes=10)
def check_rivals(cluster: Reader) -> Claims:
    """One autoscaler that has what was right in each of two."""
    yield exists(find(cluster, "deployments.apps", "api"), _("the Deployment api is still there"))
    yield from _autoscaled(cluster, "api", (3, 12), 50)
    yield _computes(_of(cluster, "api")[0])


@exercise("workloads/autoscaling", "At its limit", minutes=10)
def check_limit(cluster: Bench) -> Claims:
    """An autoscaler that has reached its bound, under a load that stays."""
    yield exists(find(cluster, "deployments.apps", "front"), _("the Deployment front is still there"))
    clients = find(cluster, "deployments.apps", "load-front")["spec"].get("replicas", 0)
    yield Claim(clients == 4, _("four clients ask it"), says(_("their number"), clients))
    found = _of(cluster, "front")
    yield Claim(len(found) == 1, _("one autoscaler is for it"), says(_("their number"), len(found)))
    percents = _percents(found[0])
    aim = _("at {percent} % of what they ask for").format(percent=50)
    yield Claim(percents == [50], aim, says("averageUtilization", percents))
    asked = [_cpu(box) for box in find(cluster, "deployments.apps", "front")["spec"]["template"]["spec"]["containers"]]
    yield Claim(asked == ["200m"], _("… which is as much as before"), says(_("the request"), asked))
    least, most = found[0]["spec"].get("minReplicas", 1), found[0]["spec"]["maxReplicas"]
    bounds = says(_("the bounds"), [f"{least} – {most}"])
    yield Claim(least < 4, _("when nobody asks, there are few pods again"), bounds)
    cluster.advance(120)
    hpa = _of(cluster, "front")[0]
    yield _computes(hpa)
    limited = condition(hpa, "ScalingLimited") or {}
    why = _("{message}: {count}").format(message=limited.get("message", ""), count=hpa["spec"]["maxReplicas"])
    yield Claim(limited.get("reason") != "TooManyReplicas", _("it may have as many pods as it wants"), why)
    metrics = hpa["status"].get("currentMetrics") or [{}]
    used = ((metrics[0].get("resource") or {}).get("current") or {}).get("averageUtilization", 0)
    yield Claim(used <= 55, _("and they have no more to do than was meant"), says(_("percent in use"), used))
    idle = _("they have next to nothing to do: do they get requests?")
    yield Claim(used * hpa["status"].get("currentReplicas", 0) > LOAD, _("… by all that the clients ask"), idle)


LOAD = 100
"""What four clients make pods do at the least, in percent of what one of them asks for."""


def _cpu(container: Object) -> str:
    """What a container requests of CPU."""
    return str(((container.get("resources") or {}).get("requests") or {}).get("cpu", _("none")))


# -- what is read of an autoscaler -----------------------------------------------------------------------


def _autoscaled(cluster: Reader, name: str, wanted: tuple[int, int], percent: int) -> Claims:
    """A Deployment has one autoscaler, with these bounds and this target."""
    found = _of(cluster, name)
    yield Claim(len(found) == 1, _("one autoscaler is for it"), says(_("their number"), len(found)))
    bounds = found[0]["spec"].get("minReplicas"), found[0]["spec"]["maxReplicas"]
    between = _("from {least} to {most} pods").format(least=wanted[0], most=wanted[1])
    yield Claim(bounds == wanted, between, says(_("the bounds"), [" – ".join(map(str, bounds))]))
    percents, aim = _percents(found[0]), _("at {percent} % of what they ask for").format(percent=percent)
    yield Claim(percents == [percent], aim, says("averageUtilization", percents))


def _computes(hpa: Object) -> Claim:
    active = condition(hpa, "ScalingActive") or {}
    why = active.get("message") or _("it has not looked yet; have you let time pass, with cluster.advance(60)?")
    return Claim(active.get("status") == "True", _("it can compute: ScalingActive is True"), why)


def _of(cluster: Reader, name: str) -> list[Object]:
    """The autoscalers of a Deployment."""
    return [each for each in cluster.client.list(AUTOSCALERS, NAMESPACE) if _target(each) == ("Deployment", name)]


def _percents(hpa: Object) -> list[int | None]:
    targets = [((each.get("resource") or {}).get("target") or {}) for each in hpa["spec"].get("metrics") or ()]
    return [each.get("averageUtilization") for each in targets]


def _target(hpa: Object) -> tuple[str, str]:
    reference = hpa["spec"]["scaleTargetRef"]
    return reference["kind"], reference["name"]
