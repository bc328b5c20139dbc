"""What a kernel in the browser is loaded from: Pyodide, Graphviz, wheels, and a lock that names only these."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.lite import compiled, wheels
from tools.lite.wheels import Package

RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
KERNEL = ("ipykernel-6", "piplite-", "pyodide_kernel-", "widgetsnbextension-4")
"""Which of the wheels that come with the kernel are needed; those of the classic Notebook are not."""


def assemble(root: Path, fetched: Path, folder: Path, cache: Path | None) -> list[str]:
    """Write all that the kernel is loaded from into a folder, and tell the names of its packages.

    With a cache, code is compiled already.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in RUNTIME:
        shutil.copy2(fetched / "npm" / "pyodide" / name, folder)
    shutil.copy2(fetched / "npm" / "viz" / "dist" / "viz.js", folder / "viz.mjs")
    shutil.copy2(root / "lite" / "boot.mjs", folder)
    found = [*_installed(root), *_brought(fetched)]
    if cache is not None:
        found = compiled.added(found, fetched / "npm" / "pyodide", cache)
    written = {package.file_name: package.wheel() for package in found}
    for name, wheel in written.items():
        (folder / name).write_bytes(wheel)
    platform = json.loads((fetched / "npm" / "pyodide" / "pyodide-lock.json").read_text())["info"]
    (folder / "pyodide-lock.json").write_text(json.dumps(lock(platform, found, written), indent=1) + "\n")
    return sorted(package.name for package in found)


def _installed(root: Path) -> Iterator[Package]:
    for package in wheels.closure(wheels.ROOTS):
        if package.name == "k8snb":
            yield wheels.from_source("k8snb", package.version, root / "k8snb", package.requires or ())
        else:
            yield wheels.installed(package)
    for name in ("orjson", "k8snb-lite"):
        yield wheels.from_source(name, "0", root / "lite" / name.replace("-", "_"))


def _brought(fetched: Path) -> Iterator[Package]:
    kernel = next((fetched / "tools").glob("share/jupyter/labextensions/@jupyterlite/*/static/pypi"))
    for path in [*sorted((fetched / "wheels").glob("*.whl")), *sorted(kernel.glob("*.whl"))]:
        if path.parent != kernel or path.name.startswith(KERNEL):
            yield wheels.opened(path)


def lock(platform: Mapping[str, Any], found: list[Package], written: Mapping[str, bytes]) -> dict[str, Any]:
    """What Pyodide reads: where each package is, what it needs and what it must be."""
    known = {package.name for package in found}
    return {"info": platform, "packages": {each.name: _entry(each, known, written) for each in found}}


def _entry(package: Package, known: set[str], written: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "file_name": package.file_name,
        "install_dir": "site",
        "sha256": hashlib.sha256(written[package.file_name]).hexdigest(),
        "package_type": "package",
        "imports": list(package.imports),
        "depends": sorted(set(package.needs) & known),
        "unvendored_tests": False,
    }
