"""Token Secrets hold the token of their account."""

from __future__ import annotations

import base64
from typing import Any

from k8snb.cluster.cluster import Cluster
from k8snb.typing import Object
from k8snb.wire import Request


def secret(name: str, account: str) -> Object:
    annotations = {"kubernetes.io/service-account.name": account}
    meta = {"name": name, "namespace": "default", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/service-account-token"}


def sender(cluster: Cluster, token: str) -> Any:
    user = cluster.server.authenticate(Request("GET", "/", headers={"authorization": f"Bearer {token}"}))
    return user.name if user is not None else None


def test_a_token_secret_is_filled_and_its_token_holds_until_it_is_deleted() -> None:
    cluster = Cluster(nodes=0)
    cluster.client.create("secrets", secret("bot", "default"))
    cluster.settle()
    stored = cluster.client.get("secrets", "bot", "default")
    data = {key: base64.b64decode(value).decode() for key, value in stored["data"].items()}
    account = cluster.client.get("serviceaccounts", "default", "default")
    assert stored["metadata"]["annotations"]["kubernetes.io/service-account.uid"] == account["metadata"]["uid"]
    assert (data["namespace"], data["ca.crt"][:27]) == ("default", "-----BEGIN CERTIFICATE-----")
    assert sender(cluster, data["token"]) == "system:serviceaccount:default:default"
    cluster.client.delete("secrets", "bot", "default")
    assert sender(cluster, data["token"]) is None


def test_a_token_secret_goes_with_its_account() -> None:
    cluster = Cluster(nodes=0)
    meta = {"name": "bot", "namespace": "default"}
    cluster.client.create("serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    cluster.client.create("secrets", secret("bot", "bot"))
    cluster.client.create("secrets", secret("lost", "nobody"))
    cluster.settle()
    before = [found["metadata"]["name"] for found in cluster.client.list("secrets", "default")]
    cluster.client.delete("serviceaccounts", "bot", "default")
    cluster.settle()
    assert (before, cluster.client.list("secrets", "default")) == (["bot"], [])
