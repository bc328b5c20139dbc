"""The exercises of the page on CSI: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import drivers
from tests.book.conftest import ROOT
from tests.lab.repairs import missing

NAME = "disks.example.com"
USE = {"mount": {}, "access_mode": {"mode": "SINGLE_NODE_WRITER"}}
MANIFESTS = ROOT / "manifests" / "architecture"


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=3, seed=1)
    cluster.add_driver(NAME, limit=2)
    cluster.kubectl("apply -f -", (MANIFESTS / "csi.yaml").read_text())
    cluster.settle()
    return cluster


def call(cluster: Cluster, method: str, node: str = "", **request: Any) -> Any:
    return cluster.call_driver(NAME, method, {"volume_capability": USE, **request}, node)


def test_a_disk_is_taken_by_hand_all_the_way_to_a_directory(cluster: Cluster) -> None:
    size = {"capacity_range": {"required_bytes": 1 << 30}, "volume_capabilities": [USE]}
    made = cluster.call_driver(NAME, "CreateVolume", {"name": "by-hand", **size})
    volume = made["volume"]["volume_id"]
    assert missing(drivers.check_by_hand(cluster)).endswith("attached is nowhere")
    call(cluster, "ControllerPublishVolume", volume_id=volume, node_id="node-2")
    assert missing(drivers.check_by_hand(cluster)).endswith("staged is nowhere")
    call(cluster, "NodeStageVolume", "node-2", volume_id=volume, staging_target_path="/mnt/stage")
    paths = {"staging_target_path": "/mnt/stage", "target_path": "/mnt/elsewhere"}
    call(cluster, "NodePublishVolume", "node-2", volume_id=volume, **paths)
    assert missing(drivers.check_by_hand(cluster)).endswith("mounted is /mnt/elsewhere")
    call(cluster, "NodePublishVolume", "node-2", volume_id=volume, **{**paths, "target_path": "/mnt/data"})
    assert drivers.check_by_hand(cluster)
    twin = cluster.fork()
    assert twin.drivers[NAME].disks[volume].attached == ["node-2"]


def test_an_archive_has_room_where_it_may_go(cluster: Cluster) -> None:
    cluster.kubectl("apply -f -", (MANIFESTS / "archive.yaml").read_text())
    cluster.advance(30)
    assert missing(drivers.check_archive(cluster)) == "all of them are Ready: who waits: archive-1, archive-2"
    cluster.kubectl("scale statefulset archive --replicas=2")
    assert missing(drivers.check_archive(cluster)).startswith("it wants three members")
    cluster.kubectl("scale statefulset archive --replicas=3")
    free = [{"op": "remove", "path": "/spec/template/spec/nodeSelector"}]
    cluster.client.patch("statefulsets.apps", "archive", free, "default", kind="json")
    cluster.advance(200)
    assert drivers.check_archive(cluster)


@pytest.mark.parametrize("vouched", [True, False])
def test_a_disk_leaves_a_dead_machine_when_somebody_vouches_for_its_death(cluster: Cluster, vouched: bool) -> None:
    assert missing(drivers.check_out_of_service(cluster)).startswith("a machine is lost")
    node = cluster.client.get("pods", "clerk", "default")["spec"]["nodeName"]
    cluster.stop_kubelet(node)
    cluster.advance(60)
    assert missing(drivers.check_out_of_service(cluster)).startswith("it is on another machine")
    if vouched:
        cluster.kubectl(f"taint node {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
        cluster.advance(30)
    else:
        cluster.kubectl("delete pod clerk --force")
    cluster.kubectl("apply -f -", (MANIFESTS / "csi.yaml").read_text())
    cluster.advance(30 if vouched else 420)
    verdict = drivers.check_out_of_service(cluster)
    assert verdict.solved is vouched
    assert vouched or missing(verdict).startswith("somebody has said that the machine is out of service")
