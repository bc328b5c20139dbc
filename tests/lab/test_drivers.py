"""What the proofs of the page on CSI do not say: calls by hand are part of a cluster's past."""

from __future__ import annotations

from k8snb import Cluster

NAME = "disks.example.com"
USE = {"mount": {}, "access_mode": {"mode": "SINGLE_NODE_WRITER"}}


def test_a_fork_has_the_disks_that_were_made_and_attached_by_hand() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.add_driver(NAME, limit=2)
    made = cluster.call_driver(NAME, "CreateVolume", {"name": "by-hand", "volume_capabilities": [USE]})
    volume = made["volume"]["volume_id"]
    attach = {"volume_id": volume, "volume_capability": USE, "node_id": "node-1"}
    cluster.call_driver(NAME, "ControllerPublishVolume", attach)
    assert cluster.fork().drivers[NAME].disks[volume].attached == ["node-1"]
