"""The plugins there are, in one table, and the profile that enables them.

The order is that of upstream's default profile (`apis/config/v1/default_plugins.go`), where every plugin is enabled
at every extension point it implements (`multiPoint`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from k8snb.scheduler.framework import Plugin
from k8snb.scheduler.plugins.balanced_allocation import NodeResourcesBalancedAllocation
from k8snb.scheduler.plugins.default_binder import DefaultBinder
from k8snb.scheduler.plugins.default_preemption import DefaultPreemption
from k8snb.scheduler.plugins.dynamic_resources import DynamicResources
from k8snb.scheduler.plugins.image_locality import ImageLocality
from k8snb.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from k8snb.scheduler.plugins.node_affinity import NodeAffinity
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

if TYPE_CHECKING:
    from k8snb.scheduler.runtime import Framework


class Row(NamedTuple):
    """One plugin: its name, its default weight as a Score plugin, its class, and how it is made."""

    name: str
    weight: int
    plugin: type[Plugin]
    make: Callable[[Framework], Plugin]


_TABLE = (
    Row("SchedulingGates", 0, SchedulingGates, lambda framework: SchedulingGates()),
    Row("PrioritySort", 0, PrioritySort, lambda framework: PrioritySort()),
    Row("NodeUnschedulable", 0, NodeUnschedulable, lambda framework: NodeUnschedulable()),
    Row("NodeName", 0, NodeName, lambda framework: NodeName()),
    Row("TaintToleration", 3, TaintToleration, lambda framework: TaintToleration()),
    Row("NodeAffinity", 2, NodeAffinity, lambda framework: NodeAffinity()),
    Row("NodePorts", 0, NodePorts, lambda framework: NodePorts()),
    Row("NodeResourcesFit", 1, NodeResourcesFit, lambda framework: NodeResourcesFit()),
    Row("VolumeRestrictions", 0, VolumeRestrictions, lambda framework: VolumeRestrictions(framework.storage)),
    Row("NodeVolumeLimits", 0, NodeVolumeLimits, lambda framework: NodeVolumeLimits(framework.storage)),
    Row("VolumeBinding", 0, VolumeBinding, lambda framework: VolumeBinding(framework.storage, framework.api)),
    Row("VolumeZone", 0, VolumeZone, lambda framework: VolumeZone(framework.storage)),
    Row("PodTopologySpread", 2, PodTopologySpread, lambda framework: PodTopologySpread(framework.selectors)),
    Row("InterPodAffinity", 2, InterPodAffinity, lambda its: InterPodAffinity(its.cache, its.namespaces)),
    Row("DynamicResources", 0, DynamicResources, lambda framework: DynamicResources()),
    Row("DefaultPreemption", 0, DefaultPreemption, lambda framework: DefaultPreemption(framework)),
    Row(
        "NodeResourcesBalancedAllocation",
        1,
        NodeResourcesBalancedAllocation,
        lambda _: NodeResourcesBalancedAllocation(),
    ),
    Row("ImageLocality", 1, ImageLocality, lambda framework: ImageLocality(framework.cache)),
    Row("DefaultBinder", 0, DefaultBinder, lambda framework: DefaultBinder(framework.api)),
)

PLUGINS: dict[str, Row] = {row.name: row for row in _TABLE}
"""Every plugin by name. A plugin of one's own is one more row."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A scheduler name and the plugins, with weights, that schedule the pods which ask for it."""

    name: str
    plugins: tuple[tuple[str, int], ...]

    def with_weights(self, weights: Mapping[str, int]) -> Profile:
        """The same plugins with some weights changed."""
        return replace(self, plugins=tuple((name, weights.get(name, weight)) for name, weight in self.plugins))

    def without(self, *names: str) -> Profile:
        """The profile with some plugins disabled."""
        return replace(self, plugins=tuple(row for row in self.plugins if row[0] not in names))


DEFAULT_PROFILE = Profile("default-scheduler", tuple((row.name, row.weight) for row in _TABLE))
