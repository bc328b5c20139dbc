"""The exercises of the chapter "Architecture": storage drivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from k8snb.clock import parse_time
from k8snb.csi.calls import Call
from k8snb.csi.driver import Driver
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import condition, is_true
from k8snb.machinery.volumes import ATTACHMENTS, claim_names
from k8snb.typing import Object

GI = 1 << 30
STAGE, TARGET = "/mnt/stage", "/mnt/data"
PATIENCE = 180.0
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class Driven(Reader, Protocol):
    """A cluster with storage drivers."""

    @property
    def drivers(self) -> Mapping[str, Driver]: ...


@exercise("architecture/csi", "Without an orchestrator", minutes=15)
def check_by_hand(cluster: Driven) -> Claims:
    """A disk that somebody took all the way to a directory with nothing but the driver's calls."""
    log = [call for driver in cluster.drivers.values() for call in driver.log if call.code == "OK"]
    disks = {handle: disk for driver in cluster.drivers.values() for handle, disk in driver.disks.items()}
    made = [call.response["volume"]["volume_id"] for call in log if call.method == "CreateVolume"]
    named = [call.response["volume"]["volume_id"] for call in log if call.request.get("name") == "by-hand"]
    disk = disks.get(named[-1]) if named and named[-1] in made else None
    yield Claim(disk is not None, _("there is a disk by-hand"), _("there is none of that name"))
    assert disk is not None
    yield Claim(disk.size == GI, _("it has one gibibyte"), says(_("its bytes"), disk.size))
    where = ", ".join(disk.attached) or _("nowhere")
    yield Claim(disk.attached == ["node-2"], _("it is attached to node-2"), says(_("where it is attached"), where))
    own = [call for call in log if call.about == disk.handle and call.node == "node-2"]
    staged = _last(own, "NodeStageVolume", "staging_target_path")
    yield Claim(staged == STAGE, _("it is staged at /mnt/stage"), says(_("where it is staged"), staged))
    mounted = _last(own, "NodePublishVolume", "target_path")
    yield Claim(mounted == TARGET, _("it is mounted at /mnt/data"), says(_("where it is mounted"), mounted))


def _last(calls: list[Call], method: str, field: str) -> str:
    found = [str(call.request[field]) for call in calls if call.method == method]
    return found[-1] if found else _("nowhere")


@exercise("architecture/csi", "Room for three", minutes=10)
def check_archive(cluster: Reader) -> Claims:
    """Three members on as many machines as they need, each with its disk."""
    archive = find(cluster, "statefulsets.apps", "archive")
    yield exists(archive, _("there is a StatefulSet archive"))
    replicas = archive["spec"].get("replicas")
    yield Claim(replicas == 3, _("it wants three members"), says(_("their number"), replicas))
    members = pods_labelled(cluster, {"app": "archive"})
    waiting = [pod["metadata"]["name"] for pod in members if not is_true(pod, "Ready")]
    yield Claim(
        len(members) == 3 and not waiting, _("all of them are Ready"), says(_("who waits"), waiting or len(members))
    )
    disks = list(dict.fromkeys(name for pod in members for name in claim_names(pod)))
    yield Claim(len(disks) == 3, _("each has a claim of its own"), says(_("their claims"), disks))
    most = [driver.get("allocatable", {}).get("count") for driver in _registered(cluster)]
    yield Claim(set(most) == {2}, _("and no machine may have more disks than before"), says(_("the limits"), most))


def _registered(cluster: Reader) -> Iterator[Object]:
    for node in cluster.client.list("csinodes.storage.k8s.io"):
        yield from node["spec"].get("drivers") or ()


@exercise("architecture/csi", "Out of service", minutes=10)
def check_out_of_service(cluster: Reader) -> Claims:
    """A pod whose disk was taken from a dead machine because somebody vouched for its death."""
    nodes = cluster.client.list("nodes")
    silent = {node["metadata"]["name"]: node for node in nodes if not is_true(node, "Ready")}
    yield Claim(bool(silent), _("a machine is lost"), _("all of them are Ready"))
    pod = find(cluster, "pods", "clerk")
    yield exists(pod, _("there is a Pod clerk"), NAMESPACE)
    place = pod["spec"].get("nodeName", "")
    yield Claim(place not in silent, _("it is on another machine"), says(_("its node"), place))
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), _("not yet"))
    taints = [taint["key"] for node in silent.values() for taint in node["spec"].get("taints") or ()]
    vouched = OUT_OF_SERVICE in taints
    yield Claim(vouched, _("somebody has said that the machine is out of service"), _("nobody has"))
    taken = [each for each in cluster.client.list(ATTACHMENTS) if each["spec"]["nodeName"] == place]
    began = max(parse_time(each["metadata"]["creationTimestamp"]) for each in taken)
    since = min(parse_time((condition(node, "Ready") or {})["lastTransitionTime"]) for node in silent.values())
    seconds = round(began - since)
    yield Claim(seconds <= PATIENCE, _("the disk moved within three minutes"), says(_("seconds"), seconds))


@exercise("architecture/csi", "Nobody's disks", minutes=15)
def check_nobodys(cluster: Driven) -> Claims:
    """Every disk is that of a volume, every volume has its disk, and machines have those that they should."""
    ledger = find(cluster, "persistentvolumeclaims", "ledger")
    yield exists(ledger, _("there is a PersistentVolumeClaim ledger"))
    disks = {handle: disk for driver in cluster.drivers.values() for handle, disk in driver.disks.items()}
    volumes = {_handle(each): each["metadata"]["name"] for each in cluster.client.list("persistentvolumes")}
    bare = [name for handle, name in volumes.items() if handle not in disks]
    yield Claim(not bare, _("every PersistentVolume has its disk"), says(_("without a disk"), bare))
    wishes = [each["spec"] for each in cluster.client.list(ATTACHMENTS)]
    wanted = {(each["source"].get("persistentVolumeName"), each["nodeName"]) for each in wishes}
    found = {(volumes[handle], node) for handle in volumes for node in disks[handle].attached}
    gone = sorted(f"{name} → {node}" for name, node in wanted - found)
    yield Claim(not gone, _("and is where its VolumeAttachment says"), says(_("detached"), gone))
    hung = [f"{handle} → {node}" for handle, disk in disks.items() for node in disk.attached if handle not in volumes]
    yield Claim(not hung, _("no machine has a disk that is nobody's"), says(_("attached"), hung))
    stray = [handle for handle in disks if handle not in volumes]
    yield Claim(not stray, _("no disk is nobody's"), says(_("without a PersistentVolume"), len(stray)))


def _handle(volume: Object) -> str:
    return str(volume["spec"].get("csi", {}).get("volumeHandle", ""))
