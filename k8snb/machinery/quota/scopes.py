"""Scopes: a quota may be for some pods or claims only.

Upstream: `podMatchesScopeFunc`, `pvcMatchesScopeFunc`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from k8snb.machinery.qos import qos_class
from k8snb.typing import Object

_NONE: Mapping[str, Any] = {}


def requirements(quota: Object) -> Iterator[Object]:
    """The scopes of a quota and the expressions of its scope selector, all as expressions."""
    spec = quota.get("spec") or _NONE
    for scope in spec.get("scopes") or ():
        yield {"scopeName": scope, "operator": "Exists"}
    yield from (spec.get("scopeSelector") or _NONE).get("matchExpressions") or ()


def in_scope(word: str, quota: Object, obj: Object) -> bool:
    """Whether all scopes of the quota are those of an object of the resource."""
    return all(_matches(word, requirement, obj) for requirement in requirements(quota))


def _matches(word: str, requirement: Object, obj: Object) -> bool:
    scope = requirement.get("scopeName", "")
    if word == "pods":
        if scope in _POD_SCOPES:
            return _POD_SCOPES[scope](obj)
        if scope == "PriorityClass":
            name = obj["spec"].get("priorityClassName")
            return _selects(requirement, [name] if name else [])
    if word == "persistentvolumeclaims" and scope == "VolumeAttributesClass":
        return _selects(requirement, _attributes_classes(obj))
    return False


def _selects(requirement: Object, names: Iterable[str]) -> bool:
    names, values = set(names), set(requirement.get("values") or ())
    operator = requirement.get("operator")
    if operator == "Exists":
        return bool(names)
    if operator == "DoesNotExist":
        return not names
    if operator == "In":
        return bool(names & values)
    return not names or bool(names - values)


def _is_terminating(pod: Object) -> bool:
    return pod["spec"].get("activeDeadlineSeconds") is not None


def _is_best_effort(pod: Object) -> bool:
    return qos_class(pod["spec"]) == "BestEffort"


def _looks_abroad(pod: Object) -> bool:
    """Whether the pod's affinity looks at pods of other namespaces."""
    affinity = pod["spec"].get("affinity") or _NONE
    return any(
        term.get("namespaces") or term.get("namespaceSelector") is not None
        for kind in ("podAffinity", "podAntiAffinity")
        for term in _terms(affinity.get(kind) or _NONE)
    )


def _terms(affinity: Object) -> Iterator[Object]:
    yield from affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    for weighted in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
        yield weighted["podAffinityTerm"]


def _attributes_classes(claim: Object) -> set[str]:
    status = claim.get("status") or _NONE
    names = (
        (claim.get("spec") or _NONE).get("volumeAttributesClassName"),
        status.get("currentVolumeAttributesClassName"),
        (status.get("modifyVolumeStatus") or _NONE).get("targetVolumeAttributesClassName"),
    )
    return {name for name in names if name}


_POD_SCOPES: Mapping[str, Callable[[Object], bool]] = {
    "Terminating": _is_terminating,
    "NotTerminating": lambda pod: not _is_terminating(pod),
    "BestEffort": _is_best_effort,
    "NotBestEffort": lambda pod: not _is_best_effort(pod),
    "CrossNamespacePodAffinity": _looks_abroad,
}
