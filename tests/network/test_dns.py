"""Cluster DNS: which names there are, what they resolve to, and how far a pod must spell them out."""

from __future__ import annotations

import pytest

from k8snb.network.dns import candidates
from k8snb.packet import NetworkError
from tests.network.town import PORT, Town


def names(town: Town, name: str, source: str = "") -> set[str]:
    """What a name resolves to, from a pod in `default` if nobody else asks."""
    return set(town.cluster.network.resolve(source, name))


def missing(town: Town, name: str, source: str = "") -> bool:
    try:
        names(town, name, source)
    except NetworkError as error:
        return error.kind == "not found"
    return False


def test_a_short_name_is_tried_in_the_search_domains_first() -> None:
    assert list(candidates("web", "shop")) == [
        "web.shop.svc.cluster.local",
        "web.svc.cluster.local",
        "web.cluster.local",
        "web",
    ]


def test_a_name_with_five_dots_is_tried_as_it_is_first() -> None:
    assert next(candidates("a.b.c.d.e.f", "shop")) == "a.b.c.d.e.f"
    assert next(candidates("a.b.c.d.e", "shop")) == "a.b.c.d.e.shop.svc.cluster.local"


def test_a_name_that_ends_with_a_dot_is_full() -> None:
    assert list(candidates("web.shop.svc.cluster.local.", "shop")) == ["web.shop.svc.cluster.local"]


@pytest.mark.parametrize("name", ["web", "web.default", "web.default.svc", "web.default.svc.cluster.local", "WEB"])
def test_a_service_has_one_name_of_many_lengths(town: Town, name: str) -> None:
    ip = town.service()["spec"]["clusterIP"]
    assert names(town, name) == {ip}


def test_a_short_name_means_the_service_of_the_callers_namespace(town: Town) -> None:
    town.namespace("shop")
    here, there = town.service()["spec"]["clusterIP"], town.service(namespace="shop")["spec"]["clusterIP"]
    caller = town.pod("caller", namespace="shop")
    assert here != there
    assert names(town, "web", caller) == {there}
    assert names(town, "web.default", caller) == {here}


def test_a_service_of_another_namespace_needs_its_namespace(town: Town) -> None:
    town.namespace("shop")
    town.service("till", namespace="shop")
    assert missing(town, "till")
    assert not missing(town, "till.shop")


def test_a_name_without_a_service_does_not_exist(town: Town) -> None:
    assert missing(town, "nobody")
    assert missing(town, "example.com")
    assert missing(town, "web.default.pod.cluster.local")


def test_a_cluster_ip_resolves_though_no_pod_stands_behind_it(town: Town) -> None:
    ip = town.service()["spec"]["clusterIP"]
    assert names(town, "web") == {ip}
    assert town.ask(town.pod("caller"), "web") == "refused"


def test_a_headless_service_has_no_addresses_of_other_families(town: Town) -> None:
    town.service("away", clusterIP="None", selector=None)
    town.slice("away", "10.1.2.3")
    hand = town.client.get("endpointslices", "away-hand", "default")
    for kind, address in (("IPv6", "fd00::7"), ("FQDN", "db.example.com")):
        meta = {"name": f"away-{kind.lower()}", "labels": hand["metadata"]["labels"]}
        more = {"metadata": meta, "addressType": kind, "endpoints": [{"addresses": [address]}]}
        town.client.create("endpointslices", {**hand, **more}, "default")
    town.cluster.settle()
    assert names(town, "away") == {"10.1.2.3"}


def test_a_name_is_gone_with_its_service(town: Town) -> None:
    town.service()
    town.client.delete("services", "web", "default")
    town.cluster.settle()
    assert missing(town, "web")


def test_a_headless_service_is_the_addresses_of_its_ready_pods(town: Town) -> None:
    pods = town.pods("web", "node-1", "node-2")
    town.pod("web-3", "node-3", app="web", container={"readinessProbe": {"httpGet": {"port": 1}}})
    town.service(clusterIP="None")
    assert names(town, "web") == {town.address(pod) for pod in pods}


def test_a_headless_service_may_name_pods_that_are_not_ready(town: Town) -> None:
    unready = town.pod("web-1", app="web", container={"readinessProbe": {"httpGet": {"port": 1}}})
    town.service(clusterIP="None", publishNotReadyAddresses=True)
    assert names(town, "web") == {unready}


def test_a_headless_service_without_ready_pods_has_no_name(town: Town) -> None:
    town.service(clusterIP="None")
    assert missing(town, "web")


def test_the_addresses_of_a_headless_service_come_in_any_order(town: Town) -> None:
    town.pods("web", "node-1", "node-2", "node-3")
    town.service(clusterIP="None")
    first = {town.cluster.network.resolve("", "web")[0] for _ in range(40)}
    assert first == names(town, "web")
    assert len(first) == 3


def test_a_pod_with_host_name_and_subdomain_has_a_name_of_its_own(town: Town) -> None:
    named = town.pod("web-1", app="web", hostname="alice", subdomain="web")
    town.pod("web-2", app="web")
    town.service(clusterIP="None")
    assert names(town, "alice.web") == {named}
    assert missing(town, "bob.web")


def test_a_pod_without_a_host_name_is_called_by_its_address(town: Town) -> None:
    ip = town.pod("web-1", app="web")
    town.service(clusterIP="None")
    assert names(town, f"{ip.replace('.', '-')}.web") == {ip}


def test_every_address_has_a_pods_name(town: Town) -> None:
    assert names(town, "10-244-1-7.default.pod") == {"10.244.1.7"}
    assert missing(town, "10-244-1-777.default.pod")
    assert missing(town, "10-244-1.default.pod")


def test_an_external_name_is_an_alias(town: Town) -> None:
    town.service("db", type="ExternalName", externalName="db.example.com", selector=None, ports=None)
    assert missing(town, "db"), "nobody outside the cluster answers here"
    assert town.cluster.network.alias("", "db") == "db.example.com"
    assert town.cluster.network.alias("", "kubernetes") == ""


def test_an_alias_for_a_name_of_the_cluster_is_followed(town: Town) -> None:
    ip = town.service()["spec"]["clusterIP"]
    for name, target in (("one", "web.default.svc.cluster.local"), ("two", "one.default.svc.cluster.local.")):
        town.service(name, type="ExternalName", externalName=target, selector=None, ports=None)
    assert names(town, "two") == {ip}
    assert town.cluster.network.alias("", "two") == "web.default.svc.cluster.local"


def test_aliases_in_a_circle_lead_nowhere(town: Town) -> None:
    for name, target in (("one", "two"), ("two", "one")):
        full = f"{target}.default.svc.cluster.local"
        town.service(name, type="ExternalName", externalName=full, selector=None, ports=None)
    assert missing(town, "one")


def test_addresses_and_localhost_are_no_matter_for_dns(town: Town) -> None:
    assert names(town, "192.0.2.1") == {"192.0.2.1"}
    assert names(town, "localhost") == {"127.0.0.1"}


def test_the_api_server_has_a_name(town: Town) -> None:
    assert names(town, "kubernetes.default.svc") == {"10.96.0.1"}


def exec_in(town: Town, pod: str, command: str) -> str:
    return town.cluster.kubectl(f"exec {pod} -- {command}")


def test_programs_see_the_same_names(town: Town) -> None:
    ip = town.service()["spec"]["clusterIP"]
    town.pod("caller")
    said = exec_in(town, "caller", "nslookup web")
    assert said == (
        f"Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\nName:\tweb.default.svc.cluster.local\nAddress: {ip}\n\n"
    )


def test_programs_see_aliases_and_what_nobody_knows(town: Town) -> None:
    town.pod("caller")
    town.service("db", type="ExternalName", externalName="db.example.com", selector=None, ports=None)
    for name, told in (
        ("db", "db.default.svc.cluster.local\tcanonical name = db.example.com.\n** server can't find db.example.com:"),
        ("nobody", "** server can't find nobody:"),
    ):
        said = exec_in(town, "caller", f"nslookup {name}")
        assert said.partition("\n\n")[2] == f"{told} NXDOMAIN\n\ncommand terminated with exit code 1\n"


def test_the_resolver_of_a_pod_is_the_clusters(town: Town) -> None:
    town.pod("caller")
    assert exec_in(town, "caller", "cat /etc/resolv.conf") == (
        "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
    )


def test_a_headless_service_is_called_on_the_pods_own_port(town: Town) -> None:
    town.pods("web", "node-1", "node-2")
    town.service(clusterIP="None")
    caller = town.pod("caller")
    assert town.who(caller, "web", PORT) == {"web-1", "web-2"}
    assert town.ask(caller, "web", 80) == "refused", "no rule turns 80 into the target port"
