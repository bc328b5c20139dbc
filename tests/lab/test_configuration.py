"""The exercises of the page on configuration: there are many right ways to read."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import configuration


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(nodes=1, seed=1)
    made.kubectl("create configmap app-config --from-literal=api.url=x --from-literal=on=true")
    made.kubectl("create secret generic db-credentials --from-literal=username=u --from-literal=password=p")
    return made


def pod(cluster: Cluster, name: str, volumes: list[dict[str, Any]] | None = None, **main: Any) -> None:
    spec = {"containers": [{"name": "main", "image": "nginx", **main}], "volumes": volumes or []}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    cluster.client.create("pods", made, "default")
    cluster.settle()


EVERY = {"envFrom": [{"prefix": "CFG_", "configMapRef": {"name": "app-config"}}]}
MOUNT = {"volumeMounts": [{"name": "db", "mountPath": "/etc/db"}]}
ITEM = {"key": "password", "path": "password"}


def one_by_one(*keys: str) -> dict[str, Any]:
    return {
        "env": [
            {"name": f"CFG_{key}", "valueFrom": {"configMapKeyRef": {"name": "app-config", "key": key}}} for key in keys
        ]
    }


@pytest.mark.parametrize("variables", [EVERY, one_by_one("api.url", "on")])
@pytest.mark.parametrize(
    "source",
    [
        {"secret": {"secretName": "db-credentials", "defaultMode": 0o400, "items": [ITEM]}},
        {"secret": {"secretName": "db-credentials", "items": [{**ITEM, "mode": 0o400}]}},
        {"projected": {"defaultMode": 0o400, "sources": [{"secret": {"name": "db-credentials", "items": [ITEM]}}]}},
    ],
)
def test_every_right_way_to_read_is_right(cluster: Cluster, variables: dict[str, Any], source: dict[str, Any]) -> None:
    pod(cluster, "reader", [{"name": "db", **source}], **variables, **MOUNT)
    assert configuration.check_reader(cluster)
