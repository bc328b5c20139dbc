"""NodeResourcesBalancedAllocation: likes nodes whose CPU and memory use become more alike with the pod.

Since 1.36 what counts is the change: 75 when the pod changes nothing, more when it brings the two closer. A profile may
name other resources than the two.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.scheduler.allocation import amount, balance, shares
from k8snb.scheduler.arguments import filled
from k8snb.scheduler.framework import MAX_NODE_SCORE, SKIP, SUCCESS, CycleState, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES
from k8snb.typing import Object

NAME = "NodeResourcesBalancedAllocation"
_HALF = MAX_NODE_SCORE // 2
_USUAL: Sequence[Object] = filled(NAME, {})["resources"]


class NodeResourcesBalancedAllocation:
    name = NAME
    local = True

    def __init__(self, resources: Sequence[Object] = _USUAL) -> None:
        self._resources = None if resources == _USUAL else resources

    def pre_score(self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo]) -> Status:
        """A pod that requests neither is not scored: it would go where it looks balanced, again and again."""
        pod_class = CLASSES.of(pod["spec"])
        request = pod_class.request
        if self._resources is not None:
            state.before_score[NAME] = pod_class
            return SUCCESS if any(amount(request, each["name"]) for each in self._resources) else SKIP
        if not request.cpu and not request.memory:
            return SKIP
        state.before_score[NAME] = request
        return SUCCESS

    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int:
        if self._resources is not None:
            found = shares(self._resources, state.before_score[NAME], node, exact=True)
            with_it = balance([share.after / share.capacity for share in found])
            return _HALF + (_HALF + with_it - balance([share.before / share.capacity for share in found])) // 2
        request, have, used = state.before_score[NAME], node.allocatable, node.requested
        cpu, memory = have.cpu, have.memory
        if not cpu or not memory:
            return _HALF + _HALF // 2
        after = _balance((used.cpu + request.cpu) / cpu, (used.memory + request.memory) / memory)
        return _HALF + (_HALF + after - _balance(used.cpu / cpu, used.memory / memory)) // 2


def _balance(cpu: float, memory: float) -> int:
    """100 less the standard deviation of the two shares, in percent; a share above 1 counts as 1."""
    if cpu > 1.0:
        cpu = 1.0
    if memory > 1.0:
        memory = 1.0
    return int((1 - abs((cpu - memory) / 2)) * MAX_NODE_SCORE)
