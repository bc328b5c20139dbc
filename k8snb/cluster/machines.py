"""The machines of a cluster, and what is built into them: kubelets, and the parts of drivers for disks and devices.

Machines come, fall silent and come back from outside, so what the reader does here is kept in the journal.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from k8snb.client.controller import Context
from k8snb.clock import Clock, Seconds
from k8snb.cluster.doing import Doing
from k8snb.csi.driver import Driver
from k8snb.csi.installing import install, start_snapshots
from k8snb.dra.driver import DeviceDriver
from k8snb.dra.installing import install as publish
from k8snb.kubelet.eviction import EvictionManager, Pressure
from k8snb.kubelet.kubelet import Kubelet
from k8snb.kubelet.pool import Pool
from k8snb.kubelet.thresholds import SIGNALS, EvictionSettings
from k8snb.machinery.quantity import value
from k8snb.network.fabric import Fabric
from k8snb.network.proxy import Proxy
from k8snb.store.ledger import Kept
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.client.controller import Controller


MACHINES, MANIFESTS, DRIVERS, DEVICES = "/machines", "/manifests", "/drivers", "/devices"
CNI_FILES, ROUTES = "/cni", "/routes"
"""Where a data file has what is changed here."""
NO_MANIFESTS: Mapping[str, Object] = {}


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One simulated machine. Quantities as the API writes them."""

    name: str
    cpu: str = "8"
    memory: str = "32Gi"
    pods: int = 110
    storage: str = "100Gi"
    """How large its disk is (`ephemeral-storage`)."""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Object] = ()
    handlers: Sequence[str] = ("runc",)
    """What its container runtime has configurations for, as a RuntimeClass names them."""

    @property
    def capacity(self) -> Object:
        """What the node has, as `status.capacity`."""
        return {
            "cpu": self.cpu,
            "ephemeral-storage": self.storage,
            "memory": self.memory,
            "pods": str(self.pods),
        }


class Machines(Doing):
    """The machines of a cluster."""

    kubelets: dict[str, Kubelet]
    controllers: dict[str, Controller]
    drivers: dict[str, Driver]
    pool: Pool
    specs: dict[str, NodeSpec]
    """The machines, as they were ordered."""
    clock: Clock
    network: Fabric
    _context: Context

    @abstractmethod
    def settle(self, timeout: float = ...) -> Seconds:
        """Wait until nothing but housekeeping is left to happen."""

    def add_node(self, name: str, **spec: Any) -> None:
        """Put one more machine in the cluster; keywords as `NodeSpec`."""
        self._do("_add_node", NodeSpec(name, **spec))

    def stop_kubelet(self, node: str) -> None:
        """Lose a node: its kubelet falls silent, its containers go on unseen."""
        self._do("_stop_kubelet", node)

    def start_kubelet(self, node: str) -> None:
        """Bring the kubelet of a node back."""
        self._do("_start_kubelet", node)

    def configure_kubelet(self, node: str, **settings: Any) -> None:
        """Give the kubelet of a node other settings for eviction, in the words of the KubeletConfiguration.

        `evictionHard={"memory.available": "500Mi"}`, `evictionSoft` with `evictionSoftGracePeriod` (in seconds),
        `evictionMinimumReclaim`, `evictionMaxPodGracePeriod`, `evictionPressureTransitionPeriod`. Raises ValueError
        for a signal that is not watched.
        """
        made = EvictionSettings(**settings)
        made.thresholds()
        self._do("_configure_kubelet", node, made)

    def _configure_kubelet(self, node: str, settings: EvictionSettings) -> None:
        self.kubelets[node].configure(settings)

    def pressure(self, node: str, signal: str = "memory.available") -> Pressure:
        """What a node is short of, by which threshold, and in which order its kubelet would end pods for a signal."""
        manager = self.kubelets[node].eviction
        if manager is None:
            manager = EvictionManager(self.kubelets[node], EvictionSettings(), watching=False)
        return manager.report(SIGNALS[signal])

    def proxy(self, node: str) -> Proxy:
        """kube-proxy on a node: its rules as the tools show them, and packets that follow them.

        Raises KeyError if there is no such node.
        """
        return self.network.proxies.of(self.kubelets[node].name)

    def put_manifest(self, node: str, manifest: str | Object, file: str = "") -> None:
        """Lay the manifest of a pod (YAML, or an object) on a machine, for its kubelet to run without asking the API.

        The file is called like the pod, unless `file` names it: `/etc/kubernetes/manifests/NAME.yaml`.
        """
        pod = yaml.safe_load(manifest) if isinstance(manifest, str) else manifest
        self._do("_put_manifest", node, file or f"{pod['metadata']['name']}.yaml", pod)

    def remove_manifest(self, node: str, file: str) -> None:
        """Take a manifest away from a machine; `.yaml` may be left out."""
        self._do("_put_manifest", node, file if file.endswith(".yaml") else f"{file}.yaml", None)

    def _put_manifest(self, node: str, file: str, manifest: Object | None) -> None:
        self.kubelets[node].put_manifest(file, manifest)
        self._touch(MANIFESTS, node, file)

    def _stop_kubelet(self, node: str) -> None:
        self.kubelets[node].stop()

    def _start_kubelet(self, node: str) -> None:
        self.kubelets[node].start()

    def _stop_proxy(self, node: str) -> None:
        self.proxy(node).stop()

    def _start_proxy(self, node: str) -> None:
        self.proxy(node).start()

    def add_driver(
        self, name: str, *, limit: int = 0, topology: str = "", capacity: str = "0", snapshots: bool = False
    ) -> Driver:
        """Install a simulated CSI driver: its objects, its sidecars, its part on every node.

        `limit` is how many of its volumes a node can have; with `topology`, the name of a label, a volume can be
        reached from nodes with one value of it only. `capacity` is how much storage there is in each place (0: enough).
        `snapshots` installs the definitions of VolumeSnapshots, too.
        """
        self._do("_add_driver", name, {"limit": limit, "topology": topology, "capacity": value(capacity)}, snapshots)
        self.settle()
        if snapshots:
            self._do("_start_snapshots", name)
        return self.drivers[name]

    def _add_driver(self, name: str, stock: Mapping[str, Any], snapshots: bool) -> None:
        driver = self.drivers[name] = Driver(name, self.pool, self.clock.now, **stock)
        self.pool.drivers[name] = driver
        driver.snapshotting = snapshots
        for sidecar in install(self._context, driver, snapshots=snapshots):
            self.controllers[f"{sidecar.name}/{name}"] = sidecar
        for kubelet in self.kubelets.values():
            if kubelet.running:
                kubelet.disks.register(driver)

    @property
    def device_drivers(self) -> Mapping[str, DeviceDriver]:
        """The drivers of devices, by name."""
        return self.pool.device_drivers

    def add_device_driver(
        self, name: str = "gpu.example.com", *, devices: int = 8, memory: str = "80Gi"
    ) -> DeviceDriver:
        """Install a simulated driver for devices that pods can claim: its class, its rights, its part on every node.

        Every node has so many `devices`, each with so much `memory`; the driver's ResourceSlices say so.
        """
        self._do("_add_device_driver", name, {"devices": devices, "memory": memory})
        self.settle()
        return self.device_drivers[name]

    def _add_device_driver(self, name: str, how: Mapping[str, Any]) -> None:
        driver = self.pool.device_drivers[name] = DeviceDriver(name, self.clock.now, **how)
        self.controllers[f"dra-driver/{name}"] = publish(self._context, driver)
        self._touch(DEVICES, "", name)

    def _bring_back_drivers(self, kept: Kept) -> None:
        for record in kept.of(DEVICES):
            self._add_device_driver(record.name, orjson.loads(record.body))
        for record in kept.of(DRIVERS):
            had = orjson.loads(record.body)
            self._add_driver(record.name, had["stock"], had["snapshotting"])
            self.drivers[record.name].take_back(had)
            if had["snapshotting"]:
                self._start_snapshots(record.name)

    def _start_snapshots(self, name: str) -> None:
        self.controllers[f"snapshot-controller/{name}"] = start_snapshots(self._context, self.drivers[name])

    # -- what comes of it --------------------------------------------------------------------------

    def _add_node(self, spec: NodeSpec, manifests: Mapping[str, Object] = NO_MANIFESTS) -> None:
        context = self._context.separate(f"system:node:{spec.name}", "system:nodes")
        kubelet = Kubelet(
            context,
            spec.name,
            capacity=spec.capacity,
            labels=spec.labels,
            taints=spec.taints,
            handlers=spec.handlers,
            network=self.network,
            pool=self.pool,
        )
        self.specs[spec.name], self.kubelets[spec.name] = spec, kubelet
        self._touch(MACHINES, "", spec.name)
        for file, manifest in manifests.items():
            kubelet.put_manifest(file, manifest)
        kubelet.start()

    def _agent(self, node: str) -> Kubelet | None:
        kubelet = self.kubelets.get(node)
        return kubelet if kubelet is not None and kubelet.running else None
