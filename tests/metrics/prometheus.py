"""The real Prometheus, with series of our own: for tests that compare."""

from __future__ import annotations

import json
import math
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from k8snb.metrics.labels import NAME, shown, value
from k8snb.metrics.tsdb import TSDB

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
needs_prometheus = pytest.mark.skipif(not PROMETHEUS or not PROMTOOL, reason="there is no Prometheus on this machine")


def _number(number: float) -> str:
    return "NaN" if number != number else f"{number:+}" if math.isinf(number) else repr(number)


def open_metrics(store: TSDB) -> str:
    """All series of a store in the format that `promtool` takes."""
    lines: list[str] = []
    for name in store.label_values(NAME):
        lines.append(f"# TYPE {name} unknown")
        for series in sorted((s for s in store if value(s.labels, NAME) == name), key=lambda s: s.labels):
            samples = zip(series.times, series.values, strict=True)
            label = shown(series.labels).replace(", ", ",")
            lines += [f"{label} {_number(number).replace('inf', 'Inf')} {at / 1000:.3f}" for at, number in samples]
    return "\n".join([*lines, "# EOF\n"])


class Real:
    """A Prometheus that answers on a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, **parameters: object) -> Mapping[str, Any]:
        """The `data` of an answer, or `{"error": …}`."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urlencode(parameters)}") as response:
                answer = json.load(response)
        except HTTPError as refusal:
            answer = json.load(refusal)
            return {"error": answer["error"].removeprefix('invalid parameter "query": ')}
        found: Mapping[str, Any] = answer["data"]
        return found


def _load(file: Path, store: TSDB, data: Path) -> None:
    """Put what a store has into the real one's database."""
    file.write_text(open_metrics(store))
    command = [str(PROMTOOL), "tsdb", "create-blocks-from", "openmetrics", str(file), str(data)]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def real(folder: Path, store: TSDB, config: str = "global: {}\n") -> Iterator[Real]:
    """A Prometheus with what the store has, for as long as the block lasts."""
    assert PROMETHEUS is not None
    assert PROMTOOL is not None
    (folder / "prometheus.yml").write_text(config)
    data = folder / "data"
    if len(store):
        _load(folder / "series.txt", store, data)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={data}"]
    options += [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y", "--log.level=error"]
    process = subprocess.Popen([PROMETHEUS, *options])
    try:
        for _ in range(200):
            try:
                urlopen(f"http://127.0.0.1:{port}/-/ready")
                break
            except URLError:
                time.sleep(0.05)
        yield Real(port)
    finally:
        process.terminate()
        process.wait()
