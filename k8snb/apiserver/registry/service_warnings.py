"""Advice about Services: fields that have no effect together, and those that are on their way out.

Upstream: `pkg/api/service/warnings.go`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.apiserver.registry.service_rules import is_headless
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object

_HINTS = "service.kubernetes.io/topology-aware-hints"
_MODE = "service.kubernetes.io/topology-mode"


def service_warnings(service: Object) -> list[str]:
    """What goes back as `Warning` headers when a Service is written."""
    return [*_annotations(service), *_ignored(service["spec"]), *_deprecated(service["spec"])]


def _annotations(service: Object) -> Iterator[str]:
    if _HINTS in annotations_of(service):
        yield f"annotation {_HINTS} is deprecated, please use {_MODE} instead"


def _ignored(spec: Object) -> Iterator[str]:
    if spec["type"] == "ClusterIP" and is_headless(spec):
        if spec.get("loadBalancerIP"):
            yield "spec.loadBalancerIP is ignored for headless services"
        if spec.get("externalIPs"):
            yield "spec.externalIPs is ignored for headless services"
        if spec.get("sessionAffinity") != "None":
            yield "spec.SessionAffinity is ignored for headless services"
    if spec["type"] == "ExternalName" and spec.get("externalIPs"):
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
    if spec["type"] != "ExternalName" and spec.get("externalName"):
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'


def _deprecated(spec: Object) -> Iterator[str]:
    if spec.get("externalIPs") and spec["type"] != "ExternalName" and not is_headless(spec):
        yield "spec.externalIPs is deprecated"
    if spec.get("trafficDistribution") == "PreferClose":
        yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'
