"""The driver itself: the devices of every machine, and what containers get of them.

A kubelet asks its part on the machine to prepare a claim before any container starts, and to undo that when no pod uses
the claim there any more. For each device it answers with an identifier of the Container Device Interface (CDI), which
stands for what the runtime adds to a container: here variables. Upstream:
`dra-example-driver/cmd/dra-example-kubeletplugin`, `kubelet/pkg/apis/dra/v1`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.typing import Object

STRATEGIES = ("TimeSlicing", "SpacePartitioning")
INTERVALS = ("Default", "Short", "Medium", "Long")


class DeviceCall(NamedTuple):
    """One call of a kubelet: when, on which node, what about which claim, and what came of it."""

    at: float
    node: str
    method: str
    claim: str
    devices: tuple[str, ...] = ()
    """CDI identifiers."""
    error: str = ""

    def __str__(self) -> str:
        said = " ".join([self.node, self.claim, *self.devices])
        return f"{self.method} {said}{f' ✕ {self.error}' if self.error else ''}"


class Prepared(NamedTuple):
    """A device that is ready: for which request, and what the runtime calls it."""

    request: str
    pool: str
    device: str
    cdi: str


class DeviceFailed(Exception):
    """The driver could not do it; the message is the driver's."""


class DeviceDriver:
    """A driver for GPUs of which every machine has the same number."""

    def __init__(self, name: str, now: Callable[[], float], *, devices: int = 8, memory: str = "80Gi") -> None:
        self.name = name
        self.count = devices
        self.memory = memory
        self.log: list[DeviceCall] = []
        """Every call of a kubelet, oldest first."""
        self._now = now
        self._cdi: dict[str, Mapping[str, str]] = {}

    def __repr__(self) -> str:
        return f"<{self.name}: {self.count} devices on each node, {len(self.log)} calls>"

    def kept(self) -> Mapping[str, Any]:
        """How it was installed."""
        return {"devices": self.count, "memory": self.memory}

    def devices(self, node: str) -> list[Object]:
        """What a machine has, as its ResourceSlice says it."""
        return [self._device(node, number) for number in range(self.count)]

    def _device(self, node: str, number: int) -> Object:
        attributes = {
            "driverVersion": {"version": "1.0.0"},
            "index": {"int": number},
            "model": {"string": "LATEST-GPU-MODEL"},
            "uuid": {"string": f"gpu-{_uuid(f'{self.name}/{node}/{number}')}"},
        }
        return {"name": f"gpu-{number}", "attributes": attributes, "capacity": {"memory": {"value": self.memory}}}

    # -- what kubelets ask -------------------------------------------------------------------------

    def prepare(self, node: str, claim: Object) -> list[Prepared]:
        """Get the devices of a claim ready on a machine; asked again, it finds them ready. Raises DeviceFailed."""
        whose = f"{claim['metadata']['namespace']}/{claim['metadata']['name']}"
        allocation = claim["status"]["allocation"]["devices"]
        try:
            found = [
                self._ready(
                    node, claim, result, _settings(allocation.get("config") or (), self.name, result["request"])
                )
                for result in allocation["results"]
                if result["driver"] == self.name
            ]
        except DeviceFailed as error:
            self.log.append(DeviceCall(self._now(), node, "NodePrepareResources", whose, error=str(error)))
            raise
        ids = tuple(each.cdi for each in found)
        self.log.append(DeviceCall(self._now(), node, "NodePrepareResources", whose, ids))
        return found

    def unprepare(self, node: str, claim: str, ids: Sequence[str]) -> None:
        """Nobody uses a claim on a machine any more."""
        for each in ids:
            self._cdi.pop(each, None)
        self.log.append(DeviceCall(self._now(), node, "NodeUnprepareResources", claim, tuple(ids)))

    def variables(self, cdi: str) -> Mapping[str, str]:
        """What a container with this device finds in its environment."""
        return self._cdi.get(cdi, {})

    def _ready(self, node: str, claim: Object, result: Object, settings: Object) -> Prepared:
        name = result["device"]
        number = name.removeprefix("gpu-")
        if not number.isdigit() or int(number) >= self.count:
            raise DeviceFailed(f"requested device is not allocatable: {name}")
        cdi = f"k8s.{self.name}/gpu={claim['metadata']['uid']}-{name}"
        self._cdi[cdi] = {"DRA_RESOURCE_DRIVER_NAME": self.name, "GPU_NODE_NAME": node, **_variables(number, settings)}
        return Prepared(result["request"], result["pool"], name, cdi)


def _settings(config: Sequence[Object], driver: str, request: str) -> Object:
    """The parameters for a request: the last that are for it, those of the claim after those of its class."""
    found: Object = {}
    for source in ("FromClass", "FromClaim"):
        for each in config:
            names = each.get("requests") or (request,)
            ours = each["source"] == source and each["opaque"]["driver"] == driver
            if ours and (request in names or request.partition("/")[0] in names):
                found = each["opaque"]["parameters"]
    return found


def _variables(number: str, settings: Object) -> Mapping[str, str]:
    sharing = settings.get("sharing") or {"strategy": "TimeSlicing"}
    strategy = sharing.get("strategy") or ""
    prefix = f"GPU_DEVICE_{number}"
    found = {prefix: f"gpu-{number}", f"{prefix}_SHARING_STRATEGY": strategy}
    if strategy == "TimeSlicing":
        interval = (sharing.get("timeSlicingConfig") or {}).get("interval") or "Default"
        if interval not in INTERVALS:
            raise DeviceFailed(f"unknown time-slice interval: {interval}")
        return {**found, f"{prefix}_TIMESLICE_INTERVAL": interval}
    if strategy == "SpacePartitioning":
        count = (sharing.get("spacePartitioningConfig") or {}).get("partitionCount") or 1
        return {**found, f"{prefix}_PARTITION_COUNT": str(count)}
    raise DeviceFailed(f"unknown GPU sharing strategy: {strategy}")


def _uuid(text: str) -> str:
    d = hashlib.sha256(text.encode()).hexdigest()
    return f"{d[:8]}-{d[8:12]}-{d[12:16]}-{d[16:20]}-{d[20:32]}"
