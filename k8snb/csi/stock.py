"""What a storage system has: disks, where each is attached, and snapshots of them.

It is what the vendor sells, behind every part of the driver. What is written on a disk lies with `Contents`, whoever
keeps that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from k8snb.csi.calls import CallFailed
from k8snb.csi.messages import Message, without_empty


class Contents(Protocol):
    """Who keeps what is written on disks."""

    def copy(self, source: str, target: str) -> None:
        """Put what is on one disk on another one."""
        ...

    def forget(self, name: str) -> None:
        """A disk is gone."""
        ...

    def used(self, name: str) -> int:
        """How many bytes are written on a disk."""
        ...


@dataclass
class Disk:
    """One disk: its size in bytes, where it is, what it was made of and for, and which machines it is attached to."""

    handle: str
    size: int
    place: Mapping[str, str]
    source: Message = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    attached: list[str] = field(default_factory=list)
    readonly: bool = False

    @property
    def message(self) -> Message:
        """The disk as CSI's `Volume`."""
        message = {
            "capacity_bytes": self.size,
            "volume_id": self.handle,
            "content_source": self.source,
            "accessible_topology": [{"segments": self.place}] if self.place else [],
        }
        return without_empty(message)


@dataclass
class Snapshot:
    """A disk as it was at a moment."""

    handle: str
    source: str
    size: int
    at: float

    @property
    def message(self) -> Message:
        """The snapshot as CSI's `Snapshot`."""
        return {
            "size_bytes": self.size,
            "snapshot_id": self.handle,
            "source_volume_id": self.source,
            "creation_time": {"seconds": int(self.at)},
            "ready_to_use": True,
        }


class Stock:
    """Everything that one driver looks after.

    `limit` is how many disks a machine can have (0: any number), `capacity` how many bytes there are in each place
    (0: enough). With `topology`, the name of a label, a disk can only be attached to machines of its place.
    """

    def __init__(
        self, contents: Contents, now: Callable[[], float], *, limit: int = 0, topology: str = "", capacity: int = 0
    ) -> None:
        self.contents = contents
        self.now = now
        self.limit = limit
        self.topology = topology
        self.capacity = capacity
        self.disks: dict[str, Disk] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.machines: dict[str, Mapping[str, str]] = {}
        """The machines on which the driver runs, and where they are."""

    def disk(self, handle: str) -> Disk:
        """The disk of that identifier; raises CallFailed (NotFound)."""
        found = self.disks.get(handle)
        if found is None:
            raise CallFailed("NotFound", f"volume {handle} not found")
        return found

    def on(self, node: str) -> list[Disk]:
        """The disks that are attached to a machine."""
        return [disk for disk in self.disks.values() if node in disk.attached]

    def free(self, place: Mapping[str, str]) -> int:
        """How many bytes are left in a place; without a capacity, a very large number."""
        if not self.capacity:
            return 1 << 60
        return self.capacity - sum(disk.size for disk in self.disks.values() if disk.place == place)


def handle_of(kind: str, name: str) -> str:
    """The identifier of what was asked for by that name: the same for the same name."""
    return f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:17]}"
