"""The exercises of the page on Services: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.lab import services
from k8snb.lab.verdict import Verdict
from tests.network.town import PORT, Town

MY_APP = {"app.kubernetes.io/name": "MyApp"}


@pytest.fixture
def town() -> Town:
    town = Town()
    for number in (1, 2):
        town.pod(f"my-app-{number}")
        town.change("pods", f"my-app-{number}", {"metadata": {"labels": MY_APP}})
    return town


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def backend(town: Town, port: int = 8080, target: int = PORT, **selector: str) -> Verdict:
    ports = [{"port": port, "targetPort": target}]
    town.service("backend", selector=selector or MY_APP, ports=ports)
    return services.check_backend(town.cluster)


@pytest.mark.parametrize("check", [services.check_backend, services.check_shop, services.check_honest])
def test_a_reader_who_has_done_nothing_is_told_what_there_is_not(town: Town, check: Any) -> None:
    assert missing(check(town.cluster)).endswith("there is none in the namespace default")


def test_a_backend_on_the_wrong_port_is_told_which(town: Town) -> None:
    assert missing(backend(town, port=80)) == "callers use port 8080: the port is 80"


def test_a_backend_that_selects_nobody_is_told_how_many_it_misses(town: Town) -> None:
    assert missing(backend(town, app="backend")).endswith("missing in its slices: 2")


def test_a_backend_that_selects_too_much_is_told_of_strangers(town: Town) -> None:
    town.pod("stranger", app="x")
    for name in ("my-app-1", "my-app-2", "stranger"):
        town.change("pods", name, {"metadata": {"labels": {"all": "yes"}}})
    assert missing(backend(town, all="yes")).endswith("strangers in its slices: 1")


def test_a_backend_that_leads_past_its_pods_is_told_where(town: Town) -> None:
    assert missing(backend(town, target=8080)).endswith("the port of its slices is 8080")


def test_a_backend_is_solved(town: Town) -> None:
    assert backend(town)


def shop(town: Town, target: str = "http", app: str = "shop") -> Verdict:
    for number in (1, 2):
        container = {"image": "nginx", "args": [], "ports": [{"name": "http", "containerPort": 80}]}
        town.pod(f"shop-{number}", app="shop", container=container)
    town.service("shop", selector={"app": app}, ports=[{"port": 80, "targetPort": target}])
    return services.check_shop(town.cluster)


def test_a_shop_with_a_wrong_selector_is_told_so(town: Town) -> None:
    assert missing(shop(town, app="shops")).startswith("it selects every ready pod that it should")


def test_a_shop_whose_target_has_no_port_is_told_so(town: Town) -> None:
    assert missing(shop(town, target="web")) == "it leads to port 80, where they listen: the port of its slices: none"


def test_a_shop_is_not_repaired_by_giving_its_pods_other_labels(town: Town) -> None:
    shop(town, app="shops")
    town.change("pods", "shop-1", {"metadata": {"labels": {"app": "shops"}}})
    assert missing(services.check_shop(town.cluster)).endswith("their number is 1")


def test_a_shop_is_solved(town: Town) -> None:
    assert shop(town)


def node_port(town: Town, **spec: Any) -> Verdict:
    town.service("my-nodeport", selector=MY_APP, **spec)
    return services.check_honest(town.cluster)


def test_a_node_port_that_hides_the_caller_is_told_its_policy(town: Town) -> None:
    assert missing(node_port(town, type="NodePort")).endswith("externalTrafficPolicy is Cluster")


def test_a_service_that_is_no_node_port_any_more_is_told_so(town: Town) -> None:
    assert missing(node_port(town)).endswith("type is ClusterIP")


def test_an_honest_node_port_is_solved(town: Town) -> None:
    assert node_port(town, type="NodePort", externalTrafficPolicy="Local")
