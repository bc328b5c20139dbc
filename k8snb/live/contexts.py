"""Which clusters a kubeconfig knows, and which of them a notebook stays away from.

A context is refused for what its names say, because names are what people give to warn each other, and for where its
server is: what is neither on this machine nor on a private network has to be named a second time (`K8SNB_TRUST`).
Whoever has called a context *production* is believed, whatever else is said.
Upstream: `client-go/tools/clientcmd/loader.go` (of several files, whoever says something first is right).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from k8snb.i18n import _
from k8snb.typing import Object

MOST_NODES = 10
"""Nobody learns on a cluster with more nodes than that without saying so."""

_PRODUCTION = re.compile(r"(?<![a-z])(prod|prd|production|productive|live)(?![a-z])", re.IGNORECASE)
_PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
_LOCAL = (".localhost", ".local", ".internal", ".lan", ".test")


class Context(NamedTuple):
    """A context of a kubeconfig: its cluster's name and address, its user's name, and the namespace it means."""

    name: str
    cluster: str
    user: str
    server: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.name} ({self.server})"


def contexts(documents: Iterable[Object]) -> dict[str, Context]:
    """The contexts of kubeconfigs, by name."""
    servers: dict[str, str] = {}
    found: dict[str, Mapping[str, Any]] = {}
    for document in documents:
        for each in document.get("clusters") or ():
            servers.setdefault(each["name"], str((each.get("cluster") or {}).get("server", "")))
        for each in document.get("contexts") or ():
            found.setdefault(each["name"], each.get("context") or {})
    return {name: _context(name, entry, servers) for name, entry in found.items()}


def _context(name: str, entry: Mapping[str, Any], servers: Mapping[str, str]) -> Context:
    cluster = str(entry.get("cluster", ""))
    return Context(name, cluster, str(entry.get("user", "")), servers.get(cluster, ""), str(entry.get("namespace", "")))


def refusal(context: Context, trusted: str = "") -> str:
    """Why a notebook does not touch this cluster; empty if it may. `trusted` is the context somebody vouches for."""
    host = urlsplit(context.server).hostname or ""
    for word in (context.name, context.cluster, host, context.namespace):
        if _PRODUCTION.search(word):
            return _("“{word}” looks like production").format(word=word)
    if context.namespace.startswith("kube-"):
        return _("the namespace {name} is the cluster's own").format(name=context.namespace)
    if not is_near(host) and trusted != context.name:
        away = _("its server {host} is neither on this machine nor on a private network; if you may play there: {yes}")
        return away.format(host=host, yes=f"K8SNB_TRUST={context.name}")
    return ""


def is_near(host: str) -> bool:
    """Whether a server is on this machine or on a private network."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith(_LOCAL)
    return address.is_loopback or address.is_unspecified or any(address in network for network in _PRIVATE)
