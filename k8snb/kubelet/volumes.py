"""The volumes of a pod: where they come from, and when they follow changes.

Empty directories are shared by the pod's containers. What comes from the API (`contents`) is written when the pod
starts, and again whenever the kubelet looks at the pod anew: once a minute, and when somebody changed the pod itself.
The service account's token is fetched when somebody first reads it. What is mounted by `subPath` is what was there when
the container began. Upstream: `pkg/volume` and `pkg/kubelet/volumemanager`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from k8snb.clock import parse_time
from k8snb.kubelet.contents import KINDS, Contents, Unavailable
from k8snb.kubelet.images import table
from k8snb.kubelet.images.atomic import AtomicVolume, Filling, Payload
from k8snb.kubelet.images.filesystem import Mount, Volume
from k8snb.kubelet.plan import ContainerPlan
from k8snb.kubelet.process import expand
from k8snb.kubelet.references import parse
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.podworker import PodWorker

REFRESH_SECONDS = 60.0
"""How often volumes follow the objects they come from (upstream: the kubelet's sync period)."""

_NONE: Mapping[str, Any] = {}


class PodVolumes:
    """The volumes of one pod, made when first needed."""

    def __init__(self, worker: PodWorker) -> None:
        self._worker = worker
        self._volumes: dict[str, Volume] = {}
        self._written: dict[str, Filling] = {}
        self._pinned: dict[str, Sequence[Mount]] = {}
        self._contents = Contents(worker)
        self._specs = {volume["name"]: volume for volume in worker.pod["spec"].get("volumes") or ()}

    @property
    def scratch(self) -> int:
        """How many bytes are written in volumes that lie on the node's disk and go with the pod."""
        local = (name for name, spec in self._specs.items() if "emptyDir" in spec)
        return sum(self._volumes[name].written for name in local if name in self._volumes)

    @property
    def follows(self) -> bool:
        """Whether a volume has content that may change."""
        return bool(self._worker.plan.volumes or self._worker.plan.claims)

    def mount(self) -> str:
        """Fill every volume that comes from the API; returns what is wrong with the first that cannot be filled."""
        for spec in self._worker.plan.volumes:
            try:
                self._write(spec["name"], self._contents.of(spec))
            except Unavailable as error:
                return f'MountVolume.SetUp failed for volume "{spec["name"]}" : {error}'
        return ""

    def refresh(self) -> None:
        """Fill the volumes anew; one whose object has gone keeps what it has, one that is larger now gets larger."""
        if self._worker.plan.claims:
            self._worker.kubelet.disks.grow(self._worker)
        for spec in self._worker.plan.volumes:
            try:
                self._write(spec["name"], self._contents.of(spec))
            except Unavailable:
                continue

    def look_at(self, before: Object, pod: Object) -> None:
        """Somebody has written the pod. What is not only a status has the kubelet look at all of it, volumes too."""
        was, now = before["metadata"], pod["metadata"]
        told = any(was.get(field) != now.get(field) for field in ("labels", "annotations"))
        if self._worker.plan.volumes and self._written and (told or before["spec"] != pod["spec"]):
            self.refresh()

    def pin(self, plan: ContainerPlan) -> None:
        """A container begins: what it mounts by `subPath` stays as it is now."""
        self._pinned.pop(plan.name, None)
        self._pinned[plan.name] = self.mounts(plan)

    def mounts(self, plan: ContainerPlan) -> Sequence[Mount]:
        """The volumes in one container's tree of files."""
        if plan.name in self._pinned:
            return self._pinned[plan.name]
        found: list[Mount] = []
        for mount in plan.spec.get("volumeMounts") or ():
            volume = self._volume(mount["name"])
            sub_path = mount.get("subPath", "")
            if mount.get("subPathExpr"):
                sub_path = expand(mount["subPathExpr"], self._worker.environment(plan.name))
            path = posixpath.normpath(mount["mountPath"])
            read_only = bool(mount.get("readOnly")) or "image" in self._specs.get(mount["name"], _NONE)
            if sub_path:
                found.append(_sub_mount(path, volume, posixpath.normpath(sub_path), read_only))
            else:
                found.append(Mount(path, volume, "", read_only or isinstance(volume, AtomicVolume)))
        return found

    def _volume(self, name: str) -> Volume:
        found = self._volumes.get(name)
        if found is None:
            found = self._volumes[name] = self._made(self._specs.get(name, _NONE))
        return found

    def _made(self, spec: Object) -> Volume:
        if "hostPath" in spec:
            return self._worker.kubelet.host_directory(spec["hostPath"]["path"])
        if "persistentVolumeClaim" in spec:
            return self._claimed(spec["persistentVolumeClaim"]["claimName"])
        if "ephemeral" in spec:
            return self._claimed(f"{self._worker.key.name}-{spec['name']}")
        if "image" in spec:
            return Volume(_files_of_image(spec["image"].get("reference", "")))
        if any(kind in spec for kind in KINDS):
            return AtomicVolume(self._filling(spec))
        if _is_on_disk(spec) and self._worker.kubelet.pool.told is not None:
            return self._worker.kubelet.pool.volume(_scratch(self._worker, spec["name"]))
        return Volume()

    def _claimed(self, name: str) -> Volume:
        """What a claim holds: a directory of the node, or what the volume behind it keeps wherever it is mounted."""
        kubelet, namespace = self._worker.kubelet, self._worker.key.namespace
        claim = kubelet.client.find("persistentvolumeclaims", name, namespace)
        volume_name = ((claim or _NONE).get("spec") or _NONE).get("volumeName", "")
        volume = kubelet.client.find("persistentvolumes", volume_name) if volume_name else None
        spec = (volume or _NONE).get("spec") or _NONE
        for kind in ("hostPath", "local"):
            if kind in spec:
                return kubelet.host_directory(spec[kind]["path"])
        handle = (spec.get("csi") or _NONE).get("volumeHandle", "")
        return kubelet.pool.volume(handle or volume_name or f"{namespace}/{name}")

    # -- what comes from the API -------------------------------------------------------------------

    def _write(self, name: str, payload: Payload) -> Filling:
        """Put this in a volume, unless it is there already."""
        written = self._written.get(name)
        if written is None or written[0] != payload:
            written = self._written[name] = (payload, self._worker.kubelet.clock.now())
        return written

    def _filling(self, spec: Object) -> Callable[[], Filling]:
        """What is in the volume. One that is not mounted before the pod starts is filled when somebody looks."""
        name, worker = spec["name"], self._worker
        mounted = any(each["name"] == name for each in worker.plan.volumes)

        def filled() -> Filling:
            if mounted and name in self._written:
                return self._written[name]
            began = parse_time(worker.began) if worker.began else worker.kubelet.clock.now()
            payload = self._contents.of(spec, partly=True)
            if name not in self._written:
                self._written[name] = (payload, began)
            return self._write(name, payload)

        return filled


def volumes_of(worker: PodWorker) -> PodVolumes:
    """A pod's volumes, made when somebody first asks for them."""
    if worker.volumes is None:
        worker.volumes = PodVolumes(worker)
    return worker.volumes


def forget_scratch(worker: PodWorker) -> None:
    """Remove what the pod wrote to its empty directories, where somebody keeps that over a reboot."""
    pool = worker.kubelet.pool
    if pool.told is not None:
        for spec in worker.pod["spec"].get("volumes") or ():
            if _is_on_disk(spec):
                pool.forget(_scratch(worker, spec["name"]))


def _is_on_disk(spec: Object) -> bool:
    """Whether it is an empty directory on the machine's disk."""
    return "emptyDir" in spec and (spec["emptyDir"] or _NONE).get("medium") != "Memory"


def _scratch(worker: PodWorker, name: str) -> str:
    return f"{worker.uid}/{name}"


def _sub_mount(path: str, volume: Volume, sub_path: str, read_only: bool) -> Mount:
    """A part of a volume. A file that comes from the API is copied at this moment: it does not follow its object."""
    text = volume.read(sub_path)
    if text is None:
        if not isinstance(volume, AtomicVolume):
            volume.make_directory(sub_path)
        return Mount(path, volume, sub_path, read_only)
    if not isinstance(volume, AtomicVolume):
        return Mount(path, volume, sub_path, read_only)
    return Mount(path, Volume({"": text}), "", True)


def _files_of_image(reference: str) -> Mapping[str, str]:
    """What an image holds; nothing if nobody knows it."""
    image = table.IMAGES.get(parse(reference).name) if reference else None
    return image.files if image is not None else _NONE
