"""Pods get the devices that they claimed, as variables, and give them back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8snb.cluster.cluster import Cluster
from k8snb.typing import Object

CLAIMS = "resourceclaims.resource.k8s.io"
GROUP = {"apiVersion": "resource.k8s.io/v1"}
GPU = "gpu.example.com"


@pytest.fixture(scope="module")
def installed() -> Cluster:
    """A cluster with two GPUs on each of two nodes, to fork."""
    cluster = Cluster(nodes=2, seed=1)
    cluster.add_device_driver(devices=2)
    return cluster


@pytest.fixture
def cluster(installed: Cluster) -> Cluster:
    return installed.fork()


def asking(count: int = 1, config: Object | None = None) -> Object:
    """The spec of a claim for GPUs."""
    wanted = {"deviceClassName": GPU, "count": count}
    told = [{"opaque": {"driver": GPU, "parameters": config}}] if config is not None else []
    return {"devices": {"requests": [{"name": "gpu", "exactly": wanted}], "config": told}}


def claim(name: str = "mine", **what: Any) -> Object:
    return {**GROUP, "kind": "ResourceClaim", "metadata": {"name": name}, "spec": asking(**what)}


def pod(
    name: str, *, claim: str = "mine", template: str = "", used: bool = True, command: str = "sleep 1000"
) -> Object:
    named = {"resourceClaimTemplateName": template} if template else {"resourceClaimName": claim}
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", command]}
    container |= {"resources": {"claims": [{"name": "gpu"}]}} if used else {}
    spec = {"containers": [container], "resourceClaims": [{"name": "gpu", **named}], "restartPolicy": "Never"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def variables(cluster: Cluster, name: str) -> dict[str, str]:
    """What a container finds about its GPUs."""
    lines = cluster.kubectl(f"exec {name} -- env").splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith(("GPU", "DRA")))


def run(cluster: Cluster, *objects: Object) -> None:
    for each in objects:
        plural = f"{each['kind'].lower()}s"
        cluster.client.create(plural if each["apiVersion"] == "v1" else f"{plural}.resource.k8s.io", each, "default")
    cluster.settle()


def test_a_driver_publishes_what_each_node_has(installed: Cluster) -> None:
    assert installed.kubectl("get resourceslices --no-headers").split()[1::5] == ["node-1", "node-2"]
    found = installed.client.list("resourceslices.resource.k8s.io")[0]["spec"]["devices"]
    assert [each["name"] for each in found] == ["gpu-0", "gpu-1"]
    assert found[0]["attributes"]["model"] == {"string": "LATEST-GPU-MODEL"}


def test_a_container_finds_its_devices_in_its_environment(cluster: Cluster) -> None:
    run(cluster, claim(), pod("p"))
    assert variables(cluster, "p") == {
        "DRA_RESOURCE_DRIVER_NAME": GPU,
        "GPU_DEVICE_0": "gpu-0",
        "GPU_DEVICE_0_SHARING_STRATEGY": "TimeSlicing",
        "GPU_DEVICE_0_TIMESLICE_INTERVAL": "Default",
        "GPU_NODE_NAME": cluster.client.get("pods", "p", "default")["spec"]["nodeName"],
    }


def test_drivers_are_told_what_the_claim_says(cluster: Cluster) -> None:
    sharing = {"strategy": "SpacePartitioning", "spacePartitioningConfig": {"partitionCount": 10}}
    run(cluster, claim(config={"sharing": sharing}), pod("p"))
    assert variables(cluster, "p")["GPU_DEVICE_0_PARTITION_COUNT"] == "10"


def test_a_container_that_does_not_ask_gets_none(cluster: Cluster) -> None:
    run(cluster, claim(), pod("p", used=False))
    assert variables(cluster, "p") == {}


def test_each_pod_of_a_template_has_devices_of_its_own(cluster: Cluster) -> None:
    template = {**GROUP, "kind": "ResourceClaimTemplate", "metadata": {"name": "t"}, "spec": {"spec": asking(count=2)}}
    run(cluster, template, *(pod(name, template="t") for name in ("p", "q", "r")))
    pods = {each["metadata"]["name"]: each for each in cluster.client.list("pods", "default")}
    assert {pods[name]["spec"].get("nodeName") for name in "pq"} == {"node-1", "node-2"}
    assert pods["r"]["status"]["phase"] == "Pending"
    cluster.kubectl("delete pod p")
    cluster.settle()
    assert cluster.client.get("pods", "r", "default")["status"]["phase"] == "Running"
    assert len(cluster.client.list(CLAIMS, "default")) == 2


def test_devices_are_given_back_when_the_last_pod_has_ended(cluster: Cluster) -> None:
    run(cluster, claim(), pod("p"), pod("q"))
    for name in "pq":
        cluster.kubectl(f"delete pod {name} --now")
    cluster.settle()
    driver = cluster.device_drivers[GPU]
    assert [each.method for each in driver.log] == ["NodePrepareResources", "NodeUnprepareResources"]
    assert cluster.client.get(CLAIMS, "mine", "default").get("status", {}) == {}


def test_a_container_does_not_start_before_its_claim_is_reserved(cluster: Cluster) -> None:
    run(cluster, claim())
    lonely = pod("p")
    run(cluster, {**lonely, "spec": {**lonely["spec"], "nodeName": "node-1"}})
    told = cluster.kubectl(
        "get events --field-selector reason=FailedPrepareDynamicResources -o jsonpath={.items[0].message}"
    )
    uids = [cluster.client.get(*what, "default")["metadata"]["uid"] for what in (("pods", "p"), (CLAIMS, "mine"))]
    assert told == (
        f"Failed to prepare dynamic resources: prepare dynamic resources: pod p ({uids[0]}) is not allowed to use "
        f"ResourceClaim mine ({uids[1]})"
    )


def test_what_a_driver_can_not_do_is_told(cluster: Cluster) -> None:
    run(cluster, claim(config={"sharing": {"strategy": "Wishing"}}), pod("p"))
    assert "FailedPrepareDynamicResources" in cluster.kubectl("describe pod p")
    assert cluster.device_drivers[GPU].log[0].error == "unknown GPU sharing strategy: Wishing"


def test_a_decision_says_where_devices_were_free(cluster: Cluster) -> None:
    run(cluster, claim("other", count=2), pod("q", claim="other"), claim(), pod("p"))
    taken = cluster.client.get("pods", "q", "default")["spec"]["nodeName"]
    verdicts = {
        each.node: each.verdict
        for each in cluster.decision("p").decision.explanation.opinions
        if each.plugin == "DynamicResources"
    }
    free = "node-1" if taken == "node-2" else "node-2"
    assert verdicts == {taken: "cannot allocate all claims", free: "fits"}


def test_devices_are_there_after_a_reboot(tmp_path: Path) -> None:
    first = Cluster(nodes=1, path=tmp_path / "kept.db")
    first.add_device_driver(devices=3)
    first.close()
    again = Cluster(path=tmp_path / "kept.db")
    assert again.device_drivers[GPU].count == 3
    again.close()


def test_a_container_gets_what_it_asks_for_as_an_extended_resource(cluster: Cluster) -> None:
    cluster.client.patch("deviceclasses.resource.k8s.io", GPU, {"spec": {"extendedResourceName": "example.com/gpu"}})
    amount = {"example.com/gpu": "1"}
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", "sleep 1000"]}
    container |= {"resources": {"limits": amount, "requests": amount}}
    run(cluster, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}})
    cluster.advance(5)
    status = cluster.client.get("pods", "p", "default")["status"]
    (claim,) = cluster.client.list(CLAIMS, "default")
    assert status["phase"] == "Running"
    assert status["extendedResourceClaimStatus"] == {
        "requestMappings": [
            {"containerName": "main", "resourceName": "example.com/gpu", "requestName": "container-0-request-0"}
        ],
        "resourceClaimName": claim["metadata"]["name"],
    }
    assert "DRA_RESOURCE_DRIVER_NAME" in variables(cluster, "p")
    cluster.client.delete("pods", "p", "default", grace=0)
    cluster.advance(5)
    assert cluster.client.list(CLAIMS, "default") == []
