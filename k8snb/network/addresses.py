"""Who has which address: pods have one of their own, pods on the host's network have their node's.

Addresses are handed out when the runtime connects a pod (CNI ADD) and come back when it disconnects it (CNI DEL).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from k8snb.client.informer import Informer
from k8snb.network.ipam import Exhausted, Range
from k8snb.network.wiring import Wiring
from k8snb.packet import Endpoint, NetworkError
from k8snb.typing import Object


@dataclass(slots=True, eq=False)
class Attached:
    """A pod on the network: what answers for it, its name, and the node that it is on. It never changes."""

    endpoint: Endpoint
    namespace: str
    name: str
    node: str


class Addresses:
    """The addresses of all nodes and pods."""

    def __init__(self, nodes: Informer, *, record: bool = False) -> None:
        self._nodes = nodes
        self._nodes.add_index("ip", lambda node: tuple(_node_addresses(node)))
        self._ranges: dict[str, Range] = {}
        self._pods: dict[str, Attached] = {}
        self.doubled: dict[str, list[Attached]] = {}
        """Pods whose address another one had before: nothing keeps two nodes from giving out the same."""
        self._on_hosts: dict[str, list[Attached]] = {}
        self._machines: dict[str, Endpoint] = {}
        self.wiring = Wiring(self._places, record=record)

    # -- handing out -------------------------------------------------------------------------------

    def attach(self, pod: Object, host_ip: str, endpoint: Endpoint) -> str:
        """Connect a pod and return its address; raises NetworkError (`not connected`, with what the runtime says)."""
        spec, meta = pod["spec"], pod["metadata"]
        node = spec["nodeName"]
        attached = Attached(endpoint, meta["namespace"], meta["name"], node)
        if spec.get("hostNetwork"):
            self._on_hosts.setdefault(host_ip, []).append(attached)
            return host_ip
        ip = self.wiring.connect(node, pod) if node in self.wiring.called else self._take(node, pod)
        if ip in self._pods:
            self.doubled.setdefault(ip, []).append(attached)
        else:
            self._pods[ip] = attached
        return ip

    def _take(self, node: str, pod: Object) -> str:
        """Give a pod the address that the plugins of its node would, as long as the node has those it came with."""
        wiring = self.wiring
        try:
            ip = self._range(node).take()
        except Exhausted as error:
            if wiring.events is not None:
                wiring.note(node, "", pod)
            raise NetworkError("not connected", f'plugin type="bridge" failed (add): {error}') from None
        if wiring.events is not None:
            wiring.note(node, ip, pod)
        if wiring.maps_ports(pod):
            wiring.map_ports(node, ip, int(self._ranges[node].cidr.partition("/")[2]), pod)
        return ip

    def _range(self, node: str) -> Range:
        found = self._ranges.get(node)
        if found is None:
            known = self._nodes.get("", node)
            cidr = (known or {}).get("spec", {}).get("podCIDR", "")
            if not cidr:
                raise NetworkError("not connected", f"node {node} has no podCIDR")
            found = self._ranges[node] = Range(cidr)
        return found

    def detach(self, ip: str, endpoint: Endpoint) -> None:
        """Disconnect a pod; its address may be given to another one. Nothing happens the second time."""
        attached = self._pods.get(ip)
        if attached is not None and attached.endpoint is endpoint:
            del self._pods[ip]
        elif ip in self.doubled:
            attached = next((each for each in self.doubled[ip] if each.endpoint is endpoint), None)
        else:
            if ip in self._on_hosts:
                self._on_hosts[ip] = [each for each in self._on_hosts[ip] if each.endpoint is not endpoint]
            return
        if attached is not None:
            if ip in self.doubled:
                self._go_on_without(attached, ip)
            self._release(attached.node, ip)

    def _go_on_without(self, attached: Attached, ip: str) -> None:
        """Of the pods that have an address, one has lost it."""
        left = [each for each in self.doubled.pop(ip) if each is not attached]
        if ip not in self._pods:
            self._pods[ip] = left.pop(0)
        if left:
            self.doubled[ip] = left

    def _release(self, node: str, ip: str) -> None:
        """Let a node have an address back."""
        wiring = self.wiring
        if node in wiring.called:
            wiring.called[node].disconnect(ip)
            return
        self._ranges[node].give_back(ip)
        if (node, ip) in wiring.mapped:
            wiring.unmap_ports(node, ip)
        if wiring.events is not None:
            wiring.note(node, ip, None)

    def _places(self) -> Iterator[tuple[str, str, str]]:
        """Name, address and range of every node that has a range."""
        for node in self._nodes.list():
            cidr = node.get("spec", {}).get("podCIDR", "")
            if cidr:
                yield node["metadata"]["name"], next(iter(_node_addresses(node)), ""), cidr

    def place(self, ip: str, machine: Endpoint) -> None:
        """Put a machine that is no node on the network: the one of the API server."""
        self._machines[ip] = machine

    def machine(self, ip: str) -> Endpoint | None:
        """The machine that has the address, if it is no node."""
        return self._machines.get(ip)

    def __len__(self) -> int:
        """How many pods are connected."""
        sharing = (*self._on_hosts.values(), *self.doubled.values())
        return len(self._pods) + sum(map(len, sharing))

    # -- asking ------------------------------------------------------------------------------------

    def pod(self, ip: str, node: str = "") -> Attached | None:
        """The pod that has the address for itself; with a node, the one on that node."""
        found = self._pods.get(ip)
        if found is None or not node or found.node == node:
            return found
        return next((each for each in self.doubled.get(ip, ()) if each.node == node), None)

    def listener(self, ip: str, port: int, node: str) -> Attached | None:
        """The pod that listens there on a node: the one that has the address, or one on the host's network."""
        own = self.pod(ip, node)
        candidates: Sequence[Attached] = [own] if own is not None else self._on_hosts.get(ip, ())
        return next((each for each in candidates if each.endpoint.accepts(port)), None)

    def node_at(self, ip: str) -> str:
        """The name of the node that has the address itself; empty if none has."""
        nodes = self._nodes.by_index("ip", ip)
        return str(nodes[0]["metadata"]["name"]) if nodes else ""

    def node_of(self, ip: str) -> str:
        """The name of the node on which somebody with this address is; empty outside the cluster."""
        attached = self._pods.get(ip)
        return attached.node if attached is not None else self.node_at(ip)

    def address_of(self, node: str) -> str:
        """The address of a node; empty if there is none."""
        known = self._nodes.get("", node)
        return next(iter(_node_addresses(known)), "") if known is not None else ""

    def namespace_of(self, ip: str, node: str = "") -> str:
        """The namespace of the pod at the address: where its search for a name begins."""
        attached = self.pod(ip, node)
        return attached.namespace if attached is not None else "default"

    def zone_of(self, node: str) -> str:
        """The zone in which a node is; empty if nobody has said."""
        labels = (self._nodes.get("", node) or {}).get("metadata", {}).get("labels") or {}
        return str(labels.get("topology.kubernetes.io/zone", ""))

    def nodes(self) -> list[str]:
        """The names of all nodes, in order."""
        return [node["metadata"]["name"] for node in self._nodes.list()]


def _node_addresses(node: Object) -> Sequence[str]:
    found = (node.get("status") or {}).get("addresses") or ()
    return [each["address"] for each in found if each["type"] in ("InternalIP", "ExternalIP")]
