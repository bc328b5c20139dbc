"""kopf: an operator of a kind of its own, from its first object over a restart to the goodbye."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kopf.testing import KopfRunner
from lightkube import ApiError, Client, KubeConfig
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.apiextensions_v1 import CustomResourceDefinitionSpec
from lightkube.models.core_v1 import HostPathVolumeSource, PersistentVolumeSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.core_v1 import Event, PersistentVolume, Pod
from lightkube.types import PatchType

from tests.apiserver.definitions import operated

BOOK = Path(__file__).parent.parent.parent / "manifests" / "ecosystem"
EtcdCluster = create_namespaced_resource("etcd.example.com", "v1", "EtcdCluster", "etcdclusters")
DISK = PersistentVolumeSpec(
    accessModes=["ReadWriteOnce"], capacity={"storage": "1Gi"}, hostPath=HostPathVolumeSource(path="/srv/etcd")
)
OPERATOR = Path(__file__).with_name("operator.py")
PATIENCE_SECONDS = 30.0
CronTab = create_namespaced_resource("stable.example.com", "v1", "CronTab", "crontabs")
VERSION = operated({"image": {"type": "string"}}, required=["image"])
DEFINITION = {
    "group": "stable.example.com",
    "scope": "Namespaced",
    "names": {"plural": "crontabs", "singular": "crontab", "kind": "CronTab"},
    "versions": [VERSION],
}


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that the operator does in its own process."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, "the operator does not do it"
        time.sleep(0.05)


@pytest.fixture
def client(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client that sees what the operator does; CronTabs are defined."""
    monkeypatch.setenv("KUBECONFIG", os.fspath(kubeconfig))
    client = Client(KubeConfig.from_file(kubeconfig))
    spec = CustomResourceDefinitionSpec.from_dict(DEFINITION)
    client.create(CustomResourceDefinition(metadata=ObjectMeta(name="crontabs.stable.example.com"), spec=spec))
    client.wait(CustomResourceDefinition, "crontabs.stable.example.com", for_conditions=["Established"])
    return client


def test_an_operator_looks_after_a_kind_of_its_own(client: Client) -> None:
    def crontab() -> Any:
        return client.get(CronTab, "mine")

    def status() -> dict[str, Any]:
        kept = dict(crontab().status or {})
        kept.pop("kopf", None)
        return kept

    def missing(kind: Any) -> bool:
        try:
            client.get(kind, "mine")
        except ApiError as refused:
            return refused.status.code == 404
        return False

    def pod() -> Any:
        return client.get(Pod, "mine")

    def run() -> KopfRunner:
        return KopfRunner(["run", "--verbose", "--namespace", "default", os.fspath(OPERATOR)])

    client.create(CronTab(metadata={"name": "mine"}, spec={"image": "busybox:1.36"}))
    with run() as first:
        until(lambda: status() == {"created": {"pod": "mine", "tries": 2}, "ticks": 3})
        assert crontab().metadata.finalizers == ["stable.example.com/operator"]
        (owner,) = pod().metadata.ownerReferences
        assert (owner.kind, owner.uid, owner.controller) == ("CronTab", crontab().metadata.uid, True)
        until(lambda: (pod().metadata.annotations or {}).get("seen") == "yes")
    assert (first.exit_code, first.exception) == (0, None)

    client.patch(CronTab, "mine", {"spec": {"image": "busybox:1.37"}}, patch_type=PatchType.MERGE)
    with run() as second:
        until(lambda: (status().get("resumed"), status().get("changed/spec.image")) == (True, "busybox:1.37"))
        assert pod().spec.containers[0].image == "busybox:1.37"
        client.delete(CronTab, "mine")
        until(lambda: missing(CronTab) and missing(Pod))
    assert (second.exit_code, second.exception) == (0, None)
    said = {event.reason: event.message for event in client.list(Event) if event.involvedObject.kind == "CronTab"}
    assert said == {
        "Changed": "busybox:1.36 became busybox:1.37",
        "Farewell": "goodbye mine",
        "Stopped": "left mine alone",
    }


def test_the_operator_of_the_book_runs_over_the_network_too(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", os.fspath(kubeconfig))
    client = Client(KubeConfig.from_file(kubeconfig))
    definition = yaml.safe_load((BOOK / "etcdcluster-crd.yaml").read_text())
    client.create(CustomResourceDefinition.from_dict(definition))
    client.wait(CustomResourceDefinition, definition["metadata"]["name"], for_conditions=["Established"])
    client.create(PersistentVolume(metadata=ObjectMeta(name="disk"), spec=DISK))
    impatient = tmp_path / "etcd_operator.py"
    impatient.write_text((BOOK / "etcd_operator.py").read_text().replace("LOOK_SECONDS = 5", "LOOK_SECONDS = 0.2"))
    client.create(EtcdCluster(metadata={"name": "one"}, spec={"version": "3.6.6", "size": 1}))

    def ready() -> bool:
        conditions = (client.get(EtcdCluster, "one").status or {}).get("conditions") or [{}]
        return bool(conditions[0].get("status") == "True")

    def uids() -> set[str | None]:
        return {pod.metadata.uid for pod in client.list(Pod, labels={"etcd": "one"}) if pod.metadata is not None}

    with KopfRunner(["run", "--namespace", "default", os.fspath(impatient)]) as runner:
        until(ready)
        before = uids()
        client.delete(Pod, "one-0", grace_period=0)
        until(lambda: len(uids() - before) == 1)
        until(ready)
    assert (runner.exit_code, runner.exception) == (0, None)
