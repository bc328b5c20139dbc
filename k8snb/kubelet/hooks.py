"""Lifecycle hooks: a command, a request or a pause after a container's start or before its stop.

Upstream: `pkg/kubelet/lifecycle/handlers.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from k8snb.kubelet.prober import port_number
from k8snb.kubelet.runtime import RuntimeRefused
from k8snb.packet import HTTPRequest, NetworkError
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.container import ContainerUnit


class Outcome(NamedTuple):
    """Whether a hook failed, and how long it took."""

    failed: bool
    seconds: float = 0.0


def run(hook: Object, unit: ContainerUnit) -> Outcome:
    """Run a hook of a container."""
    if "exec" in hook:
        return _exec(hook["exec"], unit)
    if "httpGet" in hook:
        return _http(hook["httpGet"], unit)
    return Outcome(False, float(hook.get("sleep", {}).get("seconds", 0)))


def _exec(action: Object, unit: ContainerUnit) -> Outcome:
    assert unit.container is not None
    try:
        result = unit.host.runtime.exec_sync(unit.container, action.get("command") or (), "", 3600.0)
    except RuntimeRefused:
        return Outcome(True)
    return Outcome(result.exit_code != 0, result.seconds)


def _http(action: Object, unit: ContainerUnit) -> Outcome:
    host = action.get("host") or unit.worker.ip
    path = action.get("path") or "/"
    port = port_number(action.get("port"), unit.plan.spec)
    request = HTTPRequest("GET", host, port, path, {"user-agent": "kube-lifecycle/1.36"}, source=unit.host.address)
    try:
        response = unit.host.network.request(request)
    except NetworkError:
        return Outcome(True)
    return Outcome(response.status >= 400, response.seconds)
