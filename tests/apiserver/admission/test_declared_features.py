"""A pod on a node is not changed in a way that the node's kubelet does not declare."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.admission.declared_features import NodeDeclaredFeatureValidator
from k8snb.errors import StatusError
from k8snb.typing import Object

from .world import World, named, request

CPU, LEVEL = "GuaranteedQoSPodCPUResize", "InPlacePodLevelResourcesVerticalScaling"


def pod(cpu: str, *, qos: str = "Guaranteed", **spec: Any) -> Object:
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
    return named("web", "default", spec={"nodeName": "n", "containers": [container], **spec}, status={"qosClass": qos})


def refusal(new: Object, old: Object, *declared: str) -> str:
    world = World(nodes=[named("n", status={"declaredFeatures": list(declared)})])
    try:
        world.chain(NodeDeclaredFeatureValidator()).validate(request(new, "UPDATE", old=old, sub="resize"))
    except StatusError as error:
        return error.message.partition(" is forbidden: ")[2]
    return ""


@pytest.mark.parametrize(
    ("new", "old", "needed"),
    [
        (pod("2"), pod("1"), CPU),
        (pod("2", qos="Burstable"), pod("1", qos="Burstable"), ""),
        (pod("1"), pod("1"), ""),
        (pod("1", resources={"limits": {"cpu": "2"}}), pod("1"), LEVEL),
    ],
)
def test_what_a_change_needs_has_to_be_declared(new: Object, old: Object, needed: str) -> None:
    told = f'pod update requires features {needed} which are not available on node "n"' if needed else ""
    assert (refusal(new, old), refusal(new, old, CPU, LEVEL)) == (told, "")


def test_a_pod_without_a_node_may_become_anything() -> None:
    new, old = ({**each, "spec": {**each["spec"], "nodeName": ""}} for each in (pod("2"), pod("1")))
    assert refusal(new, old) == ""
