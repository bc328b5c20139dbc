"""A stranger in somebody else's cluster: who may have namespaces and what is in them, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from k8snb import Cluster
from k8snb.client.client import Client
from k8snb.clock import WallClock
from k8snb.kubectl import Kubectl
from k8snb.live.opening import YOU
from k8snb.live.transport import LiveTransport
from k8snb.machinery.scheme import Scheme
from k8snb.testing import served
from tests.live.door import CONTEXT, Door, door

kubernetes = pytest.importorskip("kubernetes")

CONTEXT_SERVED = "k8snb"
"""The context in the kubeconfig of a served cluster."""
GUEST = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: namespaces}
rules:
- {apiGroups: [""], resources: [namespaces], verbs: [get, list, create, delete, patch]}
- {apiGroups: [""], resources: [nodes], verbs: [get, list, watch]}
- {apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: [get, list, create, delete]}
- {apiGroups: [example.com], resources: ["*"], verbs: ["*"]}
"""


def guest_of(kubectl: Callable[..., str]) -> str:
    """The token of a user who may have namespaces and administrate what is in namespaces."""
    kubectl("apply -f -", GUEST)
    kubectl("create namespace people")
    kubectl("create serviceaccount guest -n people")
    for role in ("namespaces", "admin"):
        kubectl(f"create clusterrolebinding guest-{role} --clusterrole={role} --serviceaccount=people:guest")
    return kubectl("create token guest -n people --duration=24h").strip()


def admin_of(path: Path) -> Client:
    """A client with the credentials of a served cluster's kubeconfig."""
    api = kubernetes.config.new_client_from_config(str(path), CONTEXT_SERVED)
    return Client(LiveTransport(api), Scheme(), YOU)


def stranger(path: Path, token: str) -> Path:
    """The kubeconfig of a stranger with that token, beside another one."""
    config = yaml.safe_load(path.read_text())
    config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
    beside = path.with_name("stranger")
    beside.write_text(yaml.safe_dump(config))
    return beside


@pytest.fixture(scope="session")
def served_lab() -> Iterator[Path]:
    """A served cluster: the kubeconfig of whoever it belongs to, and beside it that of a stranger."""
    with served(nodes=3, speed=60) as path:
        kubectl = Kubectl(admin_of(path), WallClock())
        kubectl.run("wait --for=condition=Ready nodes --all --timeout=120s")
        stranger(path, guest_of(lambda command, stdin="": kubectl.run(command, stdin).stdout))
        yield path


@pytest.fixture
def lab(served_lab: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The served cluster, with the environment of a reader who has named its context."""
    monkeypatch.setenv("K8SNB_CONTEXT", CONTEXT_SERVED)
    return served_lab


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
