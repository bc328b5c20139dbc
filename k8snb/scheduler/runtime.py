"""Running the plugins of one profile, point by point.

`explain` and the ranking ask through the same methods as the scheduling cycle, so there is one truth. Upstream:
`framework/runtime/framework.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from k8snb.scheduler.api import Api
from k8snb.scheduler.cache import Cache
from k8snb.scheduler.devices.claims import DeviceClaims
from k8snb.scheduler.diagnosis import Diagnosis
from k8snb.scheduler.evictions import Evictions
from k8snb.scheduler.extenders import NAME as EXTENDER
from k8snb.scheduler.extenders import Extenders
from k8snb.scheduler.framework import (
    ANYTHING,
    EXTENSION_POINTS,
    SKIP,
    SUCCESS,
    Code,
    CycleState,
    ExtensionPoint,
    Interest,
    Status,
)
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.nominator import Nominator
from k8snb.scheduler.permits import WaitingRoom
from k8snb.scheduler.podinfo import CLASSES, PodInfo
from k8snb.scheduler.registry import DEFAULT_PROFILE, Profile
from k8snb.scheduler.selectors import DefaultSelectors
from k8snb.scheduler.storage import Storage
from k8snb.typing import Object

MOST_SECONDS = 900.0
"""No Permit plugin can make a pod wait for longer."""


@dataclass(slots=True)
class Surroundings:
    """What plugins get to see of the scheduler."""

    cache: Cache
    selectors: DefaultSelectors
    namespaces: Callable[[str], Mapping[str, str]]
    """The labels of a namespace."""
    nominator: Nominator
    api: Api
    now: Callable[[], float]
    activate: Callable[[str], None] = lambda uid: None
    """Try the pod of that uid again now."""
    storage: Storage = field(default_factory=Storage)
    devices: DeviceClaims = field(default_factory=DeviceClaims)
    budgets: Callable[[], Sequence[Object]] = tuple
    """All disruption budgets."""
    waiting: WaitingRoom[Any] | None = None
    """The pods that Permit plugins let wait."""
    evictions: Evictions | None = None
    """Preemptions that are being carried out."""
    extenders: Extenders = field(default_factory=Extenders)


@dataclass(frozen=True, slots=True)
class PluginScores:
    """What one Score plugin says of every node, before and after normalising. `skipped`: it had nothing to say."""

    plugin: str
    weight: int
    raw: Sequence[int]
    normalized: Sequence[int]
    skipped: bool = False


class Framework:
    """The plugins of one profile, ready to be asked."""

    def __init__(self, surroundings: Surroundings, profile: Profile = DEFAULT_PROFILE) -> None:
        self.profile = profile
        self.cache: Cache = surroundings.cache
        self.selectors: DefaultSelectors = surroundings.selectors
        self.namespaces: Callable[[str], Mapping[str, str]] = surroundings.namespaces
        self.nominator: Nominator = surroundings.nominator
        self.api: Api = surroundings.api
        self.now: Callable[[], float] = surroundings.now
        self.activate = surroundings.activate
        self.waiting: WaitingRoom[Any] | None = surroundings.waiting
        self.evictions: Evictions = surroundings.evictions or Evictions(surroundings.api)
        self.extenders: Extenders = surroundings.extenders
        self.storage: Storage = surroundings.storage
        self.devices: DeviceClaims = surroundings.devices
        self.budgets: Callable[[], Sequence[Object]] = surroundings.budgets
        self.plugins: dict[str, Any] = {
            name: profile.row(name).make(self, profile.told(name)) for name, _ in profile.plugins
        }
        self.at: dict[str, tuple[Any, ...]] = {point.name: self._plugins_at(point) for point in EXTENSION_POINTS}
        """The plugins of each extension point, in the profile's order."""
        self.weights = dict(profile.plugins)

    def _plugins_at(self, point: ExtensionPoint) -> tuple[Any, ...]:
        chosen = self.profile.points.get(point.name)
        found = self.plugins.values() if chosen is None else [self.plugins[name] for name in chosen]
        return tuple(plugin for plugin in found if hasattr(plugin, point.method))

    def interests(self) -> list[tuple[str, Interest]]:
        """After which changes the pods that a plugin rejected are worth another try: any, if it does not say."""
        rejecting = {plugin.name for point in _REJECTING for plugin in self.at[point]}
        of_extenders = [(EXTENDER, each) for each in ANYTHING] if self.extenders else []
        return of_extenders + [
            (name, each)
            for name, plugin in self.plugins.items()
            for each in getattr(plugin, "interests", ANYTHING if name in rejecting else ())
        ]

    def pre_enqueue(self, pod: Object) -> Status:
        """Whether the pod may enter the queue."""
        for plugin in self.at["PreEnqueue"]:
            status: Status = plugin.pre_enqueue(pod)
            if status is not SUCCESS:
                return status.by(plugin.name)
        return SUCCESS

    # -- filtering ---------------------------------------------------------------------------------

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        """Ask every PreFilter; the first rejection ends it."""
        for plugin in self.at["PreFilter"]:
            status: Status = plugin.pre_filter(state, pod)
            if status.code is Code.SKIP:
                state.skip_filter.add(plugin.name)
            elif status.code is not Code.SUCCESS:
                return status.by(plugin.name)
            if state.only is not None and not state.only:
                return self._narrowed_to_nothing(state)
        return SUCCESS

    def _narrowed_to_nothing(self, state: CycleState) -> Status:
        names = state.narrowed_by
        text = f"plugin {names[0]}" if len(names) == 1 else f"plugin(s) [{' '.join(names)}] simultaneously"
        return Status.unresolvable(f"node(s) didn't satisfy {text}", plugin=names[-1])

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        """Ask the Filter plugins about one node; the first rejection is the answer."""
        skipped = state.skip_filter
        for plugin in self.at["Filter"]:
            if plugin.name not in skipped:
                status: Status = plugin.filter(state, pod, node)
                if status is not SUCCESS and status.code is not Code.SUCCESS:
                    return status.by(plugin.name) if status.rejected else _failed(plugin.name, status)
        return SUCCESS

    def filter_with_nominated(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        """As `filter`, both with and without the pods of no lower priority that the node is kept for."""
        imagined = self.with_nominated(state, pod, node)
        if imagined is not None:
            status = self.filter(imagined[0], pod, imagined[1])
            if status is not SUCCESS:
                return status
        return self.filter(state, pod, node)

    def with_nominated(self, state: CycleState, pod: Object, node: NodeInfo) -> tuple[CycleState, NodeInfo] | None:
        """The node with the pods of no lower priority that it is kept for; None if it is kept for none."""
        waiting = self.nominator.on(node.name) if self.nominator.pods else ()
        if not waiting:
            return None
        uid, priority = pod["metadata"].get("uid"), CLASSES.of(pod["spec"]).priority
        guests = [info for info in waiting if info.uid != uid and info.pod_class.priority >= priority]
        if not guests:
            return None
        imagined, crowded = state.clone(), node.clone()
        for guest in guests:
            self.imagine(imagined, pod, guest, crowded, 1)
        return imagined, crowded

    def imagine(self, state: CycleState, pod: Object, other: PodInfo, node: NodeInfo, sign: int) -> None:
        """Put another pod on a (cloned) node, or take it off, and tell the plugins that count pods."""
        if sign > 0:
            node.add(other)
        else:
            node.remove(other.uid)
        for plugin in self.at["PreFilter"]:
            method = getattr(plugin, "add_pod" if sign > 0 else "remove_pod", None)
            if method is not None and plugin.name not in state.skip_filter:
                method(state, pod, other, node)

    def post_filter(self, state: CycleState, pod: Object, diagnosis: Diagnosis) -> str | None:
        """Ask the PostFilter plugins for help; their words go into the diagnosis. Returns the node to nominate."""
        nominated: str | None = None
        reasons: list[str] = []
        for plugin in self.at["PostFilter"]:
            node, status = plugin.post_filter(state, pod, diagnosis)
            if status is SUCCESS:
                return str(node) if node is not None else None
            if status.code is not Code.UNSCHEDULABLE:
                diagnosis.post_filter = status.message
                return nominated if node is None else str(node)
            nominated = nominated if node is None else str(node)
            reasons += status.reasons
        diagnosis.post_filter = ", ".join(reasons)
        return nominated

    # -- scoring -----------------------------------------------------------------------------------

    def score(self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo]) -> list[PluginScores]:
        """What every Score plugin says of the nodes that passed the filters."""
        for plugin in self.at["PreScore"]:
            if plugin.pre_score(state, pod, nodes).code is Code.SKIP:
                state.skip_score.add(plugin.name)
        return [self._scores_of(plugin, state, pod, nodes) for plugin in self.at["Score"]]

    def _scores_of(self, plugin: Any, state: CycleState, pod: Object, nodes: Sequence[NodeInfo]) -> PluginScores:
        weight = self.weights[plugin.name]
        if plugin.name in state.skip_score:
            nothing = [0] * len(nodes)
            return PluginScores(plugin.name, weight, nothing, nothing, skipped=True)
        raw = [plugin.score(state, pod, node) for node in nodes]
        normalized = plugin.normalize(state, pod, nodes, raw) if hasattr(plugin, "normalize") else raw
        return PluginScores(plugin.name, weight, raw, normalized)

    # -- placing -----------------------------------------------------------------------------------

    def ask(self, point: str, state: CycleState, pod: Object, node: str) -> Status:
        """Ask the plugins of Reserve, Permit or PreBind about the chosen node; the first refusal is the answer.

        At Permit, the wish of any to wait is the answer if nobody refuses; `permits` has who wants to wait how long.
        """
        method = _METHODS[point]
        answer, waits = SUCCESS, {}
        idle = state.idle if point == "PreBind" else ()
        for plugin in self.at[point]:
            if plugin.name in idle:
                continue
            status: Status = getattr(plugin, method)(state, pod, node)
            if status.code is Code.WAIT and point == "Permit":
                answer = status.by(plugin.name)
                waits[plugin.name] = min(status.timeout, MOST_SECONDS)
            elif status.code is Code.ERROR:
                return Status.error(f'running {point} plugin "{plugin.name}": {status.message}', plugin.name)
            elif status.code is not Code.SUCCESS:
                return status.by(plugin.name)
        if waits:
            state.permits = waits
        return answer

    def pre_flight(self, state: CycleState, pod: Object, node: str) -> Status:
        """Whether any PreBind plugin has something to do for the pod, SKIP if not; those that have not are left out.

        Whoever does not say (`pre_bind_pre_flight`) is believed to have.
        """
        answer = SKIP
        for plugin in self.at["PreBind"]:
            ask = getattr(plugin, "pre_bind_pre_flight", None)
            status: Status = SUCCESS if ask is None else ask(state, pod, node)
            if status.code is Code.SKIP:
                state.idle |= {plugin.name}
            elif status.code is not Code.SUCCESS:
                return Status.error(f'running PreBindPreFlight "{plugin.name}": {status.message}', plugin.name)
            else:
                answer = SUCCESS
        return answer

    def bind(self, state: CycleState, pod: Object, node: str) -> Status:
        """Let the first Bind plugin that wants to bind the pod."""
        for plugin in self.at["Bind"]:
            status: Status = plugin.bind(state, pod, node)
            if status.code is Code.SUCCESS:
                return status
            if status.code is not Code.SKIP:
                return Status.error(f'running Bind plugin "{plugin.name}": {status.message}', plugin.name)
        return Status.error("no plugin bound the pod")

    def unreserve(self, state: CycleState, pod: Object, node: str) -> None:
        """Take back what Reserve did, in reverse order."""
        for plugin in reversed(self.at["Reserve"]):
            if hasattr(plugin, "unreserve"):
                plugin.unreserve(state, pod, node)

    def post_bind(self, state: CycleState, pod: Object, node: str) -> None:
        """Tell whoever wants to know."""
        for plugin in self.at["PostBind"]:
            plugin.post_bind(state, pod, node)


def _failed(plugin: str, status: Status) -> Status:
    """A filter that can not tell: the attempt ends with an error."""
    return Status.error(f'running "{plugin}" filter plugin: {status.message}', plugin)


_REJECTING = ("PreEnqueue", "PreFilter", "Filter", "Reserve", "Permit")
_METHODS = {point.name: point.method for point in EXTENSION_POINTS}


def local_plugins(framework: Framework, point: str) -> list[Any]:
    """The plugins of a point whose answer depends on pod spec and node alone."""
    return [plugin for plugin in framework.at[point] if getattr(plugin, "local", False)]
