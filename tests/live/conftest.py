"""A stranger in somebody else's cluster: who may have namespaces and what is in them, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from k8snb import Cluster
from tests.live.door import CONTEXT, Door, door

GUEST = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: namespaces}
rules:
- {apiGroups: [""], resources: [namespaces], verbs: [get, list, create, delete, patch]}
- {apiGroups: [""], resources: [nodes], verbs: [get, list, watch]}
"""


def guest_of(kubectl: Callable[..., str]) -> str:
    """The token of a user who may have namespaces and administrate what is in namespaces."""
    kubectl("apply -f -", GUEST)
    kubectl("create namespace people")
    kubectl("create serviceaccount guest -n people")
    for role in ("namespaces", "admin"):
        kubectl(f"create clusterrolebinding guest-{role} --clusterrole={role} --serviceaccount=people:guest")
    return kubectl("create token guest -n people --duration=24h").strip()


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster(nodes=2, seed=1)


@pytest.fixture(scope="module")
def opened(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with door(cluster, tmp_path_factory.mktemp("live"), guest_of(cluster.kubectl)) as found:
        yield found


@pytest.fixture
def live(opened: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """The door, with the environment of a reader who has named its context."""
    monkeypatch.setenv("KUBECONFIG", str(opened.kubeconfig))
    monkeypatch.setenv("K8SNB_CONTEXT", CONTEXT)
    monkeypatch.setenv("K8SNB_PATIENCE", "5")
    opened.faults.clear()
    opened.asked.clear()
    yield opened
    opened.faults.clear()
