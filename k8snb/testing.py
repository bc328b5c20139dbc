"""A Kubernetes API for tests, without Docker.

    pytest_plugins = ["k8snb.testing"]

    def test_my_operator(cluster): ...        # in process, in virtual time
    def test_my_client(kubeconfig): ...       # a served cluster and the kubeconfig that leads to it

Outside pytest, `served()` is a context manager around `python -m k8snb serve`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from k8snb.cluster.cluster import Cluster


@contextmanager
def served(nodes: int = 3, *, speed: float = 1.0, seed: int = 1) -> Iterator[Path]:
    """A cluster served by another process, on a free port of the loopback address; gives the path of its kubeconfig."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kubeconfig")
        command = [sys.executable, "-m", "k8snb", "serve", "--port", "0", "--nodes", str(nodes)]
        command += ["--speed", str(speed), "--seed", str(seed), "--kubeconfig", str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError("the cluster did not start; its errors are above")
            yield path
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
def cluster() -> Cluster:
    """A cluster of three nodes in this process, with seed 1."""
    return Cluster(nodes=3, seed=1)


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    """The kubeconfig of a served cluster of three nodes that the tests of a module share."""
    with served() as path:
        yield path
