"""An object of every kind, a kind of our own, and a cluster in which they all are."""

from __future__ import annotations

from typing import Any

import orjson

from k8snb import Cluster
from k8snb.cluster.cluster import ADMIN
from k8snb.wire import Request
from tests.edge.asking import JSON
from tests.edge.test_fuzz import VALID

HEADERS = {"host": "h", "content-type": JSON, "accept": JSON}
THING = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "x-kubernetes-validations": [{"rule": "self.size < 100", "message": "too large"}],
            "properties": {
                "size": {"type": "integer", "minimum": 0, "default": 1},
                "replicas": {"type": "integer"},
                "mode": {"type": "string", "enum": ["a", "b"]},
                "when": {"type": "string", "format": "date-time"},
                "pattern": {"type": "string", "pattern": "^[a-z]+$"},
                "either": {"x-kubernetes-int-or-string": True},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "parts": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}, "weight": {"type": "number", "nullable": True}},
                    },
                },
                "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 5}},
            },
        },
        "status": {"type": "object", "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}}},
    },
}
SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}
DEFINITION: dict[str, Any] = {
    "metadata": {"name": "things.fuzz.example.com"},
    "spec": {
        "group": "fuzz.example.com",
        "scope": "Namespaced",
        "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": THING},
                "subresources": {"status": {}, "scale": SCALE},
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
            }
        ],
    },
}


def named(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """The manifest of an object of that name."""
    return {**manifest, "metadata": {**manifest.get("metadata", {}), "name": name}}


def new_cluster() -> Cluster:
    """A cluster with objects of many kinds and a custom resource."""
    cluster = Cluster(nodes=1, seed=1)
    cluster.client.create("customresourcedefinitions", DEFINITION)
    cluster.settle()
    thing = {"metadata": {"name": "a"}, "spec": {"size": 3, "parts": [{"name": "p"}]}}
    cluster.client.create("things.fuzz.example.com", thing, "default")
    for path, manifest in EXAMPLES.items():
        cluster.server.handle(Request("POST", path, {}, HEADERS, orjson.dumps(named(manifest, "a")), user=ADMIN))
    return cluster


POD_SPEC = {"containers": [{"name": "a", "image": "nginx"}], "restartPolicy": "Never"}
JOB = {"backoffLimit": 1, "completions": 2, "parallelism": 1, "template": {"spec": POD_SPEC}}
RULES = [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["nothings"]}]
HOOK = {
    "name": "a.example.com",
    "clientConfig": {"service": {"name": "a", "namespace": "default", "path": "/a", "port": 443}},
    "rules": RULES,
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "matchConditions": [{"name": "a", "expression": "object.metadata.name == 'a'"}],
}
MATCHES = {"resourceRules": [{**RULES[0], "resourceNames": ["a"]}], "namespaceSelector": {}}
POLICY = {
    "failurePolicy": "Ignore",
    "matchConstraints": MATCHES,
    "variables": [{"name": "n", "expression": "object.metadata.name"}],
    "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
}
CHECKED = {"expression": "variables.n == 'a'", "messageExpression": "'not ' + variables.n", "reason": "Invalid"}
CHANGED = {"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 'test', path: '/a', value: 1}]"}}
BOUND = {"policyName": "a", "paramRef": {"name": "a", "parameterNotFoundAction": "Deny"}, "matchResources": MATCHES}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
PATH = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "a", "port": {"number": 80}}}}
PEER = {"namespaceSelector": {"matchLabels": {"a": "b"}}, "podSelector": {}}
GRANTED = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a"]}]
SUBJECTS = [{"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"}]
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
DEVICE = {"name": "r", "exactly": {"deviceClassName": "a", "selectors": [{"cel": {"expression": "true"}}]}}
CLAIM = {"devices": {"requests": [DEVICE], "constraints": [{"requests": ["r"], "matchAttribute": "a.b/c"}]}}
MORE: dict[str, dict[str, Any]] = {
    "apis/admissionregistration.k8s.io/v1 validatingwebhookconfigurations": {"webhooks": [HOOK]},
    "apis/admissionregistration.k8s.io/v1 mutatingwebhookconfigurations": {"webhooks": [HOOK]},
    "apis/admissionregistration.k8s.io/v1 validatingadmissionpolicies": {"spec": {**POLICY, "validations": [CHECKED]}},
    "apis/admissionregistration.k8s.io/v1 validatingadmissionpolicybindings": {
        "spec": {**BOUND, "validationActions": ["Warn"]}
    },
    "apis/admissionregistration.k8s.io/v1 mutatingadmissionpolicies": {
        "spec": {**POLICY, "mutations": [CHANGED], "reinvocationPolicy": "Never"}
    },
    "apis/admissionregistration.k8s.io/v1 mutatingadmissionpolicybindings": {"spec": BOUND},
    "apis/apiregistration.k8s.io/v1 apiservices": {
        "spec": {"group": "x.io", "version": "v1", "groupPriorityMinimum": 5, "versionPriority": 5,
                 "service": {"name": "a", "namespace": "default"}, "insecureSkipTLSVerify": True}
    },
    "apis/autoscaling/v1 horizontalpodautoscalers": {"spec": {"scaleTargetRef": TARGET, "maxReplicas": 5}},
    "apis/autoscaling/v2 horizontalpodautoscalers": {
        "spec": {"scaleTargetRef": TARGET, "maxReplicas": 5, "metrics": [CPU],
                 "behavior": {"scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 5}]}}}
    },
    "apis/batch/v1 jobs": {"spec": JOB},
    "apis/batch/v1 cronjobs": {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": JOB}, "timeZone": "Etc/UTC"}},
    "apis/flowcontrol.apiserver.k8s.io/v1 flowschemas": {
        "spec": {"priorityLevelConfiguration": {"name": "catch-all"}, "matchingPrecedence": 5,
                 "distinguisherMethod": {"type": "ByUser"}}
    },
    "apis/flowcontrol.apiserver.k8s.io/v1 prioritylevelconfigurations": {
        "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}}}
    },
    "apis/networking.k8s.io/v1 ingresses": {
        "spec": {"rules": [{"host": "a.b", "http": {"paths": [PATH]}}],
                 "tls": [{"hosts": ["a.b"], "secretName": "s"}]}
    },
    "apis/networking.k8s.io/v1 ingressclasses": {"spec": {"controller": "a.b/c"}},
    "apis/networking.k8s.io/v1 networkpolicies": {
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"],
                 "ingress": [{"from": [PEER, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}],
                 "egress": [{"ports": [{"port": 80, "endPort": 90, "protocol": "TCP"}]}]}
    },
    "apis/networking.k8s.io/v1 servicecidrs": {"spec": {"cidrs": ["10.112.0.0/16"]}},
    "apis/node.k8s.io/v1 runtimeclasses": {
        "handler": "a", "overhead": {"podFixed": {"cpu": "1"}}, "scheduling": {"nodeSelector": {"a": "b"}}
    },
    "apis/policy/v1 poddisruptionbudgets": {"spec": {"minAvailable": "50%", "selector": {"matchLabels": {"a": "b"}}}},
    "apis/rbac.authorization.k8s.io/v1 roles": {"rules": GRANTED},
    "apis/rbac.authorization.k8s.io/v1 clusterroles": {"rules": GRANTED},
    "apis/rbac.authorization.k8s.io/v1 rolebindings": {"roleRef": ROLE, "subjects": SUBJECTS},
    "apis/rbac.authorization.k8s.io/v1 clusterrolebindings": {"roleRef": ROLE, "subjects": SUBJECTS},
    "apis/resource.k8s.io/v1 deviceclasses": {"spec": {"selectors": [{"cel": {"expression": "true"}}]}},
    "apis/resource.k8s.io/v1 resourceclaims": {"spec": CLAIM},
    "apis/resource.k8s.io/v1 resourceclaimtemplates": {"spec": {"spec": CLAIM}},
    "apis/resource.k8s.io/v1 resourceslices": {
        "spec": {"driver": "a.b", "nodeName": "node-1", "devices": [{"name": "d", "attributes": {"x": {"int": 1}}}],
                 "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}}
    },
    "apis/storage.k8s.io/v1 storageclasses": {"provisioner": "a.b/c", "parameters": {"a": "b"}},
    "apis/storage.k8s.io/v1 csidrivers": {"spec": {"attachRequired": False, "fsGroupPolicy": "File"}},
    "apis/storage.k8s.io/v1 csinodes": {"spec": {"drivers": [{"name": "a.b", "nodeID": "n", "topologyKeys": ["a"]}]}},
    "apis/storage.k8s.io/v1 csistoragecapacities": {"storageClassName": "a", "capacity": "1Gi", "nodeTopology": {}},
    "apis/storage.k8s.io/v1 volumeattachments": {
        "spec": {"attacher": "a", "nodeName": "node-1", "source": {"persistentVolumeName": "a"}}
    },
    "apis/storage.k8s.io/v1 volumeattributesclasses": {"driverName": "a.b", "parameters": {"a": "b"}},
}  # fmt: skip
NAMESPACED = [
    "horizontalpodautoscalers",
    "jobs",
    "cronjobs",
    "ingresses",
    "networkpolicies",
    "poddisruptionbudgets",
    "roles",
    "rolebindings",
    "resourceclaims",
    "resourceclaimtemplates",
    "csistoragecapacities",
]


def _path(word: str) -> str:
    group, plural = word.split()
    return f"/{group}/namespaces/default/{plural}" if plural in NAMESPACED else f"/{group}/{plural}"


EXAMPLES = {**VALID, **{_path(word): manifest for word, manifest in MORE.items()}}
