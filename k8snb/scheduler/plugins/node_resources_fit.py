"""NodeResourcesFit: what the pod requests has to be free, and the more stays free the better (LeastAllocated).

A profile may choose another strategy: `MostAllocated` fills nodes up, `RequestedToCapacityRatio` follows a line.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.scheduler.allocation import shares, strategy_of
from k8snb.scheduler.arguments import filled
from k8snb.scheduler.devices.claims import DeviceClaims
from k8snb.scheduler.framework import (
    ASSIGNED_POD,
    MAX_NODE_SCORE,
    NODE,
    SUCCESS,
    TARGET_POD,
    Action,
    CycleState,
    Interest,
    Status,
)
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES
from k8snb.scheduler.requests import Resources, allocatable
from k8snb.typing import Object

NAME = "NodeResourcesFit"
_USUAL = filled(NAME, {})


def fits_empty(pod: Object, node: Object) -> bool:
    """Whether the pod would fit if it had the node to itself."""
    return not insufficient(CLASSES.of(pod["spec"]).request, allocatable(node), Resources(), 0)[0]


def _has_grown(pod: Object, old: Object | None, new: Object | None) -> bool:
    if new is None or not fits_empty(pod, new):
        return False
    if old is None:
        return True
    request, before, after = CLASSES.of(pod["spec"]).request, allocatable(old), allocatable(new)
    wanted = (
        (request.cpu, before.cpu, after.cpu),
        (request.memory, before.memory, after.memory),
        (request.ephemeral, before.ephemeral, after.ephemeral),
        *((n, before.scalars.get(k, 0), after.scalars.get(k, 0)) for k, n in request.scalars.items()),
    )
    return after.pods > before.pods or any(asked and more > less for asked, less, more in wanted)


class NodeResourcesFit:
    name = NAME
    local = True
    interests = (
        Interest(ASSIGNED_POD, Action.DELETE | Action.SCALE_DOWN),
        Interest(TARGET_POD, Action.SCALE_DOWN),
        Interest(NODE, Action.ADD | Action.ALLOCATABLE, _has_grown),
    )

    def __init__(self, told: Object = _USUAL, devices: DeviceClaims | None = None) -> None:
        self._devices = devices
        self._ignored = frozenset(told["ignoredResources"])
        self._ignored_groups = tuple(f"{group}/" for group in told["ignoredResourceGroups"])
        strategy = told["scoringStrategy"]
        self._resources = strategy["resources"]
        self._strategy = None if strategy == _USUAL["scoringStrategy"] else strategy_of(strategy)

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        state.before_filter[NAME] = self._counted(CLASSES.of(pod["spec"]).request)
        return SUCCESS

    def _counted(self, request: Resources) -> Resources:
        """A request without the extended resources that somebody else looks after."""
        if not request.scalars or not (self._ignored or self._ignored_groups):
            return request
        found = request.copy()
        for name in request.scalars:
            if name in self._ignored or name.startswith(self._ignored_groups or ("\0",)):
                del found.scalars[name]
        return found

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        request: Resources = state.before_filter[NAME]
        have, used, pods = node.allocatable, node.requested, len(node.pods)
        if (
            pods < have.pods
            and request.cpu <= have.cpu - used.cpu
            and request.memory <= have.memory - used.memory
            and not request.ephemeral
            and not request.scalars
        ):
            return SUCCESS
        extended = CLASSES.of(pod["spec"]).extended
        if extended and self._devices is not None:
            request = self._without_devices(request, extended, have, self._devices)
        reasons, hopeless = insufficient(request, have, used, pods)
        if not reasons:
            return SUCCESS
        make = Status.unresolvable if hopeless else Status.unschedulable
        return make(*reasons, plugin=NAME)

    def _without_devices(
        self, request: Resources, extended: Sequence[str], have: Resources, devices: DeviceClaims
    ) -> Resources:
        """A request without what the node has as devices of a class, for which DynamicResources looks."""
        found = request.copy()
        for name in extended:
            if name in found.scalars and not have.scalars.get(name) and devices.class_for(name) is not None:
                del found.scalars[name]
        return found

    def pre_score(self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo]) -> Status:
        state.before_score[NAME] = CLASSES.of(pod["spec"])
        return SUCCESS

    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int:
        """The mean of what stays free of CPU and of memory, in percent. Pods without requests count with defaults."""
        pod_class, have = state.before_score[NAME], node.allocatable
        if self._strategy is not None:
            return self._strategy(shares(self._resources, pod_class, node, exact=False))
        cpu, memory = have.cpu, have.memory
        free_cpu = cpu - node.scored_cpu - pod_class.scored_cpu
        free_memory = memory - node.scored_memory - pod_class.scored_memory
        score = free_cpu * MAX_NODE_SCORE // cpu if free_cpu > 0 else 0
        if free_memory > 0:
            score += free_memory * MAX_NODE_SCORE // memory
        return score // 2 if cpu and memory else score


def insufficient(request: Resources, have: Resources, used: Resources, pods: int) -> tuple[list[str], bool]:
    """The reasons why a request does not fit, and whether it would not even fit on the empty node."""
    reasons, hopeless = [], False
    if pods + 1 > have.pods:
        reasons.append("Too many pods")
    wanted = [
        ("cpu", request.cpu, have.cpu, used.cpu),
        ("memory", request.memory, have.memory, used.memory),
        ("ephemeral-storage", request.ephemeral, have.ephemeral, used.ephemeral),
    ]
    for name, amount in sorted(request.scalars.items()):
        wanted.append((name, amount, have.scalars.get(name, 0), used.scalars.get(name, 0)))
    for name, amount, capacity, taken in wanted:
        if amount and amount > capacity - taken:
            reasons.append(f"Insufficient {name}")
            hopeless = hopeless or amount > capacity
    return reasons, hopeless
