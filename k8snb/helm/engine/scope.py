"""What a template sees as `.`: Values, Chart, Release, Capabilities, Files, Template, Subcharts.

Upstream: `ToRenderValues` in `pkg/chartutil/values.go`, `pkg/chartutil/capabilities.go`, `recAllTpls` in `pkg/engine`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from k8snb.helm.chart.chart import Chart
from k8snb.helm.engine.files import Files

HELM_VERSION = "v3.19.0"
"""The helm whose behaviour this is."""

Scope = dict[str, Any]


class Struct:
    """A struct of Go: fields that templates reach by name; `data` is what toYaml makes of it."""

    def __init__(self, fields: Mapping[str, Any], data: Any, shown: str = "") -> None:
        self.template_fields = fields
        self.data = data
        self._shown = shown

    def __str__(self) -> str:
        return self._shown


class VersionSet(tuple[str, ...]):
    """The API versions of a cluster, with `.Has`."""

    __slots__ = ()

    @property
    def template_fields(self) -> Mapping[str, Any]:
        """Its method."""
        return {"Has": lambda version: version in self}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a cluster can do: its version and the API versions that it serves, with their kinds."""

    version: str
    api_versions: VersionSet

    @property
    def struct(self) -> Struct:
        """As templates see it."""
        numbers = self.version.removeprefix("v").split(".")
        major, minor = numbers[0], numbers[1] if len(numbers) > 1 else ""
        kube = {"Version": self.version, "Major": major, "Minor": minor}
        kube_version = Struct({**kube, "GitVersion": self.version, "String": self.version}, kube, self.version)
        build = {"Version": HELM_VERSION, "GitCommit": "", "GitTreeState": "clean", "GoVersion": "go1.24"}
        helm_version = Struct(build, {"version": HELM_VERSION, "go_version": "go1.24"}, HELM_VERSION)
        fields = {"KubeVersion": kube_version, "APIVersions": self.api_versions, "HelmVersion": helm_version}
        return Struct(fields, {"KubeVersion": kube, "APIVersions": list(self.api_versions), "HelmVersion": build})


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What templates may know of their release."""

    name: str
    namespace: str
    revision: int = 1
    is_upgrade: bool = False

    @property
    def fields(self) -> Mapping[str, Any]:
        """`.Release`."""
        return {
            "Name": self.name,
            "Namespace": self.namespace,
            "IsUpgrade": self.is_upgrade,
            "IsInstall": not self.is_upgrade,
            "Revision": self.revision,
            "Service": "Helm",
        }


_CHART_FIELDS = {
    "Name": ("name", ""), "Home": ("home", ""), "Sources": ("sources", []), "Version": ("version", ""),
    "Description": ("description", ""), "Keywords": ("keywords", []), "Icon": ("icon", ""),
    "APIVersion": ("apiVersion", ""), "Condition": ("condition", ""), "Tags": ("tags", ""),
    "AppVersion": ("appVersion", ""), "Deprecated": ("deprecated", False), "Annotations": ("annotations", {}),
    "KubeVersion": ("kubeVersion", ""), "Type": ("type", ""),
}  # fmt: skip
_PEOPLE = {"Name": "name", "Email": "email", "URL": "url"}
_DEPENDENCY = {
    "Name": "name", "Version": "version", "Repository": "repository", "Condition": "condition", "Tags": "tags",
    "Enabled": "enabled", "ImportValues": "import-values", "Alias": "alias",
}  # fmt: skip


def _structs(items: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[Struct]:
    return [Struct({field: item.get(key, "") for field, key in names.items()}, dict(item)) for item in items or ()]


def chart_struct(chart: Chart) -> Struct:
    """`.Chart`."""
    metadata = chart.metadata
    fields: dict[str, Any] = {field: metadata.get(key, empty) for field, (key, empty) in _CHART_FIELDS.items()}
    fields["Maintainers"] = _structs(metadata.get("maintainers") or (), _PEOPLE)
    fields["Dependencies"] = _structs(chart.wanted, _DEPENDENCY)
    fields["IsRoot"] = not chart.parents
    return Struct(fields, {**metadata, "IsRoot": not chart.parents})


def scope_of(chart: Chart, values: Any, release: Any, capabilities: Any) -> Scope:
    """The scope of a chart's templates; those of the charts below are in it as `Subcharts`."""
    scope: Scope = {
        "Chart": chart_struct(chart),
        "Files": Files.of(chart.files),
        "Release": release,
        "Capabilities": capabilities,
        "Values": values,
        "Subcharts": {},
    }
    for below in chart.dependencies:
        inner = values.get(below.name)
        given = inner if isinstance(inner, dict) else {}
        scope["Subcharts"][below.name] = scope_of(below, given, release, capabilities)
    return scope
