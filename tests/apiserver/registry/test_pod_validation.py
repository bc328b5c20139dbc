"""What is wrong with a pod's spec, in upstream's words and order."""

from __future__ import annotations

import pytest

from k8snb.apiserver.registry.pod_validation import validate_annotations
from tests.apiserver.registry.workload_builders import PODS, container, findings, pod, texts

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def test_a_plain_pod_is_valid():
    assert texts(PODS.validate_create(pod())) == []


def test_a_pod_with_nearly_everything_is_valid():
    rich = pod(
        restartPolicy="OnFailure",
        hostname="web-0",
        subdomain="web",
        serviceAccountName="robot",
        activeDeadlineSeconds=60,
        nodeSelector={"disk": "ssd"},
        tolerations=[{"key": "gpu", "operator": "Exists"}, {"operator": "Exists"}],
        hostAliases=[{"ip": "10.0.0.1", "hostnames": ["a.example.com"]}],
        dnsPolicy="None",
        dnsConfig={
            "nameservers": ["1.1.1.1", "2001:db8::1"],
            "searches": ["_x.example.com."],
            "options": [{"name": "n"}],
        },
        priorityClassName="high",
        preemptionPolicy="Never",
        readinessGates=[{"conditionType": "example.com/ready"}],
        securityContext={"runAsUser": 1000, "fsGroup": 0, "supplementalGroups": [1]},
        volumes=[{"name": "v"}, {"name": "c", "configMap": {"name": "c", "items": [{"key": "k", "path": "a/b"}]}}],
        initContainers=[
            container("init"),
            container("side", restartPolicy="Always", startupProbe={"exec": {"command": ["x"]}}),
        ],
        containers=[
            container(
                ports=[{"name": "http", "containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
                env=[{"name": "a.b-c", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}}],
                envFrom=[{"prefix": "P_", "configMapRef": {"name": "c"}}],
                resources={"requests": {"cpu": "1"}, "limits": {"cpu": "2", "example.com/gpu": "1"}},
                volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "a"}, {"name": "c", "mountPath": "/c"}],
                livenessProbe={"tcpSocket": {"port": "http"}},
                lifecycle={"preStop": {"sleep": {"seconds": 5}}},
            )
        ],
    )
    assert texts(PODS.validate_create(rich)) == []


def test_findings_come_in_the_order_in_which_a_real_api_server_reports_them():
    bad = pod(
        containers=[
            container(
                resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}},
                volumeMounts=[{"name": "nope", "mountPath": "/x"}],
                livenessProbe={"httpGet": {"path": "/", "port": 0}},
            )
        ]
    )
    assert texts(PODS.validate_create(bad)) == [
        'spec.containers[0].volumeMounts[0].name: Not found: "nope"',
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
        "spec.containers[0].livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"containers": []}, "spec.containers: Required value"),
        ({"containers": [container(), container()]}, 'spec.containers[1].name: Duplicate value: "a"'),
        (
            {"restartPolicy": "Sometimes"},
            'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
        ),
        (
            {"dnsPolicy": "Mine"},
            'spec.dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirstWithHostNet", "ClusterFirst", '
            '"Default", "None"',
        ),
        ({"dnsPolicy": "None"}, "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"),
        (
            {"dnsPolicy": "None", "dnsConfig": {"searches": ["a"]}},
            "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when "
            "`dnsPolicy` is None",
        ),
        (
            {"dnsConfig": {"nameservers": ["1", "1.1.1.1", "2.2.2.2", "3.3.3.3"]}},
            'spec.dnsConfig.nameservers: Invalid value: ["1","1.1.1.1","2.2.2.2","3.3.3.3"]: must not have more than 3 '
            "nameservers",
        ),
        ({"dnsConfig": {"options": [{}]}}, "spec.dnsConfig.options[0]: Required value: must not be empty"),
        (
            {"hostAliases": [{"ip": "300.0.0.1"}]},
            'spec.hostAliases[0].ip: Invalid value: "300.0.0.1": must be a valid IP address, (e.g. 10.9.8.7 or '
            "2001:db8::ffff)",
        ),
        ({"nodeName": "Node_1"}, f'spec.nodeName: Invalid value: "Node_1": {SUBDOMAIN}'),
        ({"serviceAccountName": "R"}, f'spec.serviceAccountName: Invalid value: "R": {SUBDOMAIN}'),
        ({"priorityClassName": "R"}, f'spec.priorityClassName: Invalid value: "R": {SUBDOMAIN}'),
        ({"runtimeClassName": "R"}, f'spec.runtimeClassName: Invalid value: "R": {SUBDOMAIN}'),
        ({"hostname": "a.b"}, 'spec.hostname: Invalid value: "a.b": must not contain dots'),
        ({"subdomain": "a.b"}, 'spec.subdomain: Invalid value: "a.b": must not contain dots'),
        (
            {"hostnameOverride": "x" * 65},
            "spec.hostnameOverride: Too long: may not be more than 64 bytes",
        ),
        (
            {"activeDeadlineSeconds": 0},
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        ),
        (
            {"preemptionPolicy": "Now"},
            'spec.preemptionPolicy: Unsupported value: "Now": supported values: "PreemptLowerPriority", "Never"',
        ),
        ({"readinessGates": [{"conditionType": ""}]}, None),
        (
            {"schedulingGates": [{"name": "a"}, {"name": "a"}]},
            'spec.schedulingGates[1]: Duplicate value: "a"',
        ),
        ({"os": {}}, "spec.os.name: Required value: cannot be empty"),
        ({"os": {"name": "plan9"}}, 'spec.os: Unsupported value: "plan9": supported values: "linux", "windows"'),
        (
            {"os": {"name": "windows"}, "hostPID": True},
            "spec.hostPID: Forbidden: cannot be set for a windows pod",
        ),
        (
            {"os": {"name": "linux"}, "securityContext": {"windowsOptions": {}}},
            "spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
        ),
        (
            {"hostUsers": False, "hostNetwork": True},
            "spec.hostNetwork: Forbidden: when `pod.Spec.HostUsers` is false",
        ),
        (
            {"overhead": {"cpu": "-1"}},
            'spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            {"resourceClaims": [{"name": "c"}]},
            'spec.resourceClaims[0]: Invalid value: {"name":"c"}: must specify one of: `resourceClaimName`, '
            "`resourceClaimTemplateName`",
        ),
        (
            {"hostNetwork": True, "containers": [container(ports=[{"containerPort": 80, "hostPort": 81}])]},
            "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when "
            "`hostNetwork` is true",
        ),
        (
            {"resources": {"requests": {"cpu": "1"}}, "containers": [container(resources={"requests": {"cpu": "2"}})]},
            'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container '
            "requests of 2",
        ),
        (
            {"resources": {"limits": {"cpu": "1"}}, "containers": [container(resources={"limits": {"cpu": "2"}})]},
            None,
        ),
    ],
)
def test_a_bad_field_is_named(fields, found):
    assert findings(**fields)[0] == found if found else findings(**fields)


def test_only_an_update_of_a_pod_may_have_ephemeral_containers():
    debugged = pod(ephemeralContainers=[container("debug")])
    assert texts(PODS.validate(debugged)) == []
    assert texts(PODS.validate_create(debugged)) == ["spec.ephemeralContainers: Forbidden: cannot be set on create"]


def test_a_pod_with_gates_cannot_name_its_node():
    gated = pod(nodeName="node-1", schedulingGates=[{"name": "wait"}])
    assert texts(PODS.validate_create(gated)) == [
        "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"
    ]


def test_the_image_of_a_pod_has_no_blanks_around_it_but_that_of_a_template_may():
    assert findings(containers=[container(image=" nginx")]) == []
    assert texts(PODS.validate_create(pod(containers=[container(image=" nginx")]))) == [
        'spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace'
    ]


def test_a_token_needs_a_service_account():
    volume = {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    assert texts(PODS.validate_create(pod(volumes=[volume]))) == [
        "spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when "
        "serviceAccountName is not set"
    ]


@pytest.mark.parametrize("cost", ["x", "1.5", "007", "+1", "2147483648", "-0", ""])
def test_the_deletion_cost_is_a_number(cost):
    key = "controller.kubernetes.io/pod-deletion-cost"
    found = texts(validate_annotations({key: cost}, {}, "metadata.annotations"))
    assert found == [f'metadata.annotations[{key}]: Invalid value: "{cost}": must be a 32bit integer']


@pytest.mark.parametrize("cost", ["0", "-5", "2147483647", "-2147483648"])
def test_a_deletion_cost_may_be_negative(cost):
    key = "controller.kubernetes.io/pod-deletion-cost"
    assert texts(validate_annotations({key: cost}, {}, "metadata.annotations")) == []


def test_a_mirror_pod_names_its_node():
    found = texts(PODS.validate_create(pod(meta={"annotations": {"kubernetes.io/config.mirror": "x"}})))
    assert found == [
        'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod '
        "annotation is set"
    ]
