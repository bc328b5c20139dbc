"""The exercises of the page on storage: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.lab import storage
from k8snb.lab.verdict import Verdict
from tests.csi.shop import DRIVER, Shop, claim, pod, storage_class


@pytest.fixture
def shop() -> Shop:
    return Shop(1, snapshots=True)


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def archive(size: str = "5Gi", **spec: Any) -> dict[str, Any]:
    body = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/srv/archive"}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "archive"}, "spec": {**body, **spec}}


@pytest.mark.parametrize(
    ("volume", "asking"),
    [
        ({"claimRef": {"namespace": "default", "name": "archive"}}, {"storageClassName": ""}),
        ({}, {"storageClassName": "", "volumeName": "archive"}),
        ({"storageClassName": "kept"}, {"storageClassName": "kept"}),
    ],
)
def test_every_way_to_keep_a_volume_for_a_claim_is_right(shop: Shop, volume: Any, asking: Any) -> None:
    shop.create(archive(**volume), claim("archive", **asking))
    assert storage.check_archive(shop.cluster)


def test_an_archive_that_went_elsewhere_is_noticed(shop: Shop) -> None:
    shop.create(archive())
    assert missing(storage.check_archive(shop.cluster)).startswith("there is a claim archive")
    shop.create(claim("archive", storageClassName="fast"))
    assert missing(storage.check_archive(shop.cluster)) == "it is bound to the volume archive: its volume is none"


def test_a_ledger_grows_without_a_new_pod(shop: Shop) -> None:
    shop.create(storage_class("frozen", allowVolumeExpansion=False))
    shop.create(claim("ledger", storageClassName="frozen"), pod("ledger", "ledger"))
    assert missing(storage.check_ledger(shop.cluster)) == "the disk has 4Gi: its size is 1Gi"
    client = shop.cluster.client
    client.patch("storageclasses", "frozen", {"allowVolumeExpansion": True})
    more = {"spec": {"resources": {"requests": {"storage": "4Gi"}}}}
    client.patch("persistentvolumeclaims", "ledger", more, "default")
    shop.cluster.settle()
    assert missing(storage.check_ledger(shop.cluster)) == "so has the file system: its size is 1Gi"
    shop.cluster.advance(70)
    assert storage.check_ledger(shop.cluster)


def test_a_rescue_is_a_claim_of_the_snapshot_and_a_pod_that_has_it(shop: Shop) -> None:
    shop.create(claim(), pod("user", "data"))
    head = {"apiVersion": "snapshot.storage.k8s.io/v1"}
    kind = {**head, "kind": "VolumeSnapshotClass", "metadata": {"name": "k"}, "driver": DRIVER}
    group = "snapshot.storage.k8s.io"
    shop.cluster.client.create(f"volumesnapshotclasses.{group}", {**kind, "deletionPolicy": "Delete"})
    spec = {"volumeSnapshotClassName": "k", "source": {"persistentVolumeClaimName": "data"}}
    snapshot = {**head, "kind": "VolumeSnapshot", "metadata": {"name": "before-upgrade"}, "spec": spec}
    shop.cluster.client.create(f"volumesnapshots.{group}", snapshot, "default")
    shop.cluster.settle()
    source = {"apiGroup": group, "kind": "VolumeSnapshot", "name": "before-upgrade"}
    shop.create(claim("rescued", dataSource=source))
    assert missing(storage.check_rescue(shop.cluster)).endswith("the class waits for a pod")
    shop.create(pod("anybody", "rescued"))
    assert storage.check_rescue(shop.cluster)
