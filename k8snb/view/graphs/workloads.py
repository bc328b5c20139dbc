"""Who owns whom: workloads down to their pods, the claims of those, and what looks after them from the side."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.machinery.objects import controller_of
from k8snb.machinery.selectors import of_object
from k8snb.typing import Object
from k8snb.view.graphs.sketch import Sketch
from k8snb.view.scene import generations_of, identity, named

OWNERS = (
    "cronjobs.batch",
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "jobs.batch",
    "replicationcontrollers",
)


def ownership(sketch: Sketch, root: Object) -> str:
    """A workload, what it owns, and the pods at the end on their nodes, with the claims that they hold."""
    candidates = [obj for each in (*OWNERS, "pods") for obj in sketch.here(each)]
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
    for obj in family:
        sketch.put(obj)
    for obj in family:
        for child in owned.get(identity(obj), ()):
            sketch.link(sketch.put(obj), sketch.put(child), _("owns"), faint=_at_rest(child))
        if obj["kind"] == "Pod":
            claims(sketch, obj)
    name = root["metadata"]["name"]
    return _("{kind} {name}, what it owns, and where the pods run").format(kind=root["kind"], name=name)


def _at_rest(obj: Object) -> bool:
    """Whether it is kept only to go back to: an old ReplicaSet without pods."""
    return bool(obj["kind"] == "ReplicaSet" and (obj.get("spec") or {}).get("replicas") == 0)


def claims(sketch: Sketch, pod: Object) -> None:
    """The claims by which a pod has volumes, and the volumes that they are bound to."""
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if "ephemeral" in volume:
            name = f"{pod['metadata']['name']}-{volume['name']}"
        if not name:
            continue
        claim = sketch.find("persistentvolumeclaims", name)
        end = sketch.lack("PersistentVolumeClaim", name) if claim is None else sketch.put(claim)
        sketch.link(sketch.put(pod), end, _("claims"))
        bound = ((claim or {}).get("spec") or {}).get("volumeName")
        if bound:
            sketch.link(end, sketch.refer("persistentvolumes", "PersistentVolume", bound), _("bound to"))


def scaler(sketch: Sketch, autoscaler: Object) -> str:
    """An autoscaler, what it scales, and what that owns."""
    reference = autoscaler["spec"]["scaleTargetRef"]
    front = sketch.put(autoscaler)
    target = sketch.find(named(reference["kind"]).group_resource, reference["name"])
    if target is None:
        sketch.link(front, sketch.lack(reference["kind"], reference["name"]), _("scales"))
    else:
        sketch.link(front, sketch.put(target), _("scales"))
        ownership(sketch, target)
    name = autoscaler["metadata"]["name"]
    return _("HorizontalPodAutoscaler {name}, and what it scales").format(name=name)


def budget(sketch: Sketch, budget: Object) -> str:
    """A disruption budget and the pods of which it lets only so many be evicted."""
    front = sketch.put(budget)
    sketch.some(sketch.selected(of_object(budget["spec"].get("selector"))), front, _("protects"))
    name = budget["metadata"]["name"]
    return _("PodDisruptionBudget {name}, and the pods that it protects").format(name=name)
