"""Pods as they are made: status, gates, label keys, selectable fields, advice."""

from __future__ import annotations

import pytest

from k8snb.machinery.qos import qos_class
from tests.apiserver.registry.workload_builders import PODS, container, pod, spec, stored, texts, with_spec

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def test_a_new_pod_is_pending_whatever_it_claims():
    claimed = {**pod(), "status": {"phase": "Running", "podIP": "10.0.0.1"}}
    assert PODS.prepare_create(claimed)["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_a_new_pod_shares_its_spec_with_the_request():
    given = pod()
    assert PODS.prepare_create(given)["spec"] is given["spec"]


def test_pods_that_are_equal_share_what_is_made_of_their_specs():
    first, second = PODS.default(pod()), PODS.default(pod())
    assert first["spec"] is second["spec"]
    assert PODS.prepare_create(first)["status"] is PODS.prepare_create(second)["status"]


def test_a_finding_is_told_of_every_pod_that_has_it():
    bad = PODS.default(with_spec(pod(), restartPolicy="Sometimes"))
    assert texts(PODS.validate(bad)) == texts(PODS.validate(bad)) != []


def test_a_gated_pod_says_so_in_its_status():
    (condition,) = stored(schedulingGates=[{"name": "wait"}])["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"], condition["message"]) == (
        "PodScheduled",
        "False",
        "SchedulingGated",
        "Scheduling is blocked due to non-empty scheduling gates",
    )


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "0"}}], "BestEffort"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
        ([{"limits": {"example.com/gpu": "1"}}], "BestEffort"),
    ],
)
def test_the_quality_of_service_follows_from_the_resources(resources, expected):
    containers = [container(f"c{i}", resources=each) for i, each in enumerate(resources)]
    assert qos_class(spec(containers=containers)) == expected


def test_an_init_container_counts_for_the_quality_of_service():
    limited = {"limits": {"cpu": "1", "memory": "1Gi"}}
    assert qos_class(spec(containers=[container(resources=limited)], initContainers=[container("i")])) == "Burstable"


def test_resources_of_the_whole_pod_decide_its_quality_of_service():
    assert qos_class(spec(resources={"limits": {"cpu": "1", "memory": "1Gi"}})) == "Guaranteed"


def test_label_keys_become_expressions_of_the_selector():
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "a"}}, "matchLabelKeys": ["hash", "none"]}
    constraint = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {},
        "matchLabelKeys": ["hash"],
    }
    made = stored(
        meta={"labels": {"app": "a", "hash": "x"}},
        affinity={"podAntiAffinity": {REQUIRED: [term]}},
        topologySpreadConstraints=[constraint],
    )["spec"]
    expression = {"key": "hash", "operator": "In", "values": ["x"]}
    (changed,) = made["affinity"]["podAntiAffinity"][REQUIRED]
    assert changed["labelSelector"] == {"matchLabels": {"app": "a"}, "matchExpressions": [expression]}
    assert made["topologySpreadConstraints"][0]["labelSelector"] == {"matchExpressions": [expression]}


def test_a_pod_with_label_keys_is_valid_before_and_after_they_are_resolved():
    term = {"topologyKey": "zone", "labelSelector": {}, "matchLabelKeys": ["hash"]}
    given = pod(meta={"labels": {"hash": "x"}}, affinity={"podAffinity": {REQUIRED: [term]}})
    assert texts(PODS.validate(given)) == []
    assert texts(PODS.validate(PODS.prepare_create(given))) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec.nodeName", "node-1"),
        ("spec.restartPolicy", "Never"),
        ("spec.schedulerName", "default-scheduler"),
        ("spec.serviceAccountName", ""),
        ("spec.hostNetwork", "false"),
        ("status.phase", "Pending"),
        ("status.podIP", ""),
        ("status.nominatedNodeName", ""),
    ],
)
def test_field_selectors_can_ask_for(field, value):
    assert PODS.fields[field](stored(nodeName="node-1", restartPolicy="Never")) == value


def test_the_grace_period_is_the_pods_own():
    assert PODS.grace_seconds(pod(terminationGracePeriodSeconds=5)) == 5


def test_a_name_that_is_no_label_earns_a_warning():
    assert PODS.warnings(pod("web.example")) == [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is "
        "recommended: [must not contain dots]"
    ]


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        (
            {"containers": [container(name, ports=[{"containerPort": 80}]) for name in "ab"]},
            "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
        ),
        (
            {"containers": [container(ports=[{"containerPort": 80}, {"containerPort": 80, "hostPort": 80}])]},
            "spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]",
        ),
        (
            {"containers": [container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])]},
            'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
        ),
        (
            {"containers": [container(resources={"requests": {"memory": "100m"}})]},
            'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an '
            "integer",
        ),
        (
            {"nodeSelector": {"beta.kubernetes.io/os": "linux"}},
            'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
        ),
        (
            {"terminationGracePeriodSeconds": -1},
            "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
        ),
        ({"imagePullSecrets": [{}]}, 'spec.imagePullSecrets[0].name: invalid empty name ""'),
        (
            {"topologySpreadConstraints": [{"topologyKey": "zone"}]},
            "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
        ),
        (
            {"meta": {"annotations": {"scheduler.alpha.kubernetes.io/critical-pod": ""}}},
            "metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "
            '"priorityClassName" field instead',
        ),
    ],
)
def test_a_pod_that_is_probably_not_meant_so_earns_a_warning(fields, warning):
    assert PODS.warnings(pod(**fields)) == [warning]


def test_a_variable_that_extends_its_own_value_earns_none():
    env = [{"name": "PATH", "value": "/bin"}, {"name": "PATH", "value": "$(PATH):/x"}]
    assert PODS.warnings(pod(containers=[container(env=env)])) == []


def test_an_ordinary_update_keeps_the_status():
    old = stored()
    new = {**with_spec(old, activeDeadlineSeconds=5), "status": {"phase": "Failed"}}
    assert PODS.prepare_update(new, old)["status"] == old["status"]
