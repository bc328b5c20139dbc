"""kopf: an operator of a kind of its own, from its first object over a restart to the goodbye."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kopf.testing import KopfRunner
from lightkube import ApiError, Client, KubeConfig
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.apiextensions_v1 import CustomResourceDefinitionSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.core_v1 import Event, Pod
from lightkube.types import PatchType

OPERATOR = Path(__file__).with_name("operator.py")
PATIENCE_SECONDS = 30.0
CronTab = create_namespaced_resource("stable.example.com", "v1", "CronTab", "crontabs")
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {"type": "object", "required": ["image"], "properties": {"image": {"type": "string"}}},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
VERSION = {
    "name": "v1",
    "served": True,
    "storage": True,
    "subresources": {"status": {}},
    "schema": {"openAPIV3Schema": SCHEMA},
}
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
