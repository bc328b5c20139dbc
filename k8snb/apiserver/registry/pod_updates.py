"""What may change in a pod: next to nothing by an ordinary update, a part each by the subresources.

Every rule takes the new and the old pod and answers with what is wrong with the change. Upstream:
`ValidatePodUpdate`, `ValidatePodEphemeralContainersUpdate` and `ValidatePodResize` in
`pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry.changes import difference
from k8snb.apiserver.registry.checks import each
from k8snb.apiserver.registry.filling import without
from k8snb.apiserver.registry.placement import REQUIRED, validate_tolerations
from k8snb.apiserver.registry.pod_validation import MIRROR_POD
from k8snb.errors import FieldError, field_forbidden, invalid_value
from k8snb.machinery import formats
from k8snb.machinery.objects import annotations_of
from k8snb.machinery.qos import qos_class
from k8snb.typing import Object

Findings = Iterator[FieldError]

UPDATABLE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)
"""What an ordinary update of a pod may change, as the error message lists it."""

_MAX_INT32 = 2**31 - 1
_LISTS = ("containers", "initContainers")
_RESIZABLE = ("cpu", "memory")
_NONE: Mapping[str, Any] = {}


def validate_pod_update(new: Object, old: Object) -> list[FieldError]:
    """An ordinary update: images, a shorter deadline, more tolerations, fewer scheduling gates."""
    found = list(_validate_annotation_updates(new, old))
    spec, before = new["spec"], old["spec"]
    if spec is before:
        return found
    for name in _LISTS:
        if len(spec.get(name) or ()) != len(before.get(name) or ()):
            return [*found, field_forbidden(f"spec.{name}", "pod updates may not add or remove containers")]
    deadline = list(_validate_deadline(spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds")))
    found += deadline
    if deadline and spec.get("activeDeadlineSeconds") is not None:
        return found
    found += _validate_more_tolerations(spec.get("tolerations") or (), before.get("tolerations") or ())
    found += _validate_fewer_gates(spec.get("schedulingGates") or (), before.get("schedulingGates") or ())
    if spec != before:
        found += _validate_nothing_else(spec, before)
    return found


def _validate_annotation_updates(new: Object, old: Object) -> Findings:
    after, before = annotations_of(new), annotations_of(old)
    if after.get(MIRROR_POD) != before.get(MIRROR_POD):
        verb = "remove or update" if MIRROR_POD in before else "add"
        yield field_forbidden(f"metadata.annotations[{MIRROR_POD}]", f"may not {verb} mirror pod annotation")


def _validate_deadline(new: int | None, old: int | None) -> Findings:
    path = "spec.activeDeadlineSeconds"
    if new is None:
        if old is not None:
            yield invalid_value(path, None, "must not update from a positive integer to nil value")
    elif bad := formats.in_range(new, 0, _MAX_INT32):
        yield from each(path, new, bad)
    elif old is not None and old < new:
        yield invalid_value(path, new, "must be less than or equal to previous value")


def _validate_more_tolerations(new: Sequence[Object], old: Sequence[Object]) -> Findings:
    present = [without(toleration, "tolerationSeconds") for toleration in new]
    if any(without(toleration, "tolerationSeconds") not in present for toleration in old):
        text = "existing toleration can not be modified except its tolerationSeconds"
        yield field_forbidden("spec.tolerations", text)
    else:
        yield from validate_tolerations(new, "spec.tolerations")


def _validate_fewer_gates(new: Sequence[Object], old: Sequence[Object]) -> Findings:
    before = {gate["name"] for gate in old}
    for index, gate in enumerate(new):
        if gate["name"] not in before:
            text = f"only deletion is allowed, but found new scheduling gate '{gate['name']}'"
            yield field_forbidden(f"spec.schedulingGates[{index}].name", text)


def _validate_nothing_else(spec: Object, old: Object) -> list[FieldError]:
    """With everything that may change put back, the spec is what it was."""
    found: list[FieldError] = []
    put_back: dict[str, Any] = {**spec}
    for name in _LISTS:
        if spec.get(name):
            pairs = zip(spec[name], old[name], strict=True)
            put_back[name] = [{**now, "image": then.get("image")} for now, then in pairs]
    for name in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        _restore(put_back, old, name)
    grace = old.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        _restore(put_back, old, "terminationGracePeriodSeconds")
    if old.get("schedulingGates"):
        found += _validate_gated(put_back, old)
    if put_back != old:
        text = f"pod updates may not change fields other than {','.join(UPDATABLE)}"
        found.append(field_forbidden("spec", f"{text}\n{difference('PodSpec', old, put_back)}"))
    return found


def _restore(spec: dict[str, Any], old: Object, name: str) -> None:
    spec.pop(name, None)
    if name in old:
        spec[name] = old[name]


def _validate_gated(spec: dict[str, Any], old: Object) -> list[FieldError]:
    """While a gate holds a pod back, where it may run can still be narrowed. Puts back what was allowed."""
    found: list[FieldError] = []
    selector, selector_before = spec.get("nodeSelector") or _NONE, old.get("nodeSelector") or _NONE
    if selector != selector_before:
        if any(selector.get(key) != value for key, value in selector_before.items()):
            text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            found.append(invalid_value("spec.nodeSelector", selector, text))
        _restore(spec, old, "nodeSelector")
    affinity, affinity_before = spec.get("affinity") or _NONE, old.get("affinity") or _NONE
    node, node_before = affinity.get("nodeAffinity") or _NONE, affinity_before.get("nodeAffinity") or _NONE
    if node != node_before:
        found += _validate_narrower(node, node_before)
        if {**affinity, "nodeAffinity": None} == {**affinity_before, "nodeAffinity": None}:
            _restore(spec, old, "affinity")
    return found


def _validate_narrower(new: Object, old: Object) -> Findings:
    path = "spec.affinity.nodeAffinity"
    if old.get(REQUIRED) is None:
        return
    at = f"{path}.{REQUIRED}"
    if new.get(REQUIRED) is None:
        yield invalid_value(at, new, "node affinity cannot be nil")
        return
    terms, before = (list(a[REQUIRED].get("nodeSelectorTerms") or ()) for a in (new, old))
    if len(terms) != len(before):
        text = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        yield invalid_value(f"{at}.nodeSelectorTerms", terms, text)
        return
    for index, (term, was) in enumerate(zip(terms, before, strict=True)):
        if not _is_superset(term, was):
            text = "only additions are allowed (no mutations or deletions)"
            yield invalid_value(f"{at}.nodeSelectorTerms[{index}]", term, text)


def _is_superset(term: Object, old: Object) -> bool:
    for name in ("matchExpressions", "matchFields"):
        now, before = list(term.get(name) or ()), list(old.get(name) or ())
        if now[: len(before)] != before:
            return False
    return bool(old.get("matchExpressions") or old.get("matchFields")) or term == old


def only_ephemeral_containers(new: Object, old: Object) -> Object:
    """The old pod with the ephemeral containers of the new one."""
    spec = without(old["spec"], "ephemeralContainers")
    containers = (new.get("spec") or _NONE).get("ephemeralContainers")
    return {**old, "spec": {**spec, "ephemeralContainers": containers} if containers else spec}


def validate_ephemeral_update(new: Object, old: Object) -> list[FieldError]:
    """Ephemeral containers come, and stay as they are."""
    if MIRROR_POD in annotations_of(old):
        return [field_forbidden("", "static pods do not support ephemeral containers")]
    return list(_validate_kept(new["spec"], old["spec"]))


def _validate_kept(spec: Object, old: Object) -> Findings:
    path = "spec.ephemeralContainers"
    containers = {container["name"]: container for container in spec.get("ephemeralContainers") or ()}
    for container in old.get("ephemeralContainers") or ():
        name = container["name"]
        if name not in containers:
            yield field_forbidden(path, f'existing ephemeral containers "{name}" may not be removed\n')
        elif containers[name] != container:
            changed = difference("EphemeralContainer", container, containers[name])
            yield field_forbidden(path, f'existing ephemeral containers "{name}" may not be changed\n{changed}')


def only_resources(new: Object, old: Object) -> Object:
    """The old pod with the resources of the new one and those, and the resize policies, of its containers."""
    spec, before = new.get("spec") or _NONE, old["spec"]
    changed: dict[str, Any] = {**before}
    for name in _LISTS:
        containers, were = spec.get(name) or (), before.get(name) or ()
        if [c.get("name") for c in containers] != [c.get("name") for c in were]:
            return {**new, "status": old.get("status") or {}}
        if were:
            changed[name] = [_resized(now, then) for now, then in zip(containers, were, strict=True)]
    _restore(changed, spec, "resources")
    return {**old, "spec": changed}


def _resized(container: Object, old: Object) -> Object:
    kept = without(old, "resources", "resizePolicy")
    return {**kept, **{k: container[k] for k in ("resources", "resizePolicy") if k in container}}


def validate_resize(new: Object, old: Object) -> list[FieldError]:
    """Only CPU and memory of containers and sidecars, within the pod's quality-of-service class."""
    if MIRROR_POD in annotations_of(old):
        return [field_forbidden("", "static pods cannot be resized")]
    if (old["spec"].get("os") or _NONE).get("name") == "windows":
        return [field_forbidden("", "windows pods cannot be resized")]
    return list(_validate_resize(new["spec"], old["spec"], supported=_can_be_resized(old)))


def _can_be_resized(pod: Object) -> bool:
    """Whether the kubelet knows how to: then it says which resources a running container has."""
    statuses = (pod.get("status") or _NONE).get("containerStatuses") or ()
    running = next((each for each in statuses if (each.get("state") or _NONE).get("running") is not None), _NONE)
    return not running or running.get("resources") is not None


def _validate_resize(spec: Object, old: Object, *, supported: bool) -> Findings:
    if qos_class(spec) != qos_class(old):
        yield invalid_value("spec", qos_class(old), "Pod QOS Class may not change as a result of resizing")
    if not supported:
        yield field_forbidden("spec", "Pod running on node without support for resize")
    for name in _LISTS:
        if [c.get("name") for c in spec.get(name) or ()] != [c.get("name") for c in old.get(name) or ()]:
            yield field_forbidden(f"spec.{name}", "pod updates may not add or remove containers")
            return
    if spec.get("resources") != old.get("resources"):
        yield from _validate_container_resize(spec, old, "spec.resources", "containers")
    for name in reversed(_LISTS):
        pairs = zip(spec.get(name) or (), old.get(name) or (), strict=True)
        for index, (container, was) in enumerate(pairs):
            path = f"spec.{name}[{index}].resources"
            if name == "containers" or was.get("restartPolicy") == "Always":
                yield from _validate_container_resize(container, was, path, name)
            elif container != was:
                yield field_forbidden("spec", "resources for non-sidecar init containers are immutable")


def _validate_container_resize(container: Object, old: Object, path: str, kind: str) -> Findings:
    after, before = container.get("resources") or _NONE, old.get("resources") or _NONE
    for name in ("requests", "limits"):
        if set(before.get(name) or ()) - set(after.get(name) or ()):
            yield field_forbidden(f"{path}.{name}", f"resource {name} cannot be removed")
    if _fixed(after) != _fixed(before):
        whose = "" if kind == "containers" else " for sidecar containers"
        yield field_forbidden("spec", f"only cpu and memory resources{whose} are mutable")


def _fixed(resources: Object) -> Object:
    """The part of a container's resources that cannot change in place."""
    amounts = {name: without(resources.get(name) or _NONE, *_RESIZABLE) for name in ("requests", "limits")}
    return {**amounts, "claims": resources.get("claims") or []}
