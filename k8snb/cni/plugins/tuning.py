"""tuning: knobs of the kernel in a container's namespace, and properties of its interface. It comes after another."""

from __future__ import annotations

from typing import Any

from k8snb.cni.errors import INVALID_CONFIG, CNIError
from k8snb.cni.plugins.plain import Plain
from k8snb.cni.protocol import Call, Document
from k8snb.cni.world import link


class Tuning(Plain):
    """Sets `sysctl`, `mtu`, `mac` and `promisc`."""

    name = "tuning"

    def add(self, call: Call) -> Document:
        result = call.previous
        if result is None:
            raise CNIError(INVALID_CONFIG, "missing prevResult from earlier plugin")
        for name, value in (call.config.get("sysctl") or {}).items():
            call.world.sysctl(call.netns, name, str(value))
        changed = self._changed(call)
        for word, value in changed.items():
            call.world.ip(call.netns, "link", "set", call.ifname, word, value)
        return {**result, "interfaces": [_with(each, call, changed) for each in result.get("interfaces") or ()]}

    def _changed(self, call: Call) -> dict[str, str]:
        """What of the interface is to be changed, in the words of `ip link set`."""
        mac = call.runtime.get("mac") or call.config.get("mac")
        mtu = call.config.get("mtu")
        return {**({"address": mac} if mac else {}), **({"mtu": str(mtu)} if mtu else {})}

    def check(self, call: Call) -> None:
        there = link(call.world, call.netns, call.ifname) or {}
        for word, value in self._changed(call).items():
            if str(there.get(word)) != value:
                raise CNIError(INVALID_CONFIG, f"Error: Tuning configured {word} of {call.ifname} is {value}, not "
                               f"{there.get(word)}")  # fmt: skip


def _with(interface: Document, call: Call, changed: dict[str, str]) -> dict[str, Any]:
    if interface.get("name") != call.ifname or not interface.get("sandbox"):
        return dict(interface)
    more = {**({"mac": changed["address"]} if "address" in changed else {})}
    return {**interface, **more, **({"mtu": int(changed["mtu"])} if "mtu" in changed else {})}
