"""A cluster to type at, and somebody who types; one at which both kubectls are typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from k8snb import Cluster
from k8snb.kubectl import Output, run
from tests.kubectl.two import POD, Two

Typed = Callable[..., Output]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=3, seed=1)


@pytest.fixture
def kubectl(cluster: Cluster) -> Typed:
    """Types a command and says what came of it."""
    return lambda command, stdin="": run(cluster, command, stdin)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    cluster = Cluster(nodes=3, seed=1, journal=False)
    pair = Two(cluster, tmp_path_factory.mktemp("kube"))
    for command, stdin in (
        ("create deployment web --image=nginx:1.27 --replicas=2 --port=80", ""),
        ("expose deployment web --name=svc --port=80", ""),
        ("create configmap a --from-literal=x=y", ""),
        ("label configmap a zz=1 example.com/b=2", ""),
        ("create secret generic s --from-literal=x=y", ""),
        ("create namespace other", ""),
        ("create quota few --hard=pods=3,cpu=2 -n other", ""),
        ("apply -f -", POD),
        ("wait --for=condition=Ready pod/big --timeout=120s", ""),
        ("rollout status deployment/web", ""),
    ):
        outcome = pair.ours.run(command, stdin)
        assert outcome.code == 0, outcome.text
    yield pair
    pair.real.close()
