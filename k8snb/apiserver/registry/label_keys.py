"""`matchLabelKeys`: the pod's own label values, written into the selectors that ask for them.

A term says "pods with the same value of this label as mine"; when the pod is made, that becomes an
expression in the term's selector. Upstream: `mutatePodAffinity` and `mutateTopologySpreadConstraints` in
`pkg/registry/core/pod/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from k8snb.apiserver.registry.filling import within, within_each
from k8snb.apiserver.registry.placement import PREFERRED, REQUIRED
from k8snb.typing import Object

Labels = Mapping[str, str]


def with_label_keys(spec: Object, labels: Labels) -> Object:
    """A pod's spec with its label keys resolved; the same object where there are none."""
    if spec.get("topologySpreadConstraints"):
        spec = within_each(spec, "topologySpreadConstraints", partial(_resolved, labels=labels))
    if spec.get("affinity"):
        spec = within(spec, "affinity", partial(_resolved_affinity, labels=labels))
    return spec


def _resolved_affinity(affinity: Object, labels: Labels) -> Object:
    for kind in ("podAffinity", "podAntiAffinity"):
        affinity = within(affinity, kind, partial(_resolved_terms, labels=labels))
    return affinity


def _resolved_terms(affinity: Object, labels: Labels) -> Object:
    resolve = partial(_resolved, labels=labels)
    affinity = within_each(affinity, PREFERRED, lambda term: within(term, "podAffinityTerm", resolve))
    return within_each(affinity, REQUIRED, resolve)


def _resolved(term: Object, labels: Labels) -> Object:
    selector = term.get("labelSelector")
    if selector is None:
        return term
    added = [
        *_expressions(term.get("matchLabelKeys") or (), "In", labels),
        *_expressions(term.get("mismatchLabelKeys") or (), "NotIn", labels),
    ]
    if not added:
        return term
    expressions = [*(selector.get("matchExpressions") or ()), *added]
    return {**term, "labelSelector": {**selector, "matchExpressions": expressions}}


def _expressions(keys: Sequence[str], operator: str, labels: Labels) -> list[Object]:
    return [{"key": key, "operator": operator, "values": [labels[key]]} for key in keys if key in labels]
