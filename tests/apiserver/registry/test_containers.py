"""What is wrong with a container: its own fields, and those that only some kinds of container may have."""

from __future__ import annotations

import pytest

from tests.apiserver.registry.workload_builders import container, container_findings, findings

FIELDS = (
    '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", '
    '"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"'
)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"name": ""}, "name: Required value"),
        ({"name": "a.b"}, 'name: Invalid value: "a.b": must not contain dots'),
        ({"image": ""}, "image: Required value"),
        (
            {"imagePullPolicy": "Maybe"},
            'imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never"',
        ),
        (
            {"terminationMessagePolicy": "Mail"},
            'terminationMessagePolicy: Unsupported value: "Mail": supported values: "File", "FallbackToLogsOnError"',
        ),
        ({"ports": [{"name": "http"}]}, "ports[0].containerPort: Required value"),
        (
            {"ports": [{"containerPort": 70000}]},
            "ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            {"ports": [{"containerPort": 80, "hostPort": -1}]},
            "ports[0].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive",
        ),
        (
            {"ports": [{"containerPort": 80, "protocol": "ICMP"}]},
            'ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
        ),
        (
            {"ports": [{"containerPort": 80, "name": "this-name-is-too-long"}]},
            'ports[0].name: Invalid value: "this-name-is-too-long": must be no more than 15 characters',
        ),
        (
            {"ports": [{"containerPort": 80, "name": "x"}, {"containerPort": 81, "name": "x"}]},
            'ports[1].name: Duplicate value: "x"',
        ),
        (
            {"ports": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]},
            'ports[1].hostPort: Duplicate value: "TCP//80"',
        ),
        ({"env": [{"name": ""}]}, "env[0].name: Required value"),
        (
            {"env": [{"name": "A=B"}]},
            'env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII '
            "characters other than '='",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {}}]},
            'env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, '
            "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        ),
        (
            {"env": [{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
            'env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
        ),
        (
            {
                "env": [
                    {
                        "name": "A",
                        "valueFrom": {
                            "secretKeyRef": {"name": "s", "key": "k"},
                            "configMapKeyRef": {"name": "s", "key": "k"},
                        },
                    }
                ]
            },
            'env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c"}}}]},
            "env[0].valueFrom.configMapKeyRef.key: Required value",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.whoops"}}}]},
            'env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.whoops": error converting fieldPath: '
            "field label not supported: metadata.whoops",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name['x']"}}}]},
            "env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.name['x']\": error converting fieldPath: "
            "field label does not support subscript: metadata.name['x']",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}]},
            f'env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: {FIELDS}',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.gpu"}}}]},
            'env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gpu": supported values: '
            '"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", '
            '"requests.memory"',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "2"}}}]},
            'env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 '
            "are supported with the cpu resource",
        ),
        (
            {"envFrom": [{}]},
            'envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
        ),
        ({"envFrom": [{"secretRef": {}}]}, "envFrom[0].secretRef.name: Required value"),
        (
            {"resources": {"requests": {"cpu": "-1"}}},
            'resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            {"resources": {"limits": {"gpu": "1"}}},
            'resources.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
        ),
        (
            {"resources": {"limits": {"pods": "1"}}},
            'resources.limits[pods]: Invalid value: "pods": must be a standard resource for containers',
        ),
        (
            {"resources": {"limits": {"example.com/gpu": "1500m"}}},
            'resources.limits[example.com/gpu]: Invalid value: "1500m": must be an integer',
        ),
        (
            {"resources": {"limits": {"example.com/gpu": "2"}, "requests": {"example.com/gpu": "1"}}},
            'resources.requests: Invalid value: "1": must be equal to example.com/gpu limit of 2',
        ),
        (
            {"resources": {"requests": {"example.com/gpu": "1"}}},
            "resources.limits: Required value: Limit must be set for non overcommitable resources",
        ),
        (
            {"resources": {"limits": {"hugepages-2Mi": "2Mi"}}},
            "resources: Forbidden: HugePages require cpu or memory",
        ),
        (
            {"resources": {"limits": {"cpu": "1", "hugepages-2Mi": "3Mi"}}},
            'resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of '
            "hugepages-2Mi",
        ),
        (
            {"resources": {"claims": [{"name": "c"}]}},
            'resources.claims[0]: Not found: "c": must be one of the names in pod.spec.resourceClaims which is empty',
        ),
        (
            {"resizePolicy": [{"resourceName": "gpu", "restartPolicy": "NotRequired"}]},
            'resizePolicy: Unsupported value: "gpu": supported values: "cpu", "memory"',
        ),
        ({"livenessProbe": {}}, "livenessProbe: Required value: must specify a handler type"),
        (
            {"livenessProbe": {"exec": {"command": ["x"]}, "tcpSocket": {"port": 1}}},
            "livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        ({"livenessProbe": {"exec": {}}}, "livenessProbe.exec.command: Required value"),
        (
            {"livenessProbe": {"exec": {"command": ["x"]}, "successThreshold": 2}},
            "livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            {"startupProbe": {"exec": {"command": ["x"]}, "successThreshold": 2}},
            "startupProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            {"readinessProbe": {"exec": {"command": ["x"]}, "periodSeconds": -1}},
            "readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"readinessProbe": {"exec": {"command": ["x"]}, "terminationGracePeriodSeconds": 5}},
            "readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes",
        ),
        (
            {"readinessProbe": {"httpGet": {"port": "", "scheme": "FTP"}}},
            'readinessProbe.httpGet.port: Invalid value: "": must contain only alpha-numeric characters (a-z, 0-9), '
            "and hyphens (-)",
        ),
        (
            {"readinessProbe": {"httpGet": {"port": 80, "scheme": "FTP"}}},
            'readinessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"',
        ),
        (
            {"readinessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "X Y"}]}}},
            'readinessProbe.httpGet.httpHeaders: Invalid value: "X Y": a valid HTTP header must consist of '
            "alphanumeric "
            "characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
        ),
        ({"lifecycle": {"postStart": {}}}, "lifecycle.postStart: Required value: must specify a handler type"),
        (
            {"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
            "lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than "
            "terminationGracePeriodSeconds (30)",
        ),
        (
            {"securityContext": {"runAsUser": -1}},
            "securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ),
        (
            {"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
            'securityContext: Invalid value: {"allowPrivilegeEscalation":false,"privileged":true}: cannot set '
            "`allowPrivilegeEscalation` to false and `privileged` to true",
        ),
        (
            {"securityContext": {"procMount": "Unmasked"}},
            'securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Localhost"}}},
            "securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is "
            "Localhost",
        ),
        (
            {"securityContext": {"appArmorProfile": {}}},
            "securityContext.appArmorProfile.type: Required value: type is required when appArmorProfile is set",
        ),
        (
            {"restartPolicy": "Sometimes"},
            'restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
        ),
        (
            {"restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}]},
            "restartPolicy: Required value: must specify restartPolicy when restart rules are used",
        ),
        (
            {"restartPolicy": "Never", "restartPolicyRules": [{"action": "Restart"}]},
            "restartPolicyRules[0].exitCodes: Required value: must be specified",
        ),
    ],
)
def test_a_bad_field_of_a_container_is_named(fields, found):
    assert container_findings(**fields)[0] == found


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        ([{"name": "x", "mountPath": "/x"}], 'volumeMounts[0].name: Not found: "x"'),
        ([{"name": "v"}], "volumeMounts[0].mountPath: Required value"),
        (
            [{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/v"}],
            'volumeMounts[1].mountPath: Invalid value: "/v": must be unique',
        ),
        (
            [{"name": "v", "mountPath": "/v", "subPath": "/abs"}],
            'volumeMounts.subPath: Invalid value: "/abs": must be a relative path',
        ),
        (
            [{"name": "v", "mountPath": "/v", "subPath": "a/../b"}],
            "volumeMounts.subPath: Invalid value: \"a/../b\": must not contain '..'",
        ),
        (
            [{"name": "v", "mountPath": "/v", "subPath": "a", "subPathExpr": "b"}],
            'volumeMounts[0].subPathExpr: Invalid value: "b": subPathExpr and subPath are mutually exclusive',
        ),
        (
            [{"name": "v", "mountPath": "/v", "mountPropagation": "Bidirectional"}],
            "volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged "
            "containers",
        ),
        (
            [{"name": "v", "mountPath": "/v", "recursiveReadOnly": "Enabled"}],
            "volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
        ),
    ],
)
def test_a_bad_mount_is_named(mounts, found):
    texts = findings(volumes=[{"name": "v"}], containers=[container(volumeMounts=mounts)])
    assert [text.removeprefix("spec.containers[0].") for text in texts] == [found]


def test_a_block_device_comes_from_a_claim():
    texts = findings(volumes=[{"name": "v"}], containers=[container(volumeDevices=[{"name": "v", "devicePath": "/d"}])])
    assert texts == [
        'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of '
        "PersistentVolumeClaim or Ephemeral for block mode"
    ]


@pytest.mark.parametrize("field", ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"])
def test_an_init_container_has_no_probes_or_hooks_unless_it_is_a_sidecar(field):
    value = {"postStart": {"exec": {"command": ["x"]}}} if field == "lifecycle" else {"exec": {"command": ["x"]}}
    assert findings(initContainers=[container("i", **{field: value})]) == [
        f"spec.initContainers[0].{field}: Forbidden: may not be set for init containers without restartPolicy=Always"
    ]
    assert findings(initContainers=[container("i", restartPolicy="Always", **{field: value})]) == []


def test_init_containers_share_names_with_the_others_but_not_ports():
    ports = [{"containerPort": 80, "hostPort": 80}]
    assert findings(initContainers=[container("i", ports=ports)], containers=[container(ports=ports)]) == []
    assert findings(initContainers=[container("a")]) == ['spec.initContainers[0].name: Duplicate value: "a"']


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"name": "a"}, 'name: Duplicate value: "a"'),
        ({"targetContainerName": "x"}, 'targetContainerName: Not found: "x"'),
        ({"ports": [{"containerPort": 80}]}, "ports: Forbidden: cannot be set for an Ephemeral Container"),
        ({"resources": {"limits": {"cpu": "1"}}}, "resources: Forbidden: cannot be set for an Ephemeral Container"),
        (
            {"livenessProbe": {"exec": {"command": ["x"]}}},
            "livenessProbe: Forbidden: cannot be set for an Ephemeral Container",
        ),
    ],
)
def test_an_ephemeral_container_has_few_fields(fields, found):
    texts = findings(ephemeralContainers=[{**container("debug"), **fields}])
    assert texts == [f"spec.ephemeralContainers[0].{found}"]
