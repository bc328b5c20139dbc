"""What JupyterLite has built, made the book's: our line on its page, kept for times without a network, and lean."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

PAGE = "lab/index.html"
WORKER = "service-worker.js"
TITLE = "Kubernetes, taken apart"

UNASKED = re.compile(r"^build/fa-.*\.(?:eot|svg|ttf)$|favicon\.ico$|rspack\.config\.[a-z.]*js$|\.orig$")
"""Fonts for browsers that cannot run the kernel anyway, a heavy icon, and what JupyterLite was built with."""

IN_PARTS = re.compile(r"^(?:build|extensions)/")
"""JupyterLab, of which a page loads about a third; what it has loaded is kept, the rest is not (`lite/offline.js`)."""

APART = re.compile(rf"^{re.escape(WORKER)}$|^icon-|\.schema\.v0\.json$|third-party-licenses\.json$")
"""What no page needs."""

KERNEL = "extensions/@jupyterlite/pyodide-kernel-extension/static"
REPLY = re.compile(r"(async executeRequest\((\w+)\)\{[^}]*?return (\w+)\.execution_count=this\.executionCount),\3\}")
UNLESS_MEANT = r'\1,"error"===\3.status&&!1===\2.stop_on_error&&(\3.status="ok"),\3}'
"""How the kernel replies to a cell, and how it shall: JupyterLite takes all that is waiting from the queue when a cell
fails, and does not ask whether that was meant (`raises-exception`), which the request says."""

DRIVE = "build"
AS_JSON = re.compile(
    r'("notebook"===\w+\.type)\|\|\w+\.hasFormat\(\w+,"json"\)\|\|\(null==(\w+)\?void 0:\2\.indexOf\("json"\)\)!==-1'
    r"\|\|\w+\.match\(/[^)]*json[^)]*\)[^)]*\)"
)
NOTEBOOKS = r"\1"
"""Which files of the site JupyterLite parses and writes again, and which it shall: programs want the bytes of a
file, and readers its lines."""

FILE_TYPES = {
    "json": {"name": "json", "extensions": [".json"], "mimeTypes": ["application/json"], "fileFormat": "text"},
}
"""What JupyterLite is told of files that are then neither parsed nor taken for pictures and the like."""


def finish(root: Path, site: Path) -> None:
    """Do all of it, in a site that is complete otherwise."""
    for name in [name for name in names(site) if UNASKED.search(name)]:
        (site / name).unlink()
    for name in ("icon.svg", "shell.js", "shell.css"):
        shutil.copy2(root / "lite" / name, site)
    go_on_after_meant_errors(site)
    leave_json_as_it_is(site)
    page = site / PAGE
    page.write_text(dressed(page.read_text(encoding="utf-8")), encoding="utf-8")
    worker = site / WORKER
    ours = (root / "lite" / "offline.js").read_text(encoding="utf-8")
    worker.write_text(f"{kept(site)}{ours}{worker.read_text(encoding='utf-8')}", encoding="utf-8")


def go_on_after_meant_errors(site: Path) -> None:
    """Let "Run All" go on after a cell that is meant to fail. Raises LookupError if JupyterLite is not as expected."""
    _amend(site / KERNEL, REPLY, UNLESS_MEANT, "JupyterLite's kernel replies")


def leave_json_as_it_is(site: Path) -> None:
    """Give out files of JSON byte by byte, as all others. Raises LookupError if JupyterLite is not as expected."""
    _amend(site / DRIVE, AS_JSON, NOTEBOOKS, "JupyterLite reads files as JSON")


def _amend(folder: Path, found: re.Pattern[str], wanted: str, what: str) -> None:
    changed = 0
    for path in sorted(folder.glob("*.js")):
        text, count = found.subn(wanted, path.read_text(encoding="utf-8"))
        if count:
            path.write_text(text, encoding="utf-8")
        changed += count
    if changed != 1:
        raise LookupError(f"{changed} places in which {what}; there should be one")


def names(site: Path) -> list[str]:
    """Every file of the site."""
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file())


def dressed(page: str) -> str:
    """The page of JupyterLab with the book's title, style and script."""
    ours = '<link rel="stylesheet" href="../shell.css">\n    <script src="../shell.js"></script>\n  </head>'
    return re.sub(r"<title>.*?</title>", f"<title>{TITLE}</title>", page).replace("</head>", ours, 1)


def kept(site: Path) -> str:
    """What the service worker has to know: a name for this edition, which follows from its bytes, and what to keep."""
    found = names(site)
    digest = hashlib.sha256("".join(_digests(site, found)).encode()).hexdigest()[:16]
    files = [name for name in found if not IN_PARTS.search(name) and not APART.search(name)]
    return f"const EDITION = {json.dumps(f'k8snb-{digest}')};\nconst FILES = {json.dumps(files)};\n"


def _digests(site: Path, found: list[str]) -> Iterator[str]:
    for name in found:
        yield name
        yield hashlib.sha256((site / name).read_bytes()).hexdigest()
