"""The exercises of the page on configuration: there are many right ways to read."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import configuration
from k8snb.lab.reading import says


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


@pytest.mark.parametrize(
    ("mounts", "path", "seen"),
    [
        ({"/etc/db/password": "password"}, "password", ["password"]),
        ({"/etc/db/": "in"}, "in/password", ["password"]),
        ({"/etc/db/password": "password", "/etc/db/login": "username"}, "password", ["login", "password"]),
        ({"/etc/db": ""}, "in/password", ["in/password"]),
    ],
)
def test_what_is_mounted_in_parts_counts_as_it_is_seen(
    cluster: Cluster, mounts: dict[str, str], path: str, seen: list[str]
) -> None:
    items = [{**ITEM, "path": path}, {"key": "username", "path": "username"}][: len(mounts)]
    volume = {"name": "db", "secret": {"secretName": "db-credentials", "defaultMode": 0o400, "items": items}}
    parts = [{"name": "db", "mountPath": at, "subPath": part} for at, part in mounts.items()]
    pod(cluster, "reader", [volume], **EVERY, volumeMounts=parts)
    assert cluster.kubectl("exec reader -- ls /etc/db").split() == [each.partition("/")[0] for each in seen]
    verdict = configuration.check_reader(cluster)
    if seen == ["password"]:
        assert verdict
    else:
        assert verdict.claims[-1].missing == says("the files", seen)
