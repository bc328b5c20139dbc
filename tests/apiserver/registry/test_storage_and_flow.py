"""Kinds of storage drivers, runtimes, disruption budgets and flow control."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.registry.writing import create, made, refusals, strategy, update_refusals

CLASSES = strategy("storageclasses.storage.k8s.io")
ATTRIBUTES = strategy("volumeattributesclasses.storage.k8s.io")
DRIVERS = strategy("csidrivers.storage.k8s.io")
NODES = strategy("csinodes.storage.k8s.io")
ATTACHMENTS = strategy("volumeattachments.storage.k8s.io")
RUNTIMES = strategy("runtimeclasses.node.k8s.io")
BUDGETS = strategy("poddisruptionbudgets.policy")
SCHEMAS = strategy("flowschemas.flowcontrol.apiserver.k8s.io")
CLAIMS = strategy("resourceclaims.resource.k8s.io")
LEVELS = strategy("prioritylevelconfigurations.flowcontrol.apiserver.k8s.io")


def test_what_a_storage_class_promised_stays():
    old = create(CLASSES, made("StorageClass", "fast", "", provisioner="csi.example.com", parameters={"type": "ssd"}))
    assert (old["reclaimPolicy"], old["volumeBindingMode"]) == ("Delete", "Immediate")
    changes = {"parameters": {"type": "hdd"}, "provisioner": "b", "reclaimPolicy": "Retain"}
    assert update_refusals(CLASSES, old, **changes, volumeBindingMode="WaitForFirstConsumer") == [
        "parameters: Forbidden: updates to parameters are forbidden.",
        "provisioner: Forbidden: updates to provisioner are forbidden.",
        "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
        'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]


def test_a_storage_class_reclaims_in_a_way_that_exists():
    assert refusals(CLASSES, made("StorageClass", "x", "", reclaimPolicy="Recycle")) == [
        "provisioner: Required value",
        'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
    ]


def test_a_volume_attributes_class_says_something():
    assert refusals(ATTRIBUTES, made("VolumeAttributesClass", "x", "", driverName="csi.example.com")) == [
        "parameters: Required value: must contain at least one key/value pair"
    ]


def test_a_storage_driver_keeps_how_it_attaches():
    old = create(DRIVERS, made("CSIDriver", "csi.example.com", "", spec={}))
    assert old["spec"]["fsGroupPolicy"] == "ReadWriteOnceWithFSType"
    assert update_refusals(DRIVERS, old, spec={**old["spec"], "attachRequired": False}) == [
        "spec.attachedRequired: Invalid value: false: field is immutable"
    ]


def test_a_node_knows_each_storage_driver_once():
    drivers = [{"name": "csi.example.com", "nodeID": "a"}, {"name": "csi.example.com", "nodeID": ""}]
    assert refusals(NODES, made("CSINode", "node-1", "", spec={"drivers": drivers})) == [
        "spec.drivers[1].nodeID: Required value",
        'spec.drivers[1].name: Duplicate value: "csi.example.com"',
    ]


def test_an_attachment_names_one_source():
    spec = {"attacher": "csi.example.com", "nodeName": "node-1", "source": {}}
    assert refusals(ATTACHMENTS, made("VolumeAttachment", "a", "", spec=spec)) == [
        "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"
    ]


def test_a_runtime_class_keeps_its_handler():
    old = create(RUNTIMES, made("RuntimeClass", "gvisor", "", handler="runsc"))
    assert update_refusals(RUNTIMES, old, handler="other") == ['handler: Invalid value: "other": field is immutable']


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (
            {"minAvailable": 1, "maxUnavailable": "50%"},
            [
                'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":"50%",'
                '"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set'
            ],
        ),
        (
            {"minAvailable": "110%"},
            ['spec.minAvailable: Invalid value: "110%": must not be greater than 100%'],
        ),
        (
            {"unhealthyPodEvictionPolicy": "Never"},
            [
                'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", '
                '"IfHealthyBudget"'
            ],
        ),
    ],
)
def test_a_wrong_disruption_budget_is_refused(spec: Any, found: Any):
    assert refusals(BUDGETS, made("PodDisruptionBudget", "b", spec=spec)) == found


def test_a_flow_schema_says_whose_requests_go_where():
    spec = {"matchingPrecedence": 1, "rules": [{"subjects": [{"kind": "User"}]}]}
    assert refusals(SCHEMAS, made("FlowSchema", "mine", "", spec=spec)) == [
        "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
        "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
        "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
        "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
    ]


def test_a_limited_level_has_shares_and_a_way_to_wait():
    limited = {"limitResponse": {"type": "Queue", "queuing": {}}}
    old = create(LEVELS, made("PriorityLevelConfiguration", "mine", "", spec={"type": "Limited", "limited": limited}))
    assert old["spec"]["limited"] == {
        "limitResponse": {"type": "Queue", "queuing": {"queues": 64, "handSize": 8, "queueLengthLimit": 50}},
        "nominalConcurrencyShares": 30,
        "lendablePercent": 0,
    }
    assert update_refusals(LEVELS, old, spec={"type": "Exempt"}) == [
        "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'"
    ]


def test_a_claim_asks_for_one_device_unless_told_otherwise():
    request = {"name": "gpu", "exactly": {"deviceClassName": "gpu.example.com"}}
    old = create(CLAIMS, made("ResourceClaim", "c", spec={"devices": {"requests": [request]}}))
    assert old["spec"]["devices"]["requests"][0]["exactly"] == {
        "deviceClassName": "gpu.example.com",
        "allocationMode": "ExactCount",
        "count": 1,
    }
    assert refusals(CLAIMS, made("ResourceClaim", "c", spec={"devices": {"requests": [{"name": "gpu"}]}})) == [
        "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"
    ]
