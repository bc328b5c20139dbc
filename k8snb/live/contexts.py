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

_PRODUCTION = re.compile(
    r"(?<!non)(?<!non[-_ ])prod(?!uc)|production|productive|(?<![a-z])(prd|live)(?![a-z])", re.IGNORECASE
)
"""*prod*, wherever it stands: also in `eksprod1`, but not in `products`, nor in `nonprod`."""
_PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
_NAME = re.compile(r"(?!0x)[a-z][a-z0-9-]*", re.IGNORECASE)
"""A name; what consists of digits alone is an address in disguise."""
_LOCAL = (".localhost", ".local", ".internal", ".lan", ".test")


class Context(NamedTuple):
    """A context of a kubeconfig: its cluster's name and address, its user's name, and the namespace it means."""

    name: str
    cluster: str
    user: str
    server: str
    namespace: str
    proxy: str = ""
    """What stands between, if the kubeconfig says so: then the server's address does not tell where it is."""

    def __str__(self) -> str:
        return f"{self.name} ({self.server})"


def contexts(documents: Iterable[Object]) -> dict[str, Context]:
    """The contexts of kubeconfigs, by name."""
    clusters: dict[str, Mapping[str, Any]] = {}
    found: dict[str, Mapping[str, Any]] = {}
    for document in documents:
        for each in document.get("clusters") or ():
            clusters.setdefault(each["name"], each.get("cluster") or {})
        for each in document.get("contexts") or ():
            found.setdefault(each["name"], each.get("context") or {})
    return {name: _context(name, entry, clusters) for name, entry in found.items()}


def _context(name: str, entry: Mapping[str, Any], clusters: Mapping[str, Mapping[str, Any]]) -> Context:
    cluster, user, namespace = (str(entry.get(each) or "") for each in ("cluster", "user", "namespace"))
    server, proxy = (str(clusters.get(cluster, {}).get(each) or "") for each in ("server", "proxy-url"))
    return Context(name, cluster, user, server, namespace, proxy)


def refusal(context: Context, trusted: str = "") -> str:
    """Why a notebook does not touch this cluster; empty if it may. `trusted` is the context somebody vouches for."""
    host, behind = (urlsplit(each).hostname or "" for each in (context.server, context.proxy))
    for word in (context.name, context.cluster, context.user, host, behind, context.namespace):
        if _PRODUCTION.search(word):
            return _("“{word}” looks like production").format(word=word)
    if context.namespace.startswith("kube-"):
        return _("the namespace {name} is the cluster's own").format(name=context.namespace)
    yes = f"K8SNB_TRUST={context.name}"
    if not is_near(host) and trusted != context.name:
        away = _("its server {host} is neither on this machine nor on a private network; if you may play there: {yes}")
        return away.format(host=host, yes=yes)
    if context.proxy and trusted != context.name:
        why = _("a proxy ({proxy}) leads to its server, wherever that is; if you may play there: {yes}")
        return why.format(proxy=behind, yes=yes)
    return ""


def is_near(host: str) -> bool:
    """Whether a server is on this machine or on a private network."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or (bool(_NAME.fullmatch(host)) and "." not in host) or host.endswith(_LOCAL)
    return address.is_loopback or address.is_unspecified or any(address in network for network in _PRIVATE)
