"""The table of plugins and the default profile."""

from __future__ import annotations

from k8snb.scheduler.framework import EXTENSION_POINTS
from k8snb.scheduler.registry import DEFAULT_PROFILE
from tests.scheduler.world import World, node, pod


def test_the_default_weights_are_those_of_1_36() -> None:
    assert {name: weight for name, weight in DEFAULT_PROFILE.plugins if weight} == {
        "TaintToleration": 3,
        "NodeAffinity": 2,
        "NodeResourcesFit": 1,
        "PodTopologySpread": 2,
        "InterPodAffinity": 2,
        "DynamicResources": 2,
        "NodeResourcesBalancedAllocation": 1,
        "ImageLocality": 1,
    }


def test_every_plugin_takes_part_where_it_can() -> None:
    at = {name: [plugin.name for plugin in plugins] for name, plugins in World().framework.at.items()}
    assert list(at) == [point.name for point in EXTENSION_POINTS]
    assert at == {
        "PreEnqueue": ["SchedulingGates", "DynamicResources", "DefaultPreemption"],
        "QueueSort": ["PrioritySort"],
        "PreFilter": [
            "NodeAffinity",
            "NodePorts",
            "NodeResourcesFit",
            "VolumeRestrictions",
            "NodeVolumeLimits",
            "VolumeBinding",
            "VolumeZone",
            "PodTopologySpread",
            "InterPodAffinity",
            "DynamicResources",
            "NodeDeclaredFeatures",
        ],
        "Filter": [
            "NodeUnschedulable",
            "NodeName",
            "TaintToleration",
            "NodeAffinity",
            "NodePorts",
            "NodeResourcesFit",
            "VolumeRestrictions",
            "NodeVolumeLimits",
            "VolumeBinding",
            "VolumeZone",
            "PodTopologySpread",
            "InterPodAffinity",
            "DynamicResources",
            "NodeDeclaredFeatures",
        ],
        "PostFilter": ["DynamicResources", "DefaultPreemption"],
        "PreScore": [
            "TaintToleration",
            "NodeAffinity",
            "NodeResourcesFit",
            "PodTopologySpread",
            "InterPodAffinity",
            "NodeResourcesBalancedAllocation",
        ],
        "Score": [
            "TaintToleration",
            "NodeAffinity",
            "NodeResourcesFit",
            "PodTopologySpread",
            "InterPodAffinity",
            "DynamicResources",
            "NodeResourcesBalancedAllocation",
            "ImageLocality",
        ],
        "NormalizeScore": [
            "TaintToleration",
            "NodeAffinity",
            "PodTopologySpread",
            "InterPodAffinity",
            "DynamicResources",
        ],
        "Reserve": ["VolumeBinding", "DynamicResources"],
        "Permit": [],
        "PreBind": ["VolumeBinding", "DynamicResources"],
        "Bind": ["DefaultBinder"],
        "PostBind": [],
    }


def test_a_profile_may_do_without_plugins_and_weigh_them_otherwise() -> None:
    careless = DEFAULT_PROFILE.without("NodeUnschedulable", "TaintToleration").with_weights({"ImageLocality": 9})
    world = World([node(unschedulable=True)], profile=careless)
    assert world.choose(pod()) == "n"
    assert world.framework.weights["ImageLocality"] == 9
