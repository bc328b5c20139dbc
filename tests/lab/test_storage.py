"""The exercises of the page on storage: there are many right ways to keep a volume."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.lab import storage
from tests.csi.shop import Shop, claim


@pytest.fixture
def shop() -> Shop:
    return Shop(1, snapshots=True)


def archive(size: str = "5Gi", **spec: Any) -> dict[str, Any]:
    body = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/srv/archive"}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "archive"}, "spec": {**body, **spec}}


@pytest.mark.parametrize(
    ("volume", "asking"),
    [
        ({"claimRef": {"namespace": "default", "name": "archive"}}, {"storageClassName": ""}),
        ({"storageClassName": "kept"}, {"storageClassName": "kept"}),
    ],
)
def test_every_way_to_keep_a_volume_for_a_claim_is_right(shop: Shop, volume: Any, asking: Any) -> None:
    shop.create(archive(**volume), claim("archive", **asking))
    assert storage.check_archive(shop.cluster)


def test_a_claim_that_names_a_volume_keeps_it_for_nobody(shop: Shop) -> None:
    """Upstream says so, too: to reserve a volume, its own `claimRef` has to name the claim."""
    shop.create(archive(), claim("archive", storageClassName="", volumeName="archive"))
    assert storage.check_archive(shop.cluster).claims[-1].missing.startswith("until this claim came")
