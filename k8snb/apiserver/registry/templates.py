"""Pod templates, alone and inside a workload.

A workload's template must carry the labels that the workload selects by, and its pods must always be
restarted. Upstream: `ValidatePodTemplateSpec` in `pkg/apis/core/validation/validation.go` and
`ValidatePodTemplateSpecForReplicaSet` in `pkg/apis/apps/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.apiserver.registry.pod_validation import validate_annotations as validate_pod_annotations
from k8snb.apiserver.registry.pod_validation import validate_spec
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import selectors
from k8snb.machinery.validation import validate_annotations, validate_label_selector, validate_labels
from k8snb.typing import Object

Findings = Iterator[FieldError]

MISMATCH = "`selector` does not match template `labels`"


def validate_template(template: Object, path: str) -> Findings:
    """A `PodTemplateSpec`."""
    meta, spec = template.get("metadata") or {}, template.get("spec") or {}
    annotations = meta.get("annotations") or {}
    yield from validate_labels(meta.get("labels") or {}, f"{path}.labels")
    yield from validate_annotations(annotations, f"{path}.annotations")
    yield from validate_pod_annotations(annotations, spec, f"{path}.annotations")
    yield from validate_spec(spec, f"{path}.spec")
    if spec.get("ephemeralContainers"):
        text = "ephemeral containers not allowed in pod template"
        yield field_forbidden(f"{path}.spec.ephemeralContainers", text)


def validate_always_restarting(template: Object, path: str, kind: str) -> Findings:
    """What a template must say so that a controller can keep its pods running."""
    spec = template.get("spec") or {}
    policy = spec.get("restartPolicy") or ""
    if policy != "Always":
        yield not_supported(f"{path}.spec.restartPolicy", policy, ("Always",))
    if spec.get("activeDeadlineSeconds") is not None:
        text = f"activeDeadlineSeconds in {kind} is not Supported"
        yield field_forbidden(f"{path}.spec.activeDeadlineSeconds", text)


def validate_selector(selector: Object | None, path: str, kind: str) -> Findings:
    """The required selector of a workload; `kind` is how the message about an empty one names the workload."""
    if selector is None:
        yield required(path)
        return
    yield from validate_label_selector(selector, path)
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid_value(path, selector, f"empty selector is invalid for {kind}")


def validate_match(selector: Object | None, template: Object, path: str) -> Findings:
    """The template's labels are among those that the workload selects. Raises `SelectorError`."""
    labels = (template.get("metadata") or {}).get("labels")
    compiled = selectors.of_object(selector)
    if not compiled.empty and not compiled.matches(labels or {}):
        yield invalid_value(f"{path}.metadata.labels", labels, MISMATCH)


def validate_matched_template(spec: Object, path: str, kind: str) -> Findings:
    """Selector against template, then the template; an unreadable selector is reported in the template's place."""
    selector, template = spec.get("selector"), spec.get("template") or {}
    try:
        selectors.of_object(selector)
    except selectors.SelectorError:
        yield invalid_value(f"{path}.selector", selector, "invalid label selector")
        return
    at = f"{path}.template"
    yield from validate_match(selector, template, at)
    yield from validate_template(template, at)
    yield from validate_always_restarting(template, at, kind)
