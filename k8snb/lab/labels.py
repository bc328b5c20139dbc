"""The exercises of the chapter "First app": labels and selectors."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, catches, exists, find, listed, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import controller_of, is_true, labels_of

STABLE = {"app": "shop", "env": "prod"}


@exercise("first-app/labels", "The stable ones", minutes=5)
def check_release(cluster: Reader) -> Claims:
    """One more label, on some pods and on no other."""
    pods = cluster.client.list("pods", NAMESPACE)
    wanted = [pod["metadata"]["name"] for pod in pods if labels_of(pod).items() >= STABLE.items()]
    yield Claim(bool(wanted), _("the pods of the shop in production are there"), _("there are none"))
    marked = [pod["metadata"]["name"] for pod in pods if labels_of(pod).get("release") == "stable"]
    missing = [name for name in wanted if name not in marked]
    yield Claim(not missing, _("each of them says release=stable"), _names(missing))
    others = [name for name in marked if name not in wanted]
    yield Claim(not others, _("… and no other pod does"), _names(others))


@exercise("first-app/labels", "The greedy Service", minutes=10)
def check_front(cluster: Reader) -> Claims:
    """A Service that asks for too little and gets too much."""
    service = find(cluster, "services", "front")
    yield exists(service, _("the Service front is still there"))
    everybody = len(pods_labelled(cluster, {"tier": "web"}))
    yield Claim(everybody >= 3, _("so are the pods with tier=web"), says(_("their number"), everybody))
    yield from catches(cluster, "front", {"app": "shop", "tier": "web", "env": "prod"})


@exercise("first-app/labels", "A canary", minutes=10)
def check_canary(cluster: Reader) -> Claims:
    """One pod of the next version among those of the last, behind the same Service."""
    canary = find(cluster, "deployments.apps", "my-app-canary")
    yield exists(canary, _("there is a Deployment my-app-canary"))
    selector = canary["spec"]["selector"].get("matchLabels") or {}
    image = str(canary["spec"]["template"]["spec"]["containers"][0].get("image", ""))
    yield Claim(image.endswith("nginx:1.29"), _("… with the next version"), says("image", image))
    usual = find(cluster, "deployments.apps", "my-app-deployment")
    yield exists(usual, _("my-app-deployment is still there"))
    apart = selector != usual["spec"]["selector"].get("matchLabels")
    yield Claim(apart, _("the two do not select the same pods"), _("both select {labels}").format(labels=selector))
    ready = [pod for pod in pods_labelled(cluster, selector) if is_true(pod, "Ready") and controller_of(pod)]
    yield Claim(len(ready) == 1, _("one pod of the canary is ready"), says(_("their number"), len(ready)))
    found = listed(cluster, "my-app-service")
    address = ready[0]["status"]["podIP"]
    yield Claim(address in found, _("my-app-service leads to it"), _("its slices do not list it"))
    yield Claim(len(found) == 4, _("… and to the three others"), says(_("addresses in its slices"), len(found)))


@exercise("first-app/labels", "Blue, green", minutes=10)
def check_store(cluster: Reader) -> Claims:
    """All traffic goes over to the next version at once, and the way back stays open."""
    store = find(cluster, "services", "store")
    yield exists(store, _("the Service store is still there"))
    for colour in ("blue", "green"):
        pods = [pod for pod in pods_labelled(cluster, {"app": "store", "slot": colour}) if is_true(pod, "Ready")]
        stays = _("store-{colour} has its two pods, labelled slot={colour}").format(colour=colour)
        yield Claim(len(pods) == 2, stays, says(_("ready pods"), len(pods)))
    yield from catches(cluster, "store", {"app": "store", "slot": "green"})
    asked = sorted(store["spec"].get("selector") or {})
    whose = _("it asks for {keys} only: the next program with such pods would join in").format(keys=", ".join(asked))
    yield Claim("app" in asked, _("it says whose pods it wants, too"), whose)


def _names(pods: list[str]) -> str:
    return _("look at {names}").format(names=", ".join(pods))
