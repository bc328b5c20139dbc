"""A NetworkPolicy is a box around the pods that it isolates: who may come in before it, where they may go behind it.

Policies only allow. A pod that no policy isolates in a direction is open in it; one that some do isolate may do what
any of them allows.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.i18n import _
from k8snb.machinery.objects import labels_of
from k8snb.machinery.selectors import of_object, text_of
from k8snb.network.policies.judgement import types_of
from k8snb.typing import Object
from k8snb.view.graphs.sketch import FEW, Sketch


def network_policy(sketch: Sketch, policy: Object) -> str:
    """The pods that a policy selects, and the peers and ports that it allows them."""
    name, spec = policy["metadata"]["name"], policy["spec"]
    chosen = text_of(spec.get("podSelector"))
    selects = _("every pod") if chosen == "<none>" else chosen
    types = types_of(spec)
    said = [f"{_('selects')} {selects}"]
    said += [_("isolated: {directions}").format(directions=", ".join(types))]
    said += [_("open: {direction}").format(direction=each) for each in ("Ingress", "Egress") if each not in types]
    box = sketch.frame(sketch.id_of(policy), "NetworkPolicy", name, *said)
    pods = [sketch.put(pod, group=box) for pod in sketch.selected(of_object(spec.get("podSelector")))]
    if not pods:
        pods = [sketch.note("Pod", _("none"), _("no pod has such labels now"), group=box, id=f"{box}/none")]
    for direction in types:
        _direction(sketch, box, spec, direction, pods)
    return _("NetworkPolicy {name}: who may reach its pods, and whom they may reach").format(name=name)


def _direction(sketch: Sketch, box: str, spec: Object, direction: str, pods: list[str]) -> None:
    inward = direction == "Ingress"
    rules = spec.get(direction.lower()) or ()
    if not rules:
        words = _("nothing may come in") if inward else _("nothing may go out")
        wall = sketch.note("Rule", words, state="failing", word=direction, group=box, id=f"{box}/{direction}")
        for pod in pods:
            _towards(sketch, wall, pod, "", inward=inward, faint=True)
    for number, rule in enumerate(rules):
        gate = sketch.note("Rule", _ports(rule), direction, group=box, id=f"{box}/{direction}/{number}")
        for pod in pods:
            _towards(sketch, gate, pod, "", inward=inward)
        for peer in _peers(sketch, f"{box}/{direction}/{number}", rule.get("from" if inward else "to"), inward=inward):
            _towards(sketch, peer, gate, _("may come in") if inward else _("may go to"), inward=inward)


def _towards(sketch: Sketch, outer: str, inner: str, word: str, *, inward: bool, faint: bool = False) -> None:
    """An arrow in the direction of the traffic."""
    sketch.link(*((outer, inner) if inward else (inner, outer)), word, faint=faint)


def _ports(rule: Object) -> str:
    ports = [
        f"{port.get('protocol', 'TCP')} {port.get('port', '*')}" + (f"-{port['endPort']}" if "endPort" in port else "")
        for port in rule.get("ports") or ()
    ]
    return ", ".join(ports) or _("every port")


def _peers(sketch: Sketch, rule: str, peers: list[Object] | None, *, inward: bool) -> Iterator[str]:
    """The ids of a rule's peers, with the pods that they are at the moment."""
    if not peers:
        yield sketch.note("Peer", _("anyone") if inward else _("anywhere"), id=f"{rule}/anyone")
    for number, peer in enumerate(peers or ()):
        block = peer.get("ipBlock")
        if block:
            but = _("except {blocks}").format(blocks=", ".join(block["except"])) if block.get("except") else ""
            yield sketch.note("Peer", block["cidr"], but, id=f"{rule}/{number}")
            continue
        yield _selected(sketch, f"{rule}/{number}", peer, inward=inward)


def _selected(sketch: Sketch, id: str, peer: Object, *, inward: bool) -> str:
    """A peer by labels, and the pods that have them now, in their namespaces."""
    labels = text_of(peer["podSelector"]) if "podSelector" in peer else "<none>"
    name = _("every pod") if labels == "<none>" else labels
    where, spaces = _("in this namespace"), [sketch.namespace]
    if "namespaceSelector" in peer:
        wanted = text_of(peer["namespaceSelector"])
        where = _("in every namespace") if wanted == "<none>" else _("in namespaces {labels}").format(labels=wanted)
        holds = of_object(peer["namespaceSelector"]).matches
        spaces = [each["metadata"]["name"] for each in sketch.everywhere("namespaces") if holds(labels_of(each))]
    front = sketch.note("Peer", name, where, id=id)
    pods = [pod for space in spaces for pod in sketch.selected(of_object(peer.get("podSelector") or {}), space)]
    for pod in pods[:FEW]:
        box = sketch.box(pod["metadata"].get("namespace", sketch.namespace))
        _towards(sketch, sketch.put(pod, group=box), front, _("now"), inward=inward, faint=True)
    if len(pods) > FEW:
        rest = sketch.note("Pod", _("and {count} more").format(count=len(pods) - FEW), id=f"{id}/rest")
        _towards(sketch, rest, front, _("now"), inward=inward, faint=True)
    return front
