"""Debugging profiles: how much a debugging container may see and do. Upstream: `kubectl/pkg/cmd/debug/profiles.go`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k8snb.typing import Object

_HOST_ROOT = {"name": "host-root", "hostPath": {"path": "/"}}
_MOUNT = {"name": "host-root", "mountPath": "/host"}
_TRACE = {"capabilities": {"add": ["SYS_PTRACE"]}}
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_HOST = {"hostNetwork": True, "hostPID": True, "hostIPC": True}


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile adds: to the container in a pod, to the one on a node, and to the pod on a node."""

    security: Mapping[str, Any] = field(default_factory=dict)
    node_security: Mapping[str, Any] = field(default_factory=dict)
    host: Mapping[str, Any] = field(default_factory=dict)
    root: bool = False
    shared: bool = False

    def container(self, container: Object) -> Object:
        """A debugging container in a pod."""
        return {**container, "securityContext": self.security} if self.security else container

    def pod(self, spec: Object) -> Object:
        """The copy of a pod."""
        return {**spec, "shareProcessNamespace": True} if self.shared else spec

    def node(self, spec: Object) -> Object:
        """The pod that looks at a node."""
        (container,) = spec["containers"]
        if self.node_security:
            container = {**container, "securityContext": self.node_security}
        if self.root:
            container = {**container, "volumeMounts": [_MOUNT]}
            spec = {**spec, "volumes": [_HOST_ROOT]}
        return {**spec, **self.host, "containers": [container]}


PROFILES: Mapping[str, Profile] = {
    "legacy": Profile(host=_HOST, root=True),
    "general": Profile(security=_TRACE, host=_HOST, root=True, shared=True),
    "baseline": Profile(shared=True),
    "restricted": Profile(security=_RESTRICTED, node_security=_RESTRICTED, shared=True),
    "netadmin": Profile(
        security={"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}},
        node_security={"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}},
        host={"hostNetwork": True, "hostPID": True, "hostIPC": True},
        shared=True,
    ),
    "sysadmin": Profile(
        security={"privileged": True}, node_security={"privileged": True}, host=_HOST, root=True, shared=True
    ),
}
"""By the name that `--profile` takes."""
