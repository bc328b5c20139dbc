"""Finding the chart that a command line means, and whether it can be installed. Upstream: `cmd/helm/install.go`."""

from __future__ import annotations

from pathlib import Path

from k8snb.helm.actions.setting import check_dependencies
from k8snb.helm.chart.chart import Chart
from k8snb.helm.chart.loading import from_archive, load
from k8snb.helm.errors import HelmError
from k8snb.helm.verbs.call import Call
from k8snb.i18n import _
from k8snb.kubectl.flags import Flag

FLAGS = (
    *(Flag(name) for name in ("version", "repo", "keyring", "username", "password")),
    *(Flag(name) for name in ("ca-file", "cert-file", "key-file")),
    *(Flag(name, kind="switch") for name in ("verify", "insecure-skip-tls-verify", "plain-http", "pass-credentials")),
)
"""Where charts come from."""


def found(call: Call, name: str) -> Chart:
    """The chart in a folder, in a file, or in a repository. Raises HelmError."""
    name = name.strip()
    if name.startswith(("oci://", "http://", "https://")):
        raise HelmError(_("this helm has no network: charts come from folders, files and repositories in folders"))
    if Path(name).exists():
        return load(name)
    repository = call.flags.text("repo") if "repo" in call.flags.values else ""
    if repository:
        data = call.repositories.at(repository, name, call.flags.text("version"))
    elif name.startswith((".", "/")):
        raise HelmError(f'path "{name}" not found')
    else:
        data = call.repositories.chart(name, call.flags.text("version"))
    chart = from_archive(data)
    chart.placed()
    return chart


def installable(call: Call, name: str) -> Chart:
    """The chart, which can be installed. Raises HelmError."""
    chart = found(call, name)
    kind = chart.metadata.get("type", "")
    if kind not in ("", "application"):
        raise HelmError(f"{kind} charts are not installable")
    if chart.metadata.get("deprecated"):
        call.err("WARNING: This chart is deprecated\n")
    if chart.wanted:
        check_dependencies(chart)
    return chart
