"""A namespace: what is in it, and what limits it or gives it defaults."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of, controller_of
from k8snb.typing import Object
from k8snb.view.graphs.services import service
from k8snb.view.graphs.sketch import Sketch
from k8snb.view.graphs.workloads import OWNERS, ownership

_LIMITS = ("resourcequotas", "limitranges", "networkpolicies.networking.k8s.io")
_WITHIN = (*OWNERS, "pods", "services", "ingresses.networking.k8s.io", "persistentvolumeclaims")

_GIVEN = "kubernetes.io/limit-ranger"
"""The annotation of a pod that was given what a LimitRange has as default."""


def application(sketch: Sketch) -> str:
    """Everything in a namespace: workloads with what they own, and Services with what they reach."""
    for each in OWNERS:
        for obj in sketch.here(each):
            if controller_of(obj) is None:
                ownership(sketch, obj)
    for door in sketch.here("services"):
        if (door["metadata"]["name"], sketch.namespace) != ("kubernetes", "default"):
            service(sketch, door)
    for pod in sketch.here("pods"):
        if controller_of(pod) is None:
            sketch.put(pod)
    return _("Everything in namespace {name}").format(name=sketch.namespace)


def space(sketch: Sketch, namespace: Object) -> str:
    """A Namespace, its quotas and limits, and the objects at the top of it."""
    name = namespace["metadata"]["name"]
    front = sketch.put(namespace)
    sketch.frame(f"Namespace/{name}/box", "Namespace", name)
    box = sketch.box(name)
    for resource in _LIMITS:
        for obj in sketch.within(resource, name):
            sketch.link(front, sketch.put(obj, group=""), _("limited by"))
    for resource in _WITHIN:
        tops = [obj for obj in sketch.within(resource, name) if controller_of(obj) is None]
        for obj in tops:
            sketch.link(front, sketch.put(obj, group=box), _("holds"))
    return _("Namespace {name}: what limits it, and what it holds").format(name=name)


def limits(sketch: Sketch, limit: Object) -> str:
    """A ResourceQuota, and the pods and claims of the namespace that it counts."""
    front = sketch.put(limit)
    for resource in ("pods", "persistentvolumeclaims"):
        sketch.some(sketch.here(resource), front, _("counts"))
    return _("{kind} {name}, and what it counts").format(kind=limit["kind"], name=limit["metadata"]["name"])


def defaults(sketch: Sketch, limits: Object) -> str:
    """A LimitRange, and the pods that came when it was there and carry a note of what they were given."""
    front = sketch.put(limits)
    given = [pod for pod in sketch.here("pods") if _GIVEN in annotations_of(pod)]
    sketch.some(given, front, _("defaults for"))
    return _("LimitRange {name}, and the pods that were given its defaults").format(name=limits["metadata"]["name"])
