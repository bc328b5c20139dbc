"""Who made a version of an object, as far as the object says so.

The API does not tell who sent what. Each version has managed fields, though, and those of the author are the ones that
changed; a manager is a program, and from the kind of the object and of its owner follows which controller of the
controller manager it was. Of what has no managed fields (a binding, the mark that something is to be deleted) the
object itself tells.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.machinery.objects import controller_of, is_deleting
from k8snb.typing import Object

YOU = "kubernetes-admin"
"""The user whom views call *you*."""

_CONTROLLERS = {
    "Deployment": "deployment-controller",
    "ReplicaSet": "replicaset-controller",
    "StatefulSet": "statefulset-controller",
    "DaemonSet": "daemon-set-controller",
    "Job": "job-controller",
    "CronJob": "cronjob-controller",
    "EndpointSlice": "endpointslice-controller",
    "HorizontalPodAutoscaler": "horizontal-pod-autoscaler",
    "PersistentVolumeClaim": "persistent-volume-binder",
    "PodDisruptionBudget": "disruption-controller",
    "Node": "node-controller",
    "ConfigMap": "root-ca-certificate-publisher",
}
"""The controller that looks after a kind, by upstream's names of their accounts."""
_MANAGER = "kube-controller-manager"
_COLLECTOR = "generic-garbage-collector"
_PEOPLE = ("kubectl", "k8snb", "helm")


class Author(NamedTuple):
    """A user, the verb, and the subresource that was written."""

    user: str
    verb: str
    subresource: str = ""


def author(kind: str, before: Object | None, after: Object, *, gone: bool = False) -> Author:
    """Who made the version `after` of an object, or (`gone`) took it away."""
    if gone:
        return Author(_taker(kind, after), "delete")
    if kind == "Event":
        return Author(_reporter(after), "create" if before is None else "patch")
    manager, operation, subresource = _changed(before, after)
    if not manager and before is not None and after.get("status") != before.get("status"):
        subresource = "status"  # the second write of a program within a second leaves its entry as it was
        manager = "kubelet" if kind == "Pod" and _node(after) else ""
    if before is None:
        return Author(_user(manager, kind, after, "") if manager else YOU, "create")
    if is_deleting(after) and not is_deleting(before):
        return Author(_deleter(after), "delete")
    if _node(after) and not _node(before):
        return Author("system:kube-scheduler", "create", "binding")
    verb = "patch" if operation == "Apply" else "update"
    return Author(_user(manager, kind, after, subresource), verb, subresource)


def _changed(before: Object | None, after: Object) -> tuple[str, str, str]:
    """Manager, operation and subresource of the newest entry that is not as it was."""
    old = (before or {}).get("metadata", {}).get("managedFields") or ()
    new = [each for each in after["metadata"].get("managedFields") or () if each not in old]
    if not new:
        return "", "", ""
    newest = max(new, key=lambda each: (str(each.get("time", "")), not each.get("subresource")))
    return str(newest.get("manager", "")), str(newest.get("operation", "")), str(newest.get("subresource", ""))


def _user(manager: str, kind: str, obj: Object, subresource: str) -> str:
    if manager.startswith(_PEOPLE):
        return YOU
    if manager == "kubelet":
        return f"system:node:{_node(obj) or obj['metadata']['name']}"
    if manager == "kube-scheduler":
        return "system:kube-scheduler"
    if manager not in ("", _MANAGER):
        return manager
    owner = controller_of(obj)
    responsible = str(owner["kind"]) if owner is not None and not subresource else kind
    return _CONTROLLERS.get(responsible, _MANAGER)


def _reporter(event: Object) -> str:
    """Who says what an event says."""
    source = event.get("source") or event.get("deprecatedSource") or {}
    component = str(
        source.get("component") or event.get("reportingComponent") or event.get("reportingController") or ""
    )
    host = str(source.get("host") or event.get("reportingInstance") or "")
    return f"system:node:{host}" if component == "kubelet" else component


def _deleter(obj: Object) -> str:
    """Who marked something for deletion: its controller, if it has one."""
    owner = controller_of(obj)
    return YOU if owner is None else _CONTROLLERS.get(str(owner["kind"]), _COLLECTOR)


def _taker(kind: str, obj: Object) -> str:
    """Who took something away: a kubelet its pods, the garbage collector what belonged to something that is gone."""
    if kind == "Pod" and _node(obj):
        return f"system:node:{_node(obj)}"
    return YOU if controller_of(obj) is None else _COLLECTOR


def _node(obj: Object) -> str:
    return str((obj.get("spec") or {}).get("nodeName", ""))
