"""Kernel parameters of a pod (`securityContext.sysctls`): which the kubelet lets it set, and where they are read.

Only parameters that the kernel keeps apart for every pod, and that can harm nobody else, are safe; a pod that asks for
another is rejected before it starts. Upstream: `pkg/kubelet/sysctl`.
"""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.machinery.podsecurity.baseline import SYSCTLS_1_32
from k8snb.typing import Object

SAFE = SYSCTLS_1_32


def asked(spec: Object) -> Mapping[str, str]:
    """The parameters that a pod sets."""
    context = spec.get("securityContext")
    given = context.get("sysctls") if context else None
    return {each["name"].replace("/", "."): each["value"] for each in given} if given else {}


def refusal(name: str) -> tuple[str, str]:
    """Why a pod that asks for a parameter is rejected: the reason and the message."""
    return "SysctlForbidden", f'forbidden sysctl: "{name}" not allowlisted'


def files(spec: Object) -> Mapping[str, str]:
    """The parameters as files below `/proc/sys`, by their path from the root."""
    return {f"proc/sys/{name.replace('.', '/')}": f"{value}\n" for name, value in asked(spec).items()}
