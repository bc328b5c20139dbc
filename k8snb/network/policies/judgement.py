"""Holds one connection against NetworkPolicies: policy by policy, rule by rule, in both directions.

A connection comes about if the policies of the pod that opens it let it out and those of the pod that is asked let it
in. The two directions know nothing of each other. In each, a pod that no policy selects is open; once some policy
selects it, it is isolated, and what any rule of any policy names is let through, and nothing else. Rules are added up,
so their order makes no difference, and no rule can forbid.

What was looked at is data (`Look`): what the rule wants, what was found, and whether it holds. Of a peer the first
thing that does not hold is kept. Nothing is put into words here. API: `NetworkPolicySpec` in
`staging/src/k8s.io/api/networking/v1/types.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, ip_network

from k8snb.machinery.selectors import of_object
from k8snb.network.policies.parties import Directory, Lister, Party
from k8snb.typing import Object

POLICIES = "networkpolicies.networking.k8s.io"
INGRESS, EGRESS = "Ingress", "Egress"
_PEERS = {INGRESS: "from", EGRESS: "to"}

OPEN, SELF, NODE, NO_POD = "open", "self", "node", "no pod"
"""Why policies have no say: none selects the pod, it talks to itself, or with its own node, or it is no pod."""


@dataclass(frozen=True, slots=True)
class Look:
    """One thing that was held against the connection. `about` says what: `podSelector`, `ipBlock`, `port` …"""

    path: str
    about: str
    wanted: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class RuleJudged:
    """A rule: its ports and its peers. It lets the connection through if one of each holds."""

    path: str
    ports: Sequence[Look]
    peers: Sequence[Look]

    @property
    def holds(self) -> bool:
        """Whether the rule lets the connection through."""
        return any(each.holds for each in self.ports) and any(each.holds for each in self.peers)


@dataclass(frozen=True, slots=True)
class PolicyJudged:
    """A policy in one direction: whether it is about the pod, and what its rules say."""

    name: str
    selects: Look
    rules: Sequence[RuleJudged] = ()

    @property
    def allows(self) -> RuleJudged | None:
        """The first rule that lets the connection through."""
        return next((rule for rule in self.rules if rule.holds), None)


@dataclass(frozen=True, slots=True)
class Side:
    """One direction of a connection, from the side of the pod whose policies count there."""

    direction: str
    pod: Party
    peer: Party
    exempt: str
    """Why no policy counts, or empty: `self`, `node`, `no pod`."""
    policies: Sequence[PolicyJudged] = ()

    @property
    def isolating(self) -> Sequence[PolicyJudged]:
        """The policies that isolate the pod in this direction."""
        return [each for each in self.policies if each.selects.holds]

    @property
    def allowing(self) -> Sequence[PolicyJudged]:
        """Those of them that let the connection through."""
        return [each for each in self.isolating if each.allows is not None]

    @property
    def allowed(self) -> bool:
        """Whether this side lets the connection through."""
        return bool(self.exempt) or not self.isolating or bool(self.allowing)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What policies make of one connection. True if it may come about."""

    source: Party
    destination: Party
    port: int
    protocol: str
    egress: Side
    ingress: Side

    @property
    def sides(self) -> Sequence[Side]:
        """Both directions, in the order in which a packet meets them."""
        return (self.egress, self.ingress)

    @property
    def closed(self) -> Sequence[Side]:
        """The directions that do not let it through."""
        return [side for side in self.sides if not side.allowed]

    def __bool__(self) -> bool:
        return not self.closed


PoliciesOf = Callable[[str], Iterable[Object]]
"""The policies of a namespace."""


def judge(source: Party, destination: Party, port: int, protocol: str, policies: PoliciesOf) -> Judgement:
    """Whether a connection may come about, and what every policy of its two ends says to it."""
    egress = side(EGRESS, source, destination, (destination, port, protocol), policies)
    here = replace(destination, doubles=())
    ingress = side(INGRESS, here, source, (here, port, protocol), policies)
    return Judgement(source, destination, port, protocol, egress, ingress)


def judged(
    objects: Lister,
    source: str,
    target: str,
    port: int,
    protocol: str = "TCP",
    *,
    namespace: str = "default",
    enforced: bool = True,
) -> Judgement:
    """The same by names or addresses, with the policies that are among the objects; ValueError for an unknown pod.

    Where they are not `enforced`, it is as if there were none.
    """
    known = Directory(objects)
    sender, receiver = known.find(source, namespace), known.find(target, namespace)
    return judge(sender, receiver, port, protocol, lambda space: objects.list(POLICIES, space) if enforced else ())


def side(direction: str, pod: Party, peer: Party, asked: tuple[Party, int, str], policies: PoliciesOf) -> Side:
    """One direction of a connection to `asked` (who, port, protocol), by the policies of the pod at that side."""
    exempt = _exempt(pod, peer)
    if exempt:
        return Side(direction, pod, peer, exempt)
    judged = [_policy(each, direction, pod, peer, asked) for each in policies(pod.namespace)]
    return Side(direction, pod, peer, "", [each for each in judged if each is not None])


def _exempt(pod: Party, peer: Party) -> str:
    if not pod.is_pod:
        return NO_POD
    if pod.ip == peer.ip:
        return SELF
    return NODE if not peer.is_pod and peer.node and peer.node == pod.node else ""


def _policy(
    policy: Object, direction: str, pod: Party, peer: Party, asked: tuple[Party, int, str]
) -> PolicyJudged | None:
    """What a policy says in a direction; None if it does not speak of that direction."""
    spec = policy["spec"]
    if direction not in types_of(spec):
        return None
    name = policy["metadata"]["name"]
    selects = _selector("spec.podSelector", "podSelector", spec.get("podSelector") or {}, pod.labels)
    if not selects.holds:
        return PolicyJudged(name, selects)
    rules = spec.get(direction.lower()) or ()
    judged = [_rule(rule, direction, at, pod, peer, asked) for at, rule in enumerate(rules)]
    return PolicyJudged(name, selects, judged)


def types_of(spec: Object) -> Sequence[str]:
    """The directions in which a policy isolates; where it does not say so, what its rules imply."""
    return spec.get("policyTypes") or ([INGRESS, EGRESS] if spec.get("egress") else [INGRESS])


def _rule(rule: Object, direction: str, at: int, pod: Party, peer: Party, asked: tuple[Party, int, str]) -> RuleJudged:
    path, field = f"spec.{direction.lower()}[{at}]", _PEERS[direction]
    ports = [_port(f"{path}.ports[{index}]", each, asked) for index, each in enumerate(rule.get("ports") or ())]
    peers = [_peer(f"{path}.{field}[{index}]", each, pod, peer) for index, each in enumerate(rule.get(field) or ())]
    anything = [Look(f"{path}.ports", "any port", "", "", True)]
    anyone = [Look(f"{path}.{field}", "anyone", "", peer.shown, True)]
    return RuleJudged(path, ports or anything, peers or anyone)


# -- ports ------------------------------------------------------------------------------------------------


def _port(path: str, port: Object, asked: tuple[Party, int, str]) -> Look:
    destination, number, protocol = asked
    wanted, first, last = port.get("protocol", "TCP"), port.get("port"), port.get("endPort")
    found = f"{protocol} {number}"
    if isinstance(first, str):
        known = [each.ports[first, wanted] for each in destination.candidates if (first, wanted) in each.ports]
        means = f" ({', '.join(map(str, dict.fromkeys(known)))})" if known else ""
        return Look(path, "named port", f"{wanted} {first}{means}", found, wanted == protocol and number in known)
    shown = wanted if first is None else f"{wanted} {first}" if last is None else f"{wanted} {first}-{last}"
    within = first is None or first <= number <= (first if last is None else last)
    return Look(path, "port", shown, found, wanted == protocol and within)


# -- peers ------------------------------------------------------------------------------------------------


def _peer(path: str, peer: Object, pod: Party, other: Party) -> Look:
    """A peer of a rule: the first thing about it that does not hold, or the last one.

    Of several pods that have the address of the other end, one for which everything holds is enough.
    """
    block = peer.get("ipBlock")
    if block is not None:
        return _block(f"{path}.ipBlock", block, other)
    looks = [_selected(path, peer, pod, each) for each in other.candidates]
    return next((look for look in looks if look.holds), looks[0])


def _selected(path: str, peer: Object, pod: Party, other: Party) -> Look:
    """A peer that is named by labels: of the pod, its namespace, or both."""
    space, labels = peer.get("namespaceSelector"), peer.get("podSelector")
    if not other.is_pod:
        about = "podSelector" if labels is not None else "namespaceSelector"
        return Look(f"{path}.{about}", "a pod", "", other.shown, False)
    if space is None:
        where = Look(path, "namespace", pod.namespace, other.namespace, pod.namespace == other.namespace)
    else:
        where = _selector(f"{path}.namespaceSelector", "namespaceSelector", space, other.space)
    if not where.holds or labels is None:
        return where
    return _selector(f"{path}.podSelector", "podSelector", labels, other.labels)


def _selector(path: str, about: str, selector: Object, labels: object) -> Look:
    """A selector held against labels: what it wants of them, and what they are there."""
    compiled = of_object(selector)
    known: dict[str, str] = dict(labels)  # type: ignore[call-overload]
    keys = dict.fromkeys(requirement.key for requirement in compiled.requirements)
    found = ",".join(f"{key}={known[key]}" for key in keys if key in known)
    return Look(path, about, str(compiled), found, compiled.matches(known))


def _block(path: str, block: Object, other: Party) -> Look:
    address = IPv4Address(other.ip)
    if address not in _network(block["cidr"]):
        return Look(f"{path}.cidr", "ipBlock", block["cidr"], other.ip, False)
    for at, hole in enumerate(block.get("except") or ()):
        if address in _network(hole):
            return Look(f"{path}.except[{at}]", "except", hole, other.ip, False)
    return Look(f"{path}.cidr", "ipBlock", block["cidr"], other.ip, True)


@lru_cache(maxsize=1024)
def _network(cidr: str) -> IPv4Network:
    """A block of addresses; one of IPv6 holds none of those that there are here."""
    found = ip_network(cidr, strict=False)
    return found if isinstance(found, IPv4Network) else IPv4Network("0.0.0.0/32")
