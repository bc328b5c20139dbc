"""Chart repositories in folders: an index.yaml and the archives that it lists. Upstream: `pkg/repo`.

The real helm reads its repositories over HTTP; this one has no network, so a repository is a folder (`./charts` or
`file:///…/charts`). Which repositories there are is remembered for the cluster.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8snb.helm.chart.loading import from_archive
from k8snb.helm.errors import HelmError
from k8snb.helm.semver import Constraint, SemverError, Version
from k8snb.helm.yamltext import from_yaml, plain_data
from k8snb.i18n import _

INDEX = "index.yaml"
Entry = Mapping[str, Any]


@dataclass(slots=True)
class Repositories:
    """The repositories by name, each with the folder that it is."""

    folders: dict[str, str] = field(default_factory=dict)

    def entries(self, name: str) -> Mapping[str, Sequence[Entry]]:
        """The versions of every chart of a repository, newest first. Raises HelmError."""
        if name not in self.folders:
            raise HelmError(f"repo {name} not found")
        return index_of(self.folders[name])

    def chart(self, reference: str, version: str) -> bytes:
        """The archive that `repository/chart` means. Raises HelmError."""
        name, slash, chart = reference.partition("/")
        if not slash or not chart:
            raise HelmError(f"non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}")
        entry = _chosen(self.entries(name).get(chart, ()), chart, version, f"{name} index")
        return _archive(self.folders[name], entry)

    def at(self, folder: str, chart: str, version: str) -> bytes:
        """The archive of a chart in the repository that is a folder. Raises HelmError."""
        return _archive(folder, _chosen(index_of(folder).get(chart, ()), chart, version, f"{folder} repository"))


def folder_of(url: str) -> Path:
    """The folder that a repository's address is. Raises HelmError."""
    if url.startswith(("http://", "https://", "oci://")):
        raise HelmError(_("this helm has no network: a repository is a folder with an index.yaml"))
    return Path(url.removeprefix("file://"))


def index_of(url: str) -> Mapping[str, Sequence[Entry]]:
    """What a repository's index lists, newest first. Raises HelmError."""
    try:
        index = plain_data(from_yaml((folder_of(url) / INDEX).read_text(encoding="utf-8"))) or {}
    except OSError:
        raise HelmError(
            f'looks like "{url}" is not a valid chart repository or cannot be reached: open {url}/{INDEX}: '
            "no such file or directory"
        ) from None
    except ValueError as error:
        raise HelmError(f'looks like "{url}" is not a valid chart repository or cannot be reached: {error}') from None
    if not index.get("apiVersion"):
        raise HelmError(
            f'looks like "{url}" is not a valid chart repository or cannot be reached: no API version specified'
        )
    entries: Mapping[str, Sequence[Entry]] = index.get("entries") or {}
    return {
        name: sorted(found, key=lambda each: _version(each).sort_key, reverse=True) for name, found in entries.items()
    }


def _version(entry: Entry) -> Version:
    try:
        return Version.read(str(entry.get("version", "")))
    except SemverError:
        return Version(0, 0, 0)


def _chosen(entries: Sequence[Entry], chart: str, version: str, where: str) -> Entry:
    """The newest version that fits; pre-releases only when they are asked for."""
    if not entries:
        raise HelmError(f'chart "{chart}" not found in {where}')
    try:
        wanted = Constraint.read(version or "*")
    except SemverError as error:
        raise HelmError(str(error)) from None
    exact = (entry for entry in entries if entry["version"] == version)
    fitting = (entry for entry in entries if wanted.allows(_version(entry)))
    found: Entry | None = next(exact, None) or next(fitting, None)
    if found is None:
        raise HelmError(f'chart "{chart}" matching {version} not found in {where}')
    return found


def _archive(folder: str, entry: Entry) -> bytes:
    urls = entry.get("urls") or ()
    if not urls:
        raise HelmError(f'chart "{entry["name"]}" has no downloadable URLs')
    place: Path = folder_of(folder) / str(posixpath.basename(urls[0]))
    try:
        return place.read_bytes()
    except OSError as error:
        raise HelmError(f"open {place}: {(error.strerror or '').lower()}") from None


def new_index(folder: Path, url: str, now: str) -> dict[str, Any]:
    """The index of the archives in a folder. Raises HelmError."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for place in sorted(folder.glob("*.tgz")):
        data = place.read_bytes()
        chart = from_archive(data)
        entry = {
            **chart.metadata,
            "created": now,
            "digest": hashlib.sha256(data).hexdigest(),
            "urls": [f"{url.rstrip('/')}/{place.name}" if url else place.name],
        }
        entries.setdefault(chart.name, []).append(entry)
    for found in entries.values():
        found.sort(key=lambda each: _version(each).sort_key, reverse=True)
    return {"apiVersion": "v1", "entries": entries, "generated": now}
