"""What was judged, in words: one sentence for each thing that was looked at, and one for each direction."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.network.policies.judgement import EGRESS, NO_POD, NODE, SELF, Look, RuleJudged, Side


def wanted(look: Look) -> str:
    """What a rule wants, as readers see it."""
    if look.about == "namespace":
        return _("namespace {name}, the policy's own").format(name=look.wanted)
    if look.about == "except":
        return _("not in {block}").format(block=look.wanted)
    if look.about == "a pod":
        return _("a pod with labels")
    return look.wanted or {"any port": _("any port"), "anyone": _("anyone")}.get(look.about, _("everything"))


def found(look: Look) -> str:
    """What was there instead, or as wanted."""
    if look.about == "namespace":
        return _("namespace {name}").format(name=look.found)
    if look.about == "a pod":
        return _("the address {ip}").format(ip=look.found)
    if look.about in ("podSelector", "namespaceSelector") and not look.found:
        return _("no such label") if look.wanted else _("whatever its labels")
    return look.found or _("whatever it is")


def rule_words(rule: RuleJudged) -> str:
    """What became of a rule."""
    if rule.holds:
        return _("a port and a peer hold: the rule lets it through")
    if not any(each.holds for each in rule.ports):
        return _("no port holds: the rule says nothing about this connection")
    return _("no peer holds: the rule says nothing about this connection")


def side_words(side: Side) -> str:
    """What a direction comes to: who lets the connection through, or why nobody does."""
    pod, out = side.pod.shown, side.direction == EGRESS
    if side.exempt == NO_POD:
        return _("{name} is no pod with an address of its own: no policy can select it").format(name=pod)
    if side.exempt == SELF:
        return _("{name} talks to itself, which no policy can forbid").format(name=pod)
    if side.exempt == NODE:
        return _("{name} and its own node always reach each other").format(name=pod)
    isolating, allowing = side.isolating, side.allowing
    if not isolating:
        words = _("no policy isolates {name} for egress") if out else _("no policy isolates {name} for ingress")
        return words.format(name=pod)
    if allowing and (rule := allowing[0].allows) is not None:
        words = _("{policy} lets it out of {name}: {rule}") if out else _("{policy} lets it in to {name}: {rule}")
        return words.format(policy=allowing[0].name, name=pod, rule=rule.path)
    names = ", ".join(each.name for each in isolating)
    words = _("{name} is isolated for egress by {policies}, and no rule lets this out: the packet is dropped")
    if not out:
        words = _("{name} is isolated for ingress by {policies}, and no rule lets this in: the packet is dropped")
    return words.format(name=pod, policies=names)
