"""Every cluster IP has an IPAddress, as long as a Service holds it."""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.registry.service_plan import API_SERVER_IP
from k8snb.machinery.objects import with_meta
from k8snb.typing import Object
from tests.apiserver.definitions import Workshop


def create(world: Workshop, name: str, **spec: Any) -> Object:
    meta = {"name": name, "namespace": "default"}
    return world.client.create("services", {"metadata": meta, "spec": {"ports": [{"port": 80}], **spec}})


def taken(world: Workshop) -> list[str]:
    """The addresses that are kept, but for the API server's own."""
    names = [each["metadata"]["name"] for each in world.client.list("ipaddresses")]
    return [name for name in names if name != API_SERVER_IP]


def test_an_address_is_kept_just_before_its_service_and_says_whose_it_is() -> None:
    world = Workshop()
    service = create(world, "web", clusterIP="10.96.0.20")
    before = str(int(service["metadata"]["resourceVersion"]) - 1)
    family, by = "ipaddress.kubernetes.io/ip-family", "ipaddress.kubernetes.io/managed-by"
    assert with_meta(world.client.get("ipaddresses", "10.96.0.20"), uid=None, creationTimestamp=None) == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IPAddress",
        "metadata": {
            "name": "10.96.0.20",
            "labels": {family: "IPv4", by: "ipallocator.k8s.io"},
            "resourceVersion": before,
        },
        "spec": {"parentRef": {"resource": "services", "namespace": "default", "name": "web"}},
    }


def test_only_services_with_an_address_of_their_own_have_one_and_only_while_they_hold_it() -> None:
    world = Workshop()
    create(world, "none", clusterIP="None")
    create(world, "web", clusterIP="10.96.0.20")
    changing = create(world, "out", clusterIP="10.96.0.21")
    elsewhere = {"type": "ExternalName", "externalName": "a.example", "clusterIP": ""}
    told = [taken(world)]
    world.client.update("services", {**changing, "spec": {**elsewhere, "ports": [{"port": 80}]}})
    told.append(taken(world))
    world.client.delete("services", "web", "default")
    told.append(taken(world))
    assert told == [["10.96.0.20", "10.96.0.21"], ["10.96.0.20"], []]


def test_a_service_that_is_only_tried_or_refused_leaves_no_address() -> None:
    world = Workshop()
    path = "/api/v1/namespaces/default/services"
    tried = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    codes = [
        world.send("POST", path, tried, {"dryRun": "All"}).code,
        world.send("POST", path, {**tried, "metadata": {"name": "_"}}).code,
    ]
    assert (codes, taken(world)) == ([201, 422], [])
