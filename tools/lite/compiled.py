"""What Python would compile in the reader's browser, compiled once when the edition is built.

Only the Python in the browser can do it, so it is run here, by Node.js. Each file of code is kept by its digest: a
second build compiles what has changed. Python takes such a file without a look at the time of its source.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tools.lite.wheels import Package

SELDOM = re.compile(r"^(?:pygments/(?:lexers|styles)|jedi/third_party|aiohttp|click|wcwidth)/")
"""Files that hardly a page needs: to compile them takes less time there than to load what was compiled."""


def added(packages: Iterable[Package], runtime: Path, cache: Path) -> list[Package]:
    """The packages with their code in both forms."""
    found = list(packages)
    cache.mkdir(parents=True, exist_ok=True)
    sources = {name: text for package in found for name, text in package.files.items() if _is_code(name)}
    missing = [text for text in sources.values() if not _kept(cache, text).exists()]
    for text in missing:
        _kept(cache, text).with_suffix(".py").write_bytes(text)
    if missing:
        script = Path(__file__).with_name("compile.mjs")
        done = subprocess.run(["node", script, runtime, cache], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
    return [replace(package, files={**package.files, **_forms(package, cache)}) for package in found]


def _forms(package: Package, cache: Path) -> dict[str, bytes]:
    code = {name: _kept(cache, text) for name, text in package.files.items() if _is_code(name)}
    return {_beside(name): path.read_bytes() for name, path in code.items() if path.exists()}


def _is_code(name: str) -> bool:
    return name.endswith(".py") and not SELDOM.search(name)


def _kept(cache: Path, text: bytes) -> Path:
    return cache / f"{hashlib.sha256(text).hexdigest()}.pyc"


def _beside(name: str) -> str:
    """Where Python looks for the compiled form of a file."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/__pycache__/{file.removesuffix('.py')}.cpython-314.pyc".lstrip("/")
