"""The identity service, which every part of a driver has: who it is, what it can do, whether it is ready."""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.csi.messages import Message
from k8snb.csi.stock import Stock

VENDOR_VERSION = "1.0.0"


class IdentityService:
    """Answers for the driver as a whole."""

    def __init__(self, name: str, stock: Stock) -> None:
        self._name = name
        self._stock = stock

    def get_plugin_info(self, request: Message) -> Message:
        """Its name, which CSIDriver, StorageClass and volumes refer to."""
        return {"name": self._name, "vendor_version": VENDOR_VERSION}

    def get_plugin_capabilities(self, request: Message) -> Message:
        """Which services it has, and whether its volumes grow while they are in use."""
        services = ["CONTROLLER_SERVICE", *(["VOLUME_ACCESSIBILITY_CONSTRAINTS"] if self._stock.topology else [])]
        found: list[Mapping[str, Message]] = [{"service": {"type": each}} for each in services]
        return {"capabilities": [*found, {"volume_expansion": {"type": "ONLINE"}}]}

    def probe(self, request: Message) -> Message:
        """Whether it is ready."""
        return {"ready": {"value": True}}
