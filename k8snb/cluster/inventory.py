"""What a cluster has besides its objects: machines with manifests and wires, drivers, files on disks.

None of it is in the API, and all of it is there again after a reboot. Each machine, manifest, driver and file is a
record of its own, in buckets that no resource can have; what has been touched is noted where it happens, so that
keeping it costs what has changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from k8snb.cluster.machines import CNI_FILES, DEVICES, DRIVERS, MACHINES, MANIFESTS, ROUTES, NodeSpec
from k8snb.csi.driver import Driver
from k8snb.kubelet.kubelet import Kubelet
from k8snb.kubelet.pool import Pool
from k8snb.network.wiring import Wiring
from k8snb.store.ledger import Kept, Key, Record
from k8snb.typing import Object

FILES = "/files"
_DIRECTORY = {"directory": True}


def specs_of(kept: Kept) -> list[NodeSpec]:
    """The machines that there were, in the order in which they came."""
    return [NodeSpec(**_read(record)) for record in kept.of(MACHINES)]


def manifests_of(kept: Kept) -> Mapping[str, Mapping[str, Any]]:
    """The manifests of static pods, by machine and file."""
    found: dict[str, dict[str, Any]] = {}
    for record in kept.of(MANIFESTS):
        found.setdefault(record.namespace, {})[record.name] = _read(record)
    return found


class Inventory:
    """What of one cluster is no object, and what of it has changed since somebody last asked."""

    def __init__(
        self,
        specs: Mapping[str, NodeSpec],
        kubelets: Mapping[str, Kubelet],
        pool: Pool,
        drivers: Mapping[str, Driver],
        wiring: Wiring,
    ) -> None:
        self._specs = specs
        self._kubelets = kubelets
        self._pool = pool
        self._drivers = drivers
        self._wiring = wiring
        self._touched: dict[Key, None] = {}
        self._calls: dict[str, int] = {}
        """How many calls of each driver have been taken into account."""
        self._read: Mapping[str, Callable[[str, str], Any]] = {
            MACHINES: lambda _, name: asdict(self._specs[name]) if name in self._specs else None,
            MANIFESTS: lambda node, name: self._kubelets[node].manifests.get(name),
            DRIVERS: lambda _, name: self._drivers[name].kept() if name in self._drivers else None,
            DEVICES: lambda _, name: self._pool.device_drivers[name].kept(),
            FILES: self._file,
            CNI_FILES: lambda node, file: [self._wiring.given.get((node, file))],
            ROUTES: lambda node, _: self._wiring.cut(node) if node else self._wiring.tunnel,
        }

    @property
    def changed(self) -> bool:
        """Whether anything has changed since `taken`."""
        return bool(self._touched) or any(len(d.log) != self._calls.get(name) for name, d in self._drivers.items())

    def touch(self, bucket: str, place: str, name: str) -> None:
        """Note that something has changed, has come or has gone."""
        self._touched[bucket, place, name] = None

    def listen(self) -> None:
        """Note from now on what is written on disks."""
        self._pool.told = partial(self.touch, FILES)
        for name, volume in self._pool.volumes.items():
            volume.told = partial(self.touch, FILES, name)

    def touch_everything(self) -> None:
        """Note all that there is."""
        for name in self._specs:
            self.touch(MACHINES, "", name)
        for node, kubelet in self._kubelets.items():
            for name in kubelet.manifests:
                self.touch(MANIFESTS, node, name)
            if self._wiring.cut(node):
                self.touch(ROUTES, node, "")
        for node, file in self._wiring.given:
            self.touch(CNI_FILES, node, file)
        if not self._wiring.tunnel:
            self.touch(ROUTES, "", "")
        for name in self._pool.device_drivers:
            self.touch(DEVICES, "", name)
        self._calls.clear()
        for volume, held in self._pool.volumes.items():
            for path in (*held.files, *held.directories):
                self.touch(FILES, volume, path)

    def taken(self) -> Iterator[tuple[Key, Record | None]]:
        """What has changed since this was last asked: the record, None for what is gone."""
        for name, driver in self._drivers.items():
            if len(driver.log) != self._calls.get(name):
                self._calls[name] = len(driver.log)
                self.touch(DRIVERS, "", name)
        touched, self._touched = self._touched, {}
        for key in touched:
            found = self._read[key[0]](*key[1:])
            yield key, None if found is None else Record(*key, 0, 0, b"", json.dumps(found).encode())

    def _file(self, volume: str, path: str) -> Any:
        held = self._pool.volumes.get(volume)
        if held is None:
            return None
        if path in held.files:
            return held.read(path)
        return _DIRECTORY if path in held.directories else None


def rewire(kept: Kept, wiring: Wiring, node: Object) -> None:
    """Let a node have the CNI plugins and the routes that somebody gave it."""
    name, spec = node["metadata"]["name"], node.get("spec") or {}
    files = {each.name: _read(each)[0] for each in kept.of(CNI_FILES) if each.namespace == name}
    routes = {each.namespace: _read(each) for each in kept.of(ROUTES)}
    wiring.tunnel = routes.get("", True)
    addresses = (node.get("status") or {}).get("addresses") or ()
    if (files or routes.get(name)) and addresses and spec.get("podCIDR"):
        wiring.bring_back(name, addresses[0]["address"], spec["podCIDR"], files, set(routes.get(name, ())))


def lay_out(kept: Kept, pool: Pool) -> None:
    """Write on disks what was on them."""
    for record in kept.of(FILES):
        held, found = pool.volume(record.namespace), _read(record)
        if isinstance(found, str):
            held.write(record.name, found)
        else:
            held.make_directory(record.name)


def _read(record: Record) -> Any:
    return json.loads(record.body)
