"""A pod from inside, a machine with its pods, and what pods use: settings, priorities, runtimes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8snb.i18n import _
from k8snb.machinery.objects import controller_of
from k8snb.typing import Object
from k8snb.view.graphs.sketch import Sketch
from k8snb.view.scene import identity, pod_word

_LEASES = "leases.coordination.k8s.io"
_LEASE_NAMESPACE = "kube-node-lease"


def anatomy(sketch: Sketch, pod: Object) -> str:
    """What a pod is made of: containers that share one network address and volumes, on one node."""
    spec, status, name = pod["spec"], pod.get("status") or {}, pod["metadata"]["name"]
    box = identity(pod)
    place = spec.get("nodeName")
    machine = sketch.frame(f"Node/{place}", "Node", place) if place else ""
    sketch.frame(box, "Pod", name, pod_word(pod), status.get("podIP", ""), within=machine)
    owner = controller_of(pod)
    if owner:
        sketch.note(owner["kind"], owner["name"])
    for container in _all_containers(spec):
        _container(sketch, box, container, init=container in (spec.get("initContainers") or ()))
    address = _("one address: {ip}").format(ip=status.get("podIP", "?"))
    network = sketch.note("Network", "localhost", address, group=box, id=f"{box}/network")
    volumes = [_volume(sketch, box, each) for each in spec.get("volumes") or () if not _is_token(each)]
    for container in _all_containers(spec):
        sketch.link(f"{box}/{container['name']}", network, _("shares"))
    for container in _all_containers(spec):
        for mount in container.get("volumeMounts") or ():
            if f"{box}/volume/{mount['name']}" in volumes:
                sketch.link(f"{box}/{container['name']}", f"{box}/volume/{mount['name']}", mount["mountPath"])
    return _("Pod {name}: what is inside").format(name=name)


def _container(sketch: Sketch, box: str, container: Object, *, init: bool) -> None:
    role = _("init") if init else ""
    if container.get("restartPolicy") == "Always":
        role = _("sidecar")
    ports = [f":{port['containerPort']}" for port in container.get("ports") or ()]
    said = (role, container.get("image", ""), *ports)
    sketch.note("Container", container["name"], *said, group=box, id=f"{box}/{container['name']}")


def _volume(sketch: Sketch, box: str, volume: Object) -> str:
    source = next((name for name in volume if name != "name"), "emptyDir")
    return sketch.note("Volume", volume["name"], source, group=box, id=f"{box}/volume/{volume['name']}")


def _is_token(volume: Object) -> bool:
    """The volume that every pod gets, with the token of its service account."""
    return str(volume["name"]).startswith("kube-api-access-")


def _all_containers(spec: Object) -> list[Any]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def machine(sketch: Sketch, node: Object) -> str:
    """A Node object, the lease by which its kubelet says that it lives, and the pods on its machine."""
    name = node["metadata"]["name"]
    front = sketch.put(node, id=f"{identity(node)}/object")
    lease = sketch.find(_LEASES, name, _LEASE_NAMESPACE)
    if lease is not None:
        sketch.link(front, sketch.put(lease, group=""), _("kept alive by"))
    for pod in sketch.here("pods"):
        if (pod.get("spec") or {}).get("nodeName") == name:
            sketch.link(front, sketch.put(pod), _("runs"))
    return _("Node {name}, its lease, and the pods on the machine").format(name=name)


# -- what pods use -----------------------------------------------------------------------------------------


def settings(sketch: Sketch, source: Object) -> str:
    """A ConfigMap or Secret, and the pods that use it, each with the way in which it gets there, or that it owns."""
    kind, name = source["kind"], source["metadata"]["name"]
    front = sketch.put(source)
    for pod in sketch.here("pods"):
        for word in dict.fromkeys(_uses(pod, kind, name)):
            sketch.link(front, sketch.put(pod), word)
        if any(owner["uid"] == source["metadata"]["uid"] for owner in pod["metadata"].get("ownerReferences") or ()):
            sketch.link(front, sketch.put(pod), _("owns"))
    for ingress in sketch.here("ingresses.networking.k8s.io") if kind == "Secret" else ():
        if any(each.get("secretName") == name for each in ingress["spec"].get("tls") or ()):
            sketch.link(front, sketch.put(ingress), _("certificate for TLS"))
    return _("{kind} {name}, and its pods").format(kind=kind, name=name)


def _uses(pod: Object, kind: str, name: str) -> Iterator[str]:
    """In which ways a pod uses a ConfigMap or Secret."""
    reference = "configMapRef" if kind == "ConfigMap" else "secretRef"
    key = "configMapKeyRef" if kind == "ConfigMap" else "secretKeyRef"
    spec = pod["spec"]
    for container in _all_containers(spec):
        for variable in container.get("env") or ():
            if ((variable.get("valueFrom") or {}).get(key) or {}).get("name") == name:
                yield _("as variable {name}").format(name=variable["name"])
        for source in container.get("envFrom") or ():
            if (source.get(reference) or {}).get("name") == name:
                yield _("all as variables")
        for mount in container.get("volumeMounts") or ():
            if any(
                _holds(volume, kind, name) for volume in spec.get("volumes") or () if volume["name"] == mount["name"]
            ):
                yield _("as files in {path}").format(path=mount["mountPath"])
    if kind == "Secret" and any(each.get("name") == name for each in spec.get("imagePullSecrets") or ()):
        yield _("to pull images")


def _holds(volume: Object, kind: str, name: str) -> bool:
    """Whether the files of a volume come from that ConfigMap or Secret."""
    own, field, named = (
        ("configMap", "name", "configMap") if kind == "ConfigMap" else ("secret", "secretName", "secret")
    )
    parts = (volume.get("projected") or {}).get("sources") or ()
    return (volume.get(own) or {}).get(field) == name or any((p.get(named) or {}).get("name") == name for p in parts)


def chosen(sketch: Sketch, choice: Object) -> str:
    """A PriorityClass or RuntimeClass, and the pods that name it."""
    kind, name = choice["kind"], choice["metadata"]["name"]
    field = "priorityClassName" if kind == "PriorityClass" else "runtimeClassName"
    users = [pod for pod in sketch.here("pods") if pod["spec"].get(field) == name]
    sketch.some(users, sketch.put(choice), _("names it"), back=True)
    return _("{kind} {name}, and the pods that name it").format(kind=kind, name=name)
