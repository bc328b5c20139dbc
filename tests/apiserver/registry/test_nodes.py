"""Nodes keep what was once said about the machine, and their taints are well formed."""

# ruff: noqa: E501 (messages stand here as the API says them, unbroken)
from __future__ import annotations

from typing import Any

import pytest

from k8snb.typing import Object

from .writing import create, made, refusals, strategy, update, update_refusals

NODES = strategy("nodes")


def node(status: Any = None, **spec: Any) -> dict[str, Any]:
    return made("Node", "node-1", "", spec=spec, **({"status": status} if status else {}))


def test_a_node_registers_with_its_status() -> None:
    stored = create(NODES, node({"capacity": {"cpu": "8"}}))
    status = stored["status"]
    assert (status["capacity"], status["allocatable"]) == ({"cpu": "8"}, {"cpu": "8"})
    assert status["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 0}}
    assert status["nodeInfo"]["architecture"] == ""


def test_an_ordinary_update_leaves_the_status_of_a_node_alone() -> None:
    stored = create(NODES, node({"capacity": {"cpu": "8"}}))
    after = update(NODES, stored, spec={"unschedulable": True}, status={"capacity": {"cpu": "99"}})
    assert (after["spec"], after["status"]) == ({"unschedulable": True}, stored["status"])


@pytest.mark.parametrize("spec", [{"podCIDR": "10.244.0.0/24"}, {"podCIDRs": ["10.244.0.0/24"]}])
def test_the_pod_cidr_is_the_first_of_the_pod_cidrs(spec: dict[str, Any]) -> None:
    assert create(NODES, node(**spec))["spec"] == {"podCIDR": "10.244.0.0/24", "podCIDRs": ["10.244.0.0/24"]}


def taint(key: str = "a", effect: str = "NoSchedule", value: str = "") -> dict[str, Any]:
    return {"key": key, "effect": effect, "value": value}


def test_a_taint_has_a_key_and_a_known_effect() -> None:
    errors = refusals(NODES, node(taints=[taint("", ""), taint(effect="Never"), taint(value="-x-")]))
    assert [error.split(": ")[:2] for error in errors] == [
        ["metadata.taints[0].key", "Invalid value"],
        ["metadata.taints[0].key", "Invalid value"],
        ["metadata.taints[0].effect", "Required value"],
        ["metadata.taints[1].effect", "Unsupported value"],
        ["metadata.taints[2].value", "Invalid value"],
    ]
    assert errors[3].endswith('"Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"')


def test_a_node_has_one_taint_of_each_key_and_effect() -> None:
    twice = node(taints=[taint(), taint(value="v"), taint(effect="NoExecute")])
    shown = '{"Key":"a","Value":"v","Effect":"NoSchedule","TimeAdded":null}'
    told = f"metadata.taints[1]: Duplicate value: {shown}: taints must be unique by key and effect pair"
    assert refusals(NODES, twice) == [told]


@pytest.mark.parametrize(
    ("cidrs", "told"),
    [
        (
            ["10.244.0.0/33"],
            'spec.podCIDRs[0]: Invalid value: "10.244.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        ),
        (
            ["10.244.0.0/24", "10.245.0.0/24"],
            'spec.podCIDRs: Invalid value: ["10.244.0.0/24","10.245.0.0/24"]: may specify no more than one CIDR for each IP family',
        ),
    ],
)
def test_a_node_has_one_block_of_addresses_of_each_family(cidrs: list[str], told: str) -> None:
    assert refusals(NODES, node(podCIDRs=cidrs)) == [told]
    assert refusals(NODES, node(podCIDRs=["10.244.0.0/24", "fd00::/64"])) == []


def test_addresses_and_provider_are_set_once() -> None:
    stored: Object = create(NODES, node())
    stored = update(
        NODES, stored, spec={"podCIDR": "10.244.0.0/24", "podCIDRs": ["10.244.0.0/24"], "providerID": "sim://1"}
    )
    told = 'Forbidden: node updates may not change {} except from "" to valid'
    assert update_refusals(NODES, stored, spec={"providerID": "sim://2"}) == [
        f"spec.podCIDRs: {told.format('podCIDR')}",
        f"spec.providerID: {told.format('providerID')}",
    ]


def test_the_status_of_a_node_has_amounts_that_are_amounts_and_each_address_once() -> None:
    address = {"type": "InternalIP", "address": "10.0.0.1"}
    new = {**create(NODES, node()), "status": {"capacity": {"pods": "1500m"}, "addresses": [address, address]}}
    assert [str(error) for error in NODES.validate_status(new, new)] == [
        'status.capacity.pods: Invalid value: "1500m": must be an integer',
        'status.addresses[1]: Duplicate value: {"Type":"InternalIP","Address":"10.0.0.1"}',
    ]


@pytest.mark.parametrize(("spec", "value"), [({}, "false"), ({"unschedulable": True}, "true")])
def test_nodes_are_selected_by_whether_they_take_pods(spec: dict[str, Any], value: str) -> None:
    assert NODES.fields["spec.unschedulable"](node(**spec)) == value
