"""What a picture of a namespace shows at one revision, as small plain data.

A scene maps an id (`Pod/web-x7k2p`) to an item. Items are what the front end draws without knowing any kind: a
*place* (a node) holds items, an item may have a *parent* (its controller), *facts* (a label and a value), a
*state* (one of `theme.STATES`) with the API's own word for it, a *generation* (which revision of its app), and may
be listed *in* others (a pod in an EndpointSlice). Scenes of neighbouring revisions differ little, so a story keeps
the difference only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of, condition, controller_of, is_deleting, is_true, labels_of
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object, Resource
from k8snb.view import theme
from k8snb.view.disks import KINDS as _DISKS
from k8snb.view.disks import disk_item

Item: TypeAlias = Mapping[str, Any]
Scene: TypeAlias = Mapping[str, Item]


class Snapshot(Protocol):
    """Objects as of one revision, or as they are now."""

    def list(self, resource: str, namespace: str = "") -> list[Object]:
        """The objects of a resource, in order of namespace and name."""
        ...


RESOURCES = {
    "Ingress": "ingresses.networking.k8s.io",
    "Service": "services",
    "EndpointSlice": "endpointslices.discovery.k8s.io",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers.autoscaling",
    "Deployment": "deployments.apps",
    "StatefulSet": "statefulsets.apps",
    "DaemonSet": "daemonsets.apps",
    "ReplicaSet": "replicasets.apps",
    "CronJob": "cronjobs.batch",
    "Job": "jobs.batch",
    "Pod": "pods",
}
"""The kinds that a scene shows, beside nodes, in the order in which they are drawn."""

_FEW_FIELDS = 3
FEW_NODES = 6
"""So many nodes are shown even when they are empty."""

_FAILING = re.compile(r"BackOff|^Err|Error$|^Invalid|Never|Unknown$|^OOMKilled$|^Evicted$|^Failed$")
_REVISION = "deployment.kubernetes.io/revision"


def identity(obj: Object) -> str:
    """The id of an object within its scene: `Pod/web-x7k2p`."""
    return f"{obj['kind']}/{obj['metadata']['name']}"


_SCHEME = Scheme()


def named(word: str) -> Resource:
    """The resource that a word of kubectl's means: `deployments`, `Deployment`, `deploy`; ValueError if none."""
    found = _SCHEME.find(word)
    if found is None:
        raise ValueError(_("there is no kind called {word}").format(word=word))
    return found


def is_custom(kind: str) -> bool:
    """Whether no built-in kind has this name."""
    return _SCHEME.find(kind) is None


def id_of(name: str) -> str:
    """The id of what a reader calls `deploy/web`: `Deployment/web`. A kind that somebody defined is called as it is."""
    word, _slash, rest = name.partition("/")
    return name if word[:1].isupper() and is_custom(word) else f"{named(word).kind}/{rest}"


def scene(snapshot: Snapshot, namespace: str = "default") -> dict[str, Item]:
    """Everything of a namespace that a picture shows, and the nodes beneath it."""
    return scene_of(population(snapshot, namespace))


def population(snapshot: Snapshot, namespace: str = "default") -> dict[str, Object]:
    """The objects that a picture of a namespace shows, by id: those in it, and the nodes beneath."""
    objects = [
        obj for resource in RESOURCES.values() for obj in snapshot.list(resource, namespace) if not is_own_door(obj)
    ]
    objects = [*_defined_owners(objects, snapshot, namespace), *objects]
    nodes = sorted(snapshot.list("nodes"), key=natural)
    if len(nodes) > FEW_NODES:
        used = {(obj.get("spec") or {}).get("nodeName") for obj in objects if obj["kind"] == "Pod"}
        nodes = [node for node in nodes if node["metadata"]["name"] in used]
    return {identity(obj): obj for obj in (*objects, *nodes)}


def _defined_owners(objects: Iterable[Object], snapshot: Snapshot, namespace: str) -> list[Object]:
    """The objects of defined kinds that own some of these."""
    owners = [owner for obj in objects if (owner := controller_of(obj)) is not None and is_custom(owner["kind"])]
    groups = dict.fromkeys(f"{owner['kind']}.{owner['apiVersion'].partition('/')[0]}" for owner in owners)
    names = {f"{owner['kind']}/{owner['name']}" for owner in owners}
    return [obj for group in groups for obj in snapshot.list(group, namespace) if identity(obj) in names]


def scene_of(objects: Mapping[str, Object]) -> dict[str, Item]:
    """How those objects are drawn."""
    inside = [obj for obj in objects.values() if obj["kind"] != "Node"]
    generations = generations_of(inside)
    members = membership(inside)
    return {
        name: node_item(obj) if obj["kind"] == "Node" else item(obj, generations, members)
        for name, obj in objects.items()
    }


def is_own_door(obj: Object) -> bool:
    """Whether it is the Service of the API server itself, or its slice: in every cluster, and in no story."""
    meta = obj["metadata"]
    return bool(meta["name"] == "kubernetes" and meta.get("namespace") == "default" and "ownerReferences" not in meta)


def natural(obj: Object) -> list[tuple[int, str]]:
    """A key that sorts names as people do: `node-2` before `node-10`."""
    parts: list[str] = re.findall(r"\d+|\D+", obj["metadata"]["name"])
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def item(obj: Object, generations: Mapping[str, int], members: Mapping[str, list[str]]) -> Item:
    """How one object of a namespace is drawn; absent facts are absent keys."""
    owner = controller_of(obj) or service_of(obj)
    parent = f"{owner['kind']}/{owner['name']}" if owner else ""
    found: dict[str, Any] = {"parent": parent, "facts": facts(obj)}
    found["generation"] = generations.get(identity(obj)) or generations.get(parent)
    if obj["kind"] == "Pod":
        node = (obj.get("spec") or {}).get("nodeName")
        found |= {"state": pod_state(obj), "word": pod_word(obj), "in": members.get(identity(obj))}
        found["place"] = f"Node/{node}" if node else "Node/"
    elif obj["kind"] in _DISKS:
        found |= disk_item(obj)
    elif is_deleting(obj):
        found |= {"state": "ending", "word": "Terminating"}
    elif progress_of(obj):
        found |= {"state": "failing", "word": progress_of(obj)}
    return {name: value for name, value in found.items() if value}


def node_item(node: Object) -> Item:
    """How a node is drawn: a place, with the word of kubectl's STATUS column if it is not simply Ready."""
    known = condition(node, "Ready") is not None
    words = ["Ready" if is_true(node, "Ready") else "NotReady" if known else "Unknown"]
    if (node.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    if words == ["Ready"]:
        return {}
    return {"state": "ending" if words[0] == "Ready" else "failing", "word": ",".join(words)}


# -- pods ------------------------------------------------------------------------------------------------


def pod_word(pod: Object) -> str:
    """The word for a pod's state, as kubectl's STATUS column has it in the usual cases."""
    status = pod.get("status") or {}
    if is_deleting(pod):
        return "Terminating"
    if status.get("phase") == "Succeeded":  # whatever became of its sidecars
        return "Completed"
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for container in containers:
        state = container.get("state") or {}
        waiting = (state.get("waiting") or {}).get("reason")
        if waiting and waiting != "PodInitializing":
            return str(waiting)
        ended = state.get("terminated") or {}
        if ended and ended.get("exitCode") != 0:
            return str(ended.get("reason") or "Error")
    return str(status.get("reason") or status.get("phase") or "Pending")


def pod_state(pod: Object) -> str:
    """Which of the states of the theme a pod is in."""
    status = pod.get("status") or {}
    if is_deleting(pod):
        return "ending"
    if status.get("phase") == "Succeeded":
        return "done"
    if status.get("phase") == "Failed" or _FAILING.search(pod_word(pod)):
        return "failing"
    if is_true(pod, "Ready"):
        return "ready"
    if status.get("phase") == "Running":
        return "unready"
    return "starting" if (pod.get("spec") or {}).get("nodeName") else "pending"


# -- what objects say about each other -----------------------------------------------------------------------


def generations_of(objects: Iterable[Object]) -> dict[str, int]:
    """The revision of its app that each ReplicaSet stands for."""
    replica_sets = (obj for obj in objects if obj["kind"] == "ReplicaSet")
    revisions = ((identity(obj), annotations_of(obj).get(_REVISION, "")) for obj in replica_sets)
    return {name: int(revision) for name, revision in revisions if revision.isdigit()}


def service_of(obj: Object) -> Object | None:
    """The Service that an EndpointSlice belongs to, as an owner."""
    name = labels_of(obj).get("kubernetes.io/service-name") if obj["kind"] == "EndpointSlice" else None
    return {"kind": "Service", "name": name} if name else None


def membership(objects: Iterable[Object]) -> dict[str, list[str]]:
    """The slices in which each pod is listed as ready."""
    found: dict[str, list[str]] = {}
    for obj in objects:
        if obj["kind"] != "EndpointSlice":
            continue
        for endpoint in obj.get("endpoints") or ():
            target = endpoint.get("targetRef") or {}
            if (endpoint.get("conditions") or {}).get("ready", True) and target.get("kind") == "Pod":
                found.setdefault(f"Pod/{target['name']}", []).append(identity(obj))
    return found


# -- facts -----------------------------------------------------------------------------------------------


def facts(obj: Object) -> list[list[str]]:
    """The few numbers and words that say most about an object, labelled in the reader's language."""
    describe = _FACTS.get(obj["kind"]) or (None if obj["kind"] in theme.KINDS else _plain)
    return [[label, str(value)] for label, value in describe(obj) if value not in (None, "")] if describe else []


def _plain(obj: Object) -> list[tuple[str, Any]]:
    """Of a kind that nothing is known about: the first few fields of its specification."""
    fields = obj.get("spec")
    plain = [(k, v) for k, v in fields.items() if isinstance(v, str | int | float)] if isinstance(fields, dict) else []
    return [(name, str(value).lower() if isinstance(value, bool) else value) for name, value in plain[:_FEW_FIELDS]]


def _replicated(obj: Object) -> list[tuple[str, Any]]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    rows = [(_("wanted"), spec.get("replicas", 1)), (_("have"), status.get("replicas", 0))]
    if obj["kind"] == "Deployment":
        rows.append((_("updated"), status.get("updatedReplicas", 0)))
    return [*rows, (_("ready"), status.get("readyReplicas", 0))]


def _replica_set(obj: Object) -> list[tuple[str, Any]]:
    return [*_replicated(obj), (_("image"), _short(image_of(obj)))]


def _daemon_set(obj: Object) -> list[tuple[str, Any]]:
    status = obj.get("status") or {}
    return [
        (_("wanted"), status.get("desiredNumberScheduled", 0)),
        (_("have"), status.get("currentNumberScheduled", 0)),
        (_("ready"), status.get("numberReady", 0)),
    ]


def _scaler(obj: Object) -> list[tuple[str, Any]]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    now, wanted = status.get("currentReplicas"), status.get("desiredReplicas")
    sizes = _("{low} to {high}").format(low=spec.get("minReplicas", 1), high=spec.get("maxReplicas"))
    return [(_("pods"), sizes), (_("now"), now), (_("wanted"), wanted or None)]


def _job(obj: Object) -> list[tuple[str, Any]]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    known = [(_("completions"), spec.get("completions")), (_("active"), status.get("active", 0))]
    return [*known, (_("succeeded"), status.get("succeeded", 0)), (_("failed"), status.get("failed"))]


def _cron_job(obj: Object) -> list[tuple[str, Any]]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return [(_("when"), spec.get("schedule")), (_("active"), len(status.get("active") or ()))]


def _pod(obj: Object) -> list[tuple[str, Any]]:
    status = obj.get("status") or {}
    restarts = sum(each.get("restartCount", 0) for each in status.get("containerStatuses") or ())
    return [(_("address"), status.get("podIP")), (_("image"), _short(image_of(obj))), (_("restarts"), restarts or None)]


def _service(obj: Object) -> list[tuple[str, Any]]:
    spec = obj.get("spec") or {}
    ports = ", ".join(f"{port['port']}→{port.get('targetPort', port['port'])}" for port in spec.get("ports") or ())
    opened = ", ".join(str(port["nodePort"]) for port in spec.get("ports") or () if port.get("nodePort"))
    balancer = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    outside = ", ".join(each.get("ip") or each.get("hostname", "") for each in balancer)
    known = [(_("type"), spec.get("type")), (_("address"), spec.get("clusterIP")), (_("port"), ports)]
    return [*known, (_("node port"), opened), (_("external IP"), outside), (_("alias of"), spec.get("externalName"))]


def _ingress(obj: Object) -> list[tuple[str, Any]]:
    spec = obj.get("spec") or {}
    hosts = ", ".join(dict.fromkeys(rule.get("host", "*") for rule in spec.get("rules") or ()))
    balancer = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    outside = ", ".join(each.get("ip") or each.get("hostname", "") for each in balancer)
    return [(_("class"), spec.get("ingressClassName")), (_("hosts"), hosts), (_("address"), outside)]


def _route(obj: Object) -> list[tuple[str, Any]]:
    spec = obj.get("spec") or {}
    parents = ", ".join(each["name"] for each in spec.get("parentRefs") or ())
    return [(_("parents"), parents), (_("hosts"), ", ".join(spec.get("hostnames") or ()))]


def _slice(obj: Object) -> list[tuple[str, Any]]:
    endpoints = obj.get("endpoints") or ()
    ready = sum(1 for each in endpoints if (each.get("conditions") or {}).get("ready", True))
    return [(_("endpoints"), len(endpoints)), (_("ready"), ready)]


def _machine(obj: Object) -> list[tuple[str, Any]]:
    status, spec = obj.get("status") or {}, obj.get("spec") or {}
    room = status.get("allocatable") or {}
    ready = condition(obj, "Ready") or {}
    taints = ", ".join(f"{each['key'].rpartition('/')[2]}:{each['effect']}" for each in spec.get("taints") or ())
    known = [("Ready", ready.get("status")), (_("CPU"), room.get("cpu")), (_("memory"), room.get("memory"))]
    return [*known, (_("pods"), room.get("pods")), (_("taints"), taints)]


def _lease(obj: Object) -> list[tuple[str, Any]]:
    spec = obj.get("spec") or {}
    renewed = str(spec.get("renewTime", "")).partition("T")[2][:8]
    return [(_("holder"), spec.get("holderIdentity")), (_("renewed"), renewed)]


_FACTS: Mapping[str, Callable[[Object], list[tuple[str, Any]]]] = {
    "CronJob": _cron_job,
    "DaemonSet": _daemon_set,
    "Deployment": _replicated,
    "EndpointSlice": _slice,
    "HorizontalPodAutoscaler": _scaler,
    "HTTPRoute": _route,
    "Ingress": _ingress,
    "Job": _job,
    "Lease": _lease,
    "Node": _machine,
    "Pod": _pod,
    "ReplicaSet": _replica_set,
    "Service": _service,
    "StatefulSet": _replicated,
}


def image_of(obj: Object) -> str:
    """The image of the first container of a pod or of a pod template."""
    spec = obj.get("spec") or {}
    template = spec.get("template", {}).get("spec", spec)
    containers = template.get("containers") or [{}]
    return str(containers[0].get("image", ""))


def _short(image: str) -> str:
    """An image without registry and path: `agnhost:2.53`."""
    return image.rpartition("/")[2]


def progress_of(obj: Object) -> str:
    """Why a Deployment does not get on, if it says so: the reason of its Progressing condition."""
    found = condition(obj, "Progressing")
    return str(found.get("reason", "")) if found and found["status"] == "False" else ""


# -- difference ------------------------------------------------------------------------------------------


def related(scenes: Iterable[Scene], about: Iterable[str]) -> set[str]:
    """The ids in `about`, and everything that any scene shows to hang from them."""
    parents: dict[str, set[str]] = {}
    for each in scenes:
        for name, found in each.items():
            parents.setdefault(name, set()).add(found.get("parent", ""))
    wanted = set(about)
    while grown := {name for name, above in parents.items() if name not in wanted and above & wanted}:
        wanted |= grown
    return wanted


def difference(before: Scene, after: Scene) -> tuple[dict[str, Item], list[str]]:
    """What has to be set and what removed to come from one scene to the next."""
    changed = {name: found for name, found in after.items() if before.get(name) != found}
    return changed, [name for name in before if name not in after]
