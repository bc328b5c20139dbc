"""Every admission plugin does what upstream's of the same name does."""

# ruff: noqa: E501 (messages stand here as the API says them, unbroken)
from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.admission.default_toleration_seconds import DefaultTolerationSeconds
from k8snb.apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from k8snb.apiserver.admission.plugin import Attributes, Plugin
from k8snb.apiserver.admission.pod_topology_labels import PodTopologyLabels
from k8snb.apiserver.admission.priority import Priority
from k8snb.apiserver.admission.service_account import ServiceAccount
from k8snb.apiserver.admission.taint_nodes_by_condition import TaintNodesByCondition
from k8snb.errors import StatusError
from k8snb.typing import Object

from .world import World, named, pod, request

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


def admitted(plugin: Plugin, world: World, obj: Object, **how: Any) -> Object:
    return world.chain(plugin).admit(request(obj, **how))


def refusal(plugin: Plugin, world: World, obj: Object | None, **how: Any) -> Object:
    with pytest.raises(StatusError) as caught:
        _pass(plugin, world, request(obj, **how))
    return caught.value.status


def _pass(plugin: Plugin, world: World, attributes: Attributes) -> None:
    if attributes.object is not None:
        world.chain(plugin).admit(attributes)
    world.chain(plugin).validate(attributes)


# -- NamespaceLifecycle --------------------------------------------------------------------------------------


def test_nothing_is_created_in_a_namespace_that_is_not_there() -> None:
    status = refusal(NamespaceLifecycle(), World(), named("a", "nowhere"), word="configmaps")
    assert (status["code"], status["message"]) == (404, 'namespaces "nowhere" not found')
    assert status["details"] == {"name": "nowhere", "kind": "namespaces"}


def test_nothing_is_created_in_a_namespace_that_is_going() -> None:
    going = World(namespaces=[named("going", status={"phase": "Terminating"})])
    status = refusal(NamespaceLifecycle(), going, named("a", "going"), word="configmaps")
    why = "unable to create new content in namespace going because it is being terminated"
    assert (status["code"], status["message"]) == (403, f'configmaps "a" is forbidden: {why}')
    message = "namespace going is being terminated"
    cause = {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
    assert status["details"] == {"name": "a", "kind": "configmaps", "causes": [cause]}
    updated = named("a", "going")
    assert admitted(NamespaceLifecycle(), going, updated, word="configmaps", operation="UPDATE") is updated


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_three_namespaces_may_not_be_deleted(name: str) -> None:
    status = refusal(NamespaceLifecycle(), World(), None, old=named(name), word="namespaces", operation="DELETE")
    assert status["message"] == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


def test_any_other_namespace_may_be_deleted() -> None:
    chain = World().chain(NamespaceLifecycle())
    chain.validate(request(None, "DELETE", "namespaces", old=named("kube-node-lease")))
    chain.validate(request(None, "DELETE", "configmaps", old=named("default", "default")))


# -- ServiceAccount ------------------------------------------------------------------------------------------


def test_a_pod_is_the_default_account_and_its_token_is_mounted_in_every_container() -> None:
    given = pod(initContainers=[{"name": "i", "image": "busybox"}])
    spec = admitted(ServiceAccount(), World(), given)["spec"]
    volume = spec["volumes"][0]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    mount = {"name": volume["name"], "readOnly": True, "mountPath": TOKEN_PATH}
    assert [c["volumeMounts"] for c in spec["initContainers"] + spec["containers"]] == [[mount], [mount]]
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    assert volume["projected"] == {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
        ],
    }
    assert volume["name"].startswith("kube-api-access-")
    assert len(volume["name"]) == len("kube-api-access-") + 5


def test_equal_specs_become_equal_specs_and_others_get_other_volumes() -> None:
    def spec(**more: Any) -> Any:
        return admitted(ServiceAccount(), World(), pod(**more))["spec"]

    assert spec() == spec()
    assert spec()["volumes"] != spec(nodeName="node-1")["volumes"]


def test_a_container_that_mounts_something_else_there_gets_no_token() -> None:
    own = {"name": "c", "image": "nginx", "volumeMounts": [{"name": "mine", "mountPath": TOKEN_PATH}]}
    spec = admitted(ServiceAccount(), World(), pod(containers=[own]))["spec"]
    assert (spec["containers"], "volumes" in spec) == ([own], False)


def test_a_volume_of_that_name_is_used_again() -> None:
    spec = admitted(ServiceAccount(), World(), pod(volumes=[{"name": "kube-api-access-mine"}]))["spec"]
    assert spec["volumes"] == [{"name": "kube-api-access-mine"}]
    assert spec["containers"][0]["volumeMounts"][0]["name"] == "kube-api-access-mine"


@pytest.mark.parametrize(
    ("account", "spec", "mounted"),
    [
        ({}, {}, True),
        ({"automountServiceAccountToken": False}, {}, False),
        ({"automountServiceAccountToken": False}, {"automountServiceAccountToken": True}, True),
        ({}, {"automountServiceAccountToken": False}, False),
    ],
)
def test_the_pod_decides_before_its_account_whether_the_token_is_mounted(
    account: dict[str, Any], spec: dict[str, Any], mounted: bool
) -> None:
    world = World(serviceaccounts=[named("robot", "default", **account)])
    assert ("volumes" in admitted(ServiceAccount(), world, pod(serviceAccountName="robot", **spec))["spec"]) is mounted


def test_the_account_brings_the_secrets_for_pulling_images() -> None:
    world = World(serviceaccounts=[named("robot", "default", imagePullSecrets=[{"name": "reg"}])])
    assert admitted(ServiceAccount(), world, pod(serviceAccountName="robot"))["spec"]["imagePullSecrets"] == [
        {"name": "reg"}
    ]
    own = pod(serviceAccountName="robot", imagePullSecrets=[{"name": "mine"}])
    assert admitted(ServiceAccount(), world, own)["spec"]["imagePullSecrets"] == [{"name": "mine"}]


def test_a_pod_of_an_account_that_is_not_there_is_refused_under_the_name_it_will_have() -> None:
    why = 'error looking up service account default/ghost: serviceaccount "ghost" not found'
    status = refusal(ServiceAccount(), World(), pod(serviceAccountName="ghost"))
    assert (status["code"], status["message"]) == (403, f'pods "web" is forbidden: {why}')
    generated = pod(serviceAccountName="ghost")
    generated["metadata"] = {"name": "web-x2v4b", "generateName": "web-", "namespace": "default"}
    assert refusal(ServiceAccount(), World(), generated)["message"] == f'pods "web-" is forbidden: {why}'


def test_a_mirror_pod_is_nobody() -> None:
    mirror = pod(serviceAccountName="default")
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    told = 'pods "web" is forbidden: a mirror pod may not reference service accounts'
    assert refusal(ServiceAccount(), World(), mirror)["message"] == told


# -- TaintNodesByCondition -----------------------------------------------------------------------------------

NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("taints", "expected"),
    [
        ([], [NOT_READY]),
        ([NOT_READY], [NOT_READY]),
        ([{"key": "a", "effect": "NoExecute"}], [{"key": "a", "effect": "NoExecute"}, NOT_READY]),
    ],
)
def test_a_new_node_takes_no_pods_yet(taints: list[Any], expected: list[Any]) -> None:
    node = named("node-1", spec={"taints": taints})
    assert admitted(TaintNodesByCondition(), World(), node, word="nodes")["spec"]["taints"] == expected


# -- Priority ------------------------------------------------------------------------------------------------


def priority(name: str, value: int, **fields: Any) -> dict[str, Any]:
    return named(name, value=value, preemptionPolicy="PreemptLowerPriority", **fields)


def importance(obj: Object) -> list[Any]:
    return [obj["spec"].get(field) for field in ("priorityClassName", "priority", "preemptionPolicy")]


def test_a_pod_without_a_class_has_priority_zero() -> None:
    assert importance(admitted(Priority(), World(), pod())) == [None, 0, "PreemptLowerPriority"]


def test_a_pod_has_the_priority_of_its_class() -> None:
    world = World(priorityclasses=[{**priority("high", 1000), "preemptionPolicy": "Never"}])
    assert importance(admitted(Priority(), world, pod(priorityClassName="high"))) == ["high", 1000, "Never"]


def test_a_pod_without_a_class_has_the_least_of_the_default_ones() -> None:
    world = World(priorityclasses=[priority("b", 20, globalDefault=True), priority("a", 10, globalDefault=True)])
    assert importance(admitted(Priority(), world, pod())) == ["a", 10, "PreemptLowerPriority"]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"priorityClassName": "missing"}, "no PriorityClass with name missing was found"),
        (
            {"priority": 7},
            "the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name",
        ),
        (
            {"preemptionPolicy": "Never"},
            "the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
        ),
    ],
)
def test_a_pod_cannot_make_its_own_priority(spec: dict[str, Any], told: str) -> None:
    status = refusal(Priority(), World(), pod(**spec))
    assert (status["code"], status["message"]) == (403, f'pods "web" is forbidden: {told}')


def test_an_update_keeps_the_priority_that_the_pod_has() -> None:
    old = pod(priority=5, preemptionPolicy="Never")
    after = admitted(Priority(), World(), pod(), operation="UPDATE", old=old)
    assert importance(after) == [None, 5, "Never"]


def test_only_one_class_may_be_the_default() -> None:
    world = World(priorityclasses=[priority("a", 10, globalDefault=True)])
    status = refusal(Priority(), world, priority("b", 1, globalDefault=True), word="priorityclasses")
    why = "PriorityClass a is already marked as globalDefault. Only one default can exist"
    assert status["message"] == f'priorityclasses.scheduling.k8s.io "b" is forbidden: {why}'
    again = priority("a", 10, globalDefault=True)
    world.chain(Priority()).validate(request(again, "UPDATE", "priorityclasses", old=again))


# -- DefaultTolerationSeconds --------------------------------------------------------------------------------


def toleration(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", **fields}


def test_a_pod_stays_five_minutes_on_a_node_that_is_lost() -> None:
    after = admitted(DefaultTolerationSeconds(), World(), pod())
    expected = [toleration("not-ready", tolerationSeconds=300), toleration("unreachable", tolerationSeconds=300)]
    assert after["spec"]["tolerations"] == expected


@pytest.mark.parametrize(
    ("own", "added"),
    [
        ([toleration("not-ready", tolerationSeconds=5)], ["unreachable"]),
        ([{"operator": "Exists"}], []),
        ([{**toleration("not-ready"), "effect": "NoSchedule"}], ["not-ready", "unreachable"]),
    ],
)
def test_a_pod_may_say_itself_how_long_it_stays(own: list[Any], added: list[str]) -> None:
    after = admitted(DefaultTolerationSeconds(), World(), pod(tolerations=own))
    assert after["spec"]["tolerations"] == [*own, *(toleration(key, tolerationSeconds=300) for key in added)]


# -- PodTopologyLabels ---------------------------------------------------------------------------------------

ZONE = "topology.kubernetes.io/zone"


def test_a_binding_carries_the_zone_of_the_node_to_the_pod() -> None:
    node = named("node-1")
    node["metadata"]["labels"] = {ZONE: "a", "other": "x"}
    binding = named("web", "default", target={"kind": "Node", "name": "node-1"})
    after = admitted(PodTopologyLabels(), World(nodes=[node]), binding, sub="binding")
    assert after["metadata"]["labels"] == {ZONE: "a"}


def test_a_pod_that_names_its_node_learns_the_zone_at_once_unless_it_has_one() -> None:
    node = named("node-1")
    node["metadata"]["labels"] = {ZONE: "a"}
    labelled = pod(nodeName="node-1")
    labelled["metadata"]["labels"] = {ZONE: "mine"}
    world = World(nodes=[node])
    assert admitted(PodTopologyLabels(), world, pod(nodeName="node-1"))["metadata"]["labels"] == {ZONE: "a"}
    assert admitted(PodTopologyLabels(), world, labelled)["metadata"]["labels"] == {ZONE: "mine"}


def test_a_node_without_a_zone_changes_nothing() -> None:
    given = pod(nodeName="node-1")
    assert admitted(PodTopologyLabels(), World(nodes=[named("node-1")]), given) is given
