"""The two ends of a connection as policies see them: pods with their labels and namespaces, or bare addresses.

Policies know three sorts of ends. A pod with an address of its own has labels, a namespace and named ports. An address
of a node stands for the node itself and for pods on its network, which nobody can tell apart. All else is outside: an
address, and nothing is known of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting, key_of, labels_of
from k8snb.network.dns import NAMESERVER, is_address
from k8snb.typing import Object, ObjectKey

_OVER = ("Succeeded", "Failed")


class Port(NamedTuple):
    """A port that a container says it listens on."""

    name: str
    protocol: str
    number: int


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a connection. Without a `name` it is an address of a node (`node`), or outside of the cluster."""

    ip: str
    namespace: str = ""
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    space: Mapping[str, str] = field(default_factory=dict)
    """The labels of its namespace."""
    node: str = ""
    """The node that it is on, or is."""
    ports: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """The numbers of its ports, by name and protocol."""
    doubles: Sequence[Party] = ()
    """Further pods with the same address, where nobody can say which of them it is."""

    @property
    def candidates(self) -> Sequence[Party]:
        """Whoever it may be."""
        return (self, *self.doubles)

    @property
    def is_pod(self) -> bool:
        """Whether it is a pod with an address of its own, so that policies may select it."""
        return bool(self.name)

    @property
    def shown(self) -> str:
        """How readers call it: `db`, `other/web`, `node node-1`, `203.0.113.10`."""
        if self.name:
            return self.name if self.namespace == "default" else f"{self.namespace}/{self.name}"
        return self.node or self.ip


def pod_party(pod: Object, space: Object | None) -> Party:
    """A pod as an end, with the namespace it is in."""
    meta, spec = pod["metadata"], pod["spec"]
    return Party(
        str((pod.get("status") or {}).get("podIP", "")),
        meta["namespace"],
        meta["name"],
        labels_of(pod),
        labels_of(space) if space is not None else {},
        spec.get("nodeName", ""),
        {(port.name, port.protocol): port.number for port in declared(pod) if port.name},
    )


def declared(pod: Object) -> Iterator[Port]:
    """The ports that a pod's containers say they listen on."""
    containers = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    for container in containers:
        for port in container.get("ports") or ():
            yield Port(port.get("name", ""), port.get("protocol", "TCP"), port["containerPort"])


def dns_party(space: Object | None) -> Party:
    """The cluster's DNS, which is no pod here: it counts as one, with the labels that CoreDNS has."""
    labels = labels_of(space) if space is not None else {"kubernetes.io/metadata.name": "kube-system"}
    ports = {("dns", "UDP"): 53, ("dns-tcp", "TCP"): 53}
    return Party(NAMESERVER, "kube-system", "coredns", {"k8s-app": "kube-dns"}, labels, "", ports)


def _doubled(having: Sequence[Party]) -> Sequence[Party]:
    """Pods that have one address, each with the others, since from afar nobody can tell them apart."""
    if len(having) < 2:
        return having
    return [replace(one, doubles=tuple(each for each in having if each is not one)) for one in having]


def has_address(pod: Object) -> bool:
    """Whether a pod has an address now, be it its node's."""
    status = pod.get("status") or {}
    return bool(status.get("phase") not in _OVER and not is_deleting(pod) and status.get("podIP"))


class Lister(Protocol):
    """Objects as they are, or as they were at a revision."""

    def list(self, resource: str, namespace: str = "") -> Sequence[Object]:
        """The objects of a resource, of one namespace or of all."""
        ...


class Directory:
    """Who is behind which address and which name, according to objects: for questions about any revision."""

    def __init__(self, objects: Lister) -> None:
        spaces = {space["metadata"]["name"]: space for space in objects.list("namespaces")}
        live = [pod for pod in objects.list("pods") if has_address(pod)]
        self._addresses = {key_of(pod): str(pod["status"]["podIP"]) for pod in live}
        own = [pod for pod in live if not pod["spec"].get("hostNetwork")]
        self._objects = {key_of(pod): pod for pod in own}
        having: dict[str, list[Party]] = {}
        for pod in own:
            party = pod_party(pod, spaces.get(pod["metadata"]["namespace"]))
            having.setdefault(party.ip, []).append(party)
        self._having = {ip: _doubled(parties) for ip, parties in having.items()}
        self._pods = {ObjectKey(each.namespace, each.name): each for same in self._having.values() for each in same}
        self._nodes = {
            address["address"]: node["metadata"]["name"]
            for node in objects.list("nodes")
            for address in (node.get("status") or {}).get("addresses") or ()
            if address["type"] in ("InternalIP", "ExternalIP")
        }
        self._dns = dns_party(spaces.get("kube-system"))

    def pods(self) -> Sequence[Party]:
        """Every pod with an address of its own, by namespace and name."""
        return sorted(self._pods.values(), key=lambda party: (party.namespace, party.name))

    def ports_of(self, party: Party) -> Sequence[Port]:
        """The ports that a pod declares."""
        return list(declared(self._objects[ObjectKey(party.namespace, party.name)]))

    def at(self, ip: str, node: str = "") -> Party:
        """Who is behind an address; where several pods have it, the one on a node, or the first of them."""
        if ip == NAMESERVER:
            return self._dns
        found = next((each for each in self._having.get(ip, ()) if node in ("", each.node)), None)
        return found if found is not None else Party(ip, node=self._nodes.get(ip, ""))

    def find(self, word: str, namespace: str = "default") -> Party:
        """Who is meant by an address, or by the name of a pod (`db`, `shop/db`); ValueError for a pod without one."""
        if is_address(word):
            return self.at(word)
        space, _slash, name = word.rpartition("/")
        key = ObjectKey(space or namespace, name)
        address = self._addresses.get(key)
        if address is None:
            raise ValueError(_("there is no pod {name} with an address").format(name=word))
        return self._pods.get(key) or self.at(address)
