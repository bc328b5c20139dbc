"""The rules of one Service on one node as a picture: chains, what leads from one to the next, and where it ends."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.network.rules.iptables import Chance, Match, Own, Port, Recent, Rule, Source, Tables
from k8snb.view.graph import Graph
from k8snb.view.graphs.sketch import Sketch
from k8snb.view.scene import Snapshot

_HASHED = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-EXT-", "KUBE-FW-")


def chains(reader: Snapshot, tables: Tables, service: str, node: str) -> Graph:
    """The chains that packets for a Service (`namespace/name`) pass on a node, and the pods that they end at."""
    sketch = Sketch(reader, service.partition("/")[0])
    pods = {(pod.get("status") or {}).get("podIP"): pod for pod in sketch.here("pods")}
    rules = tables.about(service)
    for rule in [*rules, *_between(tables, {rule.chain for rule in rules})]:
        target = rule.target
        if target == "KUBE-MARK-MASQ" and rule.chain.startswith("KUBE-SEP-"):
            continue  # a pod that calls itself: true of every endpoint, and all arrows would cross
        tail = sketch.note("Stage", _short(rule.chain), id=rule.chain)
        if target.startswith("DNAT"):
            ip = target.rpartition(" ")[2].rpartition(":")[0]
            head = sketch.put(pods[ip]) if ip in pods else sketch.note("Pod", ip, state="failing", word=_("nobody"))
        elif target:
            head = sketch.note("Stage", _short(target), id=target)
        else:
            continue
        sketch.link(tail, head, _said(rule), faint=target == "KUBE-MARK-MASQ")
    return sketch.graph(_("Rules for {service} on {node}").format(service=service, node=node))


def _between(tables: Tables, chains: set[str]) -> list[Rule]:
    """What leads from one of these chains to another for every Service: to the node ports, at the end."""
    rules = [rule for name in sorted(chains) for rule in tables.table("nat").get(name, ())]
    return [rule for rule in rules if not rule.service and rule.target in chains]


def _short(chain: str) -> str:
    """A chain's name with the beginning of its hash only."""
    return f"{chain[:-12]}…" if chain.startswith(_HASHED) else chain


def _said(rule: Rule) -> str:
    """What a rule asks of a packet, in few words."""
    if rule.target.startswith("DNAT"):
        return _("DNAT to {address}").format(address=rule.target.rpartition(" ")[2])
    return ", ".join(filter(None, map(_asked, rule.matches)))


def _asked(match: Match) -> str:
    if isinstance(match, Chance):
        left = match.of - match.index
        return _("chance 1 in {count}").format(count=left) if left > 1 else ""
    if isinstance(match, Port):
        return f"{match.at}:{match.port}".strip(":") if match.port else ""
    if isinstance(match, Source):
        return (_("not from {net}") if match.negated else _("from {net}")).format(net=match.net)
    if isinstance(match, Own):
        return _("to this node") if match.end == "dst" else _("from this node")
    return _("used in {seconds} s").format(seconds=match.seconds) if isinstance(match, Recent) else ""
