"""What policies write into the audit log: failures that a binding wants noted, and annotations that a policy works out.

An annotation is named after its policy. What several bindings say of one key stands side by side, each value once.
Upstream: `apiserver/pkg/admission/plugin/policy/validating/dispatcher.go` and `validator.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from k8snb.apiserver.admission.environments import policy_environment
from k8snb.apiserver.admission.plugin import Attributes
from k8snb.machinery.cel import EvaluationError, Program
from k8snb.machinery.cel.meter import PER_OBJECT, Budget
from k8snb.typing import Object

FAILURE = "validation.policy.admission.k8s.io/validation_failure"
_LONGEST = 10 * 1024

Annotations = Sequence[tuple[str, Program]]
"""The keys of a policy's annotations, each with what works its value out."""


def annotations_of(spec: Object) -> Annotations:
    """The annotations of a policy, compiled."""
    environment = policy_environment(spec)
    found = spec.get("auditAnnotations") or ()
    return tuple((each["key"], environment.compile(each["valueExpression"])) for each in found)


def note_failure(attributes: Attributes, binding: Object, index: int, message: str) -> None:
    """Note that a validation (the one at this index) does not hold."""
    if attributes.notes is None:
        return
    spec = binding["spec"]
    told = {
        "message": message,
        "policy": spec["policyName"],
        "binding": binding["metadata"]["name"],
        "expressionIndex": index,
        "validationActions": list(spec.get("validationActions") or ()),
    }
    attributes.annotate(FAILURE, orjson.dumps([told]).decode())


class Collected:
    """The annotations that a policy comes to, over all of its bindings."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}

    def work_out(self, annotations: Annotations, values: Mapping[str, Any]) -> Iterator[str]:
        """Work out the annotations for these values; gives what went wrong, sentence by sentence."""
        for key, program in annotations:
            try:
                found = program(values, Budget(PER_OBJECT))
            except EvaluationError as error:
                yield f"expression '{program.source}' resulted in error: {error}"
                continue
            text = found.strip()[:_LONGEST] if isinstance(found, str) else ""
            if text and text not in self._values.setdefault(key, []):
                self._values[key].append(text)

    def publish(self, policy: str, attributes: Attributes) -> None:
        """Write them into the audit event."""
        for key, values in self._values.items():
            if values:
                attributes.annotate(f"{policy}/{key}", ", ".join(values))
