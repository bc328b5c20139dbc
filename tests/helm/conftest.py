"""A cluster, somebody who types at it, and charts that are written in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from k8snb import Cluster
from k8snb.helm import run
from k8snb.kubectl import Output
from k8snb.kubectl import run as run_kubectl

Typed = Callable[..., Output]
DATA = Path(__file__).parent / "data"
Written = Callable[..., str]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=1, seed=1)


@pytest.fixture
def helm(cluster: Cluster) -> Typed:
    """Types a command and says what came of it."""
    return lambda command, stdin="": run(cluster, command, stdin)


@pytest.fixture
def kubectl(cluster: Cluster) -> Typed:
    return lambda command, stdin="": run_kubectl(cluster, command, stdin)


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Writes a chart into the working directory: its files by path, and lines that Chart.yaml has besides."""
    monkeypatch.chdir(tmp_path)

    def write(files: Mapping[str, str], more: str = "", name: str = "web") -> str:
        folder = Path(name)
        lines = f"apiVersion: v2\nname: {folder.name}\nversion: 1.2.3\nappVersion: '1.27'\n{more}\n"
        for path, text in {"Chart.yaml": lines, **files}.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        return name

    return write


def config_map(data: str, name: str = "{{ .Release.Name }}") -> str:
    """A ConfigMap whose data are templates."""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  {data}\n"
