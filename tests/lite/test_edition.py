"""The edition for browsers as it was built: complete, and silent towards other hosts. `make lite` first."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.book.conftest import HTML, ROOT
from tests.book.test_chapters import CHAPTERS

LITE = HTML / "lite"
KERNEL = LITE / "static" / "pyodide"
pytestmark = pytest.mark.skipif(not LITE.exists(), reason="the edition for browsers is not built: make lite")


def read(path: str) -> Any:
    return json.loads((LITE / path).read_text())


def test_every_page_is_there_with_the_kernel_of_the_browser() -> None:
    notebooks = [str(path.relative_to(ROOT)) for path in CHAPTERS]
    assert [path for path in notebooks if not (LITE / "files" / path).exists()] == []
    assert {read(f"files/{path}")["metadata"]["kernelspec"]["name"] for path in notebooks} == {"python"}


def test_every_package_of_the_kernel_is_there_as_the_lock_says() -> None:
    packages = read("static/pyodide/pyodide-lock.json")["packages"]
    found = {
        name: hashlib.sha256((KERNEL / each["file_name"]).read_bytes()).hexdigest() for name, each in packages.items()
    }
    assert found == {name: each["sha256"] for name, each in packages.items()}
    assert {need for each in packages.values() for need in each["depends"]} <= set(packages)


def test_the_kernel_is_loaded_from_here_and_from_nowhere_else() -> None:
    settings = read("jupyter-lite.json")["jupyter-config-data"]["litePluginSettings"]
    kernel = settings["@jupyterlite/pyodide-kernel-extension:kernel"]
    assert kernel["disablePyPIFallback"] is True
    assert kernel["loadPyodideOptions"]["packages"] == sorted(read("static/pyodide/pyodide-lock.json")["packages"])
    assert all(url.startswith("./") for url in [kernel["pyodideUrl"], *kernel["pipliteUrls"]])
    assert (LITE / kernel["pyodideUrl"]).exists()


def test_the_book_says_that_its_pages_run_in_the_browser() -> None:
    assert "const BUILT = true;" in (HTML / "_static" / "launch.js").read_text()
