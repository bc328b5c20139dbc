"""Names of what containers ask for and nodes have: Kubernetes' own, and those of resources that somebody else counts.

Upstream: `IsNativeResource` and `IsExtendedResourceName` in `pkg/apis/core/v1/helper/helpers.go`.
"""

from __future__ import annotations

from k8snb.machinery import formats


def is_native(name: str) -> bool:
    """No prefix, or one of Kubernetes' own."""
    return "/" not in name or "kubernetes.io/" in name


def is_extended(name: str) -> bool:
    """A resource that somebody else counts, such as `nvidia.com/gpu`."""
    if is_native(name) or name.startswith("requests."):
        return False
    return not formats.qualified_name(f"requests.{name}")
