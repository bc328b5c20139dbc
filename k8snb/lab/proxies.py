"""The exercises of the chapter "Architecture": kube-proxy."""

from __future__ import annotations

from typing import Protocol

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, catches, exists, find, listed, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import is_true
from k8snb.network.proxy import Proxy
from k8snb.network.rules.ports import ServicePort

STALE, NODE_PORT = "node-3", 30080
ALLOWED, STRANGER = "192.0.2.7", "203.0.113.10"


class Proxied(Reader, Protocol):
    """A cluster whose nodes' rules can be looked at, and whose proxies can be stopped."""

    def proxy(self, node: str) -> Proxy: ...

    def stop(self, name: str, on: str = "") -> None: ...

    def settle(self) -> float: ...


def upset(cluster: Proxied) -> None:
    """Stop kube-proxy somewhere, and replace the pods of `web`."""
    cluster.stop("kube-proxy", on=STALE)
    for pod in cluster.client.list("pods", NAMESPACE, labels="app=web"):
        cluster.client.delete("pods", pod["metadata"]["name"], NAMESPACE)
    cluster.settle()


@exercise("architecture/kube-proxy", "One of three", minutes=10)
def check_caught_up(cluster: Proxied) -> Claims:
    """Every node sends where the slices say."""
    service = find(cluster, "services", "web")
    yield exists(service, _("the Service web is still there"))
    wanted = set(listed(cluster, "web"))
    yield Claim(bool(wanted), _("its slices list ready pods"), _("they list none"))
    nodes = [each["metadata"]["name"] for each in cluster.client.list("nodes")]
    led = {node: {backend.ip for port in _web(cluster, node) for backend in port.reachable} for node in nodes}
    elsewhere = len([found for found in led.values() if found != wanted])
    sends = _("every node sends to them, and nowhere else")
    yield Claim(not elsewhere, sends, _("nodes that send elsewhere: {count}").format(count=elsewhere))
    stopped = len([node for node in nodes if not cluster.proxy(node).running])
    yield Claim(not stopped, _("kube-proxy runs everywhere"), _("stopped: {count}").format(count=stopped))


def _web(cluster: Proxied, node: str) -> list[ServicePort]:
    """What a node's proxy has made of the Service."""
    return [port for port in cluster.proxy(node).ports() if port.name.partition(":")[0] == f"{NAMESPACE}/web"]


@exercise("architecture/kube-proxy", "By invitation", minutes=10)
def check_fenced(cluster: Proxied) -> Claims:
    """A load balancer's address for some callers only."""
    shop = find(cluster, "services", "shop")
    yield exists(shop, _("there is a Service shop"))
    kind = shop["spec"].get("type")
    yield Claim(kind == "LoadBalancer", _("it is meant for a load balancer"), says("type", kind))
    ingress = (shop["status"].get("loadBalancer") or {}).get("ingress") or [{}]
    address, port = ingress[0].get("ip", ""), shop["spec"]["ports"][0]["port"]
    yield Claim(bool(address), _("which has an address"), _("status.loadBalancer is empty"))
    yield Claim(bool(listed(cluster, "shop")), _("it has ready pods"), _("its slices list none"))
    proxy = cluster.proxy("node-1")
    verdicts = {source: proxy.walk(source, f"{address}:{port}").verdict for source in (ALLOWED, STRANGER)}
    sentence = _("the rules let {source} in")
    yield Claim(
        verdicts[ALLOWED] == "ACCEPT", sentence.format(source=ALLOWED), says(_("the verdict"), verdicts[ALLOWED])
    )
    sentence = _("and drop what comes from {source}")
    yield Claim(
        verdicts[STRANGER] == "DROP", sentence.format(source=STRANGER), says(_("the verdict"), verdicts[STRANGER])
    )


@exercise("architecture/kube-proxy", "A stowaway", minutes=10)
def check_stowaway(cluster: Proxied) -> Claims:
    """Nothing but ready pods of the Service is in its slices, and in the rules of the nodes."""
    service = find(cluster, "services", "web")
    yield exists(service, _("the Service web is still there"))
    yield from catches(cluster, "web", service["spec"].get("selector") or {})
    pods = {pod["status"].get("podIP") for pod in pods_labelled(cluster, {"app": "web"})}
    nodes = [each["metadata"]["name"] for each in cluster.client.list("nodes")]
    led = {node: {backend.ip for port in _web(cluster, node) for backend in port.reachable} for node in nodes}
    astray = [node for node, found in led.items() if not found or found - pods]
    yield Claim(not astray, _("every node sends to these pods alone"), says(_("nodes that do not"), astray))


@exercise("architecture/kube-proxy", "Who is calling?", minutes=10)
def check_caller(cluster: Proxied) -> Claims:
    """A node that has a pod of the Service, and sends callers to it as they are."""
    service = find(cluster, "services", "web")
    yield exists(service, _("the Service web is still there"))
    ports = [each.get("nodePort") for each in service["spec"].get("ports") or ()]
    yield Claim(ports == [NODE_PORT], _("its port on the nodes is 30080"), says(_("the port"), ports))
    node = find(cluster, "nodes", "node-2", "")
    address = next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
    walk = cluster.proxy("node-2").walk(STRANGER, f"{address}:{NODE_PORT}")
    yield Claim(walk.verdict == "ACCEPT", _("node-2 lets callers through"), says(_("the verdict"), walk.verdict))
    seen = _("the packet is masqueraded: a pod sees the address of the node")
    yield Claim(not walk.packet.masqueraded, _("and leaves their address as it is"), seen)
    pods = {pod["status"].get("podIP") for pod in pods_labelled(cluster, {"app": "web"}) if is_true(pod, "Ready")}
    there = walk.packet.destination.partition(":")[0]
    yield Claim(there in pods, _("a ready pod gets the packet"), says(_("where it goes"), there))
