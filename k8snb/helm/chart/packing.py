"""A chart as one file, and as the start of a new one. Upstream: `pkg/chartutil/save.go`, `create.go`.

The archive is the same for the same chart: every file in it is of the same moment.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator

from k8snb.helm.chart.chart import Chart, File
from k8snb.helm.errors import ChartError
from k8snb.helm.gzipping import gzipped
from k8snb.helm.yamltext import json_text, yaml_text


def packed(chart: Chart, moment: int = 0) -> bytes:
    """The chart as a gzipped tar file, with the charts below it inside."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for file in _files(chart, chart.name):
            info = tarfile.TarInfo(file.name)
            info.size, info.mode, info.mtime = len(file.data), 0o644, moment
            archive.addfile(info, io.BytesIO(file.data))
    return gzipped(buffer.getvalue())


def _files(chart: Chart, folder: str) -> Iterator[File]:
    if chart.schema is not None:
        try:
            json.loads(chart.schema)
        except ValueError:
            raise ChartError("invalid JSON in values.schema.json") from None
    yield File(f"{folder}/Chart.yaml", yaml_text(chart.metadata).encode())
    if chart.lock is not None and chart.metadata.get("apiVersion") == "v2":
        yield File(f"{folder}/Chart.lock", yaml_text(chart.lock).encode())
    given = {file.name: file for file in chart.raw}
    for name in ("values.yaml", "values.schema.json"):
        if name in given:
            yield File(f"{folder}/{name}", given[name].data)
    for file in (*chart.templates, *chart.files):
        yield File(f"{folder}/{file.name}", file.data)
    for below in chart.dependencies:
        yield from _files(below, f"{folder}/charts/{below.name}")


def lock_digest(wanted: object, locked: object) -> str:
    """What ties Chart.lock to Chart.yaml: a hash over the dependencies in both."""
    return f"sha256:{hashlib.sha256(json_text([wanted, locked]).encode()).hexdigest()}"
