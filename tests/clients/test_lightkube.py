"""lightkube: typed models over TLS."""

from __future__ import annotations

from pathlib import Path

import pytest
from lightkube import ApiError, Client, KubeConfig
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Node, Pod
from lightkube.types import CascadeType, PatchType

LABELS = {"app": "lightkube"}


@pytest.fixture
def client(kubeconfig: Path) -> Client:
    return Client(KubeConfig.from_file(kubeconfig))


def config_map(name: str, **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, labels=LABELS), data=data)


def deployment(name: str) -> Deployment:
    template = PodTemplateSpec(
        metadata=ObjectMeta(labels=LABELS), spec=PodSpec(containers=[Container(name="web", image="nginx")])
    )
    spec = DeploymentSpec(replicas=1, selector=LabelSelector(matchLabels=LABELS), template=template)
    return Deployment(metadata=ObjectMeta(name=name), spec=spec)


def test_models_are_created_replaced_patched_and_deleted(client: Client) -> None:
    made = client.create(config_map("l", a="1"))
    assert made.metadata is not None
    made.data = {"a": "2"}
    client.replace(made)
    client.patch(ConfigMap, "l", {"data": {"b": "3"}}, patch_type=PatchType.MERGE)
    assert client.get(ConfigMap, "l").data == {"a": "2", "b": "3"}
    client.delete(ConfigMap, "l")
    with pytest.raises(ApiError) as refused:
        client.get(ConfigMap, "l")
    assert (refused.value.status.code, refused.value.status.reason) == (404, "NotFound")


def test_lists_come_in_pages_and_by_selectors(client: Client) -> None:
    for name in "abc":
        client.create(config_map(name))
    found = [each.metadata.name for each in client.list(ConfigMap, labels=LABELS, chunk_size=2) if each.metadata]
    assert found == [*"abc"]
    assert [each.metadata.name for each in client.list(Node) if each.metadata] == ["node-1"]
    client.deletecollection(ConfigMap)
    assert list(client.list(ConfigMap, labels=LABELS)) == []


def test_a_deployment_is_waited_for_and_scaled(client: Client) -> None:
    client.create(deployment("web"))
    client.wait(Deployment, "web", for_conditions=["Available"])
    scale = client.get(Deployment.Scale, "web")
    scale.spec = ScaleSpec(replicas=2)
    client.replace(scale, "web")
    found = client.get(Deployment, "web")
    assert found.spec is not None
    assert found.spec.replicas == 2
    client.delete(Deployment, "web", cascade=CascadeType.FOREGROUND)


def test_logs_are_read_and_followed(client: Client) -> None:
    run = Container(name="main", image="busybox", command=["sh", "-c", "echo one; sleep 1; echo two"])
    client.create(Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(containers=[run], restartPolicy="Never")))
    client.wait(Pod, "p", for_conditions=["Initialized"])
    for _, changed in client.watch(Pod, fields={"metadata.name": "p"}):
        if changed.status is not None and changed.status.phase == "Succeeded":
            break
    assert list(client.log("p", follow=True)) == ["one\n", "two\n"]


def test_a_watch_goes_on_from_a_revision(client: Client) -> None:
    made = client.create(config_map("w"))
    assert made.metadata is not None
    client.delete(ConfigMap, "w")
    version = made.metadata.resourceVersion
    for type, seen in client.watch(ConfigMap, labels=LABELS, resource_version=version):
        assert seen.metadata is not None
        assert (type, seen.metadata.name) == ("DELETED", "w")
        break
