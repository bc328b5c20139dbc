"""The driver itself: disks, which machine each is attached to, and the calls by which all that changes.

The names of the calls are those of CSI's three services. A call answers at once; how long it would take is for the
sidecar to wait. Every call may be repeated: it then finds what it would have done. What is written on a disk lies with
`Contents`, whoever keeps that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol


class Contents(Protocol):
    """Who keeps what is written on disks."""

    def copy(self, source: str, target: str) -> None:
        """Put what is on one disk on another one."""
        ...

    def forget(self, name: str) -> None:
        """A disk is gone."""
        ...


class CallFailed(Exception):
    """A call that the driver refused; the message is gRPC's."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"rpc error: code = {code} desc = {why}")
        self.code = code


class Call(NamedTuple):
    """One call, as the driver saw it."""

    at: float
    service: str
    method: str
    about: str
    more: Mapping[str, Any]
    error: str = ""

    def __str__(self) -> str:
        said = " ".join([self.about, *(f"{key}={value}" for key, value in self.more.items())])
        return f"{self.service}.{self.method} {said}{f' ✕ {self.error}' if self.error else ''}"


@dataclass
class Disk:
    """One disk: its size in bytes, where it is, and which machines it is attached to."""

    handle: str
    size: int
    place: Mapping[str, str]
    attached: list[str] = field(default_factory=list)


@dataclass
class Snapshot:
    """A disk as it was at a moment."""

    handle: str
    source: str
    size: int
    at: float


class Driver:
    """A driver for disks that are attached to one machine at a time, like those of clouds.

    `limit` is how many a machine can have (0: any number). With `topology`, a disk can only be attached to machines
    whose label of that name has the value that it was made for.
    """

    def __init__(
        self, name: str, contents: Contents, now: Callable[[], float], *, limit: int = 0, topology: str = ""
    ) -> None:
        self.name = name
        self.limit = limit
        self.topology = topology
        self.disks: dict[str, Disk] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.calls: list[Call] = []
        self._contents = contents
        self._now = now

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.disks)} disks, {len(self.snapshots)} snapshots, {len(self.calls)} calls>"

    # -- the controller service --------------------------------------------------------------------

    def create_volume(self, name: str, size: int, place: Mapping[str, str], source: str = "") -> Disk:
        """Make a disk, a copy of a disk or snapshot if there is a source."""
        handle = f"vol-{_digest(name)}"
        self._note("Controller", "CreateVolume", name, size=size, **({"source": source} if source else {}))
        disk = self.disks.get(handle)
        if disk is None:
            if source and source not in self.disks and source not in self.snapshots:
                raise self._refused("NotFound", f"source {source} not found")
            disk = self.disks[handle] = Disk(handle, size, place)
            if source:
                self._contents.copy(source, handle)
        return disk

    def delete_volume(self, handle: str) -> None:
        """Delete a disk with all that is on it."""
        self._note("Controller", "DeleteVolume", handle)
        disk = self.disks.get(handle)
        if disk is not None and disk.attached:
            raise self._refused("FailedPrecondition", f"volume {handle} is still attached to {disk.attached[0]}")
        if self.disks.pop(handle, None) is not None:
            self._contents.forget(handle)

    def publish(self, handle: str, node: str, *, shared: bool = False) -> None:
        """Attach a disk to a machine."""
        self._note("Controller", "ControllerPublishVolume", handle, node=node)
        disk = self._disk(handle)
        if node in disk.attached:
            return
        if disk.attached and not shared:
            raise self._refused("FailedPrecondition", f"volume {handle} is attached to {disk.attached[0]}")
        if self.limit and sum(node in each.attached for each in self.disks.values()) >= self.limit:
            raise self._refused("ResourceExhausted", f"{node} has {self.limit} volumes attached, and can have no more")
        disk.attached.append(node)

    def unpublish(self, handle: str, node: str) -> None:
        """Detach a disk from a machine."""
        self._note("Controller", "ControllerUnpublishVolume", handle, node=node)
        disk = self.disks.get(handle)
        if disk is not None and node in disk.attached:
            disk.attached.remove(node)

    def expand(self, handle: str, size: int) -> None:
        """Make a disk larger. What is on it has to be made larger on the machine."""
        self._note("Controller", "ControllerExpandVolume", handle, size=size)
        disk = self._disk(handle)
        disk.size = max(disk.size, size)

    def snapshot(self, name: str, source: str) -> Snapshot:
        """Keep a disk as it is now."""
        handle = f"snap-{_digest(name)}"
        self._note("Controller", "CreateSnapshot", name, source=source)
        found = self.snapshots.get(handle)
        if found is None:
            disk = self._disk(source)
            found = self.snapshots[handle] = Snapshot(handle, source, disk.size, self._now())
            self._contents.copy(source, handle)
        return found

    def delete_snapshot(self, handle: str) -> None:
        """Forget what was kept."""
        self._note("Controller", "DeleteSnapshot", handle)
        if self.snapshots.pop(handle, None) is not None:
            self._contents.forget(handle)

    # -- the node service --------------------------------------------------------------------------

    def stage(self, handle: str, node: str) -> str:
        """Mount a disk on a machine, for all pods there; why not, where it is not attached."""
        self._note("Node", "NodeStageVolume", handle, node=node)
        disk = self.disks.get(handle)
        if disk is not None and node in disk.attached:
            return ""
        return str(self._refused("NotFound", f"no device for volume {handle} on {node}"))

    def unstage(self, handle: str, node: str) -> None:
        """Unmount it from the machine."""
        self._note("Node", "NodeUnstageVolume", handle, node=node)

    def mount(self, handle: str, node: str, pod: str) -> None:
        """Mount it into a pod."""
        self._note("Node", "NodePublishVolume", handle, node=node, pod=pod)

    def unmount(self, handle: str, node: str, pod: str) -> None:
        """Unmount it from the pod."""
        self._note("Node", "NodeUnpublishVolume", handle, node=node, pod=pod)

    def grow(self, handle: str, node: str, size: int) -> None:
        """Let the file system fill the disk."""
        self._note("Node", "NodeExpandVolume", handle, node=node, size=size)

    # -- inside ------------------------------------------------------------------------------------

    def _disk(self, handle: str) -> Disk:
        disk = self.disks.get(handle)
        if disk is None:
            raise self._refused("NotFound", f"volume {handle} not found")
        return disk

    def _note(self, service: str, method: str, about: str, **more: Any) -> None:
        self.calls.append(Call(self._now(), service, method, about, more))

    def _refused(self, code: str, why: str) -> CallFailed:
        self.calls[-1] = self.calls[-1]._replace(error=why)
        return CallFailed(code, why)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:17]


def methods(calls: Sequence[Call]) -> list[str]:
    """The names of calls, in order."""
    return [call.method for call in calls]
