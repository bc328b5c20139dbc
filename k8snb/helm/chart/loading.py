"""Reading a chart from a folder or an archive. Upstream: `pkg/chart/loader`."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from k8snb.helm.chart.chart import Chart, File
from k8snb.helm.chart.ignoring import NAME, Ignored
from k8snb.helm.chart.metadata import check_metadata, read_metadata
from k8snb.helm.errors import ChartError
from k8snb.helm.values.merging import merged_maps
from k8snb.helm.yamltext import floats, from_yaml, plain_data
from k8snb.machinery.schema.text import parse_yaml_documents

_BOM = b"\xef\xbb\xbf"
_DRIVE = re.compile(r"[a-zA-Z]:")
LARGEST = 5 << 20
"""How large a file of a chart may be."""


def load(path: str) -> Chart:
    """The chart in a folder or in a `.tgz`. Raises ChartError."""
    place = Path(path)
    try:
        chart = from_files(folder_files(place)) if place.is_dir() else from_archive(place.read_bytes(), path)
    except OSError as error:
        raise ChartError(f"stat {path}: {(error.strerror or '').lower()}") from None
    chart.placed()
    return chart


def folder_files(top: Path) -> list[File]:
    """The files of a chart's folder that `.helmignore` leaves, sorted by their names."""
    rules = top / NAME
    ignored = Ignored(rules.read_text(encoding="utf-8") if rules.exists() else "")
    return list(_walk(top, "", ignored))


def _walk(folder: Path, lead: str, ignored: Ignored) -> Iterator[File]:
    for each in sorted(folder.iterdir()):
        name = lead + each.name
        if ignored(name, folder=each.is_dir()):
            continue
        if each.is_dir():
            yield from _walk(each, f"{name}/", ignored)
            continue
        data = each.read_bytes()
        if len(data) > LARGEST:
            raise ChartError(f'chart file "{each.name}" is larger than the maximum file size {LARGEST}')
        yield File(name, data.removeprefix(_BOM))


def from_archive(data: bytes, path: str = "") -> Chart:
    """The chart in a gzipped tar file."""
    return from_files(archive_files(data, path))


def archive_files(data: bytes, path: str = "") -> list[File]:
    """The files in a gzipped tar file, without the name of the chart's folder."""
    if not data.startswith(b"\x1f\x8b"):
        what = f"file '{path}'" if path else "file"
        raise ChartError(f"{what} does not appear to be a gzipped archive; got 'text/plain; charset=utf-8'")
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            found = [_member(archive, member) for member in archive if member.isfile()]
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ChartError(str(error)) from None
    if not found:
        raise ChartError("no files in chart archive")
    return found


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> File:
    _, slash, name = member.name.replace("\\", "/").partition("/")
    if not slash or (not name and member.name != "Chart.yaml"):
        raise ChartError("chart base directory is missing" if not slash else "chart illegally contains empty names")
    if name.startswith("/"):
        raise ChartError("chart illegally contains absolute paths")
    if ".." in PurePosixPath(name).parts:
        raise ChartError("chart illegally references parent directory")
    if _DRIVE.match(name):
        raise ChartError("chart contains illegally named files")
    if member.size > LARGEST:
        raise ChartError(f'decompressed chart file "{member.name}" is larger than the maximum file size {LARGEST}')
    reader = archive.extractfile(member)
    return File(str(PurePosixPath(name)), (reader.read() if reader else b"").removeprefix(_BOM))


def from_files(files: Sequence[File]) -> Chart:
    """The chart that files are. Raises ChartError."""
    given = {file.name: file for file in files}
    if "Chart.yaml" not in given:
        raise ChartError("Chart.yaml file is missing")
    metadata = read_metadata(given["Chart.yaml"].text)
    metadata.setdefault("apiVersion", "v1")
    chart = Chart(metadata, raw=list(files))
    below: dict[str, list[File]] = {}
    for file in files:
        _sort_in(chart, file, below)
    check_metadata(metadata)
    for name in sorted(below):
        _subchart(chart, name, below[name])
    return chart


def _sort_in(chart: Chart, file: File, below: dict[str, list[File]]) -> None:
    """Put a file where it belongs."""
    match file.name:
        case "Chart.yaml":
            return
        case "values.yaml":
            chart.values = read_values(file.text, "cannot load values.yaml")
        case "values.schema.json":
            chart.schema = file.data
        case "Chart.lock" | "requirements.lock":
            chart.lock = _yaml(file, f"cannot load {file.name}")
            chart.files += [file] if file.name == "requirements.lock" else []
        case "requirements.yaml":
            wanted = (_yaml(file, "cannot load requirements.yaml") or {}).get("dependencies")
            chart.metadata["dependencies"] = wanted or []
            chart.files.append(file)
        case name if name.startswith("templates/"):
            chart.templates.append(file)
        case name if name.startswith("charts/") and not name.endswith(".prov"):
            inside = name.removeprefix("charts/")
            below.setdefault(inside.partition("/")[0], []).append(File(inside, file.data))
        case _:
            chart.files.append(file)


def _yaml(file: File, lead: str) -> Any:
    try:
        return plain_data(from_yaml(file.text))
    except ValueError as error:
        raise ChartError(f"{lead}: {error}") from None


def read_values(text: str, lead: str) -> dict[str, Any]:
    """Values in a YAML text; several documents are merged. `lead` is how a complaint begins."""
    values: dict[str, Any] = {}
    try:
        documents = [floats(value) for value, _repeated in parse_yaml_documents(text)]
    except ValueError as error:
        message = f"error converting YAML to JSON: {error}"
        raise ChartError(f"{lead}: cannot unmarshal yaml document: {message}") from None
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict):
            found = {list: "array", str: "string", bool: "bool"}.get(type(document), "number")
            raise ChartError(
                f"{lead}: cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: "
                f"json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
            )
        values = merged_maps(values, document)
    return values


def _subchart(chart: Chart, name: str, files: Sequence[File]) -> None:
    if name[0] in "_.":
        return
    try:
        if name.endswith(".tgz"):
            below = from_archive(files[0].data)
        else:
            inside = [File(file.name.partition("/")[2], file.data) for file in files if "/" in file.name]
            below = from_files(inside)
    except ChartError as error:
        raise ChartError(f"error unpacking subchart {name} in {chart.name}: {error}") from None
    chart.dependencies.append(below)
