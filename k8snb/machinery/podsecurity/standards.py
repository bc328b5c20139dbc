"""The standards as a table: every check, its level, and from which version on which rule counts.

The order of the table is the order in which findings are told. A rule of *restricted* may replace one of *baseline*.
Upstream: `pod-security-admission/policy/registry.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from k8snb.machinery.podsecurity import baseline, restricted
from k8snb.machinery.podsecurity.baseline import unless_own_users
from k8snb.machinery.podsecurity.findings import Check, Finding
from k8snb.machinery.podsecurity.levels import Level
from k8snb.machinery.podsecurity.restricted import unless_windows
from k8snb.typing import Object


class Standard(NamedTuple):
    """One row: the rules of a check by the version that brought them."""

    name: str
    versions: Mapping[int, Check]
    replaces: str = ""


BASELINE = (
    Standard("appArmorProfile", {0: baseline.app_armor}),
    Standard("capabilities_baseline", {0: baseline.capabilities}),
    Standard("hostNamespaces", {0: baseline.host_namespaces}),
    Standard("hostPathVolumes", {0: baseline.host_path_volumes}),
    Standard("hostPorts", {0: baseline.host_ports}),
    Standard("hostProbesAndHostLifecycle", {34: baseline.probe_hosts}),
    Standard("privileged", {0: baseline.privileged}),
    Standard("procMount", {0: baseline.proc_mount, 35: unless_own_users(baseline.proc_mount)}),
    Standard(
        "seLinuxOptions", {0: baseline.selinux(baseline.SELINUX_1_0), 31: baseline.selinux(baseline.SELINUX_1_31)}
    ),
    Standard("seccompProfile_baseline", {0: baseline.seccomp_annotations, 19: baseline.seccomp}),
    Standard(
        "sysctls",
        {
            0: baseline.sysctls(baseline.SYSCTLS_1_0),
            27: baseline.sysctls(baseline.SYSCTLS_1_27),
            29: baseline.sysctls(baseline.SYSCTLS_1_29),
            32: baseline.sysctls(baseline.SYSCTLS_1_32),
        },
    ),
    Standard("windowsHostProcess", {0: baseline.windows_host_process}),
)
RESTRICTED = (
    Standard(
        "allowPrivilegeEscalation",
        {8: restricted.privilege_escalation, 25: unless_windows(restricted.privilege_escalation)},
    ),
    Standard(
        "capabilities_restricted",
        {22: restricted.capabilities, 25: unless_windows(restricted.capabilities)},
        "capabilities_baseline",
    ),
    Standard("procMount_restricted", {35: baseline.proc_mount}, "procMount"),
    Standard("restrictedVolumes", {0: restricted.volumes}, "hostPathVolumes"),
    Standard("runAsNonRoot", {0: restricted.run_as_non_root, 35: unless_own_users(restricted.run_as_non_root)}),
    Standard("runAsUser", {23: restricted.run_as_user, 35: unless_own_users(restricted.run_as_user)}),
    Standard(
        "seccompProfile_restricted",
        {19: restricted.seccomp_profile, 25: unless_windows(restricted.seccomp_profile)},
        "seccompProfile_baseline",
    ),
)


@lru_cache(maxsize=256)
def checks(level: Level) -> tuple[Check, ...]:
    """The rules of a level, in the order in which findings are told."""
    if level.level == "privileged":
        return ()
    chosen = {each.name: check for each in BASELINE if (check := _newest(each, level.version)) is not None}
    if level.level == "restricted":
        more = {each.name: (each, check) for each in RESTRICTED if (check := _newest(each, level.version)) is not None}
        replaced = {each.replaces for each, _ in more.values()}
        chosen = {name: check for name, check in chosen.items() if name not in replaced}
        chosen |= {name: check for name, (_, check) in more.items()}
    return tuple(chosen.values())


def _newest(standard: Standard, version: int) -> Check | None:
    past = [since for since in standard.versions if since <= version]
    return standard.versions[max(past)] if past else None


def findings(level: Level, meta: Object, spec: Object) -> list[Finding]:
    """What is wrong with a pod at a level."""
    found = (check(meta, spec) for check in checks(level))
    return [each for each in found if each is not None]


def violation(level: Level, meta: Object, spec: Object) -> str:
    """The same as one sentence: `PodSecurity "restricted:latest": …`; empty if the pod is in order."""
    found = findings(level, meta, spec)
    return f'PodSecurity "{level}": {", ".join(str(each) for each in found)}' if found else ""
