"""The exercises of the page on configuration: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import configuration
from k8snb.lab.verdict import Verdict


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(nodes=1, seed=1)
    made.kubectl("create configmap app-config --from-literal=api.url=x --from-literal=on=true")
    made.kubectl("create secret generic db-credentials --from-literal=username=u --from-literal=password=p")
    return made


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


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
    ("main", "secret", "told"),
    [
        (one_by_one("on"), {}, "what begins with CFG_ is CFG_on"),
        (EVERY, {}, "the files: password, username"),
        ({**EVERY}, {"items": [ITEM]}, "its mode is 0644"),
    ],
)
def test_what_a_reader_lacks_is_named(
    cluster: Cluster, main: dict[str, Any], secret: dict[str, Any], told: str
) -> None:
    pod(cluster, "reader", [{"name": "db", "secret": {"secretName": "db-credentials", **secret}}], **main, **MOUNT)
    assert missing(configuration.check_reader(cluster)).endswith(told)


def test_a_late_key_is_waited_for(cluster: Cluster) -> None:
    reference = {"configMapKeyRef": {"name": "greetings", "key": "word"}}
    pod(cluster, "late", env=[{"name": "WORD", "valueFrom": reference}])
    assert missing(configuration.check_late(cluster)) == 'its container runs: configmap "greetings" not found'
    cluster.kubectl("create configmap greetings --from-literal=word=hello")
    cluster.advance(15)
    assert configuration.check_late(cluster)


def test_a_version_is_a_new_map_and_a_rollout(cluster: Cluster) -> None:
    def after(*commands: str) -> Verdict:
        for command in commands:
            cluster.kubectl(command)
        cluster.settle()
        return configuration.check_versions(cluster)

    made = ("create configmap web-v1 --from-literal=colour=blue", "create deployment web --image=nginx --replicas=2")
    after(*made, "set env deployment/web --from=configmap/web-v1")
    assert "anybody can still change it" in missing(after("create configmap web-v2 --from-literal=colour=green"))
    patched = after('patch configmap web-v2 -p {\\"immutable\\":true}')
    assert missing(patched).endswith("what they read is web-v1")
    assert after("set env deployment/web --from=configmap/web-v2")
