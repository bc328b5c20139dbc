"""Who would have to leave which node so that a pod fits: the search for victims, without making anybody leave.

It is the same search as DefaultPreemption's. Beside the node that it would take it says which of the five criteria
decided between the nodes. Upstream: `framework/preemption` (`pickOneNodeForPreemption`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8snb.i18n import _
from k8snb.scheduler.diagnosis import Diagnosis
from k8snb.scheduler.explain import as_if_unplaced
from k8snb.scheduler.framework import SUCCESS, CycleState, Status
from k8snb.scheduler.plugins.default_preemption import DefaultPreemption
from k8snb.scheduler.preemption import Candidate
from k8snb.scheduler.runtime import Framework
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


def criteria() -> tuple[str, ...]:
    """What is compared, in this order: the first difference decides."""
    return (
        _("the fewest disruption budgets are overdrawn"),
        _("the most important victim is the least important"),
        _("the victims' priorities add up to the least"),
        _("the fewest pods leave"),
        _("the most important victim started last"),
    )


def survey(framework: Framework, pod: Object) -> Survey:
    """Who could leave for this pod."""
    plugin = next((each for each in framework.at["PostFilter"] if isinstance(each, DefaultPreemption)), None)
    if plugin is None:
        return Survey((), None, "", {}, _("the profile has no preemption"))
    nodes, pod = as_if_unplaced(framework, pod)
    state = CycleState(nodes)
    status = framework.pre_filter(state, pod)
    if status is not SUCCESS:
        return Survey((), None, "", {}, status.message)
    verdicts = {node.name: framework.filter_with_nominated(state, pod, node) for node in nodes}
    if any(each is SUCCESS for each in verdicts.values()):
        return Survey((), None, "", {}, _("the pod fits without"))
    diagnosis = Diagnosis(len(nodes), verdicts)
    refusal = plugin.not_eligible(pod, diagnosis)
    if refusal:
        return Survey((), None, "", {}, refusal)
    search = plugin.search(state, pod)
    worth = set(diagnosis.nodes_worth_preempting())
    found = search.candidates([node for node in nodes if node.name in worth])
    useless = {**{name: each for name, each in verdicts.items() if name not in worth}, **search.statuses}
    best = search.best(found) if found else None
    because = _because([search.harm(each) for each in found])
    return Survey(found, best, because, {name: _said(each) for name, each in useless.items()}, "")


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
