"""Which contexts of a kubeconfig a notebook stays away from."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snb import CannotConnect
from k8snb.live.contexts import Context, contexts, refusal
from k8snb.live.opening import Wishes, find_context, open_context


def context(name: str, server: str = "https://127.0.0.1:6443", cluster: str = "c", namespace: str = "") -> Context:
    return Context(name, cluster, "me", server, namespace)


@pytest.mark.parametrize(
    "told",
    [
        context("kind-lab"),
        context("k3d-products", "https://0.0.0.0:6550"),
        context("minikube", "https://192.168.49.2:8443"),
        context("docker-desktop", "https://kubernetes.docker.internal:6443"),
        context("delivery", "https://localhost:6443", namespace="alive"),
    ],
)
def test_clusters_to_play_with_are_used(told: Context) -> None:
    assert refusal(told) == ""


@pytest.mark.parametrize(
    ("told", "word"),
    [
        (context("prod"), "prod"),
        (context("shop-prod-2"), "shop-prod-2"),
        (context("lab", cluster="eu_production"), "eu_production"),
        (context("lab", "https://api.prd.example.com:6443"), "api.prd.example.com"),
        (context("lab", namespace="live"), "live"),
        (context("PROD2", "https://127.0.0.1:1"), "PROD2"),
    ],
)
def test_what_is_called_production_is_not_touched_whoever_vouches_for_it(told: Context, word: str) -> None:
    assert refusal(told, told.name) == f"“{word}” looks like production"


def test_a_server_far_away_needs_its_name_a_second_time() -> None:
    far = context("lab", "https://lab.example.com:6443")
    assert "K8SNB_TRUST=lab" in refusal(far)
    assert "K8SNB_TRUST=lab" in refusal(far, "other")
    assert refusal(far, "lab") == ""
    assert refusal(context("gke_lab", "https://203.0.113.9")) != ""


def test_the_clusters_own_namespaces_are_not_lent() -> None:
    assert refusal(context("lab", namespace="kube-system")) == "the namespace kube-system is the cluster's own"


def test_of_several_kubeconfigs_the_first_word_counts() -> None:
    entry = {"name": "lab", "context": {"cluster": "c", "user": "me", "namespace": "n"}}
    one = {"contexts": [entry], "clusters": [{"name": "c", "cluster": {"server": "https://one"}}]}
    two = {
        "contexts": [{"name": "lab", "context": {}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://two"}}],
    }
    assert contexts([one, two]) == {"lab": Context("lab", "c", "me", "https://one", "n")}


def test_a_context_that_is_not_there_is_told_beside_those_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config"
    path.write_text("{contexts: [{name: kind-lab, context: {}}], users: [{name: a, user: {token: s3cret}}]}")
    monkeypatch.setenv("KUBECONFIG", f"{path}:{tmp_path}/none")
    with pytest.raises(CannotConnect) as error:
        find_context("kind-lap")
    assert str(error.value) == "there is no context kind-lap in the kubeconfig; there are: kind-lab"
    path.write_text("{: s3cret")
    with pytest.raises(CannotConnect) as error:
        find_context("kind-lap")
    assert str(error.value) == f"{path} is no kubeconfig that can be read"


def test_a_refused_context_is_not_asked_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text(
        "{contexts: [{name: prod, context: {cluster: c}}], clusters: [{name: c, cluster: {server: nowhere}}]}"
    )
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(CannotConnect, match="prod: not connected: “prod” looks like production"):
        open_context(Wishes("prod"))
