"""PodSecurity: pods of a namespace keep to the standard that its labels name.

`enforce` refuses pods; `warn` sends a warning back, also to whoever writes a template from which pods will be made;
`audit` goes to the audit log, which also says what was enforced. A namespace whose standard becomes stricter keeps its
pods: who changes the label is told which of them break it. A namespace without such labels costs one look at them.
Upstream: `plugin/pkg/admission/security/podsecurity`, `pod-security-admission/admission`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, denied
from k8snb.errors import invalid
from k8snb.machinery.objects import controller_of, labels_of
from k8snb.machinery.podsecurity.levels import FREE, Level, policy_of
from k8snb.machinery.podsecurity.standards import findings, violation
from k8snb.typing import Object

MOST_PODS = 3000
"""How many pods of a namespace are looked at when its standard changes."""

_SECCOMP = "container.seccomp.security.alpha.kubernetes.io/"
_AUDIT = "pod-security.kubernetes.io/"
_NONE: Mapping[str, Any] = {}
_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "replicationcontrollers": ("spec", "template"),
    "podtemplates": ("template",),
    "replicasets.apps": ("spec", "template"),
    "deployments.apps": ("spec", "template"),
    "statefulsets.apps": ("spec", "template"),
    "daemonsets.apps": ("spec", "template"),
    "jobs.batch": ("spec", "template"),
    "cronjobs.batch": ("spec", "jobTemplate", "spec", "template"),
}
"""Where objects that make pods keep their template."""


class PodSecurity(Plugin):
    """Upstream: `PodSecurity`."""

    name = "PodSecurity"
    resources = ("namespaces", "pods", "pods/ephemeralcontainers", "pods/resize", *_TEMPLATES)
    operations = ("CREATE", "UPDATE")

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        new = attributes.object
        assert new is not None
        if attributes.resource.plural == "namespaces":
            _check_namespace(attributes, new, reader)
            return
        namespace = reader.get("namespaces", "", attributes.namespace)
        policy, _ = policy_of(labels_of(namespace) if namespace is not None else _NONE)
        is_pod = attributes.resource.plural == "pods"
        if is_pod and attributes.old is not None and policy != FREE and not _is_significant(new, attributes.old):
            return
        if is_pod and attributes.notes is not None:
            attributes.annotate(f"{_AUDIT}enforce-policy", str(policy.enforce))
        if policy == FREE:
            return
        _note(policy.audit, new if is_pod else _template(attributes.resource.group_resource, new), attributes)
        if is_pod:
            told = violation(policy.enforce, new["metadata"], new["spec"])
            if told:
                raise denied(attributes, f"violates {told}")
            _warn(policy.warn, new, reader)
            return
        template = _template(attributes.resource.group_resource, new)
        if template is not None:
            _warn(policy.warn, template, reader)


def _note(level: Level, pod: Object | None, attributes: Attributes) -> None:
    """Say in the audit log what breaks the standard that is only to be noted."""
    if attributes.notes is None or pod is None:
        return
    told = violation(level, pod.get("metadata") or _NONE, pod.get("spec") or _NONE)
    if told:
        attributes.annotate(f"{_AUDIT}audit-violations", f"would violate {told}")


def _warn(level: Level, pod: Object, reader: Reader) -> None:
    told = violation(level, pod.get("metadata") or _NONE, pod.get("spec") or _NONE)
    if told:
        reader.warn(f"would violate {told}")


def _template(word: str, obj: Object) -> Object | None:
    found: Any = obj
    for part in _TEMPLATES[word]:
        found = (found or _NONE).get(part)
    return found or None


def _is_significant(new: Object, old: Object) -> bool:
    """Whether an update of a pod changes anything that a standard is about: images, and debug containers."""
    for field in ("containers", "initContainers", "ephemeralContainers"):
        now, then = new["spec"].get(field) or (), old["spec"].get(field) or ()
        before = {each["name"]: each for each in then}
        if field != "ephemeralContainers" and len(now) != len(then):
            return True
        if any(_has_changed(each, before.get(each["name"]), new, old) for each in now):
            return True
    return False


def _has_changed(container: Object, before: Object | None, new: Object, old: Object) -> bool:
    if before is None or container.get("image") != before.get("image"):
        return True
    key = _SECCOMP + container["name"]
    now, then = ((pod["metadata"].get("annotations") or _NONE).get(key) for pod in (new, old))
    return now != then


# -- namespaces --------------------------------------------------------------------------------------


def _check_namespace(attributes: Attributes, new: Object, reader: Reader) -> None:
    """Labels that can be read; and a warning for the pods that are there already."""
    policy, errors = policy_of(labels_of(new))
    before, errors_before = policy_of(labels_of(attributes.old)) if attributes.old is not None else (FREE, [])
    if errors and errors != errors_before:
        raise invalid(attributes.resource, attributes.name, errors)
    if attributes.old is None or policy.enforce == before.enforce or policy.enforce.level == "privileged":
        return
    same_version = policy.enforce.version == before.enforce.version
    if same_version and policy.enforce.strictness <= before.enforce.strictness:
        return
    name = new["metadata"]["name"]
    for text in _pod_warnings(name, policy.enforce, reader.list("pods", name)):
        reader.warn(text)


def _pod_warnings(namespace: str, level: Level, pods: Iterable[Object]) -> list[str]:
    """Which pods break the new standard, those with the same findings together."""
    chosen = _one_of_each_first(pods)
    first: dict[str, str] = {}
    count: Counter[str] = Counter()
    for pod in chosen[:MOST_PODS]:
        text = ", ".join(each.reason for each in findings(level, pod["metadata"], pod["spec"]))
        if text:
            name = pod["metadata"]["name"]
            first[text] = min(name, first.get(text, name))
            count[text] += 1
    warnings = []
    if len(chosen) > MOST_PODS:
        told = f"checked against the first {MOST_PODS} of {len(chosen)} existing pods"
        warnings.append(f"new PodSecurity enforce level only {told}")
    if count:
        told = f'violate the new PodSecurity enforce level "{level}"'
        warnings.append(f'existing pods in namespace "{namespace}" {told}')
    return warnings + sorted(f"{first[text]}{_others(count[text] - 1)}: {text}" for text in count)


def _one_of_each_first(pods: Iterable[Object]) -> list[Object]:
    seen: set[str] = set()
    ahead: list[Object] = []
    behind: list[Object] = []
    for pod in pods:
        owner = controller_of(pod)
        (behind if owner is not None and owner["uid"] in seen else ahead).append(pod)
        if owner is not None:
            seen.add(owner["uid"])
    return ahead + behind


def _others(count: int) -> str:
    return f" (and {count} other {'pod' if count == 1 else 'pods'})" if count else ""
