"""The exercises of the chapter "First app": Service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8snb.i18n import _
from k8snb.lab.verdict import Claim, Reader, check
from k8snb.machinery.objects import is_deleting, is_true, labels_of
from k8snb.typing import Object

NAMESPACE = "default"
_SLICES = "endpointslices.discovery.k8s.io"
_NAME = "kubernetes.io/service-name"

Claims = Iterator[Claim]
_NOTHING: Object = {"metadata": {}, "spec": {}}


@check
def check_backend(cluster: Reader) -> Claims:
    """A second name for the same pods, on another port."""
    service = _service(cluster, "backend")
    yield _exists(service, _("there is a Service backend"))
    ports = [each["port"] for each in service["spec"].get("ports") or ()]
    yield Claim(ports == [8080], _("callers use port 8080"), _is(_("the port"), ports))
    yield from _reaches(cluster, "backend", {"app.kubernetes.io/name": "MyApp"}, 9376)


@check
def check_shop(cluster: Reader) -> Claims:
    """A Service that looks right and reaches nobody."""
    service = _service(cluster, "shop")
    yield _exists(service, _("the Service shop is still there"))
    pods = _pods(cluster, {"app": "shop"})
    yield Claim(len(pods) == 2, _("so are its two pods, with the label app=shop"), _is(_("their number"), len(pods)))
    yield from _reaches(cluster, "shop", {"app": "shop"}, 80)


@check
def check_honest(cluster: Reader) -> Claims:
    """A node port behind which pods see who calls."""
    service = _service(cluster, "my-nodeport")
    spec = service["spec"]
    yield _exists(service, _("the Service my-nodeport is still there"))
    kind = spec.get("type")
    yield Claim(kind == "NodePort", _("it is open on the nodes"), _is("type", kind))
    policy = spec.get("externalTrafficPolicy")
    yield Claim(policy == "Local", _("nobody takes the caller's place"), _is("externalTrafficPolicy", policy))
    yield Claim(bool(_listed(cluster, "my-nodeport")), _("it has ready pods"), _("its slices list none"))


# -- reading -----------------------------------------------------------------------------------------------


def _service(cluster: Reader, name: str) -> Object:
    return cluster.client.find("services", name, NAMESPACE) or _NOTHING


def _pods(cluster: Reader, labels: Object) -> list[Object]:
    """The pods that bear these labels and are not on their way out."""
    pods = cluster.client.list("pods", NAMESPACE)
    return [pod for pod in pods if labels.items() <= labels_of(pod).items() and not is_deleting(pod)]


def _slices(cluster: Reader, service: str) -> list[Object]:
    return cluster.client.list(_SLICES, NAMESPACE, labels=f"{_NAME}={service}")


def _listed(cluster: Reader, service: str) -> dict[str, None]:
    """The addresses that a Service's slices list as ready."""
    endpoints = (each for found in _slices(cluster, service) for each in found.get("endpoints") or ())
    ready = (each for each in endpoints if (each.get("conditions") or {}).get("ready") is not False)
    return {address: None for each in ready for address in each["addresses"]}


def _reaches(cluster: Reader, name: str, labels: Object, port: int) -> Claims:
    """The Service's slices list exactly the ready pods with these labels, at this port."""
    wanted = {pod["status"]["podIP"]: None for pod in _pods(cluster, labels) if is_true(pod, "Ready")}
    listed = _listed(cluster, name)
    missing = len([each for each in wanted if each not in listed])
    selects = _("it selects every ready pod that it should")
    yield Claim(bool(wanted) and not missing, selects, _("missing in its slices: {count}").format(count=missing))
    others = len([each for each in listed if each not in wanted])
    yield Claim(not others, _("… and no other"), _("strangers in its slices: {count}").format(count=others))
    numbers = [each.get("port") for found in _slices(cluster, name) for each in found.get("ports") or ()]
    leads = _("it leads to port {port}, where they listen").format(port=port)
    yield Claim(bool(numbers) and set(numbers) == {port}, leads, _is(_("the port of its slices"), numbers))


# -- words -------------------------------------------------------------------------------------------------


def _exists(obj: Object, sentence: str) -> Claim:
    return Claim(obj is not _NOTHING, sentence, _("there is none in the namespace default"))


def _is(what: str, value: Any) -> str:
    shown = ", ".join(map(str, value)) or _("none") if isinstance(value, list) else value
    return _("{what} is {value}").format(what=what, value=shown)
