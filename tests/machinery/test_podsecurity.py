"""The Pod Security Standards find what upstream's find, in its words and order, version by version."""

# ruff: noqa: E501 (messages stand here as the API says them, unbroken)
from __future__ import annotations

from typing import Any

import pytest

from k8snb.machinery.podsecurity.levels import LATEST, Level, policy_of
from k8snb.machinery.podsecurity.standards import findings, violation

HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def told(level: str, context: Any = None, version: int = LATEST, meta: Any = None, **spec: Any) -> list[str]:
    """What a level finds in a pod whose only container has that security context, hardened but for it."""
    container = {"name": "c", "image": "nginx", "securityContext": {**HARDENED, **(context or {})}}
    pod = {"containers": [container], **spec}
    return [str(each) for each in findings(Level(level, version), meta or {}, pod)]


def test_a_usual_pod_is_fine_for_baseline_and_told_everything_that_restricted_wants() -> None:
    spec = {"containers": [{"name": "a"}, {"name": "b"}]}
    assert violation(Level("baseline"), {}, spec) == ""
    assert violation(Level("restricted"), {}, spec) == (
        'PodSecurity "restricted:latest": allowPrivilegeEscalation != false (containers "a", "b" must set securityContext.allowPrivilegeEscalation=false), '
        'unrestricted capabilities (containers "a", "b" must set securityContext.capabilities.drop=["ALL"]), '
        'runAsNonRoot != true (pod or containers "a", "b" must set securityContext.runAsNonRoot=true), '
        'seccompProfile (pod or containers "a", "b" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    )


def test_a_hardened_pod_is_fine_for_restricted_and_nothing_is_wrong_for_privileged() -> None:
    assert told("restricted") == []
    assert told("privileged", {"privileged": True}, hostNetwork=True) == []


@pytest.mark.parametrize(
    ("context", "spec", "finding"),
    [
        ({"privileged": True}, {}, 'privileged (container "c" must not set securityContext.privileged=true)'),
        ({}, {"hostNetwork": True, "hostIPC": True}, "host namespaces (hostNetwork=true, hostIPC=true)"),
        (
            {"capabilities": {"add": ["SYS_TIME", "NET_RAW", "KILL"]}},
            {},
            'non-default capabilities (container "c" must not include "NET_RAW", "SYS_TIME" in securityContext.capabilities.add)',
        ),
        ({}, {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, 'hostPath volumes (volume "host")'),
        (
            {"procMount": "Unmasked"},
            {},
            'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
        ),
        (
            {"seLinuxOptions": {"type": "spc_t", "user": "u"}},
            {},
            'seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
        ),
        (
            {"seccompProfile": {"type": "Unconfined"}},
            {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
            'seccompProfile (pod and container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            {},
            {"securityContext": {"sysctls": [{"name": "kernel.msgmax"}, {"name": "net.ipv4.tcp_rmem"}]}},
            "forbidden sysctls (kernel.msgmax)",
        ),
        (
            {"windowsOptions": {"hostProcess": True}},
            {},
            'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
        ),
        (
            {"appArmorProfile": {"type": "Unconfined"}},
            {},
            'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
        ),
        (
            {},
            {"initContainers": [{"name": "i", "ports": [{"hostPort": 80}, {"hostPort": 443}]}]},
            'hostPort (container "i" uses hostPorts 443, 80)',
        ),
        (
            {},
            {"initContainers": [{"name": "i", "livenessProbe": {"httpGet": {"host": "1.1.1.1"}}}]},
            'probe or lifecycle host (container "i" uses probe or lifecycle host "1.1.1.1")',
        ),
    ],
)
def test_baseline_finds(context: Any, spec: Any, finding: str) -> None:
    assert told("baseline", context, **spec) == [finding]


@pytest.mark.parametrize(
    ("context", "spec", "finding"),
    [
        (
            {"capabilities": {"drop": ["KILL"], "add": ["NET_BIND_SERVICE", "CHOWN"]}},
            {},
            'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include "CHOWN" in securityContext.capabilities.add)',
        ),
        (
            {},
            {"volumes": [{"name": "a", "hostPath": {}}, {"name": "b", "nfs": {}}, {"name": "d", "emptyDir": {}}]},
            'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
        ),
        (
            {"runAsNonRoot": None},
            {"securityContext": {"runAsNonRoot": False}},
            "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
        ),
        ({"runAsUser": 0}, {}, 'runAsUser=0 (container "c" must not set runAsUser=0)'),
    ],
)
def test_restricted_finds(context: Any, spec: Any, finding: str) -> None:
    assert told("restricted", context, **spec) == [finding]


def test_a_pod_as_a_whole_can_speak_for_its_containers() -> None:
    silent = {"runAsNonRoot": None, "seccompProfile": None}
    whole = {"runAsNonRoot": True, "seccompProfile": {"type": "Localhost"}}
    assert told("restricted", silent, securityContext=whole) == []


def test_older_versions_know_fewer_rules() -> None:
    unescalated = {"allowPrivilegeEscalation": True, "capabilities": None, "runAsUser": 0, "seccompProfile": None}
    counts = [len(told("restricted", unescalated, version)) for version in (7, 8, 19, 22, 23, LATEST)]
    assert counts == [0, 1, 2, 3, 4, 4]
    sysctls = {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_keepalive_time"}]}}
    assert [bool(told("baseline", None, version, **sysctls)) for version in (28, 29)] == [True, False]


def test_newer_versions_spare_windows_and_pods_with_users_of_their_own() -> None:
    root = {"allowPrivilegeEscalation": True, "runAsUser": 0}
    assert len(told("restricted", root, 24, os={"name": "windows"})) == 2
    assert len(told("restricted", root, 25, os={"name": "windows"})) == 1
    assert told("restricted", {"runAsUser": 0, "runAsNonRoot": False}, 35, hostUsers=False) == []


def test_labels_say_level_and_version_of_each_mode_and_what_cannot_be_read_is_strict_where_it_is_enforced() -> None:
    prefix = "pod-security.kubernetes.io"
    labels = {f"{prefix}/enforce": "baseline", f"{prefix}/enforce-version": "v1.30", f"{prefix}/warn": "restricted"}
    policy, errors = policy_of(labels)
    assert ([str(mode) for mode in policy], errors) == (
        ["baseline:v1.30", "privileged:latest", "restricted:latest"],
        [],
    )
    policy, errors = policy_of({f"{prefix}/enforce": "none", f"{prefix}/audit": "x", f"{prefix}/warn-version": "1.2"})
    assert [str(mode) for mode in policy] == ["restricted:latest", "privileged:latest", "privileged:latest"]
    assert [str(error) for error in errors] == [
        f'metadata.labels[{prefix}/enforce]: Invalid value: "none": must be one of privileged, baseline, restricted',
        f'metadata.labels[{prefix}/audit]: Invalid value: "x": must be one of privileged, baseline, restricted',
        f'metadata.labels[{prefix}/warn-version]: Invalid value: "1.2": must be "latest" or "v1.x"',
    ]
