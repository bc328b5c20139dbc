"""The exercises of the chapter "Architecture": the pod network and its plugins."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Protocol

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import is_true
from k8snb.network.fabric import Fabric
from k8snb.network.wiring import FILE
from k8snb.typing import Object

MTU = 1400
RANGES = {"node-1": "10.244.0.0/24", "node-2": "10.244.1.0/24"}


class Wired(Reader, Protocol):
    """A cluster whose network can be looked at."""

    @property
    def network(self) -> Fabric: ...

    def cni_config(self, node: str, file: str = ...) -> str: ...


@exercise("architecture/cni", "One more link in the chain", minutes=10)
def check_tuned(cluster: Wired) -> Claims:
    """A plugin more in the chain of one node, and a pod that shows what it did."""
    plugins = [str(each.get("type")) for each in _plugins(cluster.cni_config("node-1", FILE))]
    yield Claim("tuning" in plugins, _("tuning is in the list of node-1"), says(_("its plugins"), plugins))
    first = plugins[:1] == ["bridge"]
    yield Claim(first, _("it comes after the plugin that makes the interface"), says(_("their order"), plugins))
    problem = cluster.network.problem("node-1")
    yield Claim(not problem, _("the network of node-1 is ready"), problem)
    pod = find(cluster, "pods", "tuned")
    yield exists(pod, _("there is a Pod tuned"))
    place = pod["spec"].get("nodeName") or _("nowhere")
    yield Claim(place == "node-1", _("it is on node-1"), says(_("its node"), place))
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))
    size = _mtu(cluster, pod)
    yield Claim(size == MTU, _("its interface carries packets of 1400 bytes"), says(_("its MTU"), size))


def _plugins(text: str) -> list[Object]:
    try:
        found: Any = json.loads(text or "{}")
        return [each for each in found.get("plugins", ()) if isinstance(each, dict)]
    except (ValueError, AttributeError):
        return []


def _mtu(cluster: Wired, pod: Object) -> int:
    machine = cluster.network.addresses.wiring.machine(pod["spec"]["nodeName"])
    space = machine.host.namespaces.get(machine.netns(pod["status"].get("podIP", "")) or "-")
    return space.links["eth0"].mtu if space is not None and "eth0" in space.links else 0


@exercise("architecture/cni", "Nobody answers", minutes=10)
def check_reached(cluster: Wired) -> Claims:
    """Two pods on two nodes that reach each other again, where they are."""
    here, there = find(cluster, "pods", "here"), find(cluster, "pods", "there")
    yield exists(here, _("there is a Pod here"))
    yield exists(there, _("there is a Pod there"))
    places = [here["spec"].get("nodeName"), there["spec"].get("nodeName")]
    yield Claim(places == ["node-1", "node-2"], _("they are on node-1 and node-2"), says(_("where they are"), places))
    wiring = cluster.network.addresses.wiring
    for node, other in (("node-1", there), ("node-2", here)):
        address = other["status"].get("podIP", "")
        sentence = _("{node} has a route to {ip}").format(node=node, ip=address)
        yield Claim(bool(address and wiring.leads(node, address)), sentence, _("only the default route"))
    tried = cluster.network.connect(here["status"]["podIP"], there["status"]["podIP"], 80)
    yield Claim(tried.error is None, _("here gets an answer from there"), tried.hops[-1].text if tried.hops else "")


@exercise("architecture/cni", "A comma", minutes=10)
def check_ready(cluster: Wired) -> Claims:
    """A node whose configuration can be read again, and a pod that got an address by it."""
    plugins = _plugins(cluster.cni_config("node-3", FILE))
    readable = _("there is a list of plugins on node-3")
    yield Claim(bool(plugins), readable, _("the file cannot be read, or names no plugin"))
    problem = cluster.network.problem("node-3")
    yield Claim(not problem, _("the runtime says that the network is ready"), problem)
    node = find(cluster, "nodes", "node-3", "")
    waits = _("not yet; the kubelet looks every ten seconds")
    yield Claim(is_true(node, "Ready"), _("node-3 is Ready"), waits)
    on_it = [pod for pod in cluster.client.list("pods", "default") if pod["spec"].get("nodeName") == "node-3"]
    lead = str(node["spec"].get("podCIDR", "-")).rpartition(".")[0] + "."
    good = [pod for pod in on_it if is_true(pod, "Ready") and str(pod["status"].get("podIP", "")).startswith(lead)]
    yield Claim(bool(good), _("a pod on it is Ready, with an address of its range"), _("none is"))


@exercise("architecture/cni", "The file of another machine", minutes=10)
def check_ranged(cluster: Wired) -> Claims:
    """A node that gives out addresses of its own range, to which the others have routes, and a pod that has one."""
    here, twin = find(cluster, "pods", "here"), find(cluster, "pods", "twin")
    yield exists(here, _("there is a Pod here"))
    yield exists(twin, _("there is a Pod twin"))
    place = twin["spec"].get("nodeName") or _("nowhere")
    yield Claim(place == "node-2", _("it is on node-2"), says(_("its node"), place))
    own = str(find(cluster, "nodes", "node-2", "")["spec"].get("podCIDR", ""))
    subnets = _subnets(_plugins(cluster.cni_config("node-2", FILE)))
    sentence = _("node-2 gives out addresses of its own range, {cidr}").format(cidr=own)
    yield Claim(subnets == [own], sentence, says(_("the range in its file"), subnets))
    problem = cluster.network.problem("node-2")
    yield Claim(not problem, _("the network of node-2 is ready"), problem)
    yield Claim(is_true(twin, "Ready"), _("twin is Ready"), says(_("the phase"), twin["status"].get("phase")))
    address = twin["status"].get("podIP", "")
    kept = _("it has {ip}, which it got when it came").format(ip=address)
    yield Claim(IPv4Address(address) in IPv4Network(own), _("twin has an address of that range"), kept)
    tried = cluster.network.connect(here["status"]["podIP"], address, 80)
    yield Claim(tried.error is None, _("here gets an answer from twin"), tried.hops[-1].text if tried.hops else "")


def _subnets(plugins: list[Object]) -> list[str]:
    ranges = [each for plugin in plugins for some in plugin.get("ipam", {}).get("ranges", ()) for each in some]
    return [str(each.get("subnet")) for each in ranges]
