"""RuntimeClass: a pod that names a runtime takes over what that costs and where it runs.

Upstream: `plugin/pkg/admission/runtimeclass`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, denied, refused
from k8snb.machinery.amounts import same
from k8snb.typing import Object

CLASSES = "runtimeclasses.node.k8s.io"
_MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
_UNEXPECTED = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
_NONE: Mapping[str, Any] = {}


class RuntimeClass(Plugin):
    """Upstream: `RuntimeClass`."""

    name = "RuntimeClass"
    resources = ("pods",)

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        pod = attributes.object
        assert pod is not None
        name = pod["spec"].get("runtimeClassName")
        if not name:
            return None
        found = reader.get(CLASSES, "", name)
        if found is None:
            raise refused(attributes, f'pod rejected: RuntimeClass "{name}" not found')
        spec = _with_overhead(attributes, pod["spec"], found)
        spec = _with_scheduling(attributes, spec, found.get("scheduling") or _NONE)
        return {**pod, "spec": spec}

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        spec = (attributes.object or _NONE)["spec"]
        name, given = spec.get("runtimeClassName"), spec.get("overhead") or _NONE
        if not name and not given:
            return
        expected = _overhead((reader.get(CLASSES, "", name) or _NONE) if name else _NONE)
        if expected is None:
            if given:
                raise denied(attributes, _UNEXPECTED)
        elif not same(given, expected):
            raise denied(attributes, _MISMATCH)


def _overhead(runtime_class: Object) -> Mapping[str, str] | None:
    overhead = runtime_class.get("overhead")
    return None if overhead is None else overhead.get("podFixed") or {}


def _with_overhead(attributes: Attributes, spec: Object, runtime_class: Object) -> Object:
    overhead, given = _overhead(runtime_class), spec.get("overhead")
    if overhead is None:
        return spec
    if given and not same(given, overhead):
        raise refused(attributes, _MISMATCH)
    return {**spec, "overhead": overhead}


def _with_scheduling(attributes: Attributes, spec: Object, scheduling: Object) -> Object:
    wanted, given = scheduling.get("nodeSelector") or _NONE, spec.get("nodeSelector") or _NONE
    for key in sorted(wanted):
        if given.get(key, wanted[key]) != wanted[key]:
            told = f"runtimeClass.scheduling.nodeSelector[{key}] = {wanted[key]}"
            raise refused(attributes, f"conflict: {told}; pod.spec.nodeSelector[{key}] = {given[key]}")
    changed = dict(spec)
    if wanted:
        changed["nodeSelector"] = {**given, **wanted}
    if scheduling.get("tolerations"):
        changed["tolerations"] = _together([*(spec.get("tolerations") or ()), *scheduling["tolerations"]])
    return changed


def _together(tolerations: Sequence[Object]) -> list[Object]:
    result: list[Object] = []
    for each in tolerations:
        if each not in result:
            result.append(each)
    return result
