"""The plugins there are, in one table, and the profile that enables them.

The order is that of upstream's default profile (`apis/config/v1/default_plugins.go`), where every plugin is enabled
at every extension point it implements (`multiPoint`). A reader's own plugin is a class with a `name` and a method for
each point that it takes part in; `row_of` makes it one more row, and a configuration enables it by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from k8snb.scheduler.arguments import filled
from k8snb.scheduler.framework import Plugin
from k8snb.scheduler.plugins.balanced_allocation import NodeResourcesBalancedAllocation
from k8snb.scheduler.plugins.default_binder import DefaultBinder
from k8snb.scheduler.plugins.default_preemption import DefaultPreemption
from k8snb.scheduler.plugins.dynamic_resources import DynamicResources
from k8snb.scheduler.plugins.image_locality import ImageLocality
from k8snb.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from k8snb.scheduler.plugins.node_affinity import NodeAffinity
from k8snb.scheduler.plugins.node_declared_features import NodeDeclaredFeatures
from k8snb.scheduler.plugins.node_name import NodeName
from k8snb.scheduler.plugins.node_ports import NodePorts
from k8snb.scheduler.plugins.node_resources_fit import NodeResourcesFit
from k8snb.scheduler.plugins.node_unschedulable import NodeUnschedulable
from k8snb.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from k8snb.scheduler.plugins.pod_topology_spread import PodTopologySpread
from k8snb.scheduler.plugins.priority_sort import PrioritySort
from k8snb.scheduler.plugins.scheduling_gates import SchedulingGates
from k8snb.scheduler.plugins.taint_toleration import TaintToleration
from k8snb.scheduler.plugins.volume_binding import VolumeBinding
from k8snb.scheduler.plugins.volume_restrictions import VolumeRestrictions
from k8snb.scheduler.plugins.volume_zone import VolumeZone
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.scheduler.runtime import Framework

Make = Callable[["Framework", Object], Any]
"""Makes a plugin for a profile: the plugin may ask the framework, and is told its arguments."""


class Row(NamedTuple):
    """One plugin: its name, its default weight as a Score plugin, its class, and how it is made."""

    name: str
    weight: int
    plugin: type[Plugin]
    make: Make


_TABLE = (
    Row("SchedulingGates", 0, SchedulingGates, lambda its, told: SchedulingGates()),
    Row("PrioritySort", 0, PrioritySort, lambda its, told: PrioritySort()),
    Row("NodeUnschedulable", 0, NodeUnschedulable, lambda its, told: NodeUnschedulable()),
    Row("NodeName", 0, NodeName, lambda its, told: NodeName()),
    Row("TaintToleration", 3, TaintToleration, lambda its, told: TaintToleration()),
    Row("NodeAffinity", 2, NodeAffinity, lambda its, told: NodeAffinity(told["addedAffinity"])),
    Row("NodePorts", 0, NodePorts, lambda its, told: NodePorts()),
    Row("NodeResourcesFit", 1, NodeResourcesFit, lambda its, told: NodeResourcesFit(told, its.devices)),
    Row("VolumeRestrictions", 0, VolumeRestrictions, lambda its, told: VolumeRestrictions(its.storage)),
    Row("NodeVolumeLimits", 0, NodeVolumeLimits, lambda its, told: NodeVolumeLimits(its.storage)),
    Row("VolumeBinding", 0, VolumeBinding, lambda its, told: VolumeBinding(its.storage, its.api, told)),
    Row("VolumeZone", 0, VolumeZone, lambda its, told: VolumeZone(its.storage)),
    Row("PodTopologySpread", 2, PodTopologySpread, lambda its, told: PodTopologySpread(its.selectors, told)),
    Row("InterPodAffinity", 2, InterPodAffinity, lambda its, told: InterPodAffinity(its.cache, its.namespaces, told)),
    Row(
        "DynamicResources",
        2,
        DynamicResources,
        lambda its, told: DynamicResources(its.devices, its.api, its.now, told),
    ),
    Row("DefaultPreemption", 0, DefaultPreemption, lambda its, told: DefaultPreemption(its, told)),
    Row(
        "NodeResourcesBalancedAllocation",
        1,
        NodeResourcesBalancedAllocation,
        lambda its, told: NodeResourcesBalancedAllocation(told["resources"]),
    ),
    Row("ImageLocality", 1, ImageLocality, lambda its, told: ImageLocality(its.cache)),
    Row("DefaultBinder", 0, DefaultBinder, lambda its, told: DefaultBinder(its.api)),
    Row("NodeDeclaredFeatures", 0, NodeDeclaredFeatures, lambda its, told: NodeDeclaredFeatures()),
)

PLUGINS: dict[str, Row] = {row.name: row for row in _TABLE}
"""Every plugin of Kubernetes by name."""


def row_of(plugin: type[Any]) -> Row:
    """The row of a reader's plugin; without a `name` it is called like its class.

    It is made without arguments, or by its class method `make(framework, arguments)`.
    """
    if not hasattr(plugin, "name"):
        plugin.name = plugin.__name__
    make: Make = getattr(plugin, "make", None) or (lambda its, told: plugin())
    return Row(plugin.name, 0, plugin, make)


@dataclass(frozen=True, slots=True)
class Profile:
    """A scheduler name and the plugins, with weights, that schedule the pods which ask for it."""

    name: str
    plugins: tuple[tuple[str, int], ...]
    points: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Extension point → the plugins there, where they are not simply those that implement it."""
    arguments: Mapping[str, Object] = field(default_factory=dict)
    """Plugin → what it is told."""
    percentage: int | None = None
    """How many of the nodes are looked at, in percent: 0 as upstream's formula says, None all."""
    more: Mapping[str, Row] = field(default_factory=dict)
    """The reader's own plugins."""

    def row(self, name: str) -> Row:
        """The plugin of that name."""
        return self.more.get(name) or PLUGINS[name]

    def told(self, name: str) -> Object:
        """The arguments of a plugin, with defaults filled in."""
        return filled(name, self.arguments.get(name) or {})

    @property
    def usual(self) -> bool:
        """Whether only weights differ from the default profile's."""
        same = tuple(name for name, _ in self.plugins) == tuple(PLUGINS)
        told = all(self.told(name) == filled(name, {}) for name in self.arguments)
        return same and told and not self.points and self.percentage is None

    def with_weights(self, weights: Mapping[str, int]) -> Profile:
        """The same plugins with some weights changed."""
        return replace(self, plugins=tuple((name, weights.get(name, weight)) for name, weight in self.plugins))

    def without(self, *names: str) -> Profile:
        """The profile with some plugins disabled."""
        return replace(self, plugins=tuple(row for row in self.plugins if row[0] not in names))


DEFAULT_PROFILE = Profile("default-scheduler", tuple((row.name, row.weight) for row in _TABLE))
