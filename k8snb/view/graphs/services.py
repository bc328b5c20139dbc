"""The way in: from an Ingress, a webhook or an aggregated API to a Service, through its slices to the pods."""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.i18n import _
from k8snb.machinery.objects import labels_of
from k8snb.machinery.selectors import of_set
from k8snb.typing import Object
from k8snb.view.graphs.sketch import Sketch

SLICES = "endpointslices.discovery.k8s.io"
_SERVICE = "kubernetes.io/service-name"


def service(sketch: Sketch, door: Object) -> str:
    """A Service, its slices, and the pods whose addresses they hold; pods that it selects in vain are dashed."""
    name, namespace = door["metadata"]["name"], door["metadata"].get("namespace", "")
    selector = (door.get("spec") or {}).get("selector") or {}
    front = sketch.put(door, *(f"{_('selects')} {key}={value}" for key, value in selector.items()))
    slices = [each for each in sketch.within(SLICES, namespace) if labels_of(each).get(_SERVICE) == name]
    targets = {target for each in slices for target, _word, _ready in _endpoints(each)}
    selected = sketch.selected(of_set(selector), namespace) if selector else []
    for each in slices:
        sketch.put(each)
    pods = {pod["metadata"]["name"]: pod for pod in sketch.within("pods", namespace)}
    for pod in pods.values():
        if pod in selected or pod["metadata"]["name"] in targets:
            sketch.put(pod)
    for each in slices:
        sketch.link(front, sketch.put(each), _("has"))
    for each in slices:
        for target, word, ready in _endpoints(each):
            end = sketch.put(pods[target]) if target in pods else sketch.lack("Pod", target, namespace)
            sketch.link(sketch.put(each), end, word, faint=not ready)
    for pod in selected:
        if pod["metadata"]["name"] not in targets:
            sketch.link(front, sketch.put(pod), _("selects"), faint=True)
    return _("Service {name}, its endpoints, and the pods behind them").format(name=name)


def _endpoints(endpoint_slice: Object) -> Iterator[tuple[str, str, bool]]:
    """The pods in a slice: name, a word for readiness, and whether it is ready."""
    for endpoint in endpoint_slice.get("endpoints") or ():
        target = endpoint.get("targetRef") or {}
        ready = bool((endpoint.get("conditions") or {}).get("ready", True))
        if target.get("kind") == "Pod":
            yield target["name"], _("ready") if ready else _("not ready"), ready


def of_slice(sketch: Sketch, listed: Object) -> str:
    """An EndpointSlice (or Endpoints): the Service that it belongs to, with everything behind that."""
    name = labels_of(listed).get(_SERVICE) or listed["metadata"]["name"]
    end = behind(sketch, name, sketch.namespace)
    sketch.put(listed)
    if listed["kind"] != "EndpointSlice":
        sketch.link(end, sketch.put(listed), _("has"))
    return _("{kind} {name}, its Service, and the pods").format(kind=listed["kind"], name=listed["metadata"]["name"])


def behind(sketch: Sketch, name: str, namespace: str) -> str:
    """Draw a Service by name with what is behind it, be it there or not; returns its id."""
    door = sketch.find("services", name, namespace)
    if door is None:
        return sketch.lack("Service", name, namespace)
    service(sketch, door)
    return sketch.put(door)


def ingress(sketch: Sketch, way: Object) -> str:
    """An Ingress: hosts and paths, the Services that they lead to, the pods behind those, class and certificates."""
    spec, name = way["spec"], way["metadata"]["name"]
    front = sketch.put(way)
    if spec.get("ingressClassName"):
        end = sketch.refer("ingressclasses.networking.k8s.io", "IngressClass", spec["ingressClassName"])
        sketch.link(end, front, _("served by its controller"))
    for rule in spec.get("rules") or ():
        for path in (rule.get("http") or {}).get("paths") or ():
            _route(sketch, front, path.get("backend") or {}, f"{rule.get('host', '*')}{path.get('path', '')}")
    if spec.get("defaultBackend"):
        _route(sketch, front, spec["defaultBackend"], _("everything else"))
    for each in spec.get("tls") or ():
        if each.get("secretName"):
            sketch.link(sketch.refer("secrets", "Secret", each["secretName"]), front, _("certificate for TLS"))
    return _("Ingress {name}, from host and path to the pods").format(name=name)


def _route(sketch: Sketch, front: str, backend: Object, word: str) -> None:
    named, other = backend.get("service"), backend.get("resource")
    if named:
        port = named.get("port") or {}
        shown = f"{word} → :{port.get('number') or port.get('name', '')}"
        sketch.link(front, behind(sketch, named["name"], sketch.namespace), shown)
    elif other:
        sketch.link(front, sketch.note(other["kind"], other["name"]), word)


def ingress_class(sketch: Sketch, choice: Object) -> str:
    """An IngressClass and the Ingresses that its controller serves."""
    name = choice["metadata"]["name"]
    used = [each for each in sketch.here("ingresses.networking.k8s.io") if each["spec"].get("ingressClassName") == name]
    sketch.some(used, sketch.put(choice), _("serves"))
    return _("IngressClass {name}, and what its controller serves").format(name=name)
