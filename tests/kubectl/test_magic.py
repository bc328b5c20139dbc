"""The magics of a notebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from k8snb import Cluster, use
from k8snb.kubectl.magic import Command, commands, filled, register


class Notebook:
    """As much of IPython as the magics need."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}
        self.magics: dict[str, Callable[..., None]] = {}

    def register_magic_function(self, function: Callable[..., None], magic_kind: str, magic_name: str) -> None:
        self.magics[magic_name] = function


@pytest.fixture
def notebook() -> Notebook:
    made = Notebook()
    register(made)
    return made


def test_a_line_asks_the_cluster_made_last(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    first, _second = Cluster(nodes=1), Cluster(nodes=2)
    notebook.magics["kubectl"]("get nodes -o name")
    assert capsys.readouterr().out == "node/node-1\nnode/node-2\n"
    use(first)
    notebook.magics["kubectl"]("get nodes -o name")
    assert capsys.readouterr().out == "node/node-1\n"


def test_curl_asks_from_outside(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    use(Cluster(nodes=1))
    notebook.user_ns["port"] = 30007
    notebook.magics["curl"]("http://172.18.0.2:{port}/")
    refused = "curl: (7) Failed to connect to 172.18.0.2 port 30007 after 0 ms: Could not connect to server\n"
    assert capsys.readouterr().out == refused


def test_a_fork_is_not_what_a_notebook_means(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(nodes=1)
    twin = cluster.fork()
    twin.kubectl("create namespace elsewhere")
    notebook.magics["kubectl"]("get namespace elsewhere")
    assert "NotFound" in capsys.readouterr().out


def test_a_cell_is_what_a_command_reads(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(nodes=1)
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    notebook.magics["apply"]("", manifest)
    notebook.magics["kubectl"]("create -f -", manifest.replace("name: a", "name: b"))
    assert capsys.readouterr().out == "configmap/a created\nconfigmap/b created\n"
    assert cluster.kubectl("get cm a b -o name") == "configmap/a\nconfigmap/b\n"


def test_a_cell_can_hold_commands(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(nodes=1)
    notebook.magics["kubectl"]("-n shop", "create namespace shop\n\n# what is in it?\nkubectl get cm -o name\n")
    shown = capsys.readouterr().out
    assert shown.startswith("$ kubectl create namespace shop -n shop\nnamespace/shop created\n$ kubectl get")
    assert cluster.kubectl("get ns shop -o name") == "namespace/shop\n"


def test_errors_are_shown_and_stop_nothing(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(nodes=1)
    notebook.magics["kubectl"]("get pod nope")
    assert capsys.readouterr().out == 'Error from server (NotFound): pods "nope" not found\n'
    del cluster


def test_variables_of_the_notebook_can_be_used_and_templates_are_left_alone() -> None:
    variables = {"name": "web", "replicas": 3, "end": "no", "cluster": object()}
    assert filled("scale {name} --replicas={replicas}", variables) == "scale web --replicas=3"
    template = "get pods -o jsonpath='{range .items[*]}{.metadata.name}{end}{cluster}'"
    assert filled(template, variables) == template


def test_commands_go_on_in_the_next_line_and_read_what_stands_below() -> None:
    cell = "get pods \\\n  -o wide\napply -f - <<'END'\nkind: Pod\n  # kept\nEND\n# not a command\nkubectl version\n"
    assert list(commands(cell)) == [
        Command("get pods -o wide"),
        Command("apply -f -", "kind: Pod\n  # kept\n"),
        Command("version"),
    ]


def test_a_cell_is_no_shell_and_says_so(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(nodes=1)
    notebook.magics["kubectl"]("get pods | grep web")
    assert capsys.readouterr().out.startswith("error: this is no shell and knows no |: write one command a line")
    notebook.magics["kubectl"]("get nodes -o jsonpath='{range .items[*]}{.metadata.name} | {end}'")
    assert capsys.readouterr().out == "node-1 | "
    del cluster


def test_an_edit_stands_in_the_cell(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(nodes=1)
    cluster.kubectl("create configmap a --from-literal=k=v")
    notebook.magics["kubectl"]("edit cm a", "s/k: v/k: w/\n")
    assert capsys.readouterr().out == "configmap/a edited\n"
    assert cluster.kubectl("get cm a -o jsonpath={.data.k}") == "w"


def test_ipython_runs_them() -> None:
    testing = pytest.importorskip("IPython.testing.globalipapp")
    shell = testing.get_ipython() or testing.start_ipython()
    shell.run_line_magic("load_ext", "k8snb")
    assert {"kubectl", "apply"} <= set(shell.magics_manager.magics["cell"])
