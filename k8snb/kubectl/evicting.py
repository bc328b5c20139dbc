"""What has to go before a node is empty, what stays, and what stands in the way.

Upstream: `kubectl/pkg/drain/filters.go`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from k8snb.errors import StatusError
from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.call import Call
from k8snb.kubectl.targets import Target, target_of
from k8snb.machinery.objects import controller_of
from k8snb.typing import Object

_DAEMON_SET = "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
_LOCAL = "cannot delete Pods with local storage (use --delete-emptydir-data to override)"
_UNMANAGED = "cannot delete cannot delete Pods that declare no controller (use --force to override)"
"""The real one says it twice, too."""
_MIRROR = "kubernetes.io/config.mirror"


@dataclass(slots=True)
class Plan:
    """The pods to evict; warnings and refusals each name the pods they are about."""

    pods: list[Target] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Verdict:
    goes: bool
    warning: str = ""
    refusal: str = ""


def plan(call: Call, node: str) -> Plan:
    """What draining a node means."""
    pods = resource_named(call.scheme, "pods")
    query = {"fieldSelector": f"spec.nodeName={node}", "limit": "500"}
    selector = call.flags.text("pod-selector")
    found = call.session.items(pods, "", {**query, "labelSelector": selector})
    planned = Plan()
    warnings: dict[str, list[str]] = {}
    refusals: dict[str, list[str]] = {}
    for pod in found:
        verdict = _verdict(call, pod)
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        if verdict.goes:
            planned.pods.append(target_of(pods, pod))
        if verdict.warning:
            warnings.setdefault(verdict.warning, []).append(name)
        if verdict.refusal:
            refusals.setdefault(verdict.refusal, []).append(name)
    planned.warnings = [f"{text}: {', '.join(names)}" for text, names in sorted(warnings.items())]
    planned.refusals = [f"{text}: {', '.join(names)}" for text, names in sorted(refusals.items())]
    return planned


def _verdict(call: Call, pod: Object) -> _Verdict:
    owner = controller_of(pod)
    finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    if not finished and owner is not None and owner["kind"] == "DaemonSet":
        return _of_daemon_set(call, pod, owner)
    if _MIRROR in (pod["metadata"].get("annotations") or {}):
        return _Verdict(goes=False)
    warning = ""
    if not finished and any("emptyDir" in volume for volume in pod["spec"].get("volumes") or ()):
        if not call.flags.on("delete-emptydir-data"):
            return _Verdict(goes=False, refusal=_LOCAL)
        warning = "deleting Pods with local storage"
    if finished or owner is not None:
        return _Verdict(goes=True, warning=warning if owner is None else "")
    if not call.flags.on("force"):
        return _Verdict(goes=False, refusal=_UNMANAGED)
    return _Verdict(goes=True, warning="deleting Pods that declare no controller")


def _of_daemon_set(call: Call, pod: Object, owner: Object) -> _Verdict:
    sets = resource_named(call.scheme, "daemonsets.apps")
    try:
        call.session.get(Target(sets, pod["metadata"]["namespace"], owner["name"]))
    except StatusError as error:
        if error.code == 404 and call.flags.on("force"):
            return _Verdict(goes=True, warning=error.message)
        return _Verdict(goes=False, refusal=f"cannot delete {error.message}")
    if not call.flags.on("ignore-daemonsets"):
        return _Verdict(goes=False, refusal=_DAEMON_SET)
    return _Verdict(goes=False, warning="ignoring DaemonSet-managed Pods")
