"""Graphs of live objects: who owns whom, what a pod is made of, how a Service finds its pods.

A builder reads through anything that can list (a client, a snapshot, a live cluster) and returns a `Graph`; several are
joined into one. `graph` chooses the builder by the kind of what is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from k8snb.errors import not_found
from k8snb.i18n import _
from k8snb.machinery.objects import controller_of, labels_of
from k8snb.typing import Object, Resource
from k8snb.view import theme
from k8snb.view.dot import Edge, Graph, Group, Node
from k8snb.view.scene import Snapshot, facts, generations_of, identity, named, natural, pod_state, pod_word

OWNERS = ("deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps")
SLICES = "endpointslices.discovery.k8s.io"
_SERVICE = "kubernetes.io/service-name"
_LEASES = "leases.coordination.k8s.io"
_LEASE_NAMESPACE = "kube-node-lease"


def graph(reader: Snapshot, *names: str, namespace: str = "default") -> Graph:
    """The diagram of the named objects (`deployment/web`, `svc/web`, `pod/web-x7k2p`), in one picture.

    Raises StatusError (NotFound) for an object that is not there, ValueError for a kind that has no diagram.
    """
    drawn = [_builder(name)(reader, name.partition("/")[2], namespace) for name in names]
    return joined(drawn) if drawn else application(reader, namespace)


def _builder(name: str) -> Callable[[Snapshot, str, str], Graph]:
    resource = named(name.partition("/")[0])
    if resource.kind == "Pod":
        return anatomy
    if resource.kind == "Service":
        return service
    if resource.kind == "Node":
        return machine
    if resource.group_resource in OWNERS:
        return lambda reader, its_name, namespace: ownership(reader, resource, its_name, namespace)
    raise ValueError(_("there is no diagram of {kind} yet").format(kind=resource.kind))


def joined(graphs: Iterable[Graph]) -> Graph:
    """Several graphs as one; what is in more than one of them is drawn once."""
    graphs = list(graphs)
    nodes = {node.id: node for each in reversed(graphs) for node in each.nodes}
    order = dict.fromkeys(node.id for each in graphs for node in each.nodes)
    return Graph(
        title="; ".join(dict.fromkeys(each.title for each in graphs)),
        nodes=[nodes[name] for name in order],
        edges=list(dict.fromkeys(edge for each in graphs for edge in each.edges)),
        groups=list({group.id: group for each in graphs for group in each.groups}.values()),
        across=graphs[0].across,
    )


def _find(reader: Snapshot, resource: Resource, name: str, namespace: str) -> Object:
    for obj in reader.list(resource.group_resource, namespace):
        if obj["metadata"]["name"] == name:
            return obj
    raise not_found(resource, name)


# -- ownership -------------------------------------------------------------------------------------------------


def ownership(reader: Snapshot, resource: Resource, name: str, namespace: str) -> Graph:
    """A workload, what it owns, and the pods at the end on their nodes."""
    root = _find(reader, resource, name, namespace)
    candidates = [obj for each in (*OWNERS, "pods") for obj in reader.list(each, namespace)]
    generations = generations_of(candidates)
    candidates.sort(key=lambda obj: generations.get(identity(obj), 0))
    owned: dict[str, list[Object]] = {}
    for obj in candidates:
        owner = controller_of(obj)
        if owner is not None:
            owned.setdefault(f"{owner['kind']}/{owner['name']}", []).append(obj)
    family = [root]
    for obj in family:  # grows while it is walked
        family += owned.get(identity(obj), ())
    edges = [
        Edge(identity(obj), identity(child), _("owns"), faint=_at_rest(child))
        for obj in family
        for child in owned.get(identity(obj), ())
    ]
    title = _("{kind} {name}, what it owns, and where the pods run").format(kind=root["kind"], name=name)
    return Graph(title, _nodes(family), edges, _machines(reader, family))


def _at_rest(obj: Object) -> bool:
    """Whether it is kept only to go back to: an old ReplicaSet without pods."""
    return bool(obj["kind"] == "ReplicaSet" and (obj.get("spec") or {}).get("replicas") == 0)


def _nodes(objects: Iterable[Object]) -> list[Node]:
    objects = list(objects)
    generations = generations_of(objects)
    return [_node(obj, generations) for obj in objects]


def _node(obj: Object, generations: Mapping[str, int]) -> Node:
    owner = controller_of(obj)
    parent = f"{owner['kind']}/{owner['name']}" if owner else ""
    generation = generations.get(identity(obj)) or generations.get(parent)
    said = [f"{label} {value}" for label, value in facts(obj)]
    if obj["kind"] == "ReplicaSet" and generation:
        said.insert(0, f"v{generation}")
    hue = theme.generation_hue(generation) if generation else ""
    if obj["kind"] != "Pod":
        return Node(identity(obj), obj["kind"], obj["metadata"]["name"], said, hue=hue)
    place = (obj.get("spec") or {}).get("nodeName")
    group = f"Node/{place}" if place else ""
    return Node(identity(obj), "Pod", obj["metadata"]["name"], said, pod_state(obj), pod_word(obj), group, hue)


def _machines(reader: Snapshot, objects: Iterable[Object]) -> list[Group]:
    """The nodes on which these pods run."""
    used = {(obj.get("spec") or {}).get("nodeName") for obj in objects if obj["kind"] == "Pod"}
    nodes = sorted(reader.list("nodes"), key=natural)
    return [Group(identity(n), "Node", n["metadata"]["name"]) for n in nodes if n["metadata"]["name"] in used]


# -- a pod ------------------------------------------------------------------------------------------------


def anatomy(reader: Snapshot, name: str, namespace: str) -> Graph:
    """What a pod is made of: containers that share one network address and volumes, on one node."""
    pod = _find(reader, named("pods"), name, namespace)
    spec, status = pod["spec"], pod.get("status") or {}
    box = identity(pod)
    place = spec.get("nodeName")
    machine = [Group(f"Node/{place}", "Node", place)] if place else []
    word = [pod_word(pod), status.get("podIP", "")]
    within = Group(box, "Pod", name, [each for each in word if each], f"Node/{place}" if place else "")
    address = _("one address: {ip}").format(ip=status.get("podIP", "?"))
    network = Node(f"{box}/network", "Network", "localhost", [address], group=box)
    containers = [_container(box, each, _("init")) for each in spec.get("initContainers") or ()]
    containers += [_container(box, each, "") for each in spec["containers"]]
    volumes = [_volume(box, each) for each in spec.get("volumes") or () if not _is_token(each)]
    edges = [*_sockets(box, spec), *_mounts(box, spec, {volume.id for volume in volumes})]
    owner = controller_of(pod)
    above = [Node(f"{owner['kind']}/{owner['name']}", owner["kind"], owner["name"])] if owner else []
    title = _("Pod {name}: what is inside").format(name=name)
    return Graph(title, [*above, *containers, network, *volumes], edges, [*machine, within])


def _container(box: str, container: Object, role: str) -> Node:
    if container.get("restartPolicy") == "Always":
        role = _("sidecar")
    ports = [f":{port['containerPort']}" for port in container.get("ports") or ()]
    said = [each for each in (role, container.get("image", ""), *ports) if each]
    return Node(f"{box}/{container['name']}", "Container", container["name"], said, group=box)


def _volume(box: str, volume: Object) -> Node:
    source = next((name for name in volume if name != "name"), "emptyDir")
    return Node(f"{box}/volume/{volume['name']}", "Volume", volume["name"], [source], group=box)


def _is_token(volume: Object) -> bool:
    """The volume that every pod gets, with the token of its service account."""
    return str(volume["name"]).startswith("kube-api-access-")


def _all_containers(spec: Object) -> list[Any]:
    return [*(spec.get("initContainers") or ()), *spec["containers"]]


def _sockets(box: str, spec: Object) -> list[Edge]:
    return [Edge(f"{box}/{each['name']}", f"{box}/network", _("shares")) for each in _all_containers(spec)]


def _mounts(box: str, spec: Object, volumes: set[str]) -> list[Edge]:
    edges = [
        Edge(f"{box}/{each['name']}", f"{box}/volume/{mount['name']}", mount["mountPath"])
        for each in _all_containers(spec)
        for mount in each.get("volumeMounts") or ()
    ]
    return [edge for edge in edges if edge.head in volumes]


# -- a service ------------------------------------------------------------------------------------------------


def service(reader: Snapshot, name: str, namespace: str) -> Graph:
    """A Service, its slices, and the pods whose addresses they hold; pods that it selects in vain are dashed."""
    door = _find(reader, named("services"), name, namespace)
    selector = (door.get("spec") or {}).get("selector") or {}
    slices = [each for each in reader.list(SLICES, namespace) if labels_of(each).get(_SERVICE) == name]
    pods = reader.list("pods", namespace)
    selected = [each for each in pods if selector and selector.items() <= labels_of(each).items()]
    listed = {f"Pod/{e['targetRef']['name']}" for s in slices for e in s.get("endpoints") or () if e.get("targetRef")}
    shown = [each for each in pods if each in selected or identity(each) in listed]
    edges = [Edge(identity(door), identity(each), _("has")) for each in slices]
    edges += [edge for each in slices for edge in _endpoints(each)]
    edges += [Edge(identity(door), identity(e), _("selects"), True) for e in selected if identity(e) not in listed]
    said = [f"{_('selects')} {key}={value}" for key, value in selector.items()]
    front = _node(door, {})
    nodes = [replace(front, facts=[*front.facts, *said]), *_nodes([*slices, *shown])]
    title = _("Service {name}, its endpoints, and the pods behind them").format(name=name)
    return Graph(title, nodes, edges, _machines(reader, shown))


def _endpoints(endpoint_slice: Object) -> list[Edge]:
    edges = []
    for endpoint in endpoint_slice.get("endpoints") or ():
        target = endpoint.get("targetRef") or {}
        ready = (endpoint.get("conditions") or {}).get("ready", True)
        if target.get("kind") == "Pod":
            word = _("ready") if ready else _("not ready")
            edges.append(Edge(identity(endpoint_slice), f"Pod/{target['name']}", word, faint=not ready))
    return edges


# -- a machine ---------------------------------------------------------------------------------------------


def machine(reader: Snapshot, name: str, namespace: str) -> Graph:
    """A Node object, the lease by which its kubelet says that it lives, and the pods on its machine."""
    node = _find(reader, named("nodes"), name, "")
    leases = [each for each in reader.list(_LEASES, _LEASE_NAMESPACE) if each["metadata"]["name"] == name]
    pods = [each for each in reader.list("pods", namespace) if (each.get("spec") or {}).get("nodeName") == name]
    front = replace(_node(node, {}), id=f"{identity(node)}/object")
    edges = [Edge(front.id, identity(each), _("kept alive by")) for each in leases]
    edges += [Edge(front.id, identity(each), _("runs")) for each in pods]
    title = _("Node {name}, its lease, and the pods on the machine").format(name=name)
    return Graph(title, [front, *_nodes([*leases, *pods])], edges, _machines(reader, pods))


# -- a whole namespace ----------------------------------------------------------------------------------------


def application(reader: Snapshot, namespace: str) -> Graph:
    """Everything in a namespace: workloads with what they own, and Services with what they reach."""
    roots = [
        ownership(reader, named(each), obj["metadata"]["name"], namespace)
        for each in OWNERS
        for obj in reader.list(each, namespace)
        if controller_of(obj) is None
    ]
    doors = [
        service(reader, obj["metadata"]["name"], namespace)
        for obj in reader.list("services", namespace)
        if (obj["metadata"]["name"], namespace) != ("kubernetes", "default")
    ]
    alone = [pod for pod in reader.list("pods", namespace) if controller_of(pod) is None]
    rest = Graph("", _nodes(alone), (), _machines(reader, alone))
    whole = joined([*roots, *doors, rest])
    return replace(whole, title=_("Everything in namespace {name}").format(name=namespace))
