"""The checks of the level *restricted*: what a pod has to say to be hardened by today's best practice.

Upstream: `pod-security-admission/policy/check_*.go`, the checks with `LevelRestricted`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.machinery.podsecurity.baseline import added, seccomp
from k8snb.machinery.podsecurity.findings import (
    Check,
    Finding,
    containers,
    context,
    named,
    names_where,
    plural,
    quoted,
    setters,
    uses,
)
from k8snb.typing import Object

_NONE: Mapping[str, Any] = {}
_ALLOWED_CAPABILITY = "NET_BIND_SERVICE"
_VOLUMES = frozenset(
    [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ]
)
_OTHER_VOLUMES = frozenset(
    [
        "hostPath",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "gitRepo",
        "nfs",
        "iscsi",
        "glusterfs",
        "rbd",
        "flexVolume",
        "cinder",
        "cephfs",
        "flocker",
        "fc",
        "azureFile",
        "vsphereVolume",
        "quobyte",
        "azureDisk",
        "photonPersistentDisk",
        "portworxVolume",
        "scaleIO",
        "storageos",
    ]
)


def unless_windows(check: Check) -> Check:
    """The check, but for pods that say they are for Windows."""
    return lambda meta, spec: None if (spec.get("os") or _NONE).get("name") == "windows" else check(meta, spec)


def privilege_escalation(meta: Object, spec: Object) -> Finding | None:
    """Every container says that it gains no privileges."""
    bad = names_where(spec, lambda container: context(container).get("allowPrivilegeEscalation") is not False)
    told = f"{named(bad)} must set securityContext.allowPrivilegeEscalation=false"
    return Finding("allowPrivilegeEscalation != false", told) if bad else None


def capabilities(meta: Object, spec: Object) -> Finding | None:
    """Every container drops all capabilities and takes back at most one."""
    keeping = names_where(spec, lambda container: "ALL" not in _dropped(container))
    adding = names_where(spec, lambda container: set(added(container)) - {_ALLOWED_CAPABILITY})
    told = []
    if keeping:
        told.append(f'{named(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        extra = sorted({name for each in containers(spec) for name in added(each)} - {_ALLOWED_CAPABILITY})
        told.append(f"{named(adding)} must not include {quoted(extra)} in securityContext.capabilities.add")
    return Finding("unrestricted capabilities", "; ".join(told)) if told else None


def _dropped(container: Object) -> list[str]:
    return (context(container).get("capabilities") or _NONE).get("drop") or []


def volumes(meta: Object, spec: Object) -> Finding | None:
    """Only volumes that come from the API or through a claim."""
    bad = [each for each in spec.get("volumes") or () if not any(each.get(type) is not None for type in _VOLUMES)]
    if not bad:
        return None
    names = [each["name"] for each in bad]
    types = sorted({next((type for type in sorted(_OTHER_VOLUMES) if type in each), "unknown") for each in bad})
    told = f"{uses(names)} {plural('restricted volume type', types)} {quoted(types)}"
    return Finding("restricted volume types", f"{plural('volume', names)} {quoted(names)} {told}")


def run_as_non_root(meta: Object, spec: Object) -> Finding | None:
    """The pod, or every container, says that it does not run as root."""
    reason = "runAsNonRoot != true"
    pod = context(spec).get("runAsNonRoot")
    who = setters(pod is False, names_where(spec, lambda each: context(each).get("runAsNonRoot") is False))
    if who:
        return Finding(reason, f"{who} must not set securityContext.runAsNonRoot=false")
    silent = [] if pod else names_where(spec, lambda each: context(each).get("runAsNonRoot") is None)
    return Finding(reason, f"pod or {named(silent)} must set securityContext.runAsNonRoot=true") if silent else None


def run_as_user(meta: Object, spec: Object) -> Finding | None:
    """Nobody says that it runs as root."""
    bad = names_where(spec, lambda container: context(container).get("runAsUser") == 0)
    who = setters(context(spec).get("runAsUser") == 0, bad)
    return Finding("runAsUser=0", f"{who} must not set runAsUser=0") if who else None


def seccomp_profile(meta: Object, spec: Object) -> Finding | None:
    """The pod, or every container, says which profile confines it."""
    found = seccomp(meta, spec)
    if found is not None or context(spec).get("seccompProfile") is not None:
        return found
    silent = names_where(spec, lambda container: context(container).get("seccompProfile") is None)
    told = f'pod or {named(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Finding("seccompProfile", told) if silent else None
