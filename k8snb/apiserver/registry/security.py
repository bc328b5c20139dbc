"""Security contexts of pods and containers.

Only what a Linux node acts on is checked in full; of the Windows options, whether they stand where they may.
Upstream: `ValidateSecurityContext` and `validatePodSpecSecurityContext` in
`pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from k8snb.apiserver.registry.checks import each
from k8snb.apiserver.registry.file_paths import descending
from k8snb.errors import (
    FieldError,
    duplicate,
    field_forbidden,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from k8snb.machinery import formats
from k8snb.typing import Object

Findings = Iterator[FieldError]

_MAX_ID = 2**31 - 1
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_MAX_PROFILE_PATH = 4095
_SYSCTL = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_MAX_SYSCTL = 253
_IPC_SYSCTLS = ("kernel.shm", "kernel.msg", "fs.mqueue.")
_POD_WORDS = {
    "fsGroupChangePolicy": ("Always", "OnRootMismatch"),
    "supplementalGroupsPolicy": ("Merge", "Strict"),
    "seLinuxChangePolicy": ("MountOption", "Recursive"),
}
_NOT_ON_WINDOWS_POD = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
)
_NOT_ON_WINDOWS_SPEC = ("hostUsers", "hostPID", "hostIPC", "shareProcessNamespace")
_NOT_ON_WINDOWS_CONTAINER = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
)


def validate_pod_context(spec: Object, path: str) -> Findings:
    """The `securityContext` of a pod; `path` is the path of the spec."""
    context = spec.get("securityContext") or {}
    at = f"{path}.securityContext"
    for name in ("fsGroup", "runAsUser", "runAsGroup"):
        yield from _validate_id(context.get(name), f"{at}.{name}")
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        yield from _validate_id(group, f"{at}.supplementalGroups[{index}]")
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        text = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield invalid_value(f"{at}.shareProcessNamespace", True, text)
    yield from _validate_sysctls(context.get("sysctls") or (), spec, f"{at}.sysctls")
    yield from _validate_word(context, "fsGroupChangePolicy", at)
    yield from validate_seccomp(context.get("seccompProfile"), f"{at}.seccompProfile")
    yield from validate_app_armor(context.get("appArmorProfile"), f"{at}.appArmorProfile")
    yield from _validate_word(context, "supplementalGroupsPolicy", at)
    yield from _validate_word(context, "seLinuxChangePolicy", at)


def _validate_id(number: int | None, path: str) -> Findings:
    if number is not None:
        yield from each(path, number, formats.in_range(number, 0, _MAX_ID))


def _validate_word(context: Object, name: str, path: str) -> Findings:
    word = context.get(name)
    if word is not None and word not in _POD_WORDS[name]:
        yield not_supported(f"{path}.{name}", word, _POD_WORDS[name])


def _validate_sysctls(sysctls: Sequence[Object], spec: Object, path: str) -> Findings:
    seen: set[str] = set()
    for index, sysctl in enumerate(sysctls):
        at = f"{path}[{index}].name"
        name = sysctl.get("name") or ""
        if not name:
            yield required(at)
        elif len(name) > _MAX_SYSCTL or not re.fullmatch(_SYSCTL, name):
            text = f"must have at most {_MAX_SYSCTL} characters and match regex ^{_SYSCTL}$"
            yield invalid_value(at, name, text)
        elif name in seen:
            yield duplicate(at, name)
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            yield invalid_value(at, name, "may not be specified when 'hostNetwork' is true")
        elif spec.get("hostIPC") and (dotted.startswith(_IPC_SYSCTLS) or dotted == "kernel.sem"):
            yield invalid_value(at, name, "may not be specified when 'hostIPC' is true")
        seen.add(name)


def validate_context(context: Object | None, path: str, *, host_users: bool) -> Findings:
    """The `securityContext` of a container; `host_users` says whether the pod shares the node's users."""
    if context is None:
        return
    yield from _validate_id(context.get("runAsUser"), f"{path}.runAsUser")
    yield from _validate_id(context.get("runAsGroup"), f"{path}.runAsGroup")
    yield from _validate_proc_mount(context.get("procMount"), f"{path}.procMount", host_users)
    yield from validate_seccomp(context.get("seccompProfile"), f"{path}.seccompProfile")
    yield from _validate_escalation(context, path)
    yield from validate_app_armor(context.get("appArmorProfile"), f"{path}.appArmorProfile")


def _validate_proc_mount(mode: str | None, path: str, host_users: bool) -> Findings:
    if mode is None:
        return
    if mode not in ("Default", "Unmasked"):
        yield not_supported(path, mode, ("Default", "Unmasked"))
    if mode == "Unmasked" and host_users:
        yield invalid_value(path, mode, "`hostUsers` must be false to use `Unmasked`")


def _validate_escalation(context: Object, path: str) -> Findings:
    if context.get("allowPrivilegeEscalation") is not False:
        return
    if context.get("privileged"):
        text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        yield invalid_value(path, context, text)
    if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
        text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
        yield invalid_value(path, context, text)


def validate_seccomp(profile: Object | None, path: str) -> Findings:
    """A `seccompProfile`."""
    if profile is None:
        return
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    if not kind:
        yield required(f"{path}.type", "type is required when seccompProfile is set")
    elif kind not in _PROFILES:
        yield not_supported(f"{path}.type", kind, _PROFILES)
    at = f"{path}.localhostProfile"
    if kind == "Localhost":
        if local is None:
            yield required(at, "must be set when seccomp type is Localhost")
        else:
            yield from descending(local, at)
    elif local is not None:
        yield invalid_value(at, profile, "can only be set when seccomp type is Localhost")


def validate_app_armor(profile: Object | None, path: str) -> Findings:
    """An `appArmorProfile`."""
    if profile is None:
        return
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    if not kind:
        yield required(f"{path}.type", "type is required when appArmorProfile is set")
    elif kind not in _PROFILES:
        yield not_supported(f"{path}.type", kind, _PROFILES)
    elif kind == "Localhost":
        yield from _validate_local_profile(local, f"{path}.localhostProfile")
    elif local is not None:
        text = "can only be set when AppArmor type is Localhost"
        yield invalid_value(f"{path}.localhostProfile", local, text)


def _validate_local_profile(name: str | None, path: str) -> Findings:
    if not (name or "").strip():
        yield required(path, "must be set when AppArmor type is Localhost")
    elif name and name != name.strip():
        yield invalid_value(path, name, "must not be padded with whitespace")
    if len(name or "") > _MAX_PROFILE_PATH:
        yield too_long(path, name, _MAX_PROFILE_PATH)


def validate_os(spec: Object, path: str, containers: Sequence[tuple[str, Object]]) -> Findings:
    """The `os` of a pod, and what that system does not know; `containers` come with their paths."""
    os = spec.get("os")
    if os is None:
        return
    name = os.get("name") or ""
    if not name:
        yield required(f"{path}.os.name", "cannot be empty")
    elif name == "linux":
        yield from _without_windows(spec.get("securityContext"), path)
        for at, container in containers:
            yield from _without_windows(container.get("securityContext"), at)
    elif name == "windows":
        yield from _without_linux(spec, path, containers)
    else:
        yield not_supported(f"{path}.os", name, ("linux", "windows"))


def _without_windows(context: Object | None, path: str) -> Findings:
    if context and context.get("windowsOptions") is not None:
        at = f"{path}.securityContext.windowsOptions"
        yield field_forbidden(at, "windows options cannot be set for a linux pod")


def _without_linux(spec: Object, path: str, containers: Sequence[tuple[str, Object]]) -> Findings:
    yield from _not_on_windows(spec.get("securityContext") or {}, _NOT_ON_WINDOWS_POD, f"{path}.securityContext")
    yield from _not_on_windows(spec, _NOT_ON_WINDOWS_SPEC, path)
    for at, container in containers:
        context: Any = container.get("securityContext") or {}
        yield from _not_on_windows(context, _NOT_ON_WINDOWS_CONTAINER, f"{at}.securityContext")


def _not_on_windows(obj: Object, names: Sequence[str], path: str) -> Findings:
    for name in names:
        if obj.get(name) is not None:
            yield field_forbidden(f"{path}.{name}", "cannot be set for a windows pod")
