"""One connection against all policies: what each says to it, and the story of it, step by step.

    cluster.may_reach("frontend", "db", 6379)

The table has a row for everything that was looked at: what is wanted, what is there, whether it holds. Below it stands
what each direction comes to. The stepper tells the same in the order in which the packet meets it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from k8snb.i18n import _
from k8snb.machinery.selectors import of_object
from k8snb.network.policies import wording
from k8snb.network.policies.judgement import (
    EGRESS,
    POLICIES,
    Judgement,
    Look,
    PolicyJudged,
    RuleJudged,
    Side,
    types_of,
)
from k8snb.network.policies.parties import Party
from k8snb.typing import Object
from k8snb.view.frames import Act, Frame
from k8snb.view.grid import Cell, Grid
from k8snb.view.packet import PACKET
from k8snb.view.scene import Scene, Snapshot, scene
from k8snb.view.stepper import Stepper

_MARKS = {True: "✓", False: "✗"}
_HUES = {True: "green", False: "red"}
_VIEWS = ("diff", "topology")


class Reach:
    """What policies make of one connection. True if they let it through."""

    def __init__(self, judgement: Judgement, snapshot: Snapshot, revision: int) -> None:
        self.judgement = judgement
        self._snapshot = snapshot
        self._revision = revision

    def __bool__(self) -> bool:
        return bool(self.judgement)

    def grid(self) -> Grid:
        """The table."""
        rows = [row for side in self.judgement.sides for policy in side.policies for row in _rows(side, policy)]
        heads = (_("policy"), _("direction"), _("wanted"), _("there"), _("holds"))
        return Grid(self.title, heads, rows, self.reasons)

    @property
    def reasons(self) -> list[str]:
        """What each direction comes to, in a sentence: egress, then ingress."""
        return [f"{way(side)}: {wording.side_words(side)}" for side in self.judgement.sides]

    @property
    def title(self) -> str:
        """The connection and the outcome."""
        found = self.judgement
        words = _("{source} may reach {target}") if found else _("{source} may not reach {target}")
        target = f"{found.destination.shown}:{found.port}/{found.protocol}"
        return words.format(source=found.source.shown, target=target)

    def stepper(self, title: str = "") -> Stepper:
        """The way of the connection past every policy, direction by direction."""
        return Stepper(title or self.title, list(_Story(self.judgement, self._snapshot, self._revision)), _VIEWS)

    def __str__(self) -> str:
        return str(self.grid())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.grid()._repr_html_()


def way(side: Side) -> str:
    """Which of the two directions it is, and whose."""
    words = _("egress of {name}") if side.direction == EGRESS else _("ingress to {name}")
    return words.format(name=side.pod.shown)


def _rows(side: Side, policy: PolicyJudged) -> Iterator[list[Cell]]:
    yield _row(side, policy, policy.selects)
    for rule in policy.rules:
        for look in (*rule.ports, *rule.peers):
            yield _row(side, policy, look)


def _row(side: Side, policy: PolicyJudged, look: Look) -> list[Cell]:
    direction = _("egress") if side.direction == EGRESS else _("ingress")
    mark = Cell(_MARKS[look.holds], hue=_HUES[look.holds])
    return [Cell(policy.name, _short(look)), Cell(direction), *_held(look), mark]


def _short(look: Look) -> str:
    return look.path.removeprefix("spec.")


def _held(look: Look) -> tuple[Cell, Cell]:
    return Cell(wording.wanted(look)), Cell(wording.found(look))


class _Story:
    """The frames of one judgement."""

    def __init__(self, judgement: Judgement, snapshot: Snapshot, revision: int) -> None:
        self._judgement = judgement
        self._snapshot = snapshot
        self._revision = revision
        self._still = self._background()

    def __iter__(self) -> Iterator[Frame]:
        found = self._judgement
        target = f"{found.destination.shown}:{found.port}"
        words = _("a connection to {target}, {protocol}").format(target=target, protocol=found.protocol)
        seen = [(end.shown, _labels(end)) for end in (found.source, found.destination)]
        send = Act(_("send"), _("packet"), 0, 0)
        yield self._frame(f"pod {found.source.shown}", words, found.source, acts=[send], seen=seen)
        for side in found.sides:
            yield from self._side(side)
            if not side.allowed:
                return
        act = Act(_("accept"), _("packet"), 0, 0)
        words = _("both directions let it through")
        seen = [(way(side), wording.side_words(side)) for side in found.sides]
        yield self._frame(f"pod {found.destination.shown}", words, found.destination, acts=[act], seen=seen)

    def _side(self, side: Side) -> Iterator[Frame]:
        for policy in side.policies:
            yield self._selects(side, policy)
            for rule in policy.rules:
                yield self._rule(side, policy, rule)
        words = f"{way(side)}: {wording.side_words(side)}"
        agent = _("agent {node}").format(node=side.pod.node) if side.pod.node else _("network")
        yield self._frame(agent, words, side.pod, seen=_outcome(side), failed=not side.allowed)

    def _selects(self, side: Side, policy: PolicyJudged) -> Frame:
        words = _("it selects {name}, and isolates it in this direction: {way}")
        if not policy.selects.holds:
            words = _("it does not select {name}, and says nothing here: {way}")
        told = words.format(name=side.pod.shown, way=way(side))
        return self._frame(f"NetworkPolicy {policy.name}", told, side.pod, looks=[policy.selects], policy=policy)

    def _rule(self, side: Side, policy: PolicyJudged, rule: RuleJudged) -> Frame:
        looks = [*rule.ports, *rule.peers]
        told = f"{rule.path.removeprefix('spec.')}: {wording.rule_words(rule)}"
        return self._frame(f"NetworkPolicy {policy.name}", told, side.pod, looks=looks, policy=policy)

    def _frame(
        self,
        actor: str,
        words: str,
        at: Party,
        *,
        acts: Sequence[Act] = (),
        seen: Sequence[tuple[str, str]] = (),
        looks: Sequence[Look] = (),
        policy: PolicyJudged | None = None,
        failed: bool = False,
    ) -> Frame:
        place = f"Node/{at.node or _('outside')}"
        packet = {"place": place, "word": f"→ {self._judgement.destination.shown}", "facts": []}
        touched = [PACKET, *([f"NetworkPolicy/{policy.name}"] if policy is not None else [])]
        return Frame(
            actor,
            "",
            "" if failed else words,
            0.0,
            self._revision,
            observed=seen,
            acts=acts,
            scene={**self._still, PACKET: packet},
            touched=touched,
            error=words if failed else "",
            compared=[_compared(look) for look in looks],
        )

    # -- the picture -------------------------------------------------------------------------------

    def _background(self) -> Scene:
        """The two ends, the policies that speak of them, and the nodes."""
        ends = (self._judgement.source, self._judgement.destination)
        spaces = dict.fromkeys(end.namespace for end in ends if end.namespace)
        known = {name: item for space in spaces for name, item in scene(self._snapshot, space).items()}
        wanted = {f"Pod/{end.name}" for end in ends}
        found = {name: item for name, item in known.items() if name in wanted or name.startswith("Node/")}
        if not all(end.node for end in ends):
            found[f"Node/{_('outside')}"] = {}
        judged = {policy.name for side in self._judgement.sides for policy in side.policies}
        policies = (each for space in spaces for each in self._snapshot.list(POLICIES, space))
        return found | {
            f"NetworkPolicy/{each['metadata']['name']}": {"facts": _facts(each)}
            for each in policies
            if each["metadata"]["name"] in judged
        }


def _facts(policy: Object) -> list[list[str]]:
    spec: Any = policy["spec"]
    selects = str(of_object(spec.get("podSelector") or {})) or _("every pod")
    return [[_("selects"), selects], [_("isolates"), ", ".join(types_of(spec))]]


def _labels(party: Party) -> str:
    """What policies know an end of the connection by: its labels, or else its address."""
    return ", ".join(f"{name}={value}" for name, value in party.labels.items()) or party.ip


def _outcome(side: Side) -> list[tuple[str, str]]:
    """Which policies isolate the pod in a direction, and which of them let the connection through."""
    sets = ((_("isolated by"), side.isolating), (_("let through by"), side.allowing))
    return [(name, ", ".join(policy.name for policy in policies) or _("none")) for name, policies in sets]


def _compared(look: Look) -> tuple[str, str, str]:
    """A look as what was found and what was wanted; where it holds, the two are the same."""
    wanted = wording.wanted(look)
    return (_short(look), wanted if look.holds else wording.found(look), wanted)
