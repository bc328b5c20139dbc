"""A served cluster, used by a stranger over TLS: limited rights, real time, and a kernel that is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from k8snb import connect
from k8snb.__main__ import main
from k8snb.client.client import Client
from k8snb.live.cluster import LiveCluster
from tests.live.conftest import admin_of


@pytest.fixture
def admin(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The client of whoever the served cluster belongs to; KUBECONFIG leads there as the stranger."""
    monkeypatch.setenv("KUBECONFIG", str(lab.with_name("stranger")))
    return admin_of(lab)


def homes(client: Client) -> list[str]:
    return [each["metadata"]["name"] for each in client.list("namespaces", labels="app.kubernetes.io/managed-by=k8snb")]


Said = Callable[..., str]


@pytest.fixture
def live(capsys: pytest.CaptureFixture[str]) -> Said:
    """What `python -m k8snb live …` prints."""

    def said(*words: str, code: int = 0) -> str:
        assert main(["live", *words]) == code
        told = capsys.readouterr()
        return told.err if code else told.out

    return said


def killed() -> str:
    """The home of a notebook whose kernel got SIGKILL."""
    ends = os.pipe()
    kernel = os.fork()
    if not kernel:
        notebook = connect()
        notebook.kubectl("run web --image=nginx")
        os.write(ends[1], notebook.home.encode())
        signal.pause()
    home = os.read(ends[0], 100).decode()
    os.kill(kernel, signal.SIGKILL)
    os.waitpid(kernel, 0)
    return home


def test_commands_in_containers_and_logs_come_over_the_wire(admin: Client) -> None:
    with connect() as notebook:
        assert isinstance(notebook, LiveCluster)
        notebook.kubectl("run web --image=nginx")
        assert notebook.kubectl("wait --for=condition=Ready pod/web") == "pod/web condition met\n"
        assert notebook.kubectl("exec web -- hostname") == "web\n"
        assert notebook.kubectl("exec -i web -- cat", "hello") == "hello"
        assert notebook.kubectl("exec web -- sh -c 'echo no >&2; exit 3'").splitlines()[0] == "no"
        assert "start worker process" in notebook.kubectl("logs web --tail=1")
        token = notebook.kubectl("exec web -- cat /var/run/secrets/kubernetes.io/serviceaccount/token")
        assert token == "***"
        assert notebook.under_way() == []


def test_a_kernel_that_is_killed_is_cleaned_up_after(admin: Client, live: Said) -> None:
    home = killed()
    assert homes(admin) == [home]
    assert f"over: the namespace {home}" in live("check")
    assert live("clean") == f"session {home.removeprefix('k8snb-')}: deleted namespaces/{home}\n"
    assert homes(admin) == []
    assert live("clean") == "nothing is left that nobody uses\n"


def test_what_would_be_possible_is_said_before(admin: Client, live: Said) -> None:
    said = live("check")
    assert "you        system:serviceaccount:people:guest" in said
    assert "home       a namespace of its own" in said
    assert "there is no context prod" in live("check", "--context", "prod", code=1)
