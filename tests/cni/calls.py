"""Calls of plugins in one line."""

from __future__ import annotations

import json
from typing import Any

from k8snb.cni.host import Host
from k8snb.cni.plugins import PLUGINS
from k8snb.cni.protocol import Answer, run

NETNS = "/run/netns/x"
IPAM = {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}
BRIDGE = {"cniVersion": "1.1.0", "name": "pods", "type": "bridge", "bridge": "cni0", "isGateway": True, "ipam": IPAM}
LIST = {
    "cniVersion": "1.1.0",
    "name": "pods",
    "plugins": [
        {key: value for key, value in BRIDGE.items() if key not in ("cniVersion", "name")},
        {"type": "portmap", "capabilities": {"portMappings": True}},
        {"type": "tuning", "sysctl": {"net.core.somaxconn": "500"}, "mtu": 1400},
    ],
}


def environment(command: str = "ADD", container: str = "c1", netns: str = NETNS, **more: str) -> dict[str, str]:
    names = {"CNI_CONTAINERID": container, "CNI_NETNS": netns, "CNI_IFNAME": "eth0", "CNI_PATH": "/opt/cni/bin"}
    return {"CNI_COMMAND": command, **names, **more}


class Machine:
    """A simulated machine with a namespace."""

    def __init__(self, *namespaces: str) -> None:
        self.host = Host("node-1")
        for path in namespaces or (NETNS,):
            self.host.add_namespace(path)

    def answer(self, plugin: str, config: Any, command: str = "ADD", **more: Any) -> Answer:
        text = config if isinstance(config, str) else json.dumps(config)
        return run(PLUGINS[plugin], environment(command, **more), text, self.host)

    def call(self, plugin: str, config: Any, command: str = "ADD", **more: Any) -> Any:
        """What the plugin says, read."""
        stdout = self.answer(plugin, config, command, **more).stdout
        return json.loads(stdout) if stdout else {}

    def routes(self, netns: str = "") -> list[str]:
        """A routing table, in short."""
        found = self.host.ip(netns, "route", "show")
        return [" ".join(filter(None, (each["dst"], each.get("gateway"), each["dev"]))) for each in found]
