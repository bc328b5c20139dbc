"""Why a pod goes where it goes, for readers: every node by every plugin, and what would make a difference.

    cluster.decision("web-x7k2p")

A row is a plugin, a column a node; a cell says whether the plugin lets the pod in, and what it scores: raw, normalised,
times its weight. Below the plugins are extenders, with what they said then. The last row adds up. With a kernel there
are sliders for the weights; on a page there is the table of `weights()`, which says from which weight on another node
would win.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from k8snb.i18n import _
from k8snb.scheduler.decision import Decision
from k8snb.scheduler.explain import Explanation, Opinion
from k8snb.scheduler.nominator import nominated_node
from k8snb.scheduler.preemption import Candidate
from k8snb.view.extenders import notes, notes_on_remedies, notes_on_victims, unknown
from k8snb.view.grid import Cell, Grid
from k8snb.view.scene import Snapshot
from k8snb.view.stepper import STATIC, Stepper

MOST_NODES = 6
"""More nodes are not shown one by one."""
HEAVIEST = 20
"""So far sliders go."""
_FITS, _NOT = "✓", "✗"
_WINS = "★"


class DecisionView:
    """The table of one decision. `weights`, `remedies`, `victims` and `stepper` ask further."""

    def __init__(self, decision: Decision, snapshot: Snapshot, weights: Mapping[str, int] | None = None) -> None:
        self.decision = decision
        self._snapshot = snapshot
        self._weights = dict(weights or {})

    @property
    def winner(self) -> str:
        """The node that wins; empty if none fits."""
        return self._explanation.chosen if self._weights else self.decision.winner

    @property
    def _explanation(self) -> Explanation:
        return self.decision.with_weights(self._weights) if self._weights else self.decision.explanation

    def what_if(self, **weights: int) -> DecisionView:
        """The same decision with some weights changed."""
        return DecisionView(self.decision, self._snapshot, weights)

    def stepper(self, title: str = "") -> Stepper:
        """The pod's way through the scheduler, extension point by extension point."""
        from k8snb.view.scheduling import cycle

        return cycle(self.decision, self._snapshot, title)

    def weights(self) -> Grid:
        """From which weight of each plugin on another node would win."""
        never = _("none")
        rows = [
            [
                Cell(flip.plugin),
                Cell(str(flip.weight)),
                Cell(never if flip.less is None else f"≤ {flip.less}: {flip.less_winner}"),
                Cell(never if flip.more is None else f"≥ {flip.more}: {flip.more_winner}"),
            ]
            for flip in self.decision.flips()
        ]
        heads = (_("plugin"), _("weight"), _("smaller, another node wins"), _("larger, another node wins"))
        chosen = self.decision.explanation.chosen
        title = _("Which weights would change that {node} wins").format(node=chosen)
        return Grid(
            title if chosen else _("No node wins, whatever the weights"), heads, rows, list(unknown(self.decision))
        )

    def remedies(self) -> Grid:
        """The least that would make the pod fit, node by node."""
        from k8snb.scheduler.remedies import smallest

        found = self.decision.remedies()
        least = smallest(found)
        rows = [[Cell(each.node, strong=each is least), Cell(each.reason or _FITS), Cell(each.words)] for each in found]
        told = [] if least is None else [_("The least: {node}: {words}").format(node=least.node, words=least.words)]
        told += notes_on_remedies(
            self.decision,
            [each.node for each in found if each.changes],
            [each.node for each in found if each.changes is not None and not each.changes],
        )
        if self.decision.gates:
            told = [self.decision.gates]
        title = _("What would make {pod} fit").format(pod=self.decision.name)
        return Grid(title, (_("node"), _("now"), _("change")), rows, told)

    def victims(self) -> Grid:
        """Who would have to leave which node, and which node would be taken."""
        found = self.decision.survey()
        rows = [_candidate(each, each is found.best) for each in found.candidates]
        told = [_("nobody leaves: {reason}").format(reason=found.refusal)] if found.refusal else []
        told += [f"{node}: {reason}" for node, reason in found.useless.items()]
        if found.best is not None:
            told.append(_nominated(found.best, found.because))
        told += notes_on_victims(self.decision, found.unheard)
        heads = (_("node"), _("victims"), _("priorities"), _("budgets overdrawn"))
        return Grid(_("Who would leave for {pod}").format(pod=self.decision.name), heads, rows, told)

    # -- the table ---------------------------------------------------------------------------------

    def grid(self) -> Grid:
        """The table."""
        found, decision = self._explanation, self.decision
        nodes = _shown(found)
        by_plugin: dict[str, dict[str, Opinion]] = {}
        for each in found.opinions:
            by_plugin.setdefault(each.plugin, {})[each.node] = each
        rows = [_row(name, [opinions[node] for node in nodes]) for name, opinions in by_plugin.items()]
        if nodes:
            rows.append([Cell(_("total"), strong=True), *(_total(found, node, self.winner) for node in nodes)])
        title = _("{pod}, profile {profile}, at revision {revision}").format(
            pod=decision.name, profile=decision.framework.profile.name, revision=decision.revision
        )
        reasons = [
            f"{each.node}: {each.plugin}: {each.verdict}"
            for each in found.opinions
            if each.node in nodes and each.verdict not in ("", "fits")
        ]
        return Grid(title, (_("plugin"), *nodes), rows, list(self._notes(found, nodes)), reasons)

    def _notes(self, found: Explanation, nodes: Sequence[str]) -> Iterator[str]:
        if self.decision.gates:
            yield self.decision.gates
        names = list(dict.fromkeys(each.node for each in found.opinions))
        if len(names) > len(nodes):
            fit = sum(name in found.totals for name in names if name not in nodes)
            words = _("and {count} more nodes, of which {fit} fit")
            yield words.format(count=len(names) - len(nodes), fit=fit)
        if found.refusal:
            yield found.refusal
        if self.decision.told:
            yield self.decision.told
        elif self.winner:
            yield _victory(self.decision, found, self.winner)
        yield from notes(self.decision)

    def __str__(self) -> str:
        return str(self.grid())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.grid()._repr_html_()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any] | tuple[Any, Any]:
        bundle = {"text/plain": str(self), "text/html": self._repr_html_()}
        box = None if os.environ.get(STATIC) or not self._explanation.totals else self._sliders()
        live = None if box is None else box._repr_mimebundle_()
        if not live:
            return bundle
        data, metadata = live if isinstance(live, tuple) else (live, {})
        return {**data, **bundle}, metadata

    def _sliders(self) -> Any:
        """The table with a slider for each weight; None where there are no widgets."""
        try:
            import ipywidgets
        except ImportError:
            return None
        table = ipywidgets.HTML(self._repr_html_())
        scoring = {each.plugin: each.weight for each in self._explanation.opinions if each.normalized is not None}
        wide = {"description_width": "16em"}
        sliders = {
            name: ipywidgets.IntSlider(weight, 0, HEAVIEST, description=name, style=wide, continuous_update=False)
            for name, weight in scoring.items()
        }

        def weigh(_change: Any) -> None:
            table.value = self.what_if(**{name: each.value for name, each in sliders.items()})._repr_html_()

        for slider in sliders.values():
            slider.observe(weigh, "value")
        return ipywidgets.VBox([table, *sliders.values()])


def _shown(found: Explanation) -> list[str]:
    """All nodes, or of many those with the highest totals, in the order of the nodes."""
    names = list(dict.fromkeys(each.node for each in found.opinions))
    best = sorted(names, key=lambda name: -found.totals.get(name, -1))[:MOST_NODES]
    return [name for name in names if name in best]


def _row(plugin: str, opinions: Sequence[Opinion]) -> list[Cell]:
    weight = opinions[0].weight if any(each.normalized is not None for each in opinions) else 0
    return [Cell(f"{plugin} ×{weight}" if weight else plugin), *map(_cell, opinions)]


def _cell(each: Opinion) -> Cell:
    mark = {"": "", "fits": _FITS}.get(each.verdict, _NOT)
    if mark == _NOT:
        return Cell(_NOT, each.verdict, "red", said=_NOT)
    if each.normalized is None:
        return Cell(mark)
    said = " ".join(filter(None, (mark, scored(each))))
    plain = each.raw == each.normalized and each.weight == 1
    how = "" if plain else scored(each).partition(" = ")[0]
    return Cell(f"{mark} {each.points}".strip(), how, said=said)


def scored(each: Opinion) -> str:
    """A score: `0 → 100 ×3 = 300`, or shorter where normalising or weighing makes no difference."""
    steps = str(each.raw) if each.raw == each.normalized else f"{each.raw} → {each.normalized}"
    return steps if each.weight == 1 else f"{steps} ×{each.weight} = {each.points}"


def _total(found: Explanation, node: str, winner: str) -> Cell:
    total = found.totals.get(node)
    if total is None:
        return Cell("–")
    if len(found.totals) == 1:
        return Cell(_WINS if node == winner else "", hue="green" if node == winner else "")
    return Cell(f"{total} {_WINS}", hue="green", strong=True) if node == winner else Cell(str(total), strong=True)


def _victory(decision: Decision, found: Explanation, winner: str) -> str:
    total = found.totals.get(winner)
    if total is None:
        return _("{node} was chosen").format(node=winner)
    if len(found.totals) == 1:
        return _("{node} is the only one that fits: it is taken without scores").format(node=winner)
    if winner not in found.tied:
        return _less_than_others(decision, winner, total)
    others = [name for name in found.tied if name != winner]
    if winner in found.tied and others:
        words = _("{node} wins with {total}, as much as {others}: it had not changed for longest")
        return words.format(node=winner, total=total, others=", ".join(others))
    return _("{node} wins with {total}").format(node=winner, total=total)


def _less_than_others(decision: Decision, winner: str, total: int) -> str:
    """Why a node was taken though others have more."""
    if nominated_node(decision.pod) == winner:
        return _("{node} was kept for the pod and fits: nobody asked what others would get").format(node=winner)
    if decision.framework.profile.percentage is not None:
        words = _("{node} was chosen with {total}: only a part of the nodes was looked at")
        return words.format(node=winner, total=total)
    return _("{node} was chosen").format(node=winner)


def _candidate(each: Candidate, best: bool) -> list[Cell]:
    names = ", ".join(f"{info.namespace}/{info.pod['metadata']['name']}" for info in each.victims)
    priorities = ", ".join(str(info.pod_class.priority) for info in each.victims)
    node = Cell(f"{each.node} {_WINS}" if best else each.node, hue="green" if best else "", strong=best)
    return [node, Cell(names), Cell(priorities), Cell(str(each.overdrawn))]


def _nominated(best: Candidate, because: str) -> str:
    if not because:
        return _("{node} would be nominated").format(node=best.node)
    return _("{node} would be nominated: {because}").format(node=best.node, because=because)
