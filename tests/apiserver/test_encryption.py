"""Encryption at rest: what lies in the store, and who can read it."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster, StatusError
from k8snb.apiserver.encryption import BadConfiguration

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
WHERE = "/registry/secrets/default/login"
AGAIN = "replace -f -"


def provider(name: str, *keys: str) -> dict[str, Any]:
    return {name: {"keys": [{"name": key, "secret": KEY} for key in keys]}}


IDENTITY: dict[str, Any] = {"identity": {}}


def config(*providers: dict[str, Any], resources: tuple[str, ...] = ("secrets",)) -> dict[str, Any]:
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    return {**head, "resources": [{"resources": list(resources), "providers": list(providers)}]}


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(nodes=0)
    made.kubectl("create secret generic login --from-literal=password=SuperSecret")
    return made


def stored(cluster: Cluster) -> bytes:
    return cluster.raw.get(WHERE) or b""


def password(cluster: Cluster) -> str:
    return cluster.kubectl("get secret login -o jsonpath={.data.password}")


def rewrite(cluster: Cluster) -> str:
    return cluster.kubectl(AGAIN, stdin=cluster.kubectl("get secrets -A -o json"))


def test_a_secret_lies_in_the_store_in_the_clear(cluster: Cluster) -> None:
    assert stored(cluster).startswith(b"k8s\0")
    assert b"SuperSecret" in stored(cluster)


@pytest.mark.parametrize("name", ["aescbc", "aesgcm", "secretbox"])
def test_what_is_written_from_now_on_is_encrypted_and_still_read(cluster: Cluster, name: str) -> None:
    cluster.encrypt(config(provider(name, "key1"), IDENTITY))
    assert b"SuperSecret" in stored(cluster)
    assert "secret/login replaced" in rewrite(cluster)
    assert stored(cluster).startswith(f"k8s:enc:{name}:v1:key1:".encode())
    assert b"SuperSecret" not in stored(cluster)
    before = cluster.client.get("secrets", "login", "default")
    cluster.encrypt(config(provider(name, "key1"), IDENTITY))
    assert cluster.client.get("secrets", "login", "default") == before
    assert password(cluster) == "U3VwZXJTZWNyZXQ="


def test_writing_the_same_again_is_a_write_only_where_another_key_has_written(cluster: Cluster) -> None:
    revisions = []
    for each in (config(provider("aescbc", "new"), provider("aesgcm", "old"), IDENTITY), None, None):
        if each is not None:
            cluster.encrypt(each)
        rewrite(cluster)
        revisions.append(cluster.client.get("secrets", "login", "default")["metadata"]["resourceVersion"])
    assert len(set(revisions)) == 1


def test_keys_are_rotated_by_putting_the_new_one_first(cluster: Cluster) -> None:
    for keys in (["key1"], ["key2", "key1"]):
        cluster.encrypt(config(provider("aescbc", *keys), IDENTITY))
        rewrite(cluster)
    assert stored(cluster).startswith(b"k8s:enc:aescbc:v1:key2:")
    cluster.encrypt(config(provider("aescbc", "key2")))
    assert password(cluster) == "U3VwZXJTZWNyZXQ="


def test_decrypting_means_to_put_identity_first(cluster: Cluster) -> None:
    for providers in ((provider("aescbc", "key1"), IDENTITY), (IDENTITY, provider("aescbc", "key1"))):
        cluster.encrypt(config(*providers))
        rewrite(cluster)
    assert b"SuperSecret" in stored(cluster)


@pytest.mark.parametrize(
    ("providers", "why"),
    [
        ((provider("aesgcm", "key1"),), "no matching prefix found"),
        ((provider("aescbc", "key2"),), "no matching key was found for the provided AES transformer"),
        ((IDENTITY,), "identity transformer tried to read encrypted data"),
    ],
)
def test_nobody_reads_a_secret_whose_key_is_lost(
    cluster: Cluster, providers: tuple[dict[str, Any], ...], why: str
) -> None:
    cluster.encrypt(config(provider("aescbc", "key1")))
    cluster.kubectl("create secret generic other --from-literal=a=b")
    cluster.encrypt(config(*providers))
    with pytest.raises(StatusError) as caught:
        cluster.client.get("secrets", "other", "default")
    key = "/registry/secrets/default/other"
    assert caught.value.message == f'Internal error occurred: unable to transform key "{key}": {why}'


def test_a_configuration_without_identity_can_not_read_what_is_in_the_clear(cluster: Cluster) -> None:
    cluster.encrypt(config(provider("aescbc", "key1")))
    assert "no matching prefix found" in password(cluster)


def test_other_resources_are_named_by_group_or_by_a_star(cluster: Cluster) -> None:
    cluster.encrypt(config(provider("secretbox", "k"), IDENTITY, resources=("configmaps", "*.apps")))
    cluster.kubectl("create configmap settings --from-literal=a=b")
    cluster.kubectl("create deployment web --image=nginx")
    cluster.kubectl("create service clusterip web --tcp=80")
    keys = ["configmaps/default/settings", "deployments/default/web", "services/specs/default/web"]
    assert [(cluster.raw.get(f"/registry/{key}") or b"")[:4] for key in keys] == [b"k8s:", b"k8s:", b"k8s\0"]


def test_a_fork_encrypts_with_the_same_bytes(cluster: Cluster) -> None:
    cluster.encrypt(config(provider("aesgcm", "key1"), IDENTITY))
    rewrite(cluster)
    assert cluster.raw.get(WHERE) == cluster.fork().raw.get(WHERE)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (config({"aescbc": {"keys": [{"name": "a", "secret": "c2hvcnQ="}]}}),
         "secret is not of the expected length, got 5, expected one of [16 24 32]"),
        (config({"aescbc": {"keys": [{"name": "a", "secret": "%"}]}}), "secrets must be base64 encoded"),
        (config({"rot13": {}}), "provider does not contain any of the expected providers: "
                                "KMS, AESGCM, AESCBC, Secretbox, Identity"),
        ({"kind": "Config", "apiVersion": "v1"}, 'no kind "Config" is registered for version "v1"'),
    ],
)  # fmt: skip
def test_a_configuration_that_makes_no_sense_is_refused(cluster: Cluster, given: dict[str, Any], why: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        cluster.encrypt(given)
    assert str(caught.value) == why


def test_etcdctl_shows_keys_values_and_bytes(cluster: Cluster) -> None:
    assert cluster.etcdctl("get /registry/secrets/ --prefix --keys-only") == f"{WHERE}\n\n"
    assert '"Count" : 4\n' in cluster.etcdctl("get /registry/namespaces/ --prefix --count-only -w fields")
    dump = cluster.etcdctl(f"get {WHERE} | hexdump -C").splitlines()
    assert dump[:3] == [
        "00000000  2f 72 65 67 69 73 74 72  79 2f 73 65 63 72 65 74  |/registry/secret|",
        "00000010  73 2f 64 65 66 61 75 6c  74 2f 6c 6f 67 69 6e 0a  |s/default/login.|",
        "00000020  6b 38 73 00 0a 0c 0a 02  76 31 12 06 53 65 63 72  |k8s.....v1..Secr|",
    ]
    assert cluster.etcdctl("auth enable").startswith("Usage: etcdctl get KEY")
