"""The package is cut into layers, and a module imports only downward."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "k8snb"

LAYERS = (
    (
        "__init__",
        "__main__",
        "bench",
        "cluster",
        "coverage",
        "hosting",
        "machines",
        "outside",
        "relaying",
        "playing",
        "rush",
        "serving",
        "showing",
        "snapshot",
        "testing",
        "waiting",
    ),
    ("helm",),
    ("kubectl", "lab", "live", "view"),
    ("controllers", "kubelet", "metrics", "network", "scheduler"),
    ("csi", "ingress"),
    ("apiserver", "client"),
    ("raft", "store"),
    ("machinery",),
    ("clock", "collector", "current", "errors", "i18n", "loop", "packet", "trace", "typing", "wire"),
)
GROUND = len(LAYERS) - 1
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

EDGE = {"__main__.py", "apiserver/listener.py", "outside.py", "relaying.py", "serving.py", "testing.py"} | {
    f"bench/{name}.py" for name in ("api", "bare", "load", "scale", "soak")
}
"""The only files that may know of sockets, threads and the machine's time."""

OUTSIDE = {
    "asyncio",
    "concurrent",
    "http",
    "multiprocessing",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "threading",
    "urllib",
    "uuid",
}
ONE_PLACE = {"time": "clock.py", "random": "machinery/names.py"}
HARMLESS = {"http.HTTPStatus", "urllib.parse"}
"""Words without a wire."""

FILES = sorted(ROOT.rglob("*.py"))


def place(path: Path) -> str:
    """Where a file stands in the package: `store/mvcc.py`."""
    return path.relative_to(ROOT).as_posix()


def part(path: Path) -> str:
    """The part of the package that a file belongs to: `store`."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, `from x import y` as `x.y`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path)}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=place)
def test_every_module_has_a_layer(path: Path) -> None:
    assert part(path) in LEVEL


@pytest.mark.parametrize("path", FILES, ids=place)
def test_a_module_imports_only_downward(path: Path) -> None:
    here = part(path)
    for name in imported(path):
        if not name.startswith("k8snb."):
            continue
        there = name.split(".")[1]
        if there not in LEVEL:  # `from k8snb import Cluster`: the front door
            there = "__init__"
        allowed = there == here or LEVEL[there] > LEVEL[here] or LEVEL[here] == LEVEL[there] in (0, GROUND)
        assert allowed, f"{place(path)} imports {name}"


@pytest.mark.parametrize("path", [f for f in FILES if place(f) not in EDGE], ids=place)
def test_nothing_below_the_edge_knows_of_sockets_threads_or_chance(path: Path) -> None:
    for name in imported(path):
        root = name.split(".")[0]
        assert root not in OUTSIDE or name.startswith(tuple(HARMLESS)), f"{place(path)} imports {name}"
        assert root not in ONE_PLACE or place(path) == ONE_PLACE[root], f"{place(path)} imports {name}"


def test_the_machines_time_is_not_read_behind_the_clocks_back() -> None:
    words = ("datetime.now(", "datetime.utcnow(", "date.today(", "os.urandom(")
    found = [(place(f), word) for f in FILES if place(f) not in EDGE for word in words if word in f.read_text()]
    assert found == []
