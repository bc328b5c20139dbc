"""Chart.yaml: its fields and what is wrong with them. Upstream: `pkg/chart/metadata.go`, `dependency.go`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.helm.errors import ChartError
from k8snb.helm.semver import SemverError, Version
from k8snb.helm.yamltext import from_yaml, plain_data

FIELDS = (
    *(
        "name",
        "home",
        "sources",
        "version",
        "description",
        "keywords",
        "maintainers",
        "icon",
        "apiVersion",
        "condition",
    ),
    *("tags", "appVersion", "deprecated", "annotations", "kubeVersion", "dependencies", "type"),
)
_LISTS = {
    "sources": "string",
    "keywords": "string",
    "maintainers": "chart.Maintainer",
    "dependencies": "chart.Dependency",
}
_DEPENDENCY = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")
_ALIAS = re.compile(r"[a-zA-Z0-9_-]+")


def read_metadata(text: str) -> dict[str, Any]:
    """The fields of a Chart.yaml, those that helm knows."""
    try:
        given = from_yaml(text)
    except ValueError as error:
        raise ChartError(f"cannot load Chart.yaml: {error}") from None
    if not isinstance(given, dict):
        return {}
    given = plain_data(given)
    for field in FIELDS:
        if field in given:
            _check_type(field, given[field])
    fields = {field: given[field] for field in FIELDS if given.get(field)}
    if "dependencies" in fields:
        fields["dependencies"] = [_dependency(each) for each in fields["dependencies"] if each]
    return fields


def _dependency(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {field: given[field] for field in _DEPENDENCY if given.get(field)}
    return {**found, "name": found.get("name", ""), "repository": found.get("repository", "")}


def _check_type(field: str, value: Any) -> None:
    wanted = "bool" if field == "deprecated" else f"[]{_LISTS[field]}" if field in _LISTS else "string"
    wanted = "map[string]string" if field == "annotations" else wanted
    if field == "annotations" and isinstance(value, dict):
        for each in value.values():
            if not isinstance(each, str) and each is not None:
                raise _mismatch(_json_type(each), "annotations", "string")
        return
    fits = {"bool": bool, "string": str, "map[string]string": dict}.get(wanted, list)
    if value is not None and not isinstance(value, fits):
        raise _mismatch(_json_type(value), field, wanted)


def _mismatch(found: str, field: str, wanted: str) -> ChartError:
    return ChartError(
        "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: "
        f"json: cannot unmarshal {found} into Go struct field Metadata.{field} of type {wanted}"
    )


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    kinds: dict[type, str] = {str: "string", dict: "object", list: "array"}
    return kinds.get(type(value), "number")


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Refuse what helm refuses. Raises ChartError."""
    for field in ("apiVersion", "name"):
        if not metadata.get(field):
            raise _invalid(f"chart.metadata.{field} is required")
    name = metadata["name"]
    if name != posixpath.basename(name):
        raise _invalid(f'chart.metadata.name "{name}" is invalid')
    if not metadata.get("version"):
        raise _invalid("chart.metadata.version is required")
    if not valid_version(metadata["version"]):
        raise _invalid(f'chart.metadata.version "{metadata["version"]}" is invalid')
    if metadata.get("type", "") not in ("", "application", "library"):
        raise _invalid("chart.metadata.type must be application or library")
    _check_dependencies(metadata.get("dependencies") or ())


def _check_dependencies(dependencies: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for each in dependencies:
        alias = each.get("alias", "")
        if alias and not _ALIAS.fullmatch(alias):
            raise _invalid(f'dependency "{each["name"]}" has disallowed characters in the alias')
        key = alias or each["name"]
        if key in seen:
            raise _invalid(f'more than one dependency with name or alias "{key}"')
        seen.add(key)


def valid_version(text: str) -> bool:
    """Whether a text is a semantic version."""
    try:
        Version.read(text)
    except SemverError:
        return False
    return bool(text)


def _invalid(message: str) -> ChartError:
    return ChartError(f"validation: {message}")
