"""The package is cut into layers, and a module imports only downward."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent / "k8snb"

LAYERS = (
    ("__init__", "__main__", "bench", "cluster", "coverage", "live", "operating", "serving", "testing", "verifying"),
    ("book", "helm"),
    ("etcdctl", "kubectl", "lab", "view"),
    ("controllers", "kubelet", "network", "scheduler"),
    ("cni", "csi", "dra", "ingress", "metrics"),
    ("apiserver", "client"),
    ("etcd",),
    ("raft", "store"),
    ("machinery",),
    ("clock", "collector", "current", "errors", "i18n", "loop", "packet", "trace", "typing", "version", "wire"),
)
GROUND = len(LAYERS) - 1
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

EDGE = {
    "__main__.py",
    "apiserver/listener.py",
    "cni/linux.py",
    "serving/console.py",
    "serving/credentials.py",
    "cluster/datafile.py",
    "live/holders.py",
    "live/session.py",
    "live/transport.py",
    "live/cluster.py",
    "live/commands.py",
    "operating/eventloop.py",
    "operating/instants.py",
    "operating/operator.py",
    "operating/recording.py",
    "operating/wire.py",
    "serving/outside.py",
    "serving/relaying.py",
    "serving/served.py",
    "testing.py",
} | {f"bench/{name}.py" for name in ("api", "bare", "load", "scale", "soak")}
"""The only files that may know of sockets, threads and the machine's time; those of `operating` know asyncio alone."""

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
    "sqlite3",
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


@cache
def imported(path: Path) -> tuple[str, ...]:
    """The dotted names that a file imports, `from x import y` as `x.y`."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in _statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path)}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _statements(module: ast.Module) -> Iterator[ast.AST]:
    """The statements of a file, wherever they stand. What they are made of imports nothing."""
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        yield node
        for block in ("body", "orelse", "handlers", "finalbody", "cases"):
            waiting += getattr(node, block, ())


def goes_down(here: str, name: str) -> bool:
    """Whether a part may import what has that dotted name."""
    if not name.startswith("k8snb."):
        return True
    there = name.split(".")[1]
    if there not in LEVEL:  # `from k8snb import Cluster`: the front door
        there = "__init__"
    return there == here or LEVEL[there] > LEVEL[here] or LEVEL[here] == LEVEL[there] in (0, GROUND)


def is_inside(path: Path, name: str) -> bool:
    """Whether what has that dotted name knows nothing of sockets, threads and chance, or has its one place there."""
    root = name.split(".")[0]
    return (root not in OUTSIDE or name.startswith(tuple(HARMLESS))) and ONE_PLACE.get(root, place(path)) == place(path)


def test_every_module_has_a_layer() -> None:
    assert [place(path) for path in FILES if part(path) not in LEVEL] == []


def test_every_module_imports_only_downward() -> None:
    found = [(place(path), name) for path in FILES for name in imported(path) if not goes_down(part(path), name)]
    assert found == []


def test_nothing_below_the_edge_knows_of_sockets_threads_or_chance() -> None:
    below = [path for path in FILES if place(path) not in EDGE]
    assert [(place(path), name) for path in below for name in imported(path) if not is_inside(path, name)] == []


def test_the_machines_time_is_not_read_behind_the_clocks_back() -> None:
    words = ("datetime.now(", "datetime.utcnow(", "date.today(", "os.urandom(")
    found = [(place(f), word) for f in FILES if place(f) not in EDGE for word in words if word in f.read_text()]
    assert found == []
