"""The exercises of the chapter "First app": Service."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, has_address, listed, pods_labelled, reaches, says, slices
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import is_true
from k8snb.typing import Object


@exercise("first-app/service", "A second name", minutes=5)
def check_backend(cluster: Reader) -> Claims:
    """A second name for the same pods, on another port."""
    service = find(cluster, "services", "backend")
    yield exists(service, _("there is a Service backend"))
    ports = [each["port"] for each in service["spec"].get("ports") or ()]
    yield Claim(ports == [8080], _("callers use port 8080"), says(_("the port"), ports))
    yield has_address(service)
    yield from reaches(cluster, "backend", {"app.kubernetes.io/name": "MyApp"}, 9376)
    first = find(cluster, "services", "my-service")
    known = [(each["port"], each.get("targetPort")) for each in first["spec"].get("ports") or ()]
    yield Claim(known == [(80, 9376)], _("my-service is as it was"), says(_("its ports"), known))


@exercise("first-app/service", "Nobody at the shop", minutes=10)
def check_shop(cluster: Reader) -> Claims:
    """A Service that looks right and reaches nobody."""
    service = find(cluster, "services", "shop")
    yield exists(service, _("the Service shop is still there"))
    pods = pods_labelled(cluster, {"app": "shop"})
    yield Claim(len(pods) == 2, _("so are its two pods, with the label app=shop"), says(_("their number"), len(pods)))
    ports = [each["port"] for each in service["spec"].get("ports") or ()]
    yield Claim(ports == [80], _("callers use port 80, as before"), says(_("the port"), ports))
    yield from reaches(cluster, "shop", {"app": "shop"}, 80)


@exercise("first-app/service", "Who is calling?", minutes=15)
def check_honest(cluster: Reader) -> Claims:
    """A node port behind which pods see who calls."""
    service = find(cluster, "services", "my-nodeport")
    spec = service["spec"]
    yield exists(service, _("the Service my-nodeport is still there"))
    kind = spec.get("type")
    yield Claim(kind == "NodePort", _("it is open on the nodes"), says("type", kind))
    policy = spec.get("externalTrafficPolicy")
    yield Claim(policy == "Local", _("nobody takes the caller's place"), says("externalTrafficPolicy", policy))
    ready = len(listed(cluster, "my-nodeport"))
    yield Claim(bool(ready), _("it has ready pods"), _("its slices list none"))
    yield Claim(ready == 2, _("two of them, so that one node has none"), says(_("their number"), ready))


@exercise("first-app/service", "A port that moves", minutes=10)
def check_quotes(cluster: Reader) -> Claims:
    """Two versions that listen on different ports, behind one Service."""
    service = find(cluster, "services", "quotes")
    yield exists(service, _("the Service quotes is still there"))
    ports = [each["port"] for each in service["spec"].get("ports") or ()]
    yield Claim(ports == [80], _("callers use port 80, and no other"), says(_("the port"), ports))
    yield has_address(service)
    wanted: dict[str, int] = {}
    for version, number in (("v1", 9376), ("v2", 9377)):
        pods = [pod for pod in pods_labelled(cluster, {"app": "quotes", "version": version}) if is_true(pod, "Ready")]
        open_at = {str(_http(pod)): None for pod in pods}
        runs = _("quotes-{version} runs, and listens on {port} as before").format(version=version, port=number)
        yield Claim([*open_at] == [str(number)], runs, says(_("its port named http"), [*open_at]))
        wanted |= {pod["status"]["podIP"]: number for pod in pods}
    found = {
        address: each["port"]
        for listing in slices(cluster, "quotes")
        for each in listing.get("ports") or ()
        for endpoint in listing.get("endpoints") or ()
        for address in endpoint["addresses"]
    }
    wrong = sorted(f"{each}:{found.get(each, '?')}" for each in wanted if found.get(each) != wanted[each])
    seen = _("nobody listens at {addresses}; a number is the same for all pods, a name is each pod's own")
    sentence = _("the Service leads to each pod at the port where it listens")
    yield Claim(not wrong, sentence, seen.format(addresses=", ".join(wrong)))


def _http(pod: Object) -> int | None:
    """The number of the port that a pod calls http."""
    ports = [port for each in pod["spec"]["containers"] for port in each.get("ports") or ()]
    return next((port["containerPort"] for port in ports if port.get("name") == "http"), None)
