from __future__ import annotations

from typing import Any

from k8snb.controllers.endpoints import MAX_ADDRESSES, endpoints_of
from k8snb.controllers.settings import Settings
from k8snb.machinery.objects import annotations_of, labels_of
from k8snb.typing import Object
from tests.controllers.world import World, deployment, pod, service


def serving(replicas: int = 2, **spec: Any) -> World:
    """A world with a Deployment and a Service in front of its pods, all ready."""
    world = World(nodes=1)
    world.create(deployment(replicas=replicas))
    world.create(service(**spec))
    world.run_pods()
    return world


def slices(world: World) -> list[Object]:
    """Those that the controller keeps: the API server has one of its own."""
    return world.list("endpointslices", labels="endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io")


def endpoints(world: World) -> list[Object]:
    return [endpoint for each in slices(world) for endpoint in each["endpoints"] or ()]


def test_a_slice_says_which_pods_stand_behind_a_service_and_where() -> None:
    world = serving(1)
    (only,) = slices(world)
    (behind,) = world.pods()
    owner = world.get("services", "web")["metadata"]
    assert only["metadata"]["name"].startswith("web-")
    assert labels_of(only) == {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": "web",
    }
    reference = {"apiVersion": "v1", "kind": "Service", "name": "web", "uid": owner["uid"]}
    assert only["metadata"]["ownerReferences"] == [{**reference, "controller": True, "blockOwnerDeletion": True}]
    assert only["addressType"] == "IPv4"
    assert only["ports"] == [{"name": "", "port": 80, "protocol": "TCP"}]
    target = {"kind": "Pod", "namespace": "default", "name": behind["metadata"]["name"]}
    assert only["endpoints"] == [
        {
            "addresses": [behind["status"]["podIP"]],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "targetRef": {**target, "uid": behind["metadata"]["uid"]},
            "nodeName": "node-1",
        }
    ]


def test_a_service_without_pods_has_one_empty_slice() -> None:
    world = World()
    world.create(service())
    (only,) = slices(world)
    assert (only["endpoints"], only["ports"]) == (None, None)


def test_the_empty_slice_becomes_the_first_real_one_and_back() -> None:
    world = World(nodes=1)
    world.create(service())
    (before,) = slices(world)
    world.create(deployment(replicas=2))
    world.run_pods()
    (filled,) = slices(world)
    assert filled["metadata"]["name"] == before["metadata"]["name"]
    assert len(filled["endpoints"]) == 2
    world.patch("deployments", "web", {"spec": {"replicas": 0}})
    world.run_pods()
    (after,) = slices(world)
    assert after["metadata"]["name"] == before["metadata"]["name"]
    assert (after["endpoints"], after["ports"]) == (None, None)


def test_a_pod_that_is_not_ready_stays_in_the_slice_and_is_marked() -> None:
    world = serving()
    world.post_pod(world.pods()[0], ready=False)
    world.settle()
    ready = sorted(endpoint["conditions"]["ready"] for endpoint in endpoints(world))
    assert ready == [False, True]


def test_a_pod_that_is_ending_still_serves_but_is_not_ready() -> None:
    world = serving(1)
    (going,) = world.pods()
    world.delete("pods", going["metadata"]["name"])
    conditions = [endpoint["conditions"] for endpoint in endpoints(world)]
    assert {"ready": False, "serving": True, "terminating": True} in conditions


def test_not_ready_addresses_are_published_on_request() -> None:
    world = World(nodes=1)
    world.create(deployment(replicas=1))
    world.create(service(publishNotReadyAddresses=True))
    world.run_pods(ready=lambda pod: False)
    assert [e["conditions"] for e in endpoints(world)] == [{"ready": True, "serving": False, "terminating": False}]


def test_a_named_target_port_is_looked_up_in_each_pod() -> None:
    world = World(nodes=1)
    world.create(service(ports=[{"name": "web", "port": 80, "targetPort": "http"}]))
    old = [{"name": "web", "image": "nginx", "ports": [{"name": "http", "containerPort": 8080}]}]
    new = [{"name": "web", "image": "nginx", "ports": [{"name": "http", "containerPort": 9090}]}]
    world.create(pod("old", containers=old))
    world.create(pod("new", containers=new))
    world.run_pods()
    ports = sorted(port["port"] for each in slices(world) for port in each["ports"])
    assert ports == [8080, 9090]
    world.patch("services", "web", {"spec": {"ports": [{"name": "web", "port": 80, "targetPort": 7070}]}})
    assert [[port["port"] for port in each["ports"]] for each in slices(world)] == [[7070]]
    assert len(endpoints(world)) == 2


def test_slices_hold_a_hundred_endpoints_and_change_one_by_one() -> None:
    world = serving(101)
    assert sorted(len(each["endpoints"]) for each in slices(world)) == [1, 100]
    before = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in slices(world)}
    world.post_pod(world.pods()[0], ready=False)
    world.settle()
    changed = [
        each for each in slices(world) if before[each["metadata"]["name"]] != each["metadata"]["resourceVersion"]
    ]
    assert len(changed) == 1


def test_a_change_of_one_pod_looks_at_one_pod() -> None:
    world = serving(20)
    world.post_pod(world.pods()[0], ready=False)
    world.settle()
    span = world.spans("endpointslice-controller")[-1]
    assert span.observed["changed"] == 1
    assert span.wanted == "slices differ from the pods: update 1"


def test_services_without_a_selector_and_external_names_have_no_slices() -> None:
    world = World()
    world.create(service("ext", type="ExternalName", externalName="example.com"))
    world.create({**service("bare"), "spec": {"ports": [{"port": 80}]}})
    assert slices(world) == []


def test_a_headless_service_says_so_in_a_label_and_passes_its_labels_on() -> None:
    world = World()
    headless = service(clusterIP="None")
    world.create({**headless, "metadata": {**headless["metadata"], "labels": {"team": "a"}}})
    (only,) = slices(world)
    assert labels_of(only)["service.kubernetes.io/headless"] == ""
    assert labels_of(only)["team"] == "a"
    world.patch("services", "web", {"metadata": {"labels": {"team": "b"}}})
    (only,) = slices(world)
    assert labels_of(only)["team"] == "b"


def test_zones_and_hints_follow_the_traffic_distribution() -> None:
    world = World()
    world.add_node("node-1", {"topology.kubernetes.io/zone": "a"})
    world.create(deployment(replicas=1))
    world.create(service(trafficDistribution="PreferSameNode"))
    world.run_pods()
    (found,) = endpoints(world)
    assert found["zone"] == "a"
    assert found["hints"] == {"forZones": [{"name": "a"}], "forNodes": [{"name": "node-1"}]}
    world.patch("services", "web", {"spec": {"trafficDistribution": None}})
    assert "hints" not in endpoints(world)[0]


def test_a_slice_says_since_when_it_had_to_change() -> None:
    world = serving(1)
    world.advance(30)
    world.post_pod(world.pods()[0], ready=False)
    changed = world.clock.timestamp()
    world.advance(5)
    assert annotations_of(slices(world)[0]) == {"endpoints.kubernetes.io/last-change-trigger-time": changed}


def test_a_slice_that_somebody_else_changed_is_put_right() -> None:
    world = serving()
    name = slices(world)[0]["metadata"]["name"]
    world.patch("endpointslices", name, {"endpoints": []})
    assert len(endpoints(world)) == 2
    world.delete("endpointslices", name)
    assert len(endpoints(world)) == 2
    assert slices(world)[0]["metadata"]["name"] != name


def test_a_pod_that_changes_its_labels_changes_its_service() -> None:
    world = serving()
    moved = world.pods()[0]["metadata"]["name"]
    world.patch("pods", moved, {"metadata": {"labels": {"app": "other"}}})
    assert moved not in [endpoint["targetRef"]["name"] for endpoint in endpoints(world)]
    world.create(service("other"))
    behind = [e["targetRef"]["name"] for e in endpoints(world) if e["targetRef"]["name"] == moved]
    assert behind == [moved]


def test_slices_go_with_their_service() -> None:
    world = serving()
    world.delete("services", "web")
    assert slices(world) == []


def test_endpoints_say_the_same_in_the_older_form() -> None:
    world = serving()
    world.post_pod(world.pods()[0], ready=False)
    world.settle()
    mirrored = world.get("endpoints", "web")
    assert labels_of(mirrored) == {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}
    (subset,) = mirrored["subsets"]
    assert [len(subset["addresses"]), len(subset["notReadyAddresses"])] == [1, 1]
    assert subset["ports"] == [{"port": 80, "protocol": "TCP"}]
    world.patch("deployments", "web", {"spec": {"replicas": 0}})
    world.run_pods()
    assert "subsets" not in world.get("endpoints", "web")
    world.delete("services", "web")
    assert world.find("endpoints", "web") is None


def test_endpoints_can_be_done_without() -> None:
    world = World(settings=Settings(mirror_endpoints=False))
    world.create(service())
    assert len(slices(world)) == 1
    assert world.find("endpoints", "web") is None


def test_endpoints_hold_a_thousand_addresses_at_most() -> None:
    ready = {"ready": True, "serving": True, "terminating": False}
    many = [{"addresses": [f"10.0.{i // 250}.{i % 250}"], "conditions": ready} for i in range(MAX_ADDRESSES + 5)]
    each = {"metadata": {"namespace": "default"}, "endpoints": many, "ports": [{"name": "", "port": 80}]}
    mirrored = endpoints_of(service(), [each])
    assert len(mirrored["subsets"][0]["addresses"]) == MAX_ADDRESSES
    assert annotations_of(mirrored)["endpoints.kubernetes.io/over-capacity"] == "truncated"


def test_settings_have_upstreams_defaults() -> None:
    assert Settings().max_endpoints_per_slice == 100
    assert Settings().node_monitor_grace_period == 50
