"""loopback: a container hears itself."""

from __future__ import annotations

from k8snb.cni.plugins.plain import Plain
from k8snb.cni.protocol import Call, Document


class Loopback(Plain):
    """Puts `lo` up."""

    name = "loopback"

    def add(self, call: Call) -> Document:
        call.world.ip(call.netns, "link", "set", "lo", "up")
        addresses = [{"interface": 0, "address": "127.0.0.1/8"}]
        return call.previous or {"interfaces": [{"name": "lo", "sandbox": call.netns}], "ips": addresses}
