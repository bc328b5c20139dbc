"""The edition for browsers as it was built: complete, and silent towards other hosts. `make lite` first."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from tests.book.conftest import HTML
from tests.lite.pages import LITE, NOTEBOOKS, built

KERNEL = LITE / "static" / "pyodide"
HEAVIEST = 58_000_000
"""Bytes that the edition may have; a visit loads about two thirds of them, once."""

pytestmark = built


def read(path: str) -> Any:
    return json.loads((LITE / path).read_text())


def test_every_page_is_there_with_the_kernel_of_the_browser() -> None:
    assert [place for place in NOTEBOOKS if not (LITE / "files" / place).exists()] == []
    assert {read(f"files/{place}")["metadata"]["kernelspec"]["name"] for place in NOTEBOOKS} == {"python"}


def test_what_is_kept_for_times_without_a_network_is_there() -> None:
    worker = (LITE / "service-worker.js").read_text()
    files = json.loads(re.findall(r"^const FILES = (.*);$", worker, re.MULTILINE)[0])
    assert [name for name in files if not (LITE / name).exists()] == []
    assert {f"files/{place}" for place in NOTEBOOKS} <= set(files)
    assert {path.relative_to(LITE).as_posix() for path in KERNEL.iterdir()} <= set(files)


def test_it_weighs_no_more_than_it_has_to() -> None:
    files = [path for path in LITE.rglob("*") if path.is_file()]
    assert [path.name for path in files if path.suffix in (".map", ".eot", ".ttf", ".po", ".pot")] == []
    assert sum(path.stat().st_size for path in files) < HEAVIEST


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
