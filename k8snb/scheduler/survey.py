"""Who would have to leave which node so that a pod fits: the search for victims, without making anybody leave.

It is the same search as DefaultPreemption's. Beside the node that it would take it says which of the five criteria
decided between the nodes. Nodes that an extender refused stay refused; what extenders made of who would leave is known
if they were asked just that when the pod was tried last. Upstream: `framework/preemption` (`pickOneNodeForPreemption`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8snb.i18n import _
from k8snb.scheduler.answers import Victims
from k8snb.scheduler.diagnosis import Diagnosis
from k8snb.scheduler.explain import NOBODY, as_if_unplaced
from k8snb.scheduler.framework import SUCCESS, CycleState, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins.default_preemption import DefaultPreemption
from k8snb.scheduler.preemption import Candidate, Search, uids
from k8snb.scheduler.runtime import Framework
from k8snb.scheduler.testimony import Testimony
from k8snb.typing import Object


@dataclass(frozen=True, slots=True)
class Survey:
    """The nodes on which room could be made, and the one that would be taken."""

    candidates: Sequence[Candidate]
    best: Candidate | None
    because: str
    """Which criterion decided; empty where there was nothing to decide."""
    useless: Mapping[str, str]
    """Node → why it would not help there."""
    refusal: str
    """Why the pod may not make anybody leave; empty if it may."""
    unheard: Sequence[str] = ()
    """The extenders that would have their say in this, and nobody knows what it would be."""


def criteria() -> tuple[str, ...]:
    """What is compared, in this order: the first difference decides."""
    return (
        _("the fewest disruption budgets are overdrawn"),
        _("the most important victim is the least important"),
        _("the victims' priorities add up to the least"),
        _("the fewest pods leave"),
        _("the most important victim started last"),
    )


def survey(framework: Framework, pod: Object, heard: Testimony = NOBODY) -> Survey:
    """Who could leave for this pod."""
    plugin = next((each for each in framework.at["PostFilter"] if isinstance(each, DefaultPreemption)), None)
    if plugin is None:
        return _nobody(_("the profile has no preemption"))
    nodes, pod = as_if_unplaced(framework, pod)
    state = CycleState(nodes)
    status = framework.pre_filter(state, pod)
    if status is not SUCCESS:
        return _nobody(status.message)
    verdicts = {node.name: framework.filter_with_nominated(state, pod, node) for node in nodes}
    verdicts = {name: heard.status(name) if each is SUCCESS else each for name, each in verdicts.items()}
    fitting = [name for name, each in verdicts.items() if each is SUCCESS]
    if fitting:
        return _nobody(_("the pod fits without"), [*heard.unheard(fitting)])
    diagnosis = Diagnosis(len(nodes), verdicts)
    refusal = plugin.not_eligible(pod, diagnosis)
    if refusal:
        return _nobody(refusal)
    search = plugin.search(state, pod)
    worth = set(diagnosis.nodes_worth_preempting())
    found = search.candidates([node for node in nodes if node.name in worth])
    useless = {**{name: each for name, each in verdicts.items() if name not in worth}, **search.statuses}
    why = {name: _said(each) for name, each in useless.items()}
    spared = heard.spared(uids(found)) if found else {}
    if spared is None:
        return _chosen(search, found, why, heard.sparing)
    return _chosen(search, _as_answered(nodes, spared), {**_left_alone(found, spared), **why})


def _nobody(refusal: str, unheard: Sequence[str] = ()) -> Survey:
    return Survey((), None, "", {}, refusal, unheard)


def _chosen(
    search: Search, found: Sequence[Candidate], useless: Mapping[str, str], unheard: Sequence[str] = ()
) -> Survey:
    best = search.best(found) if found else None
    return Survey(found, best, _because([search.harm(each) for each in found]), useless, "", unheard)


def _as_answered(nodes: Sequence[NodeInfo], answered: Victims) -> list[Candidate]:
    known = {node.name: node for node in nodes}
    return [Candidate(name, [known[name].pods[uid] for uid in them], over) for name, (them, over) in answered.items()]


def _left_alone(found: Sequence[Candidate], answered: Victims) -> dict[str, str]:
    """The nodes on which somebody could have left, had an extender agreed."""
    return {each.node: _("an extender left it out") for each in found if each.node not in answered}


def _said(status: Status) -> str:
    return status.message


def _because(harms: Sequence[tuple[float, ...]]) -> str:
    """The criterion that left one node only."""
    left = list(harms)
    if len(left) < 2:
        return ""
    for index, words in enumerate(criteria()):
        least = min(harm[index] for harm in left)
        left = [harm for harm in left if harm[index] == least]
        if len(left) == 1:
            return words
    return _("it comes first among equals")
