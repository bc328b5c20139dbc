"""The cloud: LoadBalancer Services get an address and give it back; without a cloud they wait."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.controllers.loadbalancers import FINALIZER
from k8snb.typing import Object


def service(name: str = "web", **spec: Any) -> Object:
    wanted = {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 80}], **spec}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": wanted}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=1, seed=1, cloud=True)


def create(cluster: Cluster, obj: Object) -> None:
    cluster.client.create("services", obj)
    cluster.settle()


def change(cluster: Cluster, what: Object, name: str = "web") -> None:
    cluster.client.patch("services", name, what, "default")
    cluster.settle()


def get(cluster: Cluster, name: str = "web") -> Object:
    return cluster.client.get("services", name, "default")


def told(cluster: Cluster) -> list[str]:
    events = cluster.client.list("events", "default")
    return [f"{each['reason']}: {each['message']}" for each in events if each["involvedObject"]["kind"] == "Service"]


def test_without_a_cloud_a_load_balancer_is_waited_for() -> None:
    cluster = Cluster(nodes=1, seed=1)
    create(cluster, service())
    assert get(cluster)["status"] == {"loadBalancer": {}}
    assert cluster.kubectl("get service web --no-headers").split()[3] == "<pending>"


def test_a_service_gets_an_address_and_a_finalizer(cluster: Cluster) -> None:
    create(cluster, service())
    found = get(cluster)
    assert found["status"] == {"loadBalancer": {"ingress": [{"ip": "198.51.100.10", "ipMode": "VIP"}]}}
    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert told(cluster) == [
        "EnsuringLoadBalancer: Ensuring load balancer",
        "EnsuredLoadBalancer: Ensured load balancer",
    ]


def test_a_service_that_goes_gives_its_address_back(cluster: Cluster) -> None:
    create(cluster, service())
    cluster.client.delete("services", "web", "default")
    cluster.settle()
    assert cluster.client.find("services", "web", "default") is None
    assert told(cluster)[2:] == [
        "DeletingLoadBalancer: Deleting load balancer",
        "DeletedLoadBalancer: Deleted load balancer",
    ]
    create(cluster, service("next"))
    assert get(cluster, "next")["status"]["loadBalancer"]["ingress"][0]["ip"] == "198.51.100.10"


def test_a_service_that_is_no_load_balancer_any_more_has_no_address(cluster: Cluster) -> None:
    create(cluster, service())
    change(cluster, {"spec": {"type": "ClusterIP"}})
    found = get(cluster)
    assert (found["status"], found["metadata"].get("finalizers")) == ({"loadBalancer": {}}, None)


def test_a_class_means_somebody_else_and_a_wish_is_granted(cluster: Cluster) -> None:
    create(cluster, service("other", loadBalancerClass="example.com/lb"))
    create(cluster, service("wish", loadBalancerIP="198.51.100.77"))
    create(cluster, service("again", loadBalancerIP="198.51.100.77"))
    balancers = [get(cluster, name)["status"]["loadBalancer"] for name in ("other", "wish", "again")]
    found = [each.get("ingress", [{}])[0].get("ip") for each in balancers]
    assert found == [None, "198.51.100.77", "198.51.100.10"]


def test_a_new_node_is_a_new_host_of_every_load_balancer(cluster: Cluster) -> None:
    create(cluster, service())
    cluster.add_node("node-2")
    cluster.settle()
    assert told(cluster)[2:] == ["UpdatedLoadBalancer: Updated load balancer with new hosts"]
    assert get(cluster)["status"]["loadBalancer"]["ingress"][0]["ip"] == "198.51.100.10"


def test_who_takes_the_status_away_gets_it_back(cluster: Cluster) -> None:
    create(cluster, service())
    cluster.client.patch("services", "web", {"status": {"loadBalancer": None}}, "default", subresource="status")
    cluster.settle()
    assert get(cluster)["status"]["loadBalancer"]["ingress"][0]["ip"] == "198.51.100.10"
