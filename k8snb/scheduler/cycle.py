"""One pod's way through the extension points, from PreFilter to PostBind.

`choose` finds the node, the short way where that is possible and else by asking every plugin about every node;
`place` assumes the pod there and binds it, unless a plugin wants to wait, at Permit for somebody's leave or at PreBind
for volumes: then `go_on` goes on later, or `refuse` takes everything back. Where anybody waits, or a plugin has work to
do before the pod is bound, the pod's status tells meanwhile which node it gets.
Upstream: `pkg/scheduler/schedule_one.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.scheduler.diagnosis import Diagnosis, FitError, NoNodesError
from k8snb.scheduler.extenders import ExtenderError
from k8snb.scheduler.framework import SKIP, SUCCESS, Code, CycleState, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins.default_binder import DefaultBinder
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.rotation import by_turns, enough
from k8snb.scheduler.runtime import Framework
from k8snb.scheduler.shortcut import Choice, Shortcut
from k8snb.typing import Object

_BEFORE_BIND = ("Reserve", "Permit", "PreBind")
_NOTHING_KEPT = CycleState()


class Rejection(Exception):
    """The chosen node was refused after all; `status` says by whom and why.

    Where that happened before binding (`by_node`), people are told as if it were the only node there is. `binding`: its
    scheduling cycle was over.
    """

    def __init__(self, status: Status, *, by_node: bool = False, binding: bool = False) -> None:
        one = by_node and status.rejected
        super().__init__(Diagnosis(1, {"": status}).message() if one else status.message)
        self.status = status
        self.binding = binding


class Cycle:
    """Takes pods through the plugins of one profile."""

    def __init__(self, framework: Framework) -> None:
        self.framework = framework
        self._cache = framework.cache
        self._extenders, self._extends = framework.extenders, bool(framework.extenders)
        self._shortcut = Shortcut(framework)
        self._before_bind = [point for point in _BEFORE_BIND if framework.at[point]]
        self._before_usual_bind = [point for point in _BEFORE_BIND if _usual(framework, point)]
        """The same for pods that mount no claims."""
        involved = [plugin for point in (*_BEFORE_BIND, "Bind", "PostBind") for plugin in _usual(framework, point)]
        self._stateless = all(type(plugin) is DefaultBinder for plugin in involved)
        """Whether nobody who has to do with a usual placement needs to know what was found out before."""

    # -- choosing ----------------------------------------------------------------------------------

    def choose(self, info: PodInfo) -> Choice:
        """The best node for a pod. Raises `FitError` if none fits, `NoNodesError` if there is none."""
        if self._extends and self._extenders.begin(info.pod):
            return self.choose_among_all(info)
        return self._shortcut.find(info) or self.choose_among_all(info)

    def choose_among_all(self, info: PodInfo) -> Choice:
        """The best node, found by asking every plugin about every node."""
        if not len(self._cache):
            raise NoNodesError
        state, pod = CycleState(self._cache.nodes()), info.pod
        status = self.framework.pre_filter(state, pod)
        if status is not SUCCESS:
            raise self._turned_away(status)
        nominated = self._nominated(state, info)
        if nominated is not None:
            return Choice(nominated, None, 1, state)
        fitting, diagnosis = self._filter(state, pod)
        if not fitting:
            raise FitError(diagnosis, state)
        if len(fitting) == 1:
            return Choice(fitting[0], None, 1, state)
        return self._best(state, pod, fitting)

    def _turned_away(self, status: Status) -> Exception:
        if not status.rejected:
            return Rejection(status)
        diagnosis = Diagnosis(len(self._cache))
        diagnosis.absent, diagnosis.pre_filter = status, status.message
        diagnosis.blame_for((status,))
        return FitError(diagnosis)

    def _nominated(self, state: CycleState, info: PodInfo) -> NodeInfo | None:
        """The node kept for the pod, if it fits there by now."""
        name = self.framework.nominator.node_of(info.uid)
        node = self._cache.node(name) if name else None
        if node is None or self.framework.filter_with_nominated(state, info.pod, node) is not SUCCESS:
            return None
        if self._extends and not self._left_by_extenders(info.pod, node):
            return None
        return node

    def _left_by_extenders(self, pod: Object, node: NodeInfo) -> bool:
        try:
            return bool(self._extenders.filter(pod, [node], Diagnosis(1)))
        except ExtenderError:
            return False

    def _filter(self, state: CycleState, pod: Object) -> tuple[list[NodeInfo], Diagnosis]:
        diagnosis, nodes = Diagnosis(len(self._cache)), state.nodes
        if state.only is not None:
            names = " ".join(sorted(state.narrowed_by))
            diagnosis.absent = Status.unresolvable(f"node(s) didn't satisfy plugin(s) [{names}]")
            diagnosis.blame(*state.narrowed_by)
            nodes = [node for name in sorted(state.only) if (node := self._cache.node(name)) is not None]
        limit, ordered = len(nodes), nodes
        if self.framework.profile.percentage is not None:
            limit, ordered = enough(len(nodes), self.framework.profile.percentage), self._from_next(nodes)
        fitting: list[NodeInfo] = []
        for node in ordered:
            status = self.framework.filter_with_nominated(state, pod, node)
            if status is SUCCESS:
                fitting.append(node)
                if len(fitting) == limit:
                    break
            elif status.rejected:
                diagnosis.statuses[node.name] = status
            else:
                raise Rejection(status)
        self._cache.next_node += len(fitting) + len(diagnosis.statuses)
        diagnosis.blame_for(diagnosis.statuses.values())
        if self._extends:
            fitting = self._extended(pod, fitting, diagnosis)
        return fitting, diagnosis

    def _extended(self, pod: Object, nodes: list[NodeInfo], diagnosis: Diagnosis) -> list[NodeInfo]:
        """What extenders leave of nodes."""
        try:
            return self._extenders.filter(pod, nodes, diagnosis)
        except ExtenderError as error:
            raise Rejection(Status.error(str(error))) from None

    def _from_next(self, nodes: Sequence[NodeInfo]) -> list[NodeInfo]:
        """The nodes in the order of the search, from where the last one ended."""
        ordered = by_turns(nodes)
        start = self._cache.next_node % len(ordered) if ordered else 0
        return ordered[start:] + ordered[:start]

    def _best(self, state: CycleState, pod: Object, nodes: list[NodeInfo]) -> Choice:
        """The highest total; of equals the node that has not changed for longest, so that equals take turns."""
        totals = [0] * len(nodes)
        for scores in self.framework.score(state, pod, nodes):
            for index, score in enumerate(scores.normalized):
                totals[index] += scores.weight * score
        if self._extends:
            self._extenders.add_scores(pod, nodes, totals)
        best = max(range(len(nodes)), key=lambda index: (totals[index], -nodes[index].generation))
        return Choice(nodes[best], totals[best], len(nodes), state)

    # -- placing -----------------------------------------------------------------------------------

    def place(self, info: PodInfo, choice: Choice) -> Status:
        """Assume the pod on the node and bind it; WAIT if a plugin of Permit or PreBind wants to wait first.

        Raises `Rejection`, with nothing assumed any more.
        """
        state = choice.state or (_NOTHING_KEPT if self._stateless else CycleState())
        self._cache.assume(info, choice.node)
        points = self._before_bind if _is_bound_late(info) else self._before_usual_bind
        if points:
            status = self._before_binding(points, info, state)
            if status.code is Code.WAIT:
                return status
        self._bind(info, state)
        return SUCCESS

    def _before_binding(self, points: Sequence[str], info: PodInfo, state: CycleState) -> Status:
        """Reserve, Permit and PreBind; WAIT if a plugin of the last two wants to."""
        framework, pod, node = self.framework, info.pod, info.node_name
        permitted = SUCCESS
        for point in points:
            if point != "PreBind":
                permitted = framework.ask(point, state, pod, node)
                if permitted.code is not Code.WAIT:
                    self._check(permitted, state, info, by_node=True)
        work = framework.pre_flight(state, pod, node)
        if work is not SKIP:
            self._check(work, state, info, binding=True)
        if work is SUCCESS or permitted.code is Code.WAIT:
            framework.api.nominate(pod, node)
        return permitted if permitted.code is Code.WAIT else self._pre_bind(info, state)

    def _pre_bind(self, info: PodInfo, state: CycleState) -> Status:
        status = self.framework.ask("PreBind", state, info.pod, info.node_name)
        if status.code is not Code.WAIT:
            self._check(status, state, info, binding=True)
        return status

    def go_on(self, info: PodInfo, state: CycleState) -> Status:
        """Bind a pod that has been let through, or whose volumes may be bound by now; WAIT if they are not.

        Raises `Rejection`, with nothing assumed any more.
        """
        status = self._pre_bind(info, state)
        if status.code is not Code.WAIT:
            self._bind(info, state)
        return status

    def refuse(self, info: PodInfo, state: CycleState, status: Status) -> Rejection:
        """Take back what was assumed for a pod that waited in vain."""
        self._take_back(state, info)
        return Rejection(status, by_node=True, binding=True)

    def _bound_by_extender(self, info: PodInfo) -> Status | None:
        """What came of it where an extender binds the pod; None where that is left to plugins."""
        status = self._extenders.bind(info.pod, info.node_name)
        return status if status.code is not Code.SKIP else None

    def _bind(self, info: PodInfo, state: CycleState) -> None:
        status = self._bound_by_extender(info) if self._extends else None
        if status is None:
            status = self.framework.bind(state, info.pod, info.node_name)
        if status is not SUCCESS:
            self._check(status, state, info, binding=True)
        if not self._stateless:
            self.framework.post_bind(state, info.pod, info.node_name)

    def _check(
        self, status: Status, state: CycleState, info: PodInfo, *, by_node: bool = False, binding: bool = False
    ) -> None:
        if status.code is not Code.SUCCESS:
            self._take_back(state, info)
            raise Rejection(status, by_node=by_node, binding=binding)

    def _take_back(self, state: CycleState, info: PodInfo) -> None:
        self.framework.unreserve(state, info.pod, info.node_name)
        self._cache.forget(info.uid)


def _is_bound_late(info: PodInfo) -> bool:
    """Whether something else may have to be bound, or got ready, before the pod is."""
    pod_class = info.pod_class
    return pod_class.has_claims or pod_class.claims_devices or bool(pod_class.extended)


def _usual(framework: Framework, point: str) -> list[Any]:
    """The plugins of a point that take part whether or not a pod mounts claims."""
    return [plugin for plugin in framework.at[point] if not getattr(plugin, "for_claims", False)]
