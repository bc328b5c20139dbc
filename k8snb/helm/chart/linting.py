"""`helm lint`: what may be wrong with a chart. Upstream: `pkg/lint`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8snb.helm.chart.chart import Chart
from k8snb.helm.chart.loading import load, read_values
from k8snb.helm.chart.metadata import FIELDS, read_metadata, valid_version
from k8snb.helm.errors import ChartError, HelmError
from k8snb.helm.manifests import split
from k8snb.helm.yamltext import from_yaml
from k8snb.machinery.gotemplate import type_name

INFO, WARNING, ERROR = "INFO", "WARNING", "ERROR"
Render = Callable[[Chart, Mapping[str, Any]], Mapping[str, str]]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NEEDS_SELECTOR = ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet")
_EXTENSIONS = (".yaml", ".yml", ".tpl", ".txt")


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was found."""

    severity: str
    path: str
    text: str

    def __str__(self) -> str:
        return f"[{self.severity}] {self.path}: {self.text}"


def lint(folder: Path, values: Mapping[str, Any], render: Render) -> list[Remark]:
    """What may be wrong with the chart in a folder."""
    if not (folder / "Chart.yaml").exists():
        missing = f"stat {folder}/Chart.yaml: no such file or directory"
        raise HelmError(f"unable to check Chart.yaml file in chart: {missing}")
    return [*_chart_file(folder / "Chart.yaml"), *_values(folder / "values.yaml"), *_templates(folder, values, render)]


# -- Chart.yaml ----------------------------------------------------------------------------------------


def _chart_file(path: Path) -> Iterator[Remark]:
    text = path.read_text(encoding="utf-8")
    try:
        metadata, given = read_metadata(text), from_yaml(text) or {}
    except (ChartError, ValueError) as error:
        yield Remark(ERROR, path.name, f"unable to parse YAML\n\t{str(error).removeprefix('cannot load Chart.yaml: ')}")
        return
    unknown = [key for key in given if key not in FIELDS]
    if unknown:
        said = f'error unmarshaling JSON: while decoding JSON: json: unknown field "{unknown[0]}"'
        yield Remark(WARNING, path.name, f"failed to strictly parse chart metadata file\n\t{said}")
    for severity, wrong in _metadata(metadata, given):
        yield Remark(severity, path.name, wrong)


def _metadata(metadata: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name, version = metadata.get("name", ""), metadata.get("apiVersion", "")
    if not name:
        yield ERROR, "name is required"
    elif "/" in name:
        yield ERROR, f'chart name "{name}" is invalid'
    if not version:
        yield ERROR, 'apiVersion is required. The value must be either "v1" or "v2"'
    elif version not in ("v1", "v2"):
        yield ERROR, f'apiVersion \'{version}\' is not valid. The value must be either "v1" or "v2"'
    yield from _versions(metadata, given)
    for person in metadata.get("maintainers") or ():
        if not person.get("name"):
            yield ERROR, "each maintainer requires a name"
    if not metadata.get("icon"):
        yield INFO, "icon is recommended"
    if metadata.get("type") and version == "v1":
        yield ERROR, "chart type is not valid in apiVersion 'v1'. It is valid in apiVersion 'v2'"
    if metadata.get("dependencies") and version == "v1":
        yield (
            ERROR,
            ("dependencies are not valid in the Chart file with apiVersion 'v1'. They are valid in apiVersion 'v2'"),
        )


def _versions(metadata: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field in ("version", "appVersion"):
        if field in given and not isinstance(given[field], str):
            yield ERROR, f"{field} should be of type string but it's of type {type_name(given[field])}"
        if field == "version" and not metadata.get("version"):
            yield ERROR, "version is required"
        elif field == "version" and not valid_version(metadata["version"]):
            yield ERROR, f"version '{metadata['version']}' is not a valid SemVer"


def _values(path: Path) -> Iterator[Remark]:
    if not path.exists():
        yield Remark(INFO, path.name, "file does not exist")
        return
    try:
        read_values(path.read_text(encoding="utf-8"), "unable to parse YAML")
    except ChartError as error:
        yield Remark(ERROR, path.name, str(error))


# -- templates -----------------------------------------------------------------------------------------


def _templates(folder: Path, values: Mapping[str, Any], render: Render) -> Iterator[Remark]:
    if not (folder / "templates").is_dir():
        yield Remark(WARNING, "templates/", "directory does not exist")
    try:
        chart = load(str(folder))
        rendered = render(chart, values)
    except HelmError as error:
        yield Remark(ERROR, "templates/", str(error))
        return
    yield from _dependencies(chart)
    for file in chart.templates:
        extension = Path(file.name).suffix
        if extension not in _EXTENSIONS:
            valid = "Valid extensions are .yaml, .yml, .tpl, or .txt"
            yield Remark(ERROR, file.name, f"file extension '{extension}' not valid. {valid}")
        if ".Release.Time" in file.text:
            yield Remark(
                ERROR,
                file.name,
                ".Release.Time has been removed in v3, please replace with the `now` function in your templates",
            )
        if extension == ".yaml":
            yield from _manifest(file.name, rendered.get(f"{chart.name}/{file.name}", ""))


def _dependencies(chart: Chart) -> Iterator[Remark]:
    missing = [each["name"] for each in chart.wanted if all(each["name"] != below.name for below in chart.dependencies)]
    if missing:
        yield Remark(WARNING, "Chart.yaml", f"chart directory is missing these dependencies: {','.join(missing)}")
    extra = [below.name for below in chart.dependencies if all(each["name"] != below.name for each in chart.wanted)]
    if extra:
        yield Remark(ERROR, "Chart.yaml", f"chart metadata is missing these dependencies: {','.join(extra)}")


def _manifest(path: str, text: str) -> Iterator[Remark]:
    for part in split(text):
        try:
            value = from_yaml(part)
        except ValueError as error:
            yield Remark(ERROR, path, f"unable to parse YAML: {error}")
            return
        if not isinstance(value, dict):
            continue
        name, kind = (value.get("metadata") or {}).get("name", ""), value.get("kind", "")
        if not kind.endswith("List") and not _NAME.fullmatch(str(name or "")):
            yield Remark(ERROR, path, f'object name does not conform to Kubernetes naming requirements: "{name}"')
        if kind in _NEEDS_SELECTOR and "matchLabels" not in part and "matchExpressions" not in part:
            yield Remark(ERROR, path, f'a {kind} must contain matchLabels or matchExpressions, and "{name}" does not')
