"""What checks read of a cluster, and the sentences in which they say what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import is_deleting, is_true, labels_of
from k8snb.typing import Object

NAMESPACE = "default"
NOTHING: Object = {"metadata": {}, "spec": {}, "status": {}}
"""What `find` gives for an object that is not there."""

Claims = Iterator[Claim]

_SLICES = "endpointslices.discovery.k8s.io"
_SERVICE_NAME = "kubernetes.io/service-name"


# -- objects ---------------------------------------------------------------------------------------------


def find(cluster: Reader, resource: str, name: str, namespace: str = NAMESPACE) -> Object:
    """The object of that name, or `NOTHING`."""
    return cluster.client.find(resource, name, namespace) or NOTHING


def versions(cluster: Reader, resource: str, name: str, namespace: str = NAMESPACE) -> list[Object]:
    """What the API still tells of an object since it was made, the oldest version first.

    That is what a watch from the first revision has at once: on an embedded cluster all of it, on a live one perhaps
    nothing.
    """
    found: list[Object] = []
    try:
        stream = cluster.client.watch(resource, namespace, fields=f"metadata.name={name}", since=1)
    except StatusError:
        return found
    while (event := stream.next()) is not None and event["type"] != "ERROR":
        found = [] if event["type"] == "DELETED" else [*found, event["object"]]
    stream.close()
    return found


def began(
    cluster: Reader, resource: str, name: str, holds: Callable[[Object], bool] = bool, namespace: str = NAMESPACE
) -> int | None:
    """The revision from which on an object is as `holds` says; None if it is not, or if its past is forgotten."""
    since = None
    for each in reversed(versions(cluster, resource, name, namespace)):
        if not holds(each):
            break
        since = int(each["metadata"]["resourceVersion"])
    return since


def pods_labelled(cluster: Reader, labels: Mapping[str, str], namespace: str = NAMESPACE) -> list[Object]:
    """The pods that bear these labels and are not on their way out."""
    pods = cluster.client.list("pods", namespace)
    return [pod for pod in pods if labels.items() <= labels_of(pod).items() and not is_deleting(pod)]


def slices(cluster: Reader, service: str, namespace: str = NAMESPACE) -> list[Object]:
    """The EndpointSlices of a Service."""
    return cluster.client.list(_SLICES, namespace, labels=f"{_SERVICE_NAME}={service}")


def listed(cluster: Reader, service: str, namespace: str = NAMESPACE) -> dict[str, None]:
    """The addresses that a Service's slices list as ready."""
    endpoints = (each for found in slices(cluster, service, namespace) for each in found.get("endpoints") or ())
    ready = (each for each in endpoints if (each.get("conditions") or {}).get("ready") is not False)
    return {address: None for each in ready for address in each["addresses"]}


def log_of(cluster: Reader, pod: str, container: str = "") -> str:
    """What a container of a pod has written; empty if there is no log."""
    query = {"container": container} if container else {}
    response = cluster.client.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/log", query)
    return bytes(response.body).decode() if response.code == 200 else ""


# -- claims ----------------------------------------------------------------------------------------------


def exists(obj: Object, sentence: str, namespace: str = NAMESPACE) -> Claim:
    """The object that `find` gave is there."""
    where = _("there is none in the namespace {name}").format(name=namespace) if namespace else _("there is none")
    return Claim(obj is not NOTHING, sentence, where)


def catches(cluster: Reader, service: str, labels: Mapping[str, str], namespace: str = NAMESPACE) -> Claims:
    """The Service's slices list exactly the ready pods with these labels."""
    pods = pods_labelled(cluster, labels, namespace)
    wanted = {pod["status"]["podIP"]: None for pod in pods if is_true(pod, "Ready")}
    found = listed(cluster, service, namespace)
    missing = len([each for each in wanted if each not in found])
    selects = _("it selects every ready pod that it should")
    yield Claim(bool(wanted) and not missing, selects, _("missing in its slices: {count}").format(count=missing))
    others = len([each for each in found if each not in wanted])
    yield Claim(not others, _("… and no other"), _("strangers in its slices: {count}").format(count=others))


def reaches(cluster: Reader, service: str, labels: Mapping[str, str], port: int) -> Claims:
    """The Service leads to exactly the ready pods with these labels, at this port."""
    yield from catches(cluster, service, labels)
    numbers = [each.get("port") for found in slices(cluster, service) for each in found.get("ports") or ()]
    leads = _("it leads to port {port}, where they listen").format(port=port)
    yield Claim(bool(numbers) and set(numbers) == {port}, leads, says(_("the port of its slices"), numbers))


def has_address(service: Object) -> Claim:
    """The Service has an address of its own, where its ports are turned into those of the pods."""
    headless = _("it is headless: callers get the addresses of pods, and nobody turns its port into theirs")
    return Claim(service["spec"].get("clusterIP") != "None", _("it has an address of its own"), headless)


def says(what: str, value: Any) -> str:
    """What was found instead: `image is nginx:1.27`, `still there: web-1`."""
    if isinstance(value, list):
        return _("{what}: {values}").format(what=what, values=", ".join(map(str, value)) or _("none"))
    return _("{what} is {value}").format(what=what, value=value)
