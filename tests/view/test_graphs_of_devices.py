"""Claims, classes, templates and slices are drawn with the devices that were given, and with what is missing."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.typing import Object
from k8snb.view.graph import text
from k8snb.view.graphs import graph

TRAIN = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: large}
spec: {spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.example.com}}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: train}
spec:
  resourceClaims: [{name: gpu, resourceClaimTemplateName: large}]
  containers: [{name: work, image: busybox, command: [sleep, infinity], resources: {claims: [{name: gpu}]}}]
"""
SHARED = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: shared}
spec:
  devices:
    requests:
    - name: gpu
      firstAvailable:
      - {name: big, deviceClassName: big.example.com}
      - {name: two, deviceClassName: gpu.example.com, count: 2}
---
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec:
  resourceClaims: [{name: gpu, resourceClaimName: shared}]
  containers: [{name: work, image: busybox, command: [sleep, infinity], resources: {claims: [{name: gpu}]}}]
"""


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=1, seed=1)


def drawn(cluster: Cluster, name: str) -> list[str]:
    """The lines of a picture below its title, without the random part of names."""
    claims, slices = cluster.client.list("resourceclaims", "default"), cluster.client.list("resourceslices")
    told = str(cluster.diagram(name))
    for obj in (*claims, *slices):
        if "generateName" in obj["metadata"]:
            told = told.replace(obj["metadata"]["name"], obj["metadata"]["generateName"] + "x")
    return [line.strip() for line in told.splitlines()[1:]]


def test_a_claim_waits_for_a_class_that_is_not_there(cluster: Cluster) -> None:
    cluster.kubectl("apply -f -", TRAIN)
    cluster.settle()
    assert drawn(cluster, "resourceclaim")[1:3] == [
        "─ claims → ○ ResourceClaim train-gpu-x: pending, 1 × gpu.example.com",
        "─ asks for → ✕ DeviceClass gpu.example.com: not there",
    ]


@pytest.mark.parametrize("name", ["resourceclaim", "deviceclass/gpu.example.com", "resourceclaimtemplate/large"])
def test_from_every_end_the_way_leads_from_the_pod_to_the_device_on_its_node(cluster: Cluster, name: str) -> None:
    cluster.add_device_driver(devices=2)
    cluster.kubectl("apply -f -", TRAIN)
    cluster.settle()
    lines = drawn(cluster, name)
    assert "─ was given → Device gpu-0 on node-1: memory 80Gi" in lines
    assert "ResourceSlice node-1-gpu.example.com-x on node-1: gpu.example.com, devices 2" in lines
    assert [line for line in lines if "claims →" in line or "template of →" in line]


def test_a_slice_shows_the_devices_that_are_free_too(cluster: Cluster) -> None:
    cluster.add_device_driver(devices=2)
    cluster.kubectl("apply -f -", TRAIN)
    cluster.settle()
    lines = drawn(cluster, "resourceslice")
    assert lines[1:3] == [f"─ offers → Device gpu-{number} on node-1: memory 80Gi" for number in (0, 1)]
    assert "─ was given → Device gpu-0 (above)" in lines


def test_a_claim_with_alternatives_names_them_all_and_the_pods_that_share_it(cluster: Cluster) -> None:
    cluster.add_device_driver(devices=2)
    cluster.kubectl("apply -f -", SHARED)
    cluster.settle()
    lines = drawn(cluster, "resourceclaim/shared")
    assert "─ asks for → ✕ DeviceClass big.example.com: not there" in lines
    assert "─ asks for → DeviceClass gpu.example.com" in lines


def test_a_device_that_no_slice_offers_any_more_is_drawn_as_gone(cluster: Cluster) -> None:
    cluster.add_device_driver(devices=2)
    cluster.kubectl("apply -f -", TRAIN)
    cluster.settle()
    past = cluster.at(cluster.revision)

    class Without:
        """The same, without the slices."""

        def list(self, resource: str, namespace: str = "") -> list[Object]:
            return [] if resource.startswith("resourceslices") else list(past.list(resource, namespace))

    assert "was given → ✕ Device gpu-0: not there" in text(graph(Without(), "resourceclaim"))
