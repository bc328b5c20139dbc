"""ResourceQuota counts what passes at once and refuses what does not fit, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.admission.resource_quota import ResourceQuota
from k8snb.errors import StatusError
from k8snb.machinery.quota.usage import concerns, usage_of
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object

from .world import World, named, request


def quota(name: str = "q", hard: Object | None = None, used: Object | None = None, **spec: Any) -> Object:
    return named(name, "default", spec={"hard": hard, **spec}, status={"hard": hard, "used": used or {}})


def pod(requests: Object | None = None, limits: Object | None = None, **spec: Any) -> Object:
    resources = {kind: amounts for kind, amounts in (("requests", requests), ("limits", limits)) if amounts}
    return named("web", "default", spec={"containers": [{"name": "c", "resources": resources}], **spec})


def passes(world: World, obj: Object, **how: Any) -> Object:
    """What the first quota counts as used once the object has passed."""
    world.chain(ResourceQuota()).validate(request(obj, **how))
    used: Object = world.objects["resourcequotas"][0]["status"]["used"]
    return used


def refusal(world: World, obj: Object, **how: Any) -> str:
    with pytest.raises(StatusError) as caught:
        world.chain(ResourceQuota()).validate(request(obj, **how))
    return caught.value.message.partition(" is forbidden: ")[2]


def test_what_fits_is_counted_and_what_does_not_is_refused() -> None:
    world = World(
        resourcequotas=[quota(hard={"pods": "2", "requests.cpu": "1"}, used={"pods": "1", "requests.cpu": "0"})]
    )
    assert passes(world, pod({"cpu": "600m"})) == {"pods": "2", "requests.cpu": "600m"}
    told = "requested: pods=1,requests.cpu=600m, used: pods=2,requests.cpu=600m, limited: pods=2,requests.cpu=1"
    assert refusal(world, pod({"cpu": "600m"})) == f"exceeded quota: q, {told}"


def test_a_dry_run_is_checked_and_not_counted() -> None:
    world = World(resourcequotas=[quota(hard={"pods": "1"}, used={"pods": "0"})])
    world.chain(ResourceQuota()).validate(request(pod())._replace(dry_run=True))
    assert world.objects["resourcequotas"][0]["status"]["used"] == {"pods": "0"}


def test_containers_have_to_state_what_a_quota_limits() -> None:
    hard = {"limits.cpu": "1", "limits.memory": "1Gi", "limits.ephemeral-storage": "1Gi"}
    world = World(resourcequotas=[quota(hard=hard, used=dict.fromkeys(hard, "0"))])
    silent = pod(initContainers=[{"name": "a"}])
    assert refusal(world, silent) == "failed quota: q: must specify limits.cpu for: a,c; limits.memory for: a,c"


def test_a_quota_whose_use_is_not_known_yet_lets_nothing_pass() -> None:
    world = World(resourcequotas=[quota(hard={"pods": "1", "count/pods": "1"})])
    assert refusal(world, pod()) == "status unknown for quota: q, resources: count/pods,pods"


@pytest.mark.parametrize(
    ("scope", "fits", "other"),
    [
        ({"scopes": ["Terminating"]}, pod(activeDeadlineSeconds=5), pod()),
        ({"scopes": ["NotTerminating"]}, pod(), pod(activeDeadlineSeconds=5)),
        ({"scopes": ["BestEffort"]}, pod(), pod({"cpu": "1"})),
        ({"scopes": ["NotBestEffort"]}, pod({"cpu": "1"}), pod()),
        (
            {
                "scopeSelector": {
                    "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]
                }
            },
            pod(priorityClassName="high"),
            pod(priorityClassName="low"),
        ),
        (
            {"scopes": ["CrossNamespacePodAffinity"]},
            pod(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"namespaces": ["x"]}]}}),
            pod(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "x"}]}}),
        ),
    ],
)
def test_a_scope_narrows_what_is_counted(scope: Any, fits: Object, other: Object) -> None:
    world = World(resourcequotas=[quota(hard={"pods": "9"}, used={"pods": "0"}, **scope)])
    assert passes(world, other) == {"pods": "0"}
    assert passes(world, fits) == {"pods": "1"}


def test_services_are_counted_by_what_they_take() -> None:
    hard = dict.fromkeys(("services", "services.nodeports", "services.loadbalancers", "count/services"), "5")
    world = World(resourcequotas=[quota(hard=hard, used=dict.fromkeys(hard, "0"))])
    plain = named("a", "default", spec={"type": "ClusterIP", "ports": [{"port": 80}, {"port": 81}]})
    balanced = {**plain, "spec": {**plain["spec"], "type": "LoadBalancer"}}
    assert passes(world, plain, word="services") == {**dict.fromkeys(hard, "0"), "services": "1", "count/services": "1"}
    grown = {"services": "1", "count/services": "1", "services.nodeports": "2", "services.loadbalancers": "1"}
    assert passes(world, balanced, word="services", operation="UPDATE", old=plain) == grown
    assert passes(world, plain, word="services", operation="UPDATE", old=balanced) == grown


def test_claims_are_counted_by_size_and_by_class() -> None:
    hard = dict.fromkeys(
        (
            "requests.storage",
            "gold.storageclass.storage.k8s.io/requests.storage",
            "tin.storageclass.storage.k8s.io/persistentvolumeclaims",
        ),
        "10Gi",
    )
    world = World(resourcequotas=[quota(hard=hard, used=dict.fromkeys(hard, "0"))])
    claim = named("data", "default", spec={"storageClassName": "gold", "resources": {"requests": {"storage": "6Gi"}}})
    used = {
        **dict.fromkeys(hard, "0"),
        "requests.storage": "6Gi",
        "gold.storageclass.storage.k8s.io/requests.storage": "6Gi",
    }
    assert passes(world, claim, word="pvc") == used
    assert refusal(world, claim, word="pvc") == (
        "exceeded quota: q, requested: gold.storageclass.storage.k8s.io/requests.storage=6Gi,requests.storage=6Gi, "
        "used: gold.storageclass.storage.k8s.io/requests.storage=6Gi,requests.storage=6Gi, "
        "limited: gold.storageclass.storage.k8s.io/requests.storage=10Gi,requests.storage=10Gi"
    )


@pytest.mark.parametrize(
    ("word", "name"),
    [("deployments.apps", "count/deployments.apps"), ("secrets", "secrets"), ("configmaps", "count/configmaps")],
)
def test_every_other_kind_is_counted(word: str, name: str) -> None:
    world = World(resourcequotas=[quota(hard={name: "1"}, used={name: "1"})])
    told = f"requested: {name}=1, used: {name}=1, limited: {name}=1"
    assert refusal(world, named("a", "default"), word=word) == f"exceeded quota: q, {told}"


def test_resources_of_others_and_huge_pages_are_counted_by_what_is_requested() -> None:
    hard = {"requests.example.com/gpu": "2", "requests.hugepages-2Mi": "8Mi"}
    world = World(resourcequotas=[quota(hard=hard, used=dict.fromkeys(hard, "0"))])
    asked = {"example.com/gpu": "1", "hugepages-2Mi": "4Mi"}
    assert passes(world, pod(asked, asked)) == {"requests.example.com/gpu": "1", "requests.hugepages-2Mi": "4Mi"}


def test_the_quota_looks_at_writes_that_can_change_what_is_used_and_at_no_others() -> None:
    scheme, plugin = Scheme(), ResourceQuota()
    looked_at = [
        (resource.group_resource, subresource, operation)
        for resource in scheme
        if "create" in resource.verbs
        if resource.plural in ("pods", "services", "secrets", "events", "nodes")
        for subresource in ("", "resize", "status")
        for operation in ("CREATE", "UPDATE", "DELETE")
        if plugin.concerns(resource, subresource, operation)
    ]
    assert looked_at == [
        ("pods", "", "CREATE"),
        ("pods", "resize", "UPDATE"),
        ("secrets", "", "CREATE"),
        ("services", "", "CREATE"),
        ("services", "", "UPDATE"),
    ]


def test_devices_that_a_pod_asks_for_by_the_name_of_their_class_count_as_requests() -> None:
    gpu = "deviceclass.resource.kubernetes.io/gpu"
    world = World(resourcequotas=[quota(hard={f"requests.{gpu}": "3"}, used={f"requests.{gpu}": "0"})])
    assert passes(world, pod({gpu: "2"}, {gpu: "2"})) == {f"requests.{gpu}": "2"}


def _exactly(**what: Any) -> Object:
    return {"name": "r", "exactly": {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1, **what}}


def _first(*ways: tuple[str, int]) -> Object:
    made = [
        {"name": f"s{at}", "deviceClassName": name, "allocationMode": "ExactCount", "count": count}
        for at, (name, count) in enumerate(ways)
    ]
    return {"name": "r", "firstAvailable": made}


@pytest.mark.parametrize(
    ("name", "requests", "devices"),
    [
        ("simple", [_exactly()], {"gpu": 1}),
        ("many-requests", [_exactly()] * 5, {"gpu": 5}),
        ("count", [_exactly(count=5)], {"gpu": 5}),
        ("all", [_exactly(allocationMode="All", count=0)], {"gpu": 32}),
        ("prioritized list: the worst case of each class", [_first(("gpu", 2), ("gpu", 1), ("tpu", 3))],
         {"gpu": 2, "tpu": 3}),
        ("no requests", [], {}),
    ],
)  # fmt: skip
def test_devices_are_counted_by_their_class(name: str, requests: list[Object], devices: dict[str, int]) -> None:
    word = "resourceclaims.resource.k8s.io"
    found = usage_of(word, {"metadata": {"name": "c"}, "spec": {"devices": {"requests": requests}}}, 0.0)
    expected = {f"count/{word}": "1"}
    for each, count in devices.items():
        expected |= {f"{each}.deviceclass.resource.k8s.io/devices": str(count)}
        expected |= {f"requests.deviceclass.resource.kubernetes.io/{each}": str(count)}
    assert found == expected
    world = World(**{"deviceclasses.resource.k8s.io": [named(each) for each in devices]})
    assert concerns(word, [*expected, "pods", "requests.cpu"], world) == sorted(expected)


CLAIMS, CLASSES = "resourceclaims.resource.k8s.io", "deviceclasses.resource.k8s.io"
IMPLICIT, EXPLICIT = "requests.deviceclass.resource.kubernetes.io/gpu", "requests.example.com/gpu"


def _made_for(pod: Object, count: int, name: str = "c") -> Object:
    """The claim that the scheduler makes for a pod's extended resources."""
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": pod["metadata"]["uid"], "controller": True}
    meta = {"annotations": {"resource.kubernetes.io/extended-resource-claim": "true"}, "ownerReferences": [owner]}
    spec = {"devices": {"requests": [_exactly(count=count)]}}
    return {"metadata": {"name": name, "namespace": "default", **meta}, "spec": spec}


@pytest.mark.parametrize(
    ("why", "asked", "count", "status", "more"),
    [
        ("the pod has been counted", 2, 2, None, {IMPLICIT: "2"}),
        ("what goes beyond the pod counts", 2, 5, None, {IMPLICIT: "5", EXPLICIT: "3"}),
        ("the pod says that it is another claim", 2, 2, "other", {IMPLICIT: "2", EXPLICIT: "2"}),
        ("the pod says that it is this one", 2, 2, "c", {IMPLICIT: "2"}),
    ],
)
def test_devices_count_under_their_other_names_beyond_what_their_pod_counts(
    why: str, asked: int, count: int, status: str | None, more: dict[str, str]
) -> None:
    web = pod({"example.com/gpu": str(asked)}, {"example.com/gpu": str(asked)})
    told = {"extendedResourceClaimStatus": {"resourceClaimName": status}} if status else {}
    web = {**web, "metadata": {**web["metadata"], "uid": "u"}, "status": told}
    gpu = named("gpu", spec={"extendedResourceName": "example.com/gpu"})
    world, claim = World(**{"pods": [web], CLASSES: [gpu]}), _made_for(web, count)
    expected = {f"count/{CLAIMS}": "1", "gpu.deviceclass.resource.k8s.io/devices": str(count), **more}
    assert usage_of(CLAIMS, claim, 0.0, world) == expected
    assert concerns(CLAIMS, [EXPLICIT, IMPLICIT, "requests.example.com/tpu"], world) == [IMPLICIT, EXPLICIT]


def test_of_two_claims_that_say_they_are_a_pods_the_second_counts_whole() -> None:
    web = pod({"example.com/gpu": "1"}, {"example.com/gpu": "1"})
    web = {**web, "metadata": {**web["metadata"], "uid": "u"}, "status": {}}
    gpu = named("gpu", spec={"extendedResourceName": "example.com/gpu"})
    first, second = _made_for(web, 1, "a"), _made_for(web, 1, "b")
    world = World(**{"pods": [web], CLASSES: [gpu], CLAIMS: [first, second]})
    assert [usage_of(CLAIMS, each, 0.0, world).get(EXPLICIT) for each in (first, second)] == [None, "1"]


def test_a_claim_by_hand_is_refused_by_a_quota_for_the_resource_that_its_class_is() -> None:
    gpu = named("gpu", spec={"extendedResourceName": "example.com/gpu"})
    world = World(**{"resourcequotas": [quota(hard={EXPLICIT: "1"}, used={EXPLICIT: "0"})], CLASSES: [gpu]})
    claim = named("c", "default", spec={"devices": {"requests": [_exactly(count=2)]}})
    told = f"exceeded quota: q, requested: {EXPLICIT}=2, used: {EXPLICIT}=0, limited: {EXPLICIT}=1"
    assert refusal(world, claim, word=CLAIMS) == told
