"""The chart that `helm create` begins: a web server with a Service, small enough to read in one go.

The files are this project's own; names, labels and values are the usual ones, so that what is learned here is found
again in other charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import PurePosixPath

_NAME = "<CHARTNAME>"
_TEMPLATES = ("_helpers.tpl", "deployment.yaml", "service.yaml", "serviceaccount.yaml", "NOTES.txt")


def starter(name: str) -> Mapping[str, str]:
    """The files of a new chart, by their paths in it."""
    folder = files("k8snb.helm.chart") / "starter"
    names = ("Chart.yaml", "values.yaml", "helmignore", "templates/tests/test-connection.yaml")
    found = {
        each: (folder / each).read_text(encoding="utf-8") for each in (*names, *(f"templates/{t}" for t in _TEMPLATES))
    }
    return {_place(path): text.replace(_NAME, name) for path, text in found.items()}


def _place(path: str) -> str:
    return ".helmignore" if PurePosixPath(path).name == "helmignore" else path
