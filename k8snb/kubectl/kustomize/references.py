"""Names in objects that name other objects: when those are renamed, these follow.

Upstream: `kustomize/api/internal/konfig/builtinpluginconsts/namereference.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.kubectl.kustomize.fields import pod_spec_path, updated
from k8snb.kubectl.kustomize.resource import Item

_CONTAINERS = ("containers[]", "initContainers[]")
_IN_CONTAINERS = {
    "ConfigMap": ("env[]/valueFrom/configMapKeyRef/name", "envFrom[]/configMapRef/name"),
    "Secret": ("env[]/valueFrom/secretKeyRef/name", "envFrom[]/secretRef/name"),
}
_IN_PODS = {
    "ConfigMap": ("volumes[]/configMap/name", "volumes[]/projected/sources[]/configMap/name"),
    "Secret": ("volumes[]/secret/secretName", "volumes[]/projected/sources[]/secret/name", "imagePullSecrets[]/name"),
    "ServiceAccount": ("serviceAccountName",),
    "PersistentVolumeClaim": ("volumes[]/persistentVolumeClaim/claimName",),
    "PriorityClass": ("priorityClassName",),
}
_ELSEWHERE: Mapping[str, Mapping[str, Sequence[str]]] = {
    "StatefulSet": {"Service": ("spec/serviceName",)},
    "Ingress": {
        "Service": (
            "spec/rules[]/http/paths[]/backend/service/name",
            "spec/defaultBackend/service/name",
        ),
        "Secret": ("spec/tls[]/secretName",),
    },
    "ServiceAccount": {"Secret": ("secrets[]/name", "imagePullSecrets[]/name")},
    "PersistentVolumeClaim": {"StorageClass": ("spec/storageClassName",)},
}
_BY_KIND = {
    "HorizontalPodAutoscaler": "spec/scaleTargetRef",
    "RoleBinding": "roleRef",
    "ClusterRoleBinding": "roleRef",
}


def follow(items: Sequence[Item]) -> list[Item]:
    """The objects with the names they use brought up to date."""
    return [_followed(item, items) for item in items]


def _followed(item: Item, items: Sequence[Item]) -> Item:
    obj: Any = item.object

    def rename(kind: str) -> Any:
        return lambda name: _current(items, kind, name)

    pod = pod_spec_path(item.kind)
    for kind, paths in _IN_PODS.items() if pod else ():
        for path in paths:
            obj = updated(obj, f"{pod}/{path}", rename(kind))
    for kind, paths in _IN_CONTAINERS.items() if pod else ():
        for path in paths:
            for containers in _CONTAINERS:
                obj = updated(obj, f"{pod}/{containers}/{path}", rename(kind))
    for kind, places in _ELSEWHERE.get(item.kind, {}).items():
        for path in places:
            obj = updated(obj, path, rename(kind))
    if item.kind in _BY_KIND:
        obj = updated(obj, _BY_KIND[item.kind], lambda reference: _referred(items, reference))
    if item.kind.endswith("RoleBinding"):
        obj = updated(obj, "subjects[]", lambda subject: _subject(items, subject))
    return item.holding(obj)


def _current(items: Sequence[Item], kind: str, name: Any) -> Any:
    found = next((each for each in items if each.kind == kind and each.called(name)), None)
    return name if found is None else found.name


def _referred(items: Sequence[Item], reference: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**reference, "name": _current(items, str(reference.get("kind", "")), reference.get("name"))}


def _subject(items: Sequence[Item], subject: Mapping[str, Any]) -> Mapping[str, Any]:
    if subject.get("kind") != "ServiceAccount":
        return subject
    found = next((each for each in items if each.kind == "ServiceAccount" and each.called(subject["name"])), None)
    if found is None:
        return subject
    namespace = {"namespace": found.namespace} if found.namespace else {}
    return {**subject, "name": found.name, **namespace}
