"""The exercises of the chapter "First app": Service."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, listed, pods_labelled, reaches, says
from k8snb.lab.verdict import Claim, Reader


@exercise("first-app/service", "A second name", minutes=5)
def check_backend(cluster: Reader) -> Claims:
    """A second name for the same pods, on another port."""
    service = find(cluster, "services", "backend")
    yield exists(service, _("there is a Service backend"))
    ports = [each["port"] for each in service["spec"].get("ports") or ()]
    yield Claim(ports == [8080], _("callers use port 8080"), says(_("the port"), ports))
    yield from reaches(cluster, "backend", {"app.kubernetes.io/name": "MyApp"}, 9376)


@exercise("first-app/service", "Nobody at the shop", minutes=10)
def check_shop(cluster: Reader) -> Claims:
    """A Service that looks right and reaches nobody."""
    service = find(cluster, "services", "shop")
    yield exists(service, _("the Service shop is still there"))
    pods = pods_labelled(cluster, {"app": "shop"})
    yield Claim(len(pods) == 2, _("so are its two pods, with the label app=shop"), says(_("their number"), len(pods)))
    yield from reaches(cluster, "shop", {"app": "shop"}, 80)


@exercise("first-app/service", "Who is calling?", minutes=10)
def check_honest(cluster: Reader) -> Claims:
    """A node port behind which pods see who calls."""
    service = find(cluster, "services", "my-nodeport")
    spec = service["spec"]
    yield exists(service, _("the Service my-nodeport is still there"))
    kind = spec.get("type")
    yield Claim(kind == "NodePort", _("it is open on the nodes"), says("type", kind))
    policy = spec.get("externalTrafficPolicy")
    yield Claim(policy == "Local", _("nobody takes the caller's place"), says("externalTrafficPolicy", policy))
    yield Claim(bool(listed(cluster, "my-nodeport")), _("it has ready pods"), _("its slices list none"))
