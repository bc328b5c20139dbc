"""What a served cluster can have besides: a storage driver, encryption and an audit log as files say."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from k8snb.serving.credentials import FreshKeys
from k8snb.serving.kubeconfig import CannotServe
from k8snb.serving.served import Extras

CONFIG = """\
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - secretbox: {keys: [{name: k, secret: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}]}
"""


def test_a_served_cluster_has_the_driver_and_the_encryption_that_it_was_started_with(tmp_path: Path) -> None:
    config = tmp_path / "encryption.yaml"
    config.write_text(CONFIG)
    cluster = Extras(driver="disks.example.com", encryption=config).cluster(1, 1, 20.0, FreshKeys())
    cluster.kubectl("create secret generic login --from-literal=a=b")
    assert list(cluster.drivers) == ["disks.example.com"]
    assert (cluster.raw.get("/registry/secrets/default/login") or b"").startswith(b"k8s:enc:secretbox:v1:k:")


@pytest.mark.parametrize("text", ["kind: Config", "{", CONFIG.replace("MDEy", "")])
def test_it_does_not_start_with_a_configuration_that_makes_no_sense(tmp_path: Path, text: str) -> None:
    config = tmp_path / "encryption.yaml"
    config.write_text(text)
    with pytest.raises(CannotServe):
        Extras(encryption=config).cluster(0, 1, 1.0, FreshKeys())


def test_a_served_cluster_writes_its_audit_log_event_by_event(tmp_path: Path) -> None:
    policy, log = tmp_path / "policy.yaml", tmp_path / "audit.log"
    policy.write_text("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata, verbs: [create]}]}")
    cluster = Extras(audit_policy=policy, audit_log=str(log)).cluster(0, 1, 1.0, FreshKeys())
    cluster.kubectl("create namespace shop")
    events = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    about = [event["stage"] for event in events if event.get("objectRef", {}).get("resource") == "namespaces"]
    assert about == ["RequestReceived", "ResponseComplete"]


def test_it_does_not_start_with_a_policy_that_is_none(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: []}")
    with pytest.raises(CannotServe) as refused:
        Extras(audit_policy=policy, audit_log="-").cluster(0, 1, 1.0, FreshKeys())
    why = "loading audit policy file: loaded illegal policy with 0 rules: from file "
    assert str(refused.value) == f"{why}{policy}"
