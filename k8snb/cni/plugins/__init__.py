"""The plugins of the book, by the name that lists of plugins have for them."""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.cni.plugins.bridge import Bridge
from k8snb.cni.plugins.hostlocal import HostLocal
from k8snb.cni.plugins.loopback import Loopback
from k8snb.cni.plugins.portmap import PortMap
from k8snb.cni.plugins.tuning import Tuning
from k8snb.cni.protocol import Plugin

PLUGINS: Mapping[str, Plugin] = {
    plugin.name: plugin for plugin in (Bridge(), HostLocal(), Loopback(), PortMap(), Tuning())
}
