"""The exercises of the page on Ingress: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.lab import ingress
from k8snb.lab.verdict import Verdict
from tests.book.conftest import ROOT
from tests.ingress.entry import Entry


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


@pytest.fixture(scope="module")
def entry() -> Entry:
    """The page's cluster before its exercises."""
    entry = Entry("frontend-service", "static-service", "api-v2", gateways=True, cloud=True)
    entry.app("api-service", port=8080)
    for name in ("ingress", "gateway"):
        entry.apply(str(ROOT / "manifests" / "production" / f"{name}.yaml"))
    return entry


@pytest.mark.parametrize("check", [ingress.check_static, ingress.check_shop, ingress.check_split])
def test_a_reader_who_has_done_nothing_is_told_what_there_is_not(check: Any) -> None:
    assert missing(check(Entry().cluster)).endswith("there is none in the namespace default")


def test_a_path_is_solved_by_any_ingress_that_leads_there(entry: Entry) -> None:
    before = missing(ingress.check_static(entry.cluster))
    entry.ingress("more", ("myapp.example.com", "/static", "Exact", "static-service"))
    exact = missing(ingress.check_static(entry.cluster))
    entry.client.delete("ingresses", "more", "default")
    entry.ingress("more", ("myapp.example.com", "/static", "Prefix", "static-service"))
    assert before == "/static/logo.svg leads to static-service:80: where it leads is frontend-service:80"
    assert exact == before
    assert ingress.check_static(entry.cluster)


def test_a_shop_is_solved_when_its_class_and_its_port_are_right(entry: Entry) -> None:
    entry.app("shop")
    entry.ingress("shop", ("shop.example.com", "/", "Prefix", "shop", 8080), ingressClassName="nginx")
    seen = [missing(ingress.check_shop(entry.cluster))]
    entry.client.patch("ingresses", "shop", {"spec": {"ingressClassName": "k8snb"}}, "default")
    seen.append(missing(ingress.check_shop(entry.cluster)))
    paths = [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "shop", "port": {"number": 80}}}}]
    rules = [{"host": "shop.example.com", "http": {"paths": paths}}]
    entry.client.patch("ingresses", "shop", {"spec": {"rules": rules}}, "default")
    entry.cluster.settle()
    assert seen == [
        "its class is one that somebody serves: ingressClassName is nginx",
        "it leads to a port that the Service has: the port is 8080",
    ]
    assert ingress.check_shop(entry.cluster)


def test_a_split_is_solved_by_weights_of_nine_to_one(entry: Entry) -> None:
    entry.client.create("secrets", ingress.tls_secret("myapp-tls-secret", "myapp.example.com"))
    seen = []
    for old, new in ((1, 1), (90, 10)):
        found = entry.client.get(ingress.ROUTES, "my-app-route", "default")
        refs = [{"name": "api-service", "port": 8080, "weight": old}, {"name": "api-v2", "port": 80, "weight": new}]
        rules = [{**found["spec"]["rules"][0], "backendRefs": refs}, *found["spec"]["rules"][1:]]
        entry.client.update(ingress.ROUTES, {**found, "spec": {**found["spec"], "rules": rules}})
        entry.cluster.settle()
        seen.append(ingress.check_split(entry.cluster))
    assert missing(seen[0]).endswith("the weights: api-service 1, api-v2 1")
    assert seen[1]
