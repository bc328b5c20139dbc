"""How pods are wired: what the CNI plugins of each node do, and the routes between nodes.

A pod's address is what a chain of plugins answered (`k8snb.cni`), on the simulated network of its node. That takes
longer than all the rest of starting a pod. As long as a node has the configuration that it came with, the outcome is
known beforehand: the next address of its range (`ipam`). So it is only noted what was asked for, and the plugins are
called when somebody looks, with the same words in the same order; a test holds that they give the same addresses. A
node whose configuration somebody changed is another matter: there they are called at once, and what they refuse is
refused.

Between nodes pods are reached by routes that an agent of the network keeps, through a tunnel (VXLAN) or without one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from k8snb.cni.errors import INTERNAL, NOT_AVAILABLE, CNIError
from k8snb.cni.filter import Filter
from k8snb.cni.host import Host, Route
from k8snb.cni.plugins.portmap import chain_of, forward, unforward
from k8snb.cni.runtime import Attachment, Exchange, Runtime, read_list
from k8snb.i18n import _
from k8snb.network.rules.hostports import Mapped
from k8snb.packet import NetworkError
from k8snb.typing import Object

DIRECTORY, FILE = "/etc/cni/net.d", "10-k8snb.conflist"
NETWORK = "pods"
UPLINK, TUNNEL, BRIDGE = "eth0", "vxlan0", "cni0"
VXLAN_ID, VXLAN_PORT = 1, 8472
TUNNEL_MTU = 1450
"""What is left of 1500 bytes when 50 are needed for the outer headers."""

GATEWAY = "172.18.0.1"
"""The router of the nodes' own network."""

NOT_INITIALIZED = "cni plugin not initialized"

_MOST_PODS, _MOST_EVENTS = 500, 20_000
"""Of how many pods a node keeps what was said, and how much is noted until somebody looks."""

Event = tuple[str, str, Object | None]
"""Something that happened to a node's pods: the node, an address, and the pod that got it (None: gave it back). Without
an address, the pod got none."""


def default_list(cidr: str) -> Object:
    """The list of plugins that a node comes with."""
    ipam = {"type": "host-local", "ranges": [[{"subnet": cidr}]], "routes": [{"dst": "0.0.0.0/0"}]}
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "mtu": TUNNEL_MTU, "ipam": ipam}
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.1.0", "name": NETWORK, "plugins": [bridge, portmap]}


class Machine:
    """The network of one node."""

    def __init__(self, name: str, address: str, cidr: str) -> None:
        self.name = name
        self.address = address
        self.cidr = cidr
        self.host = Host(name)
        self.problem = ""
        """Why no pod can be connected; empty if pods can."""
        self.cut: set[str] = set()
        """The ranges of other nodes to which somebody removed the route."""
        self.exchanges: dict[str, list[Exchange]] = {}
        """What was said with the plugins about each pod, by its UID."""
        self._attached: dict[str, tuple[str, Attachment]] = {}
        self._runtime: Runtime | None = None
        self.host.ip("", "link", "set", "lo", "up")
        self.host.ip("", "link", "add", UPLINK, "type", "device")
        self.host.ip("", "link", "set", UPLINK, "up")
        self.host.ip("", "addr", "add", f"{address}/16", "dev", UPLINK)
        self.host.ip("", "route", "add", "default", "via", GATEWAY, "dev", UPLINK)
        self.configure(FILE, json.dumps(default_list(cidr), indent=2))

    # -- configuration -----------------------------------------------------------------------------

    def configure(self, file: str, text: str | None) -> None:
        """Put a file into `/etc/cni/net.d`, or take it away; of several the first by name counts."""
        path = f"{DIRECTORY}/{file}"
        if text is None:
            self.host.remove(path)
        else:
            self.host.write(path, text)
        self._load()

    def _load(self) -> None:
        files = self.host.names(DIRECTORY)
        self._runtime, self.problem = None, NOT_INITIALIZED
        if not files:
            return
        try:
            self._runtime = Runtime(self.host, read_list(self.host.read(f"{DIRECTORY}/{files[0]}") or ""))
            self._runtime.status()
            self._runtime.exchanges.clear()
            self.problem = ""
        except CNIError as error:
            self.problem = str(error) if self._runtime is not None else NOT_INITIALIZED

    # -- pods --------------------------------------------------------------------------------------

    def connect(self, pod: Object) -> str:
        """Have the plugins connect a pod, and return its address; raises CNIError."""
        if self._runtime is None:
            raise CNIError(NOT_AVAILABLE, NOT_INITIALIZED)
        uid = pod["metadata"]["uid"]
        attachment = attachment_of(pod)
        self.host.add_namespace(attachment.netns)
        self.host.ip(attachment.netns, "link", "set", "lo", "up")
        try:
            result = self._runtime.add(attachment)
            if not result.get("ips"):
                raise CNIError(INTERNAL, f'failed to find network info for sandbox "{attachment.container}"')
        except CNIError:
            self._undo(self._runtime, attachment)
            raise
        finally:
            self._keep(uid)
        address = str(result["ips"][0]["address"]).partition("/")[0]
        self._attached[address] = (uid, attachment)
        return address

    def _undo(self, runtime: Runtime, attachment: Attachment) -> None:
        """Disconnect a container as far as that goes: a plugin that is not there any more holds nobody up."""
        with suppress(CNIError):
            runtime.delete(attachment)
        self.host.remove_namespace(attachment.netns)

    def disconnect(self, address: str) -> None:
        """Have the plugins disconnect the pod that has an address."""
        found = self._attached.pop(address, None)
        if found is None:
            return
        uid, attachment = found
        if self._runtime is None:
            self.host.remove_namespace(attachment.netns)
            return
        self._undo(self._runtime, attachment)
        self._keep(uid)

    def _keep(self, uid: str) -> None:
        """Keep what was said about a pod, for so many pods."""
        assert self._runtime is not None
        self.exchanges.setdefault(uid, []).extend(self._runtime.exchanges)
        self._runtime.exchanges.clear()
        while len(self.exchanges) > _MOST_PODS:
            del self.exchanges[next(iter(self.exchanges))]

    def netns(self, address: str) -> str:
        """The namespace of the pod that has an address; empty if nobody has."""
        found = self._attached.get(address)
        return found[1].netns if found is not None else ""

    def attached(self) -> Iterator[tuple[str, Attachment]]:
        """The pods that are connected, by their addresses."""
        return ((address, attachment) for address, (_uid, attachment) in self._attached.items())

    # -- routes ------------------------------------------------------------------------------------

    def follow(self, others: Sequence[tuple[str, str]], *, tunnel: bool) -> None:
        """Have a route to the range of each other node (address, range), through a tunnel or by its address."""
        space = self.host.namespaces[""]
        if tunnel and TUNNEL not in space.links:
            words = ("id", str(VXLAN_ID), "local", self.address, "dev", UPLINK, "dstport", str(VXLAN_PORT))
            self.host.ip("", "link", "add", TUNNEL, "type", "vxlan", *words)
            self.host.ip("", "addr", "add", f"{_first(self.cidr)}/32", "dev", TUNNEL)
            self.host.ip("", "link", "set", TUNNEL, "up")
        if not tunnel and TUNNEL in space.links:
            self.host.ip("", "link", "del", TUNNEL)
        wanted = {cidr: address for address, cidr in others if cidr not in self.cut}
        known = {str(each.to): each for each in space.routes if each.via and each.to.prefixlen}
        for cidr, route in known.items():
            if cidr not in wanted or (route.dev == TUNNEL) is not tunnel:
                self.host.ip("", "route", "del", cidr)
        for cidr, address in wanted.items():
            if not any(str(each.to) == cidr for each in space.routes):
                way = (_first(cidr), "dev", TUNNEL, "onlink") if tunnel else (address, "dev", UPLINK)
                self.host.ip("", "route", "add", cidr, "via", *way)


class Wiring:
    """The wires of a cluster. `nodes` gives its nodes; `record` keeps what happens."""

    def __init__(self, nodes: Callable[[], Iterator[tuple[str, str, str]]], *, record: bool) -> None:
        self.places = nodes
        """Name, address and range of every node."""
        self._machines: dict[str, Machine] = {}
        self.tunnel = True
        """Whether packets between nodes go through a tunnel."""
        self.called: dict[str, Machine] = {}
        """The nodes whose plugins are called at once, because their configuration is not the one they came with."""
        self.cuts = False
        """Whether somebody has removed a route."""
        self.events: list[Event] | None = [] if record else None
        self.given: dict[tuple[str, str], str | None] = {}
        """What somebody put into files of nodes, by node and file; None for files that they took away."""
        self.mapped: dict[tuple[str, str], Attachment] = {}
        """The pods to which ports of their nodes lead, by node and address, where plugins are not called at once."""
        self._filters: dict[str, Filter] = {}
        self._looked_at: Sequence[Object] = ()
        self._maps = False

    # -- ports of nodes ----------------------------------------------------------------------------

    def maps_ports(self, pod: Object) -> bool:
        """Whether ports of its node are to lead to a pod. Pods of one template share their containers."""
        containers = pod["spec"]["containers"]
        if containers is not self._looked_at:
            self._looked_at = containers
            self._maps = any(port.get("hostPort") for each in containers for port in each.get("ports") or ())
        return self._maps

    def map_ports(self, node: str, address: str, length: int, pod: Object) -> None:
        """Let ports of a node lead to a pod, as the plugin portmap does when it is called."""
        made = attachment_of(pod)
        self.mapped[node, address] = made
        found = self._filters.setdefault(node, Filter())
        forward(found, NETWORK, made.container, made.capabilities["portMappings"], f"{address}/{length}")

    def unmap_ports(self, node: str, address: str) -> None:
        """Let them lead there no longer."""
        made = self.mapped.pop((node, address))
        unforward(self._filters[node], NETWORK, made.container, made.capabilities["portMappings"])

    def filter(self, node: str) -> Filter | None:
        """What the plugins have told a node's packet filter; None as long as that is nothing."""
        machine = self.called.get(node)
        return machine.host.filter if machine is not None else self._filters.get(node)

    def ports(self, node: str) -> Sequence[Mapped]:
        """The ports of a node that lead to pods now."""
        found, machine = self.filter(node), self.called.get(node)
        chains = found.chains("nat") if found is not None else {}
        known = ((address, made) for (place, address), made in self.mapped.items() if place == node)
        attached = machine.attached() if machine is not None else known
        return [
            Mapped(made.container, address, made.capabilities["portMappings"])
            for address, made in attached
            if chain_of(NETWORK, made.container) in chains
        ]

    def note(self, node: str, address: str, pod: Object | None) -> None:
        """Something happened to a node's pods. Where very much does and nobody looks, it is forgotten."""
        if self.events is not None:
            self.events.append((node, address, pod))
            if len(self.events) > _MOST_EVENTS:
                self.events = None

    # -- looking -----------------------------------------------------------------------------------

    def machine(self, node: str) -> Machine:
        """The network of a node as it is now; KeyError if there is no such node, or if it has no range yet.

        Where nothing is recorded, or too much was, there are no pods in it.
        """
        self._catch_up()
        found = self._made(node)
        others = [(address, cidr) for name, address, cidr in self.places() if name != node]
        found.follow(others, tunnel=self.tunnel)
        return found

    def _made(self, node: str) -> Machine:
        found = self._machines.get(node)
        if found is None:
            known = {name: (address, cidr) for name, address, cidr in self.places()}
            found = self._machines[node] = Machine(node, *known[node])
            found.follow((), tunnel=self.tunnel)
        return found

    def _catch_up(self) -> None:
        """Call the plugins for everything that was only noted."""
        events, kept = self.events or [], self.events is not None
        self.events = [] if kept else None
        for node, address, pod in events:
            if node in self.called:
                continue
            machine = self._made(node)
            if pod is None:
                machine.disconnect(address)
            elif _connected(machine, pod) != address:
                raise RuntimeError(f"the plugins gave another address than {address or 'none'}")

    # -- changing ----------------------------------------------------------------------------------

    def configure(self, node: str, file: str, text: str | None) -> None:
        """Change the configuration of a node; from now on its plugins are called at once."""
        if self.events is None and node not in self.called:
            raise RuntimeError(_("what happened to the pods of this cluster was not recorded"))
        machine = self.machine(node)
        self.called[node] = machine
        self.given[node, file] = text
        machine.configure(file, text)

    def bring_back(self, node: str, address: str, cidr: str, files: Mapping[str, str | None], cut: set[str]) -> None:
        """Give a node what somebody had changed there before it was rebooted."""
        machine = self._machines[node] = Machine(node, address, cidr)
        machine.cut = cut
        for file, text in files.items():
            self.called[node] = machine
            self.given[node, file] = text
            machine.configure(file, text)
        self.cuts = self.cuts or bool(cut)

    def cut(self, node: str) -> list[str]:
        """The ranges of other nodes to which somebody removed a node's route."""
        found = self._machines.get(node)
        return sorted(found.cut) if found is not None else []

    def connect(self, node: str, pod: Object) -> str:
        """Connect a pod at once; raises NetworkError."""
        try:
            return self.called[node].connect(pod)
        except CNIError as error:
            raise NetworkError("not connected", str(error)) from None

    def ip(self, node: str, netns: str, *words: str) -> Sequence[Mapping[str, Any]]:
        """What `ip -json` says on a node or in a pod's namespace there; raises CNIError. Routes that go stay away."""
        machine = self.machine(node)
        found = machine.host.ip(netns, *words)
        if words[:1] == ("route",) and words[1:2] in (("add",), ("del",)) and not netns:
            (machine.cut.discard if words[1] == "add" else machine.cut.add)(words[2])
            self.cuts = any(each.cut for each in self._machines.values())
        return found

    def leads(self, node: str, address: str) -> str:
        """The node to which a node's routes bring what is for a pod's address: itself, if it is at its own bridge.

        Empty if only the default route fits, which leads out of the cluster, or if there is no such node any more.
        """
        try:
            machine = self.machine(node)
        except KeyError:
            return ""
        route = machine.host.namespaces[""].route(address)
        if route is not None and route.to.prefixlen > 0:
            return self._neighbour(route) if route.via else node
        bare = node not in self.called and BRIDGE not in machine.host.namespaces[""].links
        return node if bare and IPv4Address(address) in IPv4Network(machine.cidr) else ""

    def _neighbour(self, route: Route) -> str:
        """The node to which a route leads, by its own address or that of its end of the tunnel."""
        return next((name for name, address, cidr in self.places() if route.via in (address, _first(cidr))), "")

    def is_near(self, node: str, pod: str, address: str) -> bool:
        """Whether a pod looks for an address on its bridge: it is in the range of the pod's interface."""
        machine = self.machine(node)
        space = machine.host.namespaces.get(machine.netns(pod) or "-")
        route = space.route(address) if space is not None else None
        return route is not None and not route.via


def _connected(machine: Machine, pod: Object) -> str:
    """The address that the plugins give a pod; empty if they refuse."""
    try:
        return machine.connect(pod)
    except CNIError:
        return ""


def sandbox_of(pod: Object) -> str:
    """The identifier of a pod's sandbox, which the plugins hear as the container's."""
    return hashlib.sha256(f"{pod['metadata']['uid']}/sandbox".encode()).hexdigest()


def attachment_of(pod: Object) -> Attachment:
    """What a runtime tells plugins about a pod."""
    meta, container = pod["metadata"], sandbox_of(pod)
    words = {
        "IgnoreUnknown": "1",
        "K8S_POD_NAMESPACE": meta["namespace"],
        "K8S_POD_NAME": meta["name"],
        "K8S_POD_INFRA_CONTAINER_ID": container,
        "K8S_POD_UID": meta["uid"],
    }
    ports = [
        {
            "hostPort": port["hostPort"],
            "containerPort": port["containerPort"],
            "protocol": port.get("protocol", "TCP"),
            **({"hostIP": port["hostIP"]} if port.get("hostIP") else {}),
        }
        for each in pod["spec"]["containers"]
        for port in each.get("ports") or ()
        if port.get("hostPort")
    ]
    arguments = ";".join(f"{key}={value}" for key, value in words.items())
    return Attachment(container, f"/var/run/netns/cni-{meta['uid']}", "eth0", arguments, {"portMappings": ports})


def _first(cidr: str) -> str:
    """The address of a range itself, which its node's end of the tunnel has."""
    return cidr.partition("/")[0]
