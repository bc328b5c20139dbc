"""The driver itself, as a vendor writes it: three services that answer the calls of the Container Storage Interface.

It knows nothing of Kubernetes. Sidecars and kubelets reach it through `call`, as they reach a real one through a
socket: a request goes in as bytes, a response or a code comes back as bytes, and the record of both is kept. A call
answers at once; how long it would take is for the caller to wait.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from k8snb.csi.calls import Call, CallFailed
from k8snb.csi.controllerservice import ControllerService
from k8snb.csi.identity import IdentityService
from k8snb.csi.messages import Message, decode, encode, specification, without_empty
from k8snb.csi.nodeservice import NodeService
from k8snb.csi.stock import Contents, Disk, Snapshot, Stock


class Driver:
    """A driver for disks that are attached to one machine at a time, like those of clouds; keywords as `Stock`."""

    def __init__(self, name: str, contents: Contents, now: Callable[[], float], **stock: Any) -> None:
        self.name = name
        self.stock = Stock(contents, now, **stock)
        self.log: list[Call] = []
        """Every call, oldest first."""
        self._identity = IdentityService(name, self.stock)
        self._controller = ControllerService(self.stock)
        self._nodes: dict[str, NodeService] = {}
        self.snapshotting = False
        """Whether snapshots of its disks can be asked for in the cluster."""

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.disks)} disks, {len(self.snapshots)} snapshots, {len(self.calls)} calls>"

    @property
    def topology(self) -> str:
        """The label that says where a machine is; empty if disks can be reached from everywhere."""
        return self.stock.topology

    @property
    def disks(self) -> Mapping[str, Disk]:
        """The disks, by identifier."""
        return self.stock.disks

    @property
    def snapshots(self) -> Mapping[str, Snapshot]:
        """The snapshots, by identifier."""
        return self.stock.snapshots

    @property
    def calls(self) -> list[Call]:
        """The calls about volumes and snapshots: the log without the questions about the driver itself."""
        return [call for call in self.log if call.about]

    # -- over a reboot -----------------------------------------------------------------------------

    def kept(self) -> Mapping[str, Any]:
        """What is left of it when everything else is gone: how it was installed, and what it looks after."""
        stock = self.stock
        how = {"limit": stock.limit, "topology": stock.topology, "capacity": stock.capacity}
        disks, snapshots = map(asdict, stock.disks.values()), map(asdict, stock.snapshots.values())
        return {"stock": how, "snapshotting": self.snapshotting, "disks": [*disks], "snapshots": [*snapshots]}

    def take_back(self, kept: Mapping[str, Any]) -> None:
        """Look after what there was."""
        self.stock.disks = {each["handle"]: Disk(**each) for each in kept["disks"]}
        self.stock.snapshots = {each["handle"]: Snapshot(**each) for each in kept["snapshots"]}

    # -- being called ------------------------------------------------------------------------------

    def start_on(self, node: str, labels: Mapping[str, str]) -> None:
        """Run the driver's part on a machine, whose labels say where it is."""
        label = self.stock.topology
        self.stock.machines[node] = {label: labels.get(label, "")} if label else {}
        self._nodes.setdefault(node, NodeService(self.stock, node))

    def call(self, method: str, request: Message, caller: str = "", node: str = "") -> Message:
        """Ask the driver's part on a node, or without one the controller's; raises CallFailed."""
        service = specification().services[method]
        sent = encode(f"{method}Request", without_empty(request))
        asked = Call(self.stock.now(), caller, service, method, node, sent)
        try:
            response = self._handler(service, method, node)(asked.request)
        except CallFailed as error:
            self.log.append(asked._replace(code=error.code, error=error.why))
            raise
        returned = encode(f"{method}Response", without_empty(response))
        self.log.append(asked._replace(returned=returned))
        return decode(f"{method}Response", returned)

    def _handler(self, service: str, method: str, node: str) -> Callable[[Message], Message]:
        parts = {"Identity": self._identity, "Controller": self._controller, "Node": self._nodes.get(node)}
        found = getattr(parts[service], re.sub(r"(?<!^)([A-Z])", r"_\1", method).lower(), None)
        if found is None or (service == "Controller" and node):
            raise CallFailed("Unimplemented", f"unknown service csi.v1.{service}")
        handler: Callable[[Message], Message] = found
        return handler
