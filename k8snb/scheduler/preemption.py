"""Making room: which pods would have to leave which node so that a more important one fits.

For every node where it might help, all pods of lower priority are imagined away; if the pod then fits, as many as
possible are put back: first those whose disruption budget has no room left, and of each sort the most important first.
Of the nodes found the one that hurts least is taken; if there is no other way, a budget is overdrawn.
Upstream: `framework/preemption`, `plugins/defaultpreemption`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from k8snb.clock import parse_time
from k8snb.machinery.objects import condition, is_deleting
from k8snb.machinery.selectors import of_object
from k8snb.scheduler.answers import Victims
from k8snb.scheduler.framework import SUCCESS, Code, CycleState, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES, PodInfo
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.scheduler.runtime import Framework

NO_VICTIMS = Status.unresolvable("No preemption victims found for incoming pod")


class Candidate(NamedTuple):
    """A node, and who would have to leave it, the most important first."""

    node: str
    victims: Sequence[PodInfo]
    overdrawn: int
    """How many of them leave though their disruption budget has no room for it."""


def uids(candidates: Iterable[Candidate]) -> Victims:
    """The same by the UIDs of the victims."""
    return {each.node: (tuple(info.uid for info in each.victims), each.overdrawn) for each in candidates}


class Search:
    """The search for room for one pod; it stops when so many nodes are found: `percent` of them, and `least`.

    As long as a budget would be overdrawn on each of them, it goes on.
    """

    def __init__(
        self, framework: Framework, state: CycleState, pod: Object, least: int = 100, percent: int = 10
    ) -> None:
        self._least, self._percent = least, percent
        self._framework = framework
        self._state = state
        self._pod = pod
        self._priority = CLASSES.of(pod["spec"]).priority
        self._budgets = framework.budgets()
        self.statuses: dict[str, Status] = {}
        """Why it would not help on the nodes that were tried in vain."""

    @property
    def errors(self) -> str:
        """What went wrong on nodes, as one message."""
        found = dict.fromkeys(each.message for each in self.statuses.values() if each.code is Code.ERROR)
        return next(iter(found)) if len(found) == 1 else f"[{', '.join(found)}]" if found else ""

    def candidates(self, nodes: Sequence[NodeInfo]) -> list[Candidate]:
        """Nodes on which room can be made."""
        if not any(priority < self._priority for priority in self._framework.cache.priorities):
            self.statuses = {node.name: NO_VICTIMS for node in nodes}
            return []
        enough = max(len(nodes) * self._percent // 100, self._least)
        found: list[Candidate] = []
        harmless = False
        for node in nodes:
            candidate = self._candidate(node)
            if isinstance(candidate, Status):
                self.statuses[node.name] = candidate
            else:
                found.append(candidate)
                harmless = harmless or not candidate.overdrawn
                if harmless and len(found) >= enough:
                    break
        return found

    def _candidate(self, node: NodeInfo) -> Candidate | Status:
        lower = [info for info in node.pods.values() if info.pod_class.priority < self._priority]
        if not lower:
            return NO_VICTIMS
        framework, pod = self._framework, self._pod
        state, imagined = self._state.clone(), node.clone()
        for info in lower:
            framework.imagine(state, pod, info, imagined, -1)
        status = framework.filter_with_nominated(state, pod, imagined)
        if status is not SUCCESS:
            return status
        lower.sort(key=self._importance)
        kept, others = self._by_budget(lower)
        victims: list[PodInfo] = []
        for info in (*kept, *others):
            framework.imagine(state, pod, info, imagined, 1)
            if framework.filter_with_nominated(state, pod, imagined) is not SUCCESS:
                framework.imagine(state, pod, info, imagined, -1)
                victims.append(info)
        if not victims:
            return Status.error(f'expected at least one victim pod on node "{node.name}"')
        overdrawn = sum(info in kept for info in victims)
        return Candidate(node.name, sorted(victims, key=self._importance), overdrawn)

    def _by_budget(self, pods: Sequence[PodInfo]) -> tuple[list[PodInfo], list[PodInfo]]:
        """Those that may not leave by their budgets, taken one after another, and the others."""
        if not self._budgets:
            return [], list(pods)
        left = {id(budget): (budget.get("status") or {}).get("disruptionsAllowed", 0) for budget in self._budgets}
        kept: list[PodInfo] = []
        others: list[PodInfo] = []
        for info in pods:
            ours = [budget for budget in self._budgets if _covers(budget, info)]
            for budget in ours:
                left[id(budget)] -= 1
            (kept if any(left[id(budget)] < 0 for budget in ours) else others).append(info)
        return kept, others

    def _importance(self, info: PodInfo) -> tuple[int, float]:
        return -info.pod_class.priority, self._started(info)

    def _started(self, info: PodInfo) -> float:
        started = (info.pod.get("status") or {}).get("startTime")
        return parse_time(started) if started else self._framework.now()

    def best(self, candidates: Sequence[Candidate]) -> Candidate:
        """The candidate that hurts least; the first of equals."""
        return min(candidates, key=self.harm)

    def harm(self, candidate: Candidate) -> tuple[float, ...]:
        """By budgets overdrawn, the most important victim, all together, their number, how long the first has run."""
        priorities = [info.pod_class.priority for info in candidate.victims]
        highest = max(priorities)
        earliest = min(self._started(info) for info in candidate.victims if info.pod_class.priority == highest)
        return candidate.overdrawn, highest, sum(each + 2**31 for each in priorities), len(priorities), -earliest


def leaving_for_another(pod: Object) -> bool:
    """Whether a pod is terminating because the scheduler made it leave."""
    found = condition(pod, "DisruptionTarget")
    reason = found is not None and found["status"] == "True" and found.get("reason")
    return is_deleting(pod) and reason == "PreemptionByScheduler"


def _covers(budget: Object, info: PodInfo) -> bool:
    """Whether a disruption budget counts a pod that nobody is making leave yet."""
    selector = (budget.get("spec") or {}).get("selector")
    if not selector or not info.labels or budget["metadata"]["namespace"] != info.namespace:
        return False
    if info.pod["metadata"]["name"] in ((budget.get("status") or {}).get("disruptedPods") or {}):
        return False
    return of_object(selector).matches(info.labels)
