"""All of helm's commands, and the flags of every one."""

from __future__ import annotations

from k8snb.helm.engine.scope import HELM_VERSION
from k8snb.helm.verbs import dependencies, install, local, releases, repo, upgrade
from k8snb.helm.verbs.call import Call, Verb
from k8snb.kubectl.flags import Flag


def _version(call: Call) -> None:
    if call.flags.on("short"):
        call.out(f"{HELM_VERSION}\n")
        return
    parts = f'Version:"{HELM_VERSION}", GitCommit:"", GitTreeState:"clean", GoVersion:""'
    call.out(f"version.BuildInfo{{{parts}}}\n")


VERBS = (
    *install.VERBS,
    *upgrade.VERBS,
    *releases.VERBS,
    *local.VERBS,
    *dependencies.VERBS,
    *repo.VERBS,
    Verb("version", "print the helm version information", _version, flags=(Flag("short", kind="switch"),)),
)
LEFT_OUT = ("completion", "env", "plugin", "push", "registry", "verify")
"""Commands of the real one that are not built in."""

GLOBAL = (
    Flag("namespace", "n"),
    Flag("debug", kind="switch"),
    Flag("help", "h", kind="switch"),
    *(
        Flag(name)
        for name in ("kube-apiserver", "kube-as-user", "kube-ca-file", "kube-context", "kube-tls-server-name")
    ),
    *(Flag(name) for name in ("kube-token", "kubeconfig", "registry-config", "repository-cache", "repository-config")),
    Flag("kube-as-group", kind="texts"),
    Flag("kube-insecure-skip-tls-verify", kind="switch"),
    Flag("burst-limit", kind="number", default=100),
    Flag("qps"),
)
"""Flags that every command takes."""
