"""Priority: turns the name of a priority class into the number that the scheduler compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, refused
from k8snb.typing import Object

CLASSES = "priorityclasses.scheduling.k8s.io"
_CLASS_PLURAL = "priorityclasses"
_NO_CLASS: Object = {"value": 0, "preemptionPolicy": "PreemptLowerPriority"}
_NONE: Mapping[str, Any] = {}


class Priority(Plugin):
    """Upstream: `plugin/pkg/admission/priority`."""

    name = "Priority"
    resources = ("pods", CLASSES)
    operations = ("CREATE", "UPDATE")

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        pod = attributes.object
        if attributes.resource.plural != "pods" or pod is None:
            return None
        if attributes.operation == "UPDATE":
            return _kept(pod, attributes.old or _NONE)
        spec = pod.get("spec") or _NONE
        found = _class_of(attributes, spec, reader)
        value, policy = found.get("value", 0), found.get("preemptionPolicy")
        _check(attributes, spec, value, policy)
        changed: dict[str, Any] = {**spec, "priority": value}
        if "metadata" in found:
            changed["priorityClassName"] = found["metadata"]["name"]
        if policy:
            changed["preemptionPolicy"] = policy
        return {**pod, "spec": changed}

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        """Only one class may be the default."""
        new = attributes.object
        if attributes.resource.plural != _CLASS_PLURAL or new is None or not new.get("globalDefault"):
            return
        default = default_class(reader)
        if default is not None and (attributes.operation == "CREATE" or default["metadata"]["name"] != attributes.name):
            why = f"PriorityClass {default['metadata']['name']} is already marked as globalDefault."
            raise refused(attributes, f"{why} Only one default can exist")


def default_class(reader: Reader) -> Object | None:
    """The class of pods that name none; of several the least."""
    marked = [found for found in reader.list(CLASSES, "") if found.get("globalDefault")]
    return min(marked, key=lambda found: int(found.get("value", 0)), default=None)


def _class_of(attributes: Attributes, spec: Object, reader: Reader) -> Object:
    name = spec.get("priorityClassName")
    if not name:
        return default_class(reader) or _NO_CLASS
    found = reader.get(CLASSES, "", name)
    if found is None:
        raise refused(attributes, f"no PriorityClass with name {name} was found")
    return found


def _check(attributes: Attributes, spec: Object, value: int, policy: str | None) -> None:
    told = "must not be provided in pod spec; priority admission controller computed"
    given = spec.get("priority")
    if given is not None and given != value:
        why = f"the integer value of priority ({given}) {told} {value} from the given PriorityClass name"
        raise refused(attributes, why)
    given = spec.get("preemptionPolicy")
    if policy and given and given != policy:
        why = f"the string value of PreemptionPolicy ({given}) {told} {policy} from the given PriorityClass name"
        raise refused(attributes, why)


def _kept(pod: Object, old: Object) -> Object | None:
    """An update that leaves out what admission filled in on creation keeps it."""
    spec, before = pod.get("spec") or _NONE, old.get("spec") or _NONE
    names = ("priority", "preemptionPolicy")
    missing = {name: before[name] for name in names if spec.get(name) is None and before.get(name) is not None}
    return {**pod, "spec": {**spec, **missing}} if missing else None
