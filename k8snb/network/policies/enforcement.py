"""The agent of the network that enforces NetworkPolicies: on each node, for the pods that are there.

Kubernetes itself enforces nothing: a policy is an object, and whoever provides the pod network reads it, or does not.
Where it does, the node of the sender asks what may leave, and the node of the receiver what may come in. What is not
let through is dropped, so the sender hears nothing and waits.

Pods and namespaces are followed from the first policy on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from k8snb.client.controller import Context
from k8snb.client.informer import Informer
from k8snb.network.addresses import Addresses, Attached
from k8snb.network.dns import NAMESERVER
from k8snb.network.policies.judgement import EGRESS, INGRESS, Side, side
from k8snb.network.policies.parties import Party, dns_party, pod_party
from k8snb.typing import Object

DNS_PORT = 53


class Enforcement:
    """Judges the packets of one cluster. With `enforces` off, the network pays no heed to policies."""

    def __init__(self, context: Context, addresses: Addresses) -> None:
        self.enforces = True
        self._informers = context.informers
        self._addresses = addresses
        self._policies = context.informers.of("networkpolicies")
        self._policies.add_index("namespace", lambda policy: (policy["metadata"]["namespace"],))
        self._pods: Informer | None = None
        self._namespaces: Informer | None = None
        self._policies.on_change(self._follow, ("ADDED",))

    def _follow(self, old: Object | None, new: Object | None) -> None:
        if self._pods is None:
            self._pods = self._informers.of("pods")
            self._namespaces = self._informers.of("namespaces")

    # -- judging -----------------------------------------------------------------------------------

    def leaving(self, source: str, node: str, ip: str, port: int, protocol: str = "TCP") -> Side | None:
        """What the policies of the sender, who is on `node`, say to a packet; None where nobody asks."""
        if not self._asks():
            return None
        sender, receiver = self._here(source, node), self._there(ip)
        return side(EGRESS, sender, receiver, (receiver, port, protocol), self._of)

    def entering(self, source: str, node: str, ip: str, port: int, protocol: str = "TCP") -> Side | None:
        """What the policies of the receiver, who is on `node`, say to a packet; None where nobody asks."""
        if not self._asks():
            return None
        sender, receiver = self._there(source), self._here(ip, node)
        return side(INGRESS, receiver, sender, (receiver, port, protocol), self._of)

    def silencing(self, source: str, node: str = "") -> Side | None:
        """The side that lets a question (from a node) to the cluster's DNS not through; None if it gets there."""
        sides = (
            self.leaving(source, node, NAMESERVER, DNS_PORT, "UDP"),
            self.entering(source, "", NAMESERVER, DNS_PORT, "UDP"),
        )
        return next((each for each in sides if each is not None and not each.allowed), None)

    def _asks(self) -> bool:
        return self.enforces and len(self._policies) > 0

    def _of(self, namespace: str) -> Sequence[Object]:
        return self._policies.by_index("namespace", namespace)

    # -- parties -----------------------------------------------------------------------------------

    def _here(self, ip: str, node: str) -> Party:
        """Who has an address on a node (on any, without one): the agent there knows its pods by their interfaces."""
        if ip == NAMESERVER:
            return dns_party(self._space("kube-system"))
        attached = self._addresses.pod(ip, node)
        return self._pod(ip, attached) if attached is not None else Party(ip, node=self._addresses.node_at(ip))

    def _there(self, ip: str) -> Party:
        """Who is at the other end: of that the agent knows the address only, so it may be any pod that has it."""
        doubles = tuple(self._pod(ip, each) for each in self._addresses.doubled.get(ip, ()))
        party = self._here(ip, "")
        return replace(party, doubles=doubles) if doubles else party

    def _pod(self, ip: str, attached: Attached) -> Party:
        """A pod on the network, as far as the agent has heard of it."""
        known = self._pods.get(attached.namespace, attached.name) if self._pods is not None else None
        if known is None:
            return Party(ip, attached.namespace, attached.name, node=attached.node)
        party = pod_party(known, self._space(attached.namespace))
        return party if party.ip == ip else replace(party, ip=ip)

    def _space(self, name: str) -> Object | None:
        return self._namespaces.get("", name) if self._namespaces is not None else None
