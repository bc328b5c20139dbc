"""A chart in memory. Upstream: `pkg/chart/chart.go`.

`metadata` is Chart.yaml with the names that it has there; `dependencies` are the charts in `charts/`, of which
rendering switches some off and renames others (`values/dependencies.py`), in a copy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, NamedTuple

MANIFESTS = (".yaml", ".yml", ".json")


class File(NamedTuple):
    """One file of a chart, named by its path in it."""

    name: str
    data: bytes

    @property
    def text(self) -> str:
        """What it says."""
        return self.data.decode(errors="replace")


class CustomKind(NamedTuple):
    """A file in `crds/`: its path in the chart, and its path from the outermost chart."""

    name: str
    path: str
    file: File


@dataclass(slots=True)
class Chart:
    """A chart and the charts that it depends on; `parent` is the path of those above it, outermost first."""

    metadata: dict[str, Any]
    templates: list[File] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    schema: bytes | None = None
    files: list[File] = field(default_factory=list)
    dependencies: list[Chart] = field(default_factory=list)
    lock: dict[str, Any] | None = None
    raw: list[File] = field(default_factory=list)
    parents: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called: by its alias, once that is known."""
        return str(self.metadata.get("name") or "")

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.metadata.get("version") or "")

    @property
    def app_version(self) -> str:
        """The version of what it installs."""
        return str(self.metadata.get("appVersion") or "")

    @property
    def title(self) -> str:
        """`web-1.2.0`."""
        return f"{self.name}-{self.version}"

    @property
    def is_library(self) -> bool:
        """Whether it only has templates for others."""
        return self.metadata.get("type") == "library"

    @property
    def path(self) -> str:
        """Where its templates are: `shop/charts/cache`."""
        return "/charts/".join((*self.parents, self.name))

    @property
    def wanted(self) -> list[dict[str, Any]]:
        """What Chart.yaml says of dependencies."""
        return list(self.metadata.get("dependencies") or ())

    def copy(self) -> Chart:
        """A chart that can be changed without changing this one."""
        inner = [each.copy() for each in self.dependencies]
        values, metadata = copy.deepcopy(self.values), copy.deepcopy(self.metadata)
        return replace(self, metadata=metadata, values=values, dependencies=inner)

    def placed(self, parents: tuple[str, ...] = ()) -> None:
        """Tell the charts below where they are."""
        self.parents = parents
        for each in self.dependencies:
            each.placed((*parents, self.name))

    def custom_kinds(self) -> Iterator[CustomKind]:
        """The files in `crds/`, its own first."""
        for file in self.files:
            if file.name.startswith("crds/") and PurePosixPath(file.name).suffix in MANIFESTS:
                yield CustomKind(file.name, f"{self.path}/{file.name}", file)
        for each in self.dependencies:
            yield from each.custom_kinds()

    def file(self, name: str) -> File | None:
        """The file of that name, templates included."""
        return next((file for file in (*self.raw, *self.templates, *self.files) if file.name == name), None)


Metadata = Mapping[str, Any]
