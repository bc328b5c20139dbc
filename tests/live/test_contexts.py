"""Which contexts of a kubeconfig a notebook stays away from."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from k8snb import CannotConnect
from k8snb.live import opening
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
        context("reproducer", cluster="nonprod-2"),
        context("lab", "https://k8s:6443"),
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
        (context("eksprodeu1"), "eksprodeu1"),
        (context("pre-prod"), "pre-prod"),
        (Context("lab", "c", "prod-admin", "https://127.0.0.1:1", ""), "prod-admin"),
        (Context("lab", "c", "me", "https://10.0.0.1", "", "http://proxy.prod.lan:3128"), "proxy.prod.lan"),
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


@pytest.mark.parametrize("host", ["134744072", "0x08080808", "[::ffff:8.8.8.8]", "8.8.8.8", "10.0.0.1.example.com"])
def test_an_address_in_disguise_is_far_away(host: str) -> None:
    assert "is neither on this machine nor on a private network" in refusal(context("lab", f"https://{host}:6443"))


def test_behind_a_proxy_an_address_says_nothing() -> None:
    hidden = context("lab", "https://10.0.0.1")._replace(proxy="http://127.0.0.1:3128")
    assert refusal(hidden).startswith("a proxy (127.0.0.1) leads to its server, wherever that is")
    assert refusal(hidden, "lab") == ""


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


def test_a_client_that_would_go_elsewhere_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text(
        "{contexts: [{name: lab, context: {cluster: c, user: u}}], users: [{name: u, user: {token: t}}], "
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]}"
    )
    monkeypatch.setenv("KUBECONFIG", str(path))
    known = contexts(yaml.safe_load_all(path.read_text()))["lab"]
    monkeypatch.setattr(opening, "find_context", lambda name: known._replace(server="http://localhost:1"))
    with pytest.raises(
        CannotConnect, match="its server is http://localhost:1, and the client goes to http://127.0.0.1:1"
    ):
        open_context(Wishes("lab"))


def test_a_refused_context_is_not_asked_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text(
        "{contexts: [{name: prod, context: {cluster: c}}], clusters: [{name: c, cluster: {server: nowhere}}]}"
    )
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(CannotConnect, match="prod: not connected: “prod” looks like production"):
        open_context(Wishes("prod"))
