"""What a served cluster can have besides: a storage driver, and encryption as a file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snb.serving import CannotServe, Extras, FreshKeys

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
