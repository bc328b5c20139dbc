"""Endpoints that somebody writes by hand get slices, which is what kube-proxy reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from k8snb.controllers.endpoints import EndpointsController
from k8snb.controllers.endpointslice import SLICES
from k8snb.controllers.garbagecollector import GarbageCollector
from k8snb.controllers.mirroring import MOST, MirroringController
from k8snb.typing import Object
from tests.controllers.world import World

PORTS = [{"port": 80, "protocol": "TCP"}]


def world(*objects: tuple[str, Object]) -> World:
    """A world in which these objects were created, first of all."""
    made = World(MirroringController, EndpointsController, GarbageCollector)
    for resource, obj in objects:
        made.client.create(resource, obj)
    made.settle()
    return made


def service(**spec: Any) -> tuple[str, Object]:
    meta = {"name": "db", "namespace": "default"}
    return "services", {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"ports": [{"port": 80}], **spec},
    }


def endpoints(*addresses: str, late: Sequence[str] = (), **meta: Any) -> tuple[str, Object]:
    parts = {"addresses": addresses, "notReadyAddresses": late}
    subset = {name: [{"ip": each} for each in listed] for name, listed in parts.items() if listed}
    meta = {"name": "db", "namespace": "default", **meta}
    return "endpoints", {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": meta,
        "subsets": [{**subset, "ports": PORTS}],
    }


def slices(made: World) -> list[Object]:
    return [each for each in made.list(SLICES) if each["metadata"]["name"] != "kubernetes"]


def told(made: World) -> list[Any]:
    """Each slice in short: its kind of address, and which addresses are ready."""
    return [
        (each["addressType"], [(end["addresses"][0], end["conditions"]["ready"]) for end in each["endpoints"]])
        for each in slices(made)
    ]


def change(made: World, *addresses: str) -> None:
    made.client.patch("endpoints", "db", {"subsets": endpoints(*addresses)[1]["subsets"]}, "default")
    made.settle()


def test_hand_written_endpoints_of_a_service_without_a_selector_get_a_slice() -> None:
    notes = {"team": "a", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    made = world(service(), endpoints("192.0.2.1", late=["192.0.2.2"], labels={"app": "db"}, annotations=notes))
    [found] = slices(made)
    meta, [owner] = found["metadata"], found["metadata"]["ownerReferences"]
    assert told(made) == [("IPv4", [("192.0.2.1", True), ("192.0.2.2", False)])]
    assert found["ports"] == [{"name": "", "port": 80, "protocol": "TCP"}]
    assert (meta["generateName"], meta["annotations"], owner["kind"]) == ("db-", {"team": "a"}, "Endpoints")
    assert meta["labels"] == {
        "app": "db",
        "kubernetes.io/service-name": "db",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }


def test_addresses_of_both_families_are_in_slices_of_their_own() -> None:
    made = world(service(), endpoints("192.0.2.1", "2001:db8::1"))
    assert sorted(told(made)) == [("IPv4", [("192.0.2.1", True)]), ("IPv6", [("2001:db8::1", True)])]


def test_a_slice_follows_its_endpoints_and_keeps_its_name() -> None:
    made = world(service(), endpoints("192.0.2.1"))
    [before] = slices(made)
    change(made, "192.0.2.9")
    [after] = slices(made)
    assert (told(made), after["metadata"]["name"]) == ([("IPv4", [("192.0.2.9", True)])], before["metadata"]["name"])


def test_a_slice_that_somebody_deletes_comes_back() -> None:
    made = world(service(), endpoints("192.0.2.1"))
    made.client.delete(SLICES, slices(made)[0]["metadata"]["name"], "default")
    made.settle()
    assert told(made) == [("IPv4", [("192.0.2.1", True)])]


@pytest.mark.parametrize(
    "kept",
    [
        {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
        {"annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}},
    ],
    ids=["who says so", "a lock"],
)
def test_not_mirrored_is(kept: Any) -> None:
    assert slices(world(service(), endpoints("192.0.2.1", **kept))) == []


def test_endpoints_without_a_service_are_not_mirrored_until_there_is_one() -> None:
    made = world(endpoints("192.0.2.1"))
    before = slices(made)
    made.client.create(*service())
    made.settle()
    assert (before, len(slices(made))) == ([], 1)


@pytest.mark.parametrize("resource", ["services", "endpoints"])
def test_the_slice_goes_with_the(resource: str) -> None:
    made = world(service(), endpoints("192.0.2.1"))
    made.client.delete(resource, "db", "default")
    made.settle()
    assert slices(made) == []


def test_a_service_that_gets_a_selector_leaves_its_slices_to_another_controller() -> None:
    made = world(service(), endpoints("192.0.2.1"))
    made.client.patch("services", "db", {"spec": {"selector": {"app": "db"}}}, "default")
    made.settle()
    assert slices(made) == []


def test_what_is_too_much_for_a_slice_is_left_out_and_told() -> None:
    made = world(service(), endpoints(*(f"192.0.{n // 250}.{n % 250}" for n in range(MOST + 2))))
    assert [len(each["endpoints"]) for each in slices(made)] == [MOST]
    [event] = [each for each in made.list("events") if each["reason"] == "TooManyAddressesToMirror"]
    assert event["message"] == (
        "A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 2 addresses were skipped"
    )
