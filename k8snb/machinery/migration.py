"""Disks that pods and volumes name by their cloud's own field, and the CSI driver that looks after each since then.

Such a disk counts as one of its driver; the handle is the one that the driver would use, so that a disk that is named
in both ways is one disk. Upstream: `csi-translation-lib`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8snb.machinery.objects import labels_of
from k8snb.typing import Object


class Migrated(NamedTuple):
    """One sort of disks: who made them once, their driver, their field, and what the driver calls one in that zone."""

    provisioner: str
    driver: str
    field: str
    handle: Callable[[Object, str], str]


def _aws(source: Object, zone: str) -> str:
    return str(source["volumeID"]).rpartition("/")[2]


def _gce(source: Object, zone: str) -> str:
    return f"projects/UNSPECIFIED/zones/{zone or 'UNSPECIFIED'}/disks/{source['pdName']}"


_TABLE = (
    Migrated("kubernetes.io/aws-ebs", "ebs.csi.aws.com", "awsElasticBlockStore", _aws),
    Migrated("kubernetes.io/gce-pd", "pd.csi.storage.gke.io", "gcePersistentDisk", _gce),
    Migrated("kubernetes.io/azure-disk", "disk.csi.azure.com", "azureDisk", lambda source, zone: source["diskURI"]),
    Migrated("kubernetes.io/cinder", "cinder.csi.openstack.org", "cinder", lambda source, zone: source["volumeID"]),
)
_ZONES = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
FIELDS = frozenset(row.field for row in _TABLE)


def driver_of(provisioner: str) -> str:
    """The driver that makes the volumes of a provisioner now: itself, unless it has moved."""
    return next((row.driver for row in _TABLE if row.provisioner == provisioner), provisioner)


def disk_of(volume: Object) -> tuple[str, str] | None:
    """Driver and handle of a volume of a pod's spec that is such a disk."""
    return next(((row.driver, row.handle(volume[row.field], "")) for row in _TABLE if row.field in volume), None)


def disk_of_volume(volume: Object) -> tuple[str, str] | None:
    """Driver and handle of a PersistentVolume; None if it is none of a driver."""
    spec, labels = volume["spec"], labels_of(volume)
    if "csi" in spec:
        return spec["csi"]["driver"], spec["csi"]["volumeHandle"]
    zone = next((labels[each] for each in _ZONES if each in labels), "")
    return next(((row.driver, row.handle(spec[row.field], zone)) for row in _TABLE if row.field in spec), None)
