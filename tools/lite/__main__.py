"""The edition that runs in a browser: `make lite`.

A JupyterLite with every page of the book as a notebook, the manifests and charts that they apply, and a kernel with
k8snb in it. It is files and nothing else: whatever serves the book serves it, and it asks no other host for anything.
What it is built with comes from the registries of Python and npm (`lite/*.txt`), once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tools.book import launching  # noqa: E402
from tools.lite import contents, kernel, site  # noqa: E402

BOOK = ROOT / "_build" / "html"
BUILD = ROOT / "_build" / "lite"
FETCHED, PROJECT, SITE = BUILD / "fetched", BUILD / "project", BUILD / "site"
ORDERS = [ROOT / "lite" / name for name in ("requirements.txt", "browser.txt", "npm.txt")]
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


def fetch() -> None:
    """Get what the edition is built with, unless it is there already."""
    order, stamp = "".join(path.read_text() for path in ORDERS), FETCHED / "order"
    if stamp.exists() and stamp.read_text() == order:
        return
    shutil.rmtree(FETCHED, ignore_errors=True)
    FETCHED.mkdir(parents=True)
    if shutil.which("npm") is None:
        raise SystemExit("make lite needs npm, which comes with Node.js: Pyodide is published there.")
    tools, browser, npm = ORDERS
    _run(*PIP, "install", "--no-deps", "--target", FETCHED / "tools", "-r", tools)
    only = ("--no-deps", "--only-binary=:all:", "--python-version", "3.14")
    _run(*PIP, "download", *only, "--dest", FETCHED / "wheels", "-r", browser)
    packages = npm.read_text().split()
    _run("npm", "pack", "--silent", "--pack-destination", FETCHED, *packages)
    for name, archive in (("pyodide", "pyodide-*.tgz"), ("viz", "viz-js-viz-*.tgz")):
        with tarfile.open(next(FETCHED.glob(archive))) as opened:
            opened.extractall(FETCHED / "npm")
        (FETCHED / "npm" / "package").rename(FETCHED / "npm" / name)
    stamp.write_text(order)


def build(compiling: bool = True) -> None:
    """Put the edition together, in SITE."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    contents.copied(ROOT, PROJECT / "files")
    for name in ("jupyter-lite.json", "overrides.json"):
        shutil.copy2(ROOT / "lite" / name, PROJECT)
    extension = FETCHED / "tools" / "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension"
    settings = {"LiteBuildConfig": {"federated_extensions": [str(extension)], "extra_file_types": site.FILE_TYPES}}
    (PROJECT / "jupyter_lite_config.json").write_text(json.dumps(settings))
    shutil.rmtree(SITE, ignore_errors=True)
    lean = ("--apps", "lab", "--no-sourcemaps", "--no-unused-shared-packages", "--no-libarchive")
    where = ("--config", PROJECT / "jupyter_lite_config.json", "--lite-dir", PROJECT, "--output-dir", SITE)
    environment = os.environ | {"PYTHONPATH": str(FETCHED / "tools")}
    _run(sys.executable, "-m", "jupyterlite_core", "build", *lean, *where, env=environment)
    cache = BUILD / "compiled" if compiling else None
    _configure(kernel.assemble(ROOT, FETCHED, SITE / "static" / "pyodide", cache))
    site.finish(ROOT, SITE)


def _configure(names: list[str]) -> None:
    """Say where the kernel is and which packages it loads at once, so that none is looked for elsewhere."""
    path = SITE / "jupyter-lite.json"
    written = json.loads(path.read_text())
    ours = json.loads((ROOT / "lite" / "jupyter-lite.json").read_text())
    written["jupyter-config-data"].update(ours["jupyter-config-data"])
    written["jupyter-config-data"].setdefault("litePluginSettings", {}).setdefault(KERNEL, {}).update(
        disablePyPIFallback=True,
        pyodideUrl="./static/pyodide/boot.mjs",
        loadPyodideOptions={"packages": names},
    )
    path.write_text(json.dumps(written, indent=2) + "\n")


def _run(*command: object, env: dict[str, str] | None = None) -> None:
    """Run a command; what it says is shown if it fails."""
    done = subprocess.run([str(part) for part in command], cwd=BUILD, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}{' '.join(map(str, command))}: failed")


def publish() -> None:
    """Put it beside the built book, and have the pages say so."""
    shutil.rmtree(BOOK / "lite", ignore_errors=True)
    shutil.copytree(SITE, BOOK / "lite")
    launching.mark(BOOK)


if __name__ == "__main__":
    BUILD.mkdir(parents=True, exist_ok=True)
    fetch()
    build()
    publish()
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    print(f"{(BOOK / 'lite').relative_to(ROOT)}: {size / 1e6:.0f} MB, for `make read` and any other server")
