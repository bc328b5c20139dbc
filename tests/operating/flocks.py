"""Flocks: a kind of one's own and an operator for it, which keeps a ConfigMap for every sheep."""

from __future__ import annotations

from typing import Any

import kopf

from k8snb import Cluster
from tests.apiserver.definitions import operated

NAME = "flock-operator"
VERSION = operated({"size": {"type": "integer"}})
DEFINITION = {
    "metadata": {"name": "flocks.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "flocks", "singular": "flock", "kind": "Flock"},
        "versions": [VERSION],
    },
}
BINDING = {
    "metadata": {"name": "shepherd"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "ServiceAccount", "name": "shepherd", "namespace": "default"}],
}

shepherd = kopf.OperatorRegistry()
"""Grows flocks, and counts how often it has looked after them."""


@kopf.on.create("flocks", registry=shepherd)
@kopf.on.update("flocks", registry=shepherd)
async def grow(name: str, namespace: str, spec: Any, memo: Any, logger: Any, **_: object) -> dict[str, int]:
    logger.info(f"{spec['size']} sheep are wanted")
    for number in range(spec["size"]):
        sheep = {"metadata": {"name": f"{name}-{number}"}}
        kopf.adopt(sheep)
        async with memo.api.post(f"/api/v1/namespaces/{namespace}/configmaps", json=sheep) as answer:
            assert answer.status in (201, 409)
    return {"size": spec["size"]}


@kopf.timer("flocks", interval=30, initial_delay=30, registry=shepherd)
async def count(status: Any, patch: Any, **_: object) -> None:
    patch.status["looked"] = status.get("looked", 0) + 1


def meadow(program: Any = shepherd, size: int = 2, **more: Any) -> Cluster:
    """A cluster with one flock and an operator."""
    cluster = Cluster(nodes=0, seed=1, **more)
    cluster.client.create("customresourcedefinitions", DEFINITION)
    cluster.client.create("serviceaccounts", {"metadata": {"name": "shepherd", "namespace": "default"}})
    cluster.client.create("clusterrolebindings", BINDING)
    cluster.settle()
    cluster.run_operator(program, NAME, account="default/shepherd")
    cluster.client.create("flocks", {"metadata": {"name": "merinos"}, "spec": {"size": size}}, "default")
    cluster.settle()
    return cluster


def flock(cluster: Cluster) -> Any:
    """The flock."""
    return cluster.client.get("flocks", "merinos", "default")


def sheep(cluster: Cluster) -> list[str]:
    """The names of the sheep."""
    found = (each["metadata"]["name"] for each in cluster.client.list("configmaps", "default"))
    return [name for name in found if name.startswith("merinos")]


def log(cluster: Cluster) -> list[str]:
    """What the operator has logged, without the time."""
    return [line.partition(" ")[2] for line in cluster.operators[NAME].log]
