"""Tokens that nobody uses any more end, if they were generated: first they are refused, a year later they are gone."""

from __future__ import annotations

import base64

import pytest

from k8snb.cluster.cluster import Cluster
from k8snb.typing import Object

DAY = 86400
USED, INVALID = "kubernetes.io/legacy-token-last-used", "kubernetes.io/legacy-token-invalid-since"


def with_a_token(*, listed: bool = True) -> Cluster:
    """An account with a token in a Secret, which it lists if that was generated."""
    made = Cluster(nodes=0)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bot", "namespace": "default"}}
    made.client.create("serviceaccounts", {**account, **({"secrets": [{"name": "bot"}]} if listed else {})})
    annotations = {"kubernetes.io/service-account.name": "bot"}
    meta = {"name": "bot", "namespace": "default", "annotations": annotations}
    token = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/service-account-token"}
    made.client.create("secrets", token)
    made.settle()
    return made


def secret(cluster: Cluster) -> Object | None:
    return cluster.client.find("secrets", "bot", "default")


def labels(cluster: Cluster) -> Object:
    return (secret(cluster) or {})["metadata"].get("labels") or {}


def whoami(cluster: Cluster) -> str:
    """What is answered to the token, without the table."""
    data = (secret(cluster) or {})["data"]
    return cluster.kubectl(f"auth whoami --token={base64.b64decode(data['token']).decode()}").splitlines()[0]


def test_a_generated_token_is_refused_after_a_year_without_use_and_deleted_after_another() -> None:
    here = with_a_token()
    here.advance(366 * DAY)
    assert labels(here) == {INVALID: "2027-01-02"}
    assert whoami(here) == "error: You must be logged in to the server (Unauthorized)"
    assert labels(here) == {INVALID: "2027-01-02", USED: "2027-01-02"}
    here.advance(365 * DAY)
    assert secret(here) is not None
    here.advance(2 * DAY)
    assert secret(here) is None


def test_a_token_in_use_is_noted_once_a_day_warned_of_and_kept() -> None:
    here = with_a_token()
    here.advance(300 * DAY)
    assert whoami(here).startswith("Warning: Use tokens from the TokenRequest API or manually created secret-based")
    revision = here.revision
    whoami(here)
    assert (labels(here), here.revision) == ({USED: "2026-10-28"}, revision)
    here.advance(300 * DAY)
    assert labels(here) == {USED: "2026-10-28"}


def test_who_takes_the_mark_away_is_let_in_again() -> None:
    here = with_a_token()
    here.advance(366 * DAY)
    here.kubectl(f"label secret bot {INVALID}-")
    assert whoami(here).startswith("Warning: ")


@pytest.mark.parametrize("reason", ["made by hand", "mounted"])
def test_a_token_is_left_alone_that_was(reason: str) -> None:
    here = with_a_token(listed=reason == "mounted")
    here.advance(365 * DAY)
    if reason == "mounted":
        volume = {"name": "token", "secret": {"secretName": "bot"}}
        spec = {"containers": [{"name": "c", "image": "nginx"}], "volumes": [volume]}
        meta = {"name": "web", "namespace": "default"}
        here.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    here.advance(2 * DAY)
    assert labels(here) == {}


def test_a_use_is_part_of_the_past_of_a_fork() -> None:
    here = with_a_token()
    whoami(here)
    twin = here.fork()
    assert (twin.revision, labels(twin)) == (here.revision, labels(here))
