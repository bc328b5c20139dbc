"""The addresses of Services: further ranges, and IPAddresses that somebody deleted."""

from __future__ import annotations

from typing import Any

from k8snb import Cluster
from k8snb.machinery.objects import condition
from k8snb.typing import Object

RANGE = {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.97.0.0/28"]}}


def service(cluster: Cluster, name: str, **spec: Any) -> Object:
    meta = {"name": name, "namespace": "default"}
    return cluster.client.create("services", {"metadata": meta, "spec": {"ports": [{"port": 80}], **spec}})


def ready(cluster: Cluster, name: str = "more") -> tuple[str, str, str]:
    found = condition(cluster.client.get("servicecidrs", name), "Ready")
    assert found is not None
    return found["status"], found["reason"], found["message"]


def test_a_further_range_gives_addresses_once_it_is_ready() -> None:
    cluster = Cluster(nodes=0)
    cluster.client.create("servicecidrs", RANGE)
    cluster.settle()
    made = cluster.client.get("servicecidrs", "more")
    assert made["metadata"]["finalizers"] == ["networking.k8s.io/service-cidr-finalizer"]
    assert ready(cluster) == ("True", "", "Kubernetes Service CIDR is ready")
    assert service(cluster, "a", clusterIP="10.97.0.5")["spec"]["clusterIP"] == "10.97.0.5"
    assert service(cluster, "b")["spec"]["clusterIP"].startswith("10.96.")


def test_a_range_stays_while_an_address_is_from_it_alone() -> None:
    cluster = Cluster(nodes=0)
    cluster.client.create("servicecidrs", RANGE)
    cluster.settle()
    service(cluster, "a", clusterIP="10.97.0.5")
    cluster.client.delete("servicecidrs", "more")
    cluster.advance(60)
    assert ready(cluster) == (
        "False",
        "Terminating",
        "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
    )
    cluster.client.delete("services", "a", "default")
    cluster.advance(60)
    assert cluster.client.find("servicecidrs", "more") is None


def test_an_address_that_somebody_deleted_is_made_again_within_three_minutes() -> None:
    cluster = Cluster(nodes=0)
    address = service(cluster, "a")["spec"]["clusterIP"]
    cluster.client.delete("ipaddresses", address)
    cluster.advance(180)
    assert cluster.client.get("ipaddresses", address)["spec"]["parentRef"]["name"] == "a"
    said = [(each["type"], each["reason"], each["message"]) for each in cluster.client.list("events")]
    assert said == [
        ("Warning", "ClusterIPNotAllocated", f"Cluster IP [IPv4]: {address} is not allocated; repairing"),
    ]
    cluster.client.delete("services", "a", "default")
    cluster.advance(400)
    assert cluster.client.find("ipaddresses", address) is None
