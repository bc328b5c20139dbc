"""Claims that are written inside a pod's volume.

Upstream: `ValidatePersistentVolumeClaimTemplate` in `pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.apiserver.registry.storage_core import validate_claim_spec
from k8snb.errors import FieldError, field_forbidden
from k8snb.machinery.validation import validate_annotations, validate_labels
from k8snb.typing import Object

Findings = Iterator[FieldError]


def validate_claim_template(template: Object, path: str) -> Findings:
    """Metadata of labels and annotations only, and the spec of the claim."""
    meta = template.get("metadata") or {}
    yield from validate_annotations(meta.get("annotations") or {}, f"{path}.metadata.annotations")
    yield from validate_labels(meta.get("labels") or {}, f"{path}.metadata.labels")
    for name in meta:
        if name not in ("annotations", "labels") and meta[name]:
            yield field_forbidden(f"{path}.metadata.{name}", "cannot be set")
    yield from validate_claim_spec(f"{path}.spec", template.get("spec") or {})
