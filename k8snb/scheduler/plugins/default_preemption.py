"""DefaultPreemption: when no node fits, make less important pods leave one and keep it for this pod.

Who leaves is decided at PostFilter; they are sent away afterwards (`evictions`). Upstream: `plugins/defaultpreemption`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.scheduler.arguments import filled
from k8snb.scheduler.diagnosis import Diagnosis
from k8snb.scheduler.extenders import ExtenderError
from k8snb.scheduler.framework import ASSIGNED_POD, SUCCESS, Action, Code, CycleState, Interest, Status
from k8snb.scheduler.nominator import nominated_node
from k8snb.scheduler.podinfo import CLASSES
from k8snb.scheduler.preemption import Candidate, Search, leaving_for_another
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.scheduler.runtime import Framework

NOT_HELPFUL = Status.unresolvable("Preemption is not helpful for scheduling")
_USUAL = filled("DefaultPreemption", {})
NEVER = "not eligible due to preemptionPolicy=Never."
WAITING = "not eligible due to a terminating pod on the nominated node."
HELD = Status.unresolvable("waiting for the preemption for this pod to be finished", plugin="DefaultPreemption")


class DefaultPreemption:
    name = "DefaultPreemption"
    local = False
    interests = (Interest(ASSIGNED_POD, Action.DELETE, lambda pod, old, new: False),)
    """It holds pods back while others leave for them; that they fit then is for those to say that turned them away."""

    def __init__(self, framework: Framework, told: Object = _USUAL) -> None:
        self._framework = framework
        self._told = told

    def post_filter(self, state: CycleState, pod: Object, diagnosis: Diagnosis) -> tuple[str | None, Status]:
        refusal = self.not_eligible(pod, diagnosis)
        if refusal:
            return None, Status.unschedulable(f"preemption: {refusal}", plugin=self.name)
        cache = self._framework.cache
        nodes = [cache.node(name) for name in diagnosis.nodes_worth_preempting()]
        search = self.search(state, pod)
        candidates = search.candidates([node for node in nodes if node is not None])
        if not candidates and search.errors:
            return None, Status.error(f"preemption: {search.errors}", plugin=self.name)
        if not candidates:
            useless = Diagnosis(len(cache), search.statuses)
            useless.absent = NOT_HELPFUL
            return "", Status.unschedulable(f"preemption: {useless.message()}", plugin=self.name)
        try:
            candidates = self._framework.extenders.preempt(pod, candidates, cache.node)
        except ExtenderError as error:
            return None, Status.error(f"preemption: {error}", plugin=self.name)
        if not candidates:
            return None, Status.unschedulable("preemption: no candidate node for preemption", plugin=self.name)
        best = search.best(candidates)
        self._make_room(pod, best)
        return best.node, SUCCESS

    def pre_enqueue(self, pod: Object) -> Status:
        evictions = self._framework.evictions
        return HELD if evictions.running and evictions.hold(pod["metadata"]["uid"]) else SUCCESS

    def search(self, state: CycleState, pod: Object) -> Search:
        """The search for room for a pod, as far as this profile goes."""
        least, percent = self._told["minCandidateNodesAbsolute"], self._told["minCandidateNodesPercentage"]
        return Search(self._framework, state, pod, least, percent)

    def not_eligible(self, pod: Object, diagnosis: Diagnosis) -> str:
        """Why this pod may not make others leave; empty if it may."""
        pod_class = CLASSES.of(pod["spec"])
        if pod_class.preemption_policy == "Never":
            return NEVER
        nominated = nominated_node(pod)
        status = diagnosis.status(nominated)
        if not nominated or (status is not None and status.code is Code.UNRESOLVABLE):
            return ""
        node = self._framework.cache.node(nominated)
        lower = [i for i in node.pods.values() if i.pod_class.priority < pod_class.priority] if node else ()
        return WAITING if any(leaving_for_another(info.pod) for info in lower) else ""

    def _make_room(self, pod: Object, candidate: Candidate) -> None:
        priority = CLASSES.of(pod["spec"]).priority
        kept = self._framework.nominator.on(candidate.node)
        outranked = [info for info in kept if info.pod_class.priority < priority]
        self._framework.evictions.begin(pod, candidate.node, candidate.victims, outranked)
