"""Making room: which pods would have to leave which node so that a more important one fits.

For every node where it might help, all pods of lower priority are imagined away; if the pod then fits, as many as
possible are put back, the most important first. Of the nodes found the one that hurts least is taken. Disruption
budgets are not looked at yet. Upstream: `framework/preemption`, `plugins/defaultpreemption`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from k8snb.clock import parse_time
from k8snb.machinery.objects import condition, is_deleting
from k8snb.scheduler.framework import SUCCESS, CycleState, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES, PodInfo
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.scheduler.runtime import Framework

MIN_CANDIDATES = 100
CANDIDATES_PERCENT = 10
"""So many nodes, and at least `MIN_CANDIDATES`, are found before the search stops."""

NO_VICTIMS = Status.unresolvable("No preemption victims found for incoming pod")


class Candidate(NamedTuple):
    """A node, and who would have to leave it, the most important first."""

    node: str
    victims: Sequence[PodInfo]


class Search:
    """The search for room for one pod."""

    def __init__(self, framework: Framework, state: CycleState, pod: Object) -> None:
        self._framework = framework
        self._state = state
        self._pod = pod
        self._priority = CLASSES.of(pod["spec"]).priority
        self.statuses: dict[str, Status] = {}
        """Why it would not help on the nodes that were tried in vain."""

    def candidates(self, nodes: Sequence[NodeInfo]) -> list[Candidate]:
        """Nodes on which room can be made."""
        if not any(priority < self._priority for priority in self._framework.cache.priorities):
            self.statuses = {node.name: NO_VICTIMS for node in nodes}
            return []
        enough = max(len(nodes) * CANDIDATES_PERCENT // 100, MIN_CANDIDATES)
        found: list[Candidate] = []
        for node in nodes:
            victims = self._victims(node)
            if isinstance(victims, Status):
                self.statuses[node.name] = victims
            else:
                found.append(Candidate(node.name, victims))
                if len(found) >= enough:
                    break
        return found

    def _victims(self, node: NodeInfo) -> list[PodInfo] | Status:
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
        victims: list[PodInfo] = []
        for info in sorted(lower, key=self._importance):
            framework.imagine(state, pod, info, imagined, 1)
            if framework.filter_with_nominated(state, pod, imagined) is not SUCCESS:
                framework.imagine(state, pod, info, imagined, -1)
                victims.append(info)
        return victims

    def _importance(self, info: PodInfo) -> tuple[int, float]:
        return -info.pod_class.priority, self._started(info)

    def _started(self, info: PodInfo) -> float:
        started = (info.pod.get("status") or {}).get("startTime")
        return parse_time(started) if started else self._framework.now()

    def best(self, candidates: Sequence[Candidate]) -> Candidate:
        """The candidate that hurts least; the first of equals."""
        return min(candidates, key=self._harm)

    def _harm(self, candidate: Candidate) -> tuple[float, ...]:
        """By the most important victim, by all together, by their number, and by how long the most important ran."""
        priorities = [info.pod_class.priority for info in candidate.victims]
        highest = max(priorities)
        earliest = min(self._started(info) for info in candidate.victims if info.pod_class.priority == highest)
        return highest, sum(each + 2**31 for each in priorities), len(priorities), -earliest


def leaving_for_another(pod: Object) -> bool:
    """Whether a pod is terminating because the scheduler made it leave."""
    found = condition(pod, "DisruptionTarget")
    reason = found is not None and found["status"] == "True" and found.get("reason")
    return is_deleting(pod) and reason == "PreemptionByScheduler"
