"""Defaults of pods and pod templates."""

from __future__ import annotations

import pytest

from k8snb.apiserver.registry.image_names import pull_policy, tag_of
from k8snb.apiserver.registry.pod_defaults import default_spec, default_template, default_template_spec
from tests.apiserver.registry.workload_builders import PODS, container, pod, spec


def test_a_bare_pod_gets_every_default():
    assert default_spec({"containers": [{"name": "a", "image": "nginx", "ports": [{"containerPort": 80}]}]}) == {
        "containers": [
            {
                "name": "a",
                "image": "nginx",
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "Always",
            }
        ],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "enableServiceLinks": True,
    }


def test_a_complete_spec_comes_back_as_the_same_object():
    complete = spec(
        initContainers=[container("init")],
        containers=[container(livenessProbe={"httpGet": {"port": 80}}, env=[{"name": "A", "value": "1"}])],
        volumes=[{"name": "v"}, {"name": "s", "secret": {"secretName": "x"}}],
        serviceAccountName="robot",
        hostNetwork=True,
    )
    assert default_spec(complete) is complete


def test_a_complete_pod_comes_back_as_the_same_object():
    complete = pod()
    assert PODS.default(complete) is complete


def test_a_complete_template_comes_back_as_the_same_object():
    complete = default_template({"spec": {"containers": [container()]}})
    assert default_template(complete) is complete


def test_what_lacks_nothing_is_shared_with_the_original():
    whole = spec()["containers"][0]
    assert default_spec({"containers": [whole, {"name": "b", "image": "b"}]})["containers"][0] is whole


def test_a_template_gets_neither_service_links_nor_requests_nor_host_ports():
    given = {
        "hostNetwork": True,
        "containers": [container(resources={"limits": {"cpu": "1"}}, ports=[{"containerPort": 80}])],
    }
    filled = default_template_spec(given)
    assert "enableServiceLinks" not in filled
    assert filled["containers"][0]["resources"] == {"limits": {"cpu": "1"}}
    assert filled["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("image", "tag", "policy"),
    [
        ("nginx", "latest", "Always"),
        ("nginx:latest", "latest", "Always"),
        ("nginx:1.27", "1.27", "IfNotPresent"),
        ("localhost:5000/team/web", "latest", "Always"),
        ("localhost:5000/team/web:v1", "v1", "IfNotPresent"),
        ("nginx@sha256:" + "a" * 64, "", "IfNotPresent"),
        ("nginx:latest@sha256:" + "a" * 64, "latest", "Always"),
        ("Not An Image", "", "IfNotPresent"),
        ("", "", "IfNotPresent"),
    ],
)
def test_only_latest_is_pulled_always(image, tag, policy):
    assert (tag_of(image), pull_policy(image)) == (tag, policy)


def test_requests_that_are_missing_equal_the_limits():
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}
    filled = spec(containers=[container(resources=resources)])["containers"][0]["resources"]
    assert filled["requests"] == {"cpu": "500m", "memory": "1Gi"}


def test_requests_of_the_whole_pod_are_those_of_its_containers_or_else_its_limits():
    filled = spec(
        resources={"limits": {"cpu": "2", "memory": "1Gi"}},
        containers=[container("a", resources={"requests": {"cpu": "1"}}), container("b")],
    )["resources"]
    assert filled == {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}


def test_probes_get_their_numbers_and_their_path():
    probe = spec(containers=[container(readinessProbe={"httpGet": {"port": 80}, "periodSeconds": 0})])
    assert probe["containers"][0]["readinessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def test_a_hook_gets_its_path():
    lifecycle = {"preStop": {"httpGet": {"port": 80}}}
    filled = spec(containers=[container(lifecycle=lifecycle)])["containers"][0]
    assert filled["lifecycle"]["preStop"]["httpGet"] == {"port": 80, "path": "/", "scheme": "HTTP"}


def test_references_get_their_version_and_divisor():
    env = [
        {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
    ]
    assert [v["valueFrom"] for v in spec(containers=[container(env=env)])["containers"][0]["env"]] == [
        {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}},
        {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0"}},
    ]


@pytest.mark.parametrize("given", [{"serviceAccount": "robot"}, {"serviceAccountName": "robot", "serviceAccount": "x"}])
def test_the_service_account_has_both_of_its_names(given):
    filled = spec(**given)
    assert (filled["serviceAccountName"], filled["serviceAccount"]) == ("robot", "robot")


def test_on_the_network_of_the_node_ports_are_ports_of_the_node():
    filled = spec(hostNetwork=True, containers=[container(ports=[{"containerPort": 80}])])
    assert filled["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP", "hostPort": 80}]


@pytest.mark.parametrize(
    ("volume", "filled"),
    [
        ({}, {"emptyDir": {}}),
        ({"secret": {"secretName": "s"}}, {"secret": {"secretName": "s", "defaultMode": 420}}),
        ({"configMap": {"name": "c"}}, {"configMap": {"name": "c", "defaultMode": 420}}),
        ({"configMap": {"name": "c", "defaultMode": 0}}, {"configMap": {"name": "c", "defaultMode": 0}}),
        ({"hostPath": {"path": "/"}}, {"hostPath": {"path": "/", "type": ""}}),
        (
            {"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
            {
                "downwardAPI": {
                    "items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels", "apiVersion": "v1"}}],
                    "defaultMode": 420,
                }
            },
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
            {
                "projected": {
                    "sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}],
                    "defaultMode": 420,
                }
            },
        ),
        (
            {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}},
            {
                "ephemeral": {
                    "volumeClaimTemplate": {
                        "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", "resources": {}}
                    }
                }
            },
        ),
        ({"image": {"reference": "x:1"}}, {"image": {"reference": "x:1", "pullPolicy": "IfNotPresent"}}),
    ],
)
def test_a_volume_gets_the_defaults_of_its_source(volume, filled):
    assert spec(volumes=[{"name": "v", **volume}])["volumes"] == [{"name": "v", **filled}]
