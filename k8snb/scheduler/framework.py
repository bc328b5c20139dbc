"""The scheduling framework: what a plugin may do, when, and how it answers.

A plugin is an object with a name and a method for each extension point it takes part in; there is no base class.
`EXTENSION_POINTS` lists the points in the order in which a pod passes them, and everything that runs, explains or
draws the framework reads that table. Upstream: `kube-scheduler/framework/interface.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, Flag, auto
from typing import Any, NamedTuple, Protocol

from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object

MAX_NODE_SCORE = 100
"""A normalised score lies between 0 and this."""


class ExtensionPoint(NamedTuple):
    """A place where plugins are asked. `method` is what a plugin implements to take part."""

    name: str
    method: str
    asked: str
    """How often: once per pod, per node, or when something happens."""


EXTENSION_POINTS = (
    ExtensionPoint("PreEnqueue", "pre_enqueue", "before a pod enters the active queue"),
    ExtensionPoint("QueueSort", "sort_key", "to order the active queue"),
    ExtensionPoint("PreFilter", "pre_filter", "once per pod"),
    ExtensionPoint("Filter", "filter", "for every node"),
    ExtensionPoint("PostFilter", "post_filter", "when no node is left"),
    ExtensionPoint("PreScore", "pre_score", "once per pod"),
    ExtensionPoint("Score", "score", "for every node that is left"),
    ExtensionPoint("NormalizeScore", "normalize", "once per pod, after all scores are known"),
    ExtensionPoint("Reserve", "reserve", "for the chosen node"),
    ExtensionPoint("Permit", "permit", "for the chosen node"),
    ExtensionPoint("PreBind", "pre_bind", "for the chosen node"),
    ExtensionPoint("Bind", "bind", "for the chosen node, until a plugin has bound the pod"),
    ExtensionPoint("PostBind", "post_bind", "after the pod was bound"),
)


class Code(Enum):
    """What an answer means; the value is upstream's name of it."""

    SUCCESS = "Success"
    ERROR = "Error"
    UNSCHEDULABLE = "Unschedulable"
    """Not now; evicting pods from the node might help."""
    UNRESOLVABLE = "UnschedulableAndUnresolvable"
    """Not now, and evicting pods would not help."""
    PENDING = "Pending"
    """The node is found; something else has to be done before. When it is, the pod is tried again at once."""
    WAIT = "Wait"
    SKIP = "Skip"
    """The plugin has nothing to say about this pod: its Filter or Score is not asked."""


@dataclass(frozen=True, slots=True)
class Status:
    """A plugin's answer: a code, the reasons for people, and which plugin it was."""

    code: Code
    reasons: tuple[str, ...] = ()
    plugin: str = ""
    timeout: float = 0.0
    """For how many seconds a Permit plugin wants to wait at most."""

    @property
    def rejected(self) -> bool:
        """Whether the pod was turned away (as opposed to let through, or an error)."""
        return self.code in _REJECTIONS

    @property
    def message(self) -> str:
        """The reasons as one sentence."""
        return ", ".join(self.reasons)

    def by(self, plugin: str) -> Status:
        """The same answer, signed."""
        return self if self.plugin else replace(self, plugin=plugin)

    @classmethod
    def unschedulable(cls, *reasons: str, plugin: str = "") -> Status:
        return cls(Code.UNSCHEDULABLE, reasons, plugin)

    @classmethod
    def unresolvable(cls, *reasons: str, plugin: str = "") -> Status:
        return cls(Code.UNRESOLVABLE, reasons, plugin)

    @classmethod
    def pending(cls, *reasons: str, plugin: str = "") -> Status:
        return cls(Code.PENDING, reasons, plugin)

    @classmethod
    def wait(cls, seconds: float, plugin: str = "") -> Status:
        """Permit: not yet; who is not allowed within so many seconds is turned away."""
        return cls(Code.WAIT, (), plugin, seconds)

    @classmethod
    def error(cls, reason: str, plugin: str = "") -> Status:
        return cls(Code.ERROR, (reason,), plugin)


_REJECTIONS = (Code.UNSCHEDULABLE, Code.UNRESOLVABLE, Code.PENDING)
SUCCESS = Status(Code.SUCCESS)
SKIP = Status(Code.SKIP)


class CycleState:
    """What plugins keep for themselves and each other while one pod is looked at: plugin name → anything."""

    __slots__ = (
        "before_filter",
        "before_score",
        "idle",
        "narrowed_by",
        "nodes",
        "only",
        "permits",
        "skip_filter",
        "skip_score",
    )

    def __init__(self, nodes: Sequence[NodeInfo] = ()) -> None:
        self.nodes = nodes
        """All nodes, as they were when the cycle began."""
        self.before_filter: dict[str, Any] = {}
        """What PreFilter found out. A value with a `clone` method is cloned where its plugin may change it."""
        self.before_score: dict[str, Any] = {}
        """What PreScore found out."""
        self.skip_filter: set[str] = set()
        self.skip_score: set[str] = set()
        self.only: frozenset[str] | None = None
        """The names of the only nodes worth looking at, where a PreFilter knows."""
        self.narrowed_by: tuple[str, ...] = ()
        self.permits: Mapping[str, float] = {}
        """Permit plugins that want to wait → for how many seconds."""
        self.idle: frozenset[str] = frozenset()
        """PreBind plugins that have nothing to do."""

    def narrow(self, plugin: str, names: frozenset[str]) -> None:
        """Look only at these nodes."""
        self.only = names if self.only is None else self.only & names
        self.narrowed_by = (*self.narrowed_by, plugin)

    def clone(self) -> CycleState:
        """A state on which a "what if" can be tried."""
        other = CycleState(self.nodes)
        other.before_filter = {k: v.clone() if hasattr(v, "clone") else v for k, v in self.before_filter.items()}
        other.before_score = dict(self.before_score)
        other.skip_filter, other.skip_score = set(self.skip_filter), set(self.skip_score)
        other.only, other.narrowed_by = self.only, self.narrowed_by
        return other


# -- what a plugin may implement -------------------------------------------------------------------


class Plugin(Protocol):
    """Every plugin has a name; `local` says that its Filter and Score depend on pod spec and node alone.

    A local plugin may be `steady`: the pods on the node make no difference to its Filter. One that is `for_claims`
    takes part in placing only those pods that mount claims.
    """

    name: str
    local: bool


class PreEnqueuePlugin(Plugin, Protocol):
    def pre_enqueue(self, pod: Object) -> Status: ...


class QueueSortPlugin(Plugin, Protocol):
    def sort_key(self, priority: int, timestamp: float) -> tuple[float, float]: ...


class PreFilterPlugin(Plugin, Protocol):
    def pre_filter(self, state: CycleState, pod: Object) -> Status: ...


class PreFilterExtensions(Plugin, Protocol):
    """For a plugin whose PreFilter counts pods: what to change when one is imagined to come or go."""

    def add_pod(self, state: CycleState, pod: Object, other: PodInfo, node: NodeInfo) -> None: ...

    def remove_pod(self, state: CycleState, pod: Object, other: PodInfo, node: NodeInfo) -> None: ...


class FilterPlugin(Plugin, Protocol):
    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status: ...


class PostFilterPlugin(Plugin, Protocol):
    def post_filter(self, state: CycleState, pod: Object, diagnosis: Any) -> tuple[str | None, Status]:
        """Returns the node to nominate (`""` clears, None leaves what is) and the answer."""
        ...


class PreScorePlugin(Plugin, Protocol):
    def pre_score(self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo]) -> Status: ...


class ScorePlugin(Plugin, Protocol):
    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int: ...


class NormalizePlugin(Plugin, Protocol):
    def normalize(
        self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo], scores: Sequence[int]
    ) -> Sequence[int]: ...


class ReservePlugin(Plugin, Protocol):
    def reserve(self, state: CycleState, pod: Object, node: str) -> Status: ...

    def unreserve(self, state: CycleState, pod: Object, node: str) -> None: ...


class PermitPlugin(Plugin, Protocol):
    def permit(self, state: CycleState, pod: Object, node: str) -> Status: ...


class PreBindPlugin(Plugin, Protocol):
    """May also have `pre_bind_pre_flight` (same arguments): SKIP says that there is nothing to do for the pod."""

    def pre_bind(self, state: CycleState, pod: Object, node: str) -> Status: ...


class BindPlugin(Plugin, Protocol):
    def bind(self, state: CycleState, pod: Object, node: str) -> Status: ...


class PostBindPlugin(Plugin, Protocol):
    def post_bind(self, state: CycleState, pod: Object, node: str) -> None: ...


# -- what makes a rejected pod worth another try ---------------------------------------------------


class Action(Flag):
    """What happened to an object."""

    ADD = auto()
    DELETE = auto()
    LABEL = auto()
    TAINT = auto()
    ALLOCATABLE = auto()
    TOLERATION = auto()
    GATES = auto()
    SCALE_DOWN = auto()
    UPDATE = auto()
    FEATURES = auto()
    CLAIMS = auto()
    CONDITION = auto()
    ANNOTATION = auto()


NODE = "Node"
ASSIGNED_POD = "AssignedPod"
VOLUME_CLAIM = "PersistentVolumeClaim"
VOLUME = "PersistentVolume"
STORAGE_CLASS = "StorageClass"
STORAGE_CAPACITY = "CSIStorageCapacity"
VOLUME_ATTACHMENT = "VolumeAttachment"
CSI_NODE = "CSINode"
CSI_DRIVER = "CSIDriver"
RESOURCE_CLAIM = "ResourceClaim"
RESOURCE_SLICE = "ResourceSlice"
DEVICE_CLASS = "DeviceClass"
TARGET_POD = "TargetPod"
"""The waiting pod itself."""

Hint = Callable[[Object, Object | None, Object | None], bool]
"""`hint(pod, old, new)`: whether this change may let the rejected `pod` fit."""


class ClusterEvent(NamedTuple):
    """One change, as the queue hears of it."""

    resource: str
    actions: Action


class Interest(NamedTuple):
    """A kind of change after which a pod that the plugin rejected may be tried again.

    A plugin lists its interests in `interests`; without a hint every such change counts.
    """

    resource: str
    actions: Action
    hint: Hint | None = None


class InterestedPlugin(Plugin, Protocol):
    @property
    def interests(self) -> tuple[Interest, ...]: ...


_RESOURCES = (
    NODE,
    ASSIGNED_POD,
    TARGET_POD,
    VOLUME_CLAIM,
    VOLUME,
    STORAGE_CLASS,
    STORAGE_CAPACITY,
    VOLUME_ATTACHMENT,
    CSI_NODE,
    CSI_DRIVER,
    RESOURCE_CLAIM,
    RESOURCE_SLICE,
    DEVICE_CLASS,
)
ANYTHING = tuple(Interest(resource, ~Action(0)) for resource in _RESOURCES)
"""What a plugin is interested in that does not say."""
