"""The checks of the level *baseline*: no known way out of the container.

Upstream: `pod-security-admission/policy/check_*.go`, the checks with `LevelBaseline`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

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
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
CONFINED = ("RuntimeDefault", "Localhost")
"""The profiles of AppArmor and seccomp that confine a container."""

_CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
SELINUX_1_0 = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
SELINUX_1_31 = SELINUX_1_0 | {"container_engine_t"}
SYSCTLS_1_0 = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_syncookies",
    }
)
SYSCTLS_1_27 = SYSCTLS_1_0 | {"net.ipv4.ip_local_reserved_ports"}
SYSCTLS_1_29 = SYSCTLS_1_27 | {
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
}
SYSCTLS_1_32 = SYSCTLS_1_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}


def app_armor(meta: Object, spec: Object) -> Finding | None:
    """A profile that confines, in the field or in the old annotation."""
    pod_type, bad, types = _types(spec, "appArmorProfile")
    annotations = meta.get("annotations") or _NONE
    told = sorted(
        f'{key}="{value}"'
        for key, value in annotations.items()
        if key.startswith(_APPARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/")
    )
    who = setters(pod_type, bad)
    if told:
        who = " and ".join(part for part in (who, plural("annotation", told)) if part)
    values = [*types, *told]
    if not who:
        return None
    reason = plural("forbidden AppArmor profile", values)
    return Finding(reason, f"{who} must not set AppArmor profile type to {quoted(values)}")


def _types(spec: Object, field: str) -> tuple[bool, list[str], list[str]]:
    """Who sets a profile that does not confine: the pod, which containers; and to what."""
    pod = _unconfined(spec, field)
    bad = names_where(spec, lambda container: _unconfined(container, field) is not None)
    types = {type for type in (pod, *(_unconfined(each, field) for each in containers(spec))) if type is not None}
    return pod is not None, bad, sorted(types)


def _unconfined(part: Object, field: str) -> str | None:
    profile = context(part).get(field)
    type = (profile or _NONE).get("type", "")
    return None if profile is None or type in CONFINED else str(type)


def capabilities(meta: Object, spec: Object) -> Finding | None:
    """No capability but those that every container has."""
    bad = names_where(spec, lambda container: set(added(container)) - _CAPABILITIES)
    if not bad:
        return None
    extra = sorted({name for each in containers(spec) for name in added(each)} - _CAPABILITIES)
    told = f"{named(bad)} must not include {quoted(extra)} in securityContext.capabilities.add"
    return Finding("non-default capabilities", told)


def added(container: Object) -> list[str]:
    """The capabilities that a container asks for."""
    return (context(container).get("capabilities") or _NONE).get("add") or []


def host_namespaces(meta: Object, spec: Object) -> Finding | None:
    """None of the node's namespaces."""
    shared = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return Finding("host namespaces", ", ".join(shared)) if shared else None


def host_path_volumes(meta: Object, spec: Object) -> Finding | None:
    """None of the node's directories."""
    volumes = [each["name"] for each in spec.get("volumes") or () if each.get("hostPath") is not None]
    return Finding("hostPath volumes", f"{plural('volume', volumes)} {quoted(volumes)}") if volumes else None


def host_ports(meta: Object, spec: Object) -> Finding | None:
    """None of the node's ports."""
    bad = names_where(spec, _ports)
    ports = sorted({str(port) for each in containers(spec) for port in _ports(each)})
    if not bad:
        return None
    return Finding("hostPort", f"{named(bad)} {uses(bad)} {plural('hostPort', ports)} {', '.join(ports)}")


def _ports(container: Object) -> list[int]:
    return [port["hostPort"] for port in container.get("ports") or () if port.get("hostPort")]


def probe_hosts(meta: Object, spec: Object) -> Finding | None:
    """Probes and hooks ask the pod and nobody else."""
    bad = sorted(set(names_where(spec, lambda container: list(_hosts(container)))))
    hosts = sorted({host for each in containers(spec) for host in _hosts(each)})
    if not bad:
        return None
    told = f"{named(bad)} {uses(bad)} {plural('probe or lifecycle host', hosts)} {quoted(hosts)}"
    return Finding("probe or lifecycle host", told)


def _hosts(container: Object) -> Iterator[str]:
    lifecycle = container.get("lifecycle") or _NONE
    asking = [container.get(probe) for probe in ("livenessProbe", "readinessProbe", "startupProbe")]
    for handler in (*asking, lifecycle.get("postStart"), lifecycle.get("preStop")):
        for way in ("httpGet", "tcpSocket"):
            host = ((handler or _NONE).get(way) or _NONE).get("host")
            if host:
                yield host


def privileged(meta: Object, spec: Object) -> Finding | None:
    """No privileged container."""
    bad = names_where(spec, lambda container: context(container).get("privileged"))
    return Finding("privileged", f"{named(bad)} must not set securityContext.privileged=true") if bad else None


def proc_mount(meta: Object, spec: Object) -> Finding | None:
    """`/proc` masked as usual."""
    bad = names_where(spec, _mount)
    types = sorted({_mount(each) for each in containers(spec)} - {""})
    if not bad:
        return None
    return Finding("procMount", f"{named(bad)} must not set securityContext.procMount to {quoted(types)}")


def _mount(container: Object) -> str:
    type = context(container).get("procMount") or "Default"
    return "" if type == "Default" else str(type)


def unless_own_users(check: Check) -> Check:
    """The check, but for pods that have users of their own (`hostUsers: false`)."""
    return lambda meta, spec: None if spec.get("hostUsers") is False else check(meta, spec)


def selinux(types: Collection[str]) -> Check:
    """Only these SELinux types, and no user or role."""

    def check(meta: Object, spec: Object) -> Finding | None:
        bad = names_where(spec, lambda container: _is_forbidden(container, types))
        who = setters(_is_forbidden(spec, types), bad)
        if not who:
            return None
        given = [options for part in (spec, *containers(spec)) if (options := context(part).get("seLinuxOptions"))]
        wrong = sorted({options.get("type", "") for options in given}.difference(types))
        told = [f"{plural('type', wrong)} {quoted(wrong)}"] if wrong else []
        told += [f"{field} may not be set" for field in ("user", "role") if any(o.get(field) for o in given)]
        return Finding("seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(told)}")

    return check


def _is_forbidden(part: Object, types: Collection[str]) -> bool:
    options = context(part).get("seLinuxOptions") or _NONE
    return options.get("type", "") not in types or bool(options.get("user") or options.get("role"))


def seccomp_annotations(meta: Object, spec: Object) -> Finding | None:
    """Before 1.19: a profile that confines, if any, in the annotations of that time."""
    annotations = meta.get("annotations") or _NONE
    keys = [_SECCOMP_POD, *(_SECCOMP_CONTAINER + each["name"] for each in containers(spec))]
    told = sorted({f'{key}="{annotations[key]}"' for key in keys if _is_unconfined(annotations.get(key))})
    return Finding("seccompProfile", f"forbidden {plural('annotation', told)} {', '.join(told)}") if told else None


def _is_unconfined(value: str | None) -> bool:
    if value is None or value in ("runtime/default", "docker/default"):
        return False
    return not value.startswith("localhost/")


def seccomp(meta: Object, spec: Object) -> Finding | None:
    """A profile that confines, if any."""
    pod, bad, types = _types(spec, "seccompProfile")
    who = setters(pod, bad)
    told = f"{who} must not set securityContext.seccompProfile.type to {quoted(types)}"
    return Finding("seccompProfile", told) if who else None


def sysctls(allowed: Collection[str]) -> Check:
    """Only these kernel parameters."""

    def check(meta: Object, spec: Object) -> Finding | None:
        names = [each["name"] for each in context(spec).get("sysctls") or () if each["name"] not in allowed]
        return Finding("forbidden sysctls", ", ".join(names)) if names else None

    return check


def windows_host_process(meta: Object, spec: Object) -> Finding | None:
    """No process of a Windows node."""
    who = setters(_is_host_process(spec), names_where(spec, _is_host_process))
    return (
        Finding("hostProcess", f"{who} must not set securityContext.windowsOptions.hostProcess=true") if who else None
    )


def _is_host_process(part: Object) -> bool:
    return bool((context(part).get("windowsOptions") or _NONE).get("hostProcess"))
