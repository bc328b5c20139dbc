"""Requests made from the server's own OpenAPI documents, nearly right: each gets an answer.

Every operation of every group version is called in turn, with parameters and bodies grown from the schemas; some of
what they hold is wrong. Also a custom resource is among them. Where objects exist, some are sent back with changes.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from k8snb import Cluster
from k8snb.cluster import ADMIN
from k8snb.wire import Request, Response
from tests.edge.asking import APPLY, JSON, JSON_PATCH, MERGE, PROTOBUF, STRATEGIC, YAML, ask
from tests.edge.test_fuzz import VALID, places, replaced

REQUESTS = 300 if os.environ.get("K8SNB_PROPERTIES") == "long" else 16
GROUPS = [
    "api/v1",
    "apis/admissionregistration.k8s.io/v1",
    "apis/apiextensions.k8s.io/v1",
    "apis/apiregistration.k8s.io/v1",
    "apis/apps/v1",
    "apis/authentication.k8s.io/v1",
    "apis/authorization.k8s.io/v1",
    "apis/autoscaling/v1",
    "apis/autoscaling/v2",
    "apis/batch/v1",
    "apis/certificates.k8s.io/v1",
    "apis/coordination.k8s.io/v1",
    "apis/discovery.k8s.io/v1",
    "apis/events.k8s.io/v1",
    "apis/flowcontrol.apiserver.k8s.io/v1",
    "apis/metrics.k8s.io/v1beta1",
    "apis/networking.k8s.io/v1",
    "apis/node.k8s.io/v1",
    "apis/policy/v1",
    "apis/rbac.authorization.k8s.io/v1",
    "apis/resource.k8s.io/v1",
    "apis/scheduling.k8s.io/v1",
    "apis/storage.k8s.io/v1",
    "apis/fuzz.example.com/v1",
]

JUNK: list[Any] = [
    *(None, "", 0, -1, 70000, 2**31, 2**63 - 1, 1.5, True, [], {}, [None], [""], [{}], {"a": None}, {"": ""}),
    *("x", "::1", "a/b", "-1", "1e3", "A" * 300, "é", "10.0.0.0/8", ["a", "a"], "99999999999Ei", "$(A)", "%", "[a-"),
]
WORDS = {
    "string": ["a", "b", "web", "a.b/c", "10", "25%", "kubernetes.io/tls", "10.0.0.1", "http://a/b", "*", "/x", ""],
    "date-time": ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", "0001-01-01T00:00:00Z", "now"],
    "byte": ["AAAA", "", "e30=", "LS0tLS1CRUdJTg=="],
    "int-or-string": ["25%", 1, 0, "http", -1],
}
QUANTITIES = ["1", "100m", "1Gi", "0", "1e3", "-1", 5]
NAMED: dict[str, list[Any]] = {
    "operator": ["In", "NotIn", "Exists", "DoesNotExist", "Equal", "Gt"],
    "operations": [["CREATE"], ["*"], ["UPDATE", "DELETE"]],
    "expression": ["true", "object.spec.replicas > 1", "self.size()", "1 +", "has(object.a)", "device.driver == 'a'"],
    "rule": ["self.size() > 0", "true", "self ==", "oldSelf == self"],
    "schedule": ["* * * * *", "@daily", "61 * * * *", "TZ=x * * * * *"],
    "cidr": ["10.0.0.0/8", "::/0", "10.0.0.1/8"],
    "namespace": ["default", "default", "nope"],
    "uid": ["u"],
    "generation": [1],
    "resourceVersion": ["", "1", "x"],
    "deletionTimestamp": ["2026-01-01T00:00:00Z"],
}
ASKED: dict[str, list[str]] = {
    "limit": ["1", "0", "-1", "x"],
    "continue": ["x", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhL2IifQ"],
    "resourceVersion": ["0", "1", "99999999", "x"],
    "resourceVersionMatch": ["Exact", "NotOlderThan", "x"],
    "labelSelector": ["a=b", "a in (b", "!a", "a notin (b,c)"],
    "fieldSelector": ["metadata.name=a", "spec.x!=y", "metadata.namespace=default", "="],
    "watch": ["true", "1", "x"],
    "timeoutSeconds": ["1", "0", "-1", "x"],
    "dryRun": ["All", "All", "x"],
    "fieldManager": ["fuzz", "x" * 200, "\0"],
    "fieldValidation": ["Strict", "Warn", "Ignore", "x"],
    "force": ["true", "x"],
    "gracePeriodSeconds": ["0", "-1", "30", "x"],
    "propagationPolicy": ["Foreground", "Orphan", "Background", "x"],
}
ACCEPTS = [
    *(JSON, JSON, JSON, YAML, "*/*", "application/vnd.kubernetes.protobuf"),
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
]
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

HEADERS = {"host": "h", "content-type": JSON, "accept": JSON}


DOCUMENTED = {
    500: (
        "failed to create typed patch object",
        "Internal error occurred: the spec replicas field",
        "Component not found",
        "map: map[",
        "list element types are not identical",
    ),
    503: ("no endpoints available", "error trying to reach service", ""),
    504: ("Timeout: Too large resource version",),
}
"""What the real server says too: an apply whose body has wrong types, a proxy to nowhere, a revision to come."""


def documented(request: Request, response: Response) -> bool:
    """Whether an answer of 500 and above is one of those that the API has."""
    if response.code == 503:
        return "/proxy" in request.path
    return str((response.object or {}).get("message")).startswith(DOCUMENTED.get(response.code, ()))


class Caller:
    """Makes requests of one document, and looks at what comes back."""

    def __init__(self, cluster: Cluster, group: str, seed: int) -> None:
        self.cluster = cluster
        self.dice = random.Random(f"{group} {seed}")
        self.document = self.read(f"/openapi/v3/{group}")
        self.schemas: Mapping[str, Any] = self.document["components"]["schemas"]
        self.codes: Counter[int] = Counter()

    def read(self, path: str) -> Any:
        """What a path answers, as JSON."""
        response = self.cluster.server.handle(Request("GET", path, {}, HEADERS, user=ADMIN))
        return orjson.loads(response.body) if response.object is None else orjson.loads(orjson.dumps(response.object))

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any], list[Mapping[str, Any]]]]:
        """Each operation of the document, in an order of chance: path, method, what it says, its parameters."""
        known = [
            (path, method, operation, [*item.get("parameters", ()), *operation.get("parameters", ())])
            for path, item in sorted(self.document["paths"].items())
            for method, operation in item.items()
            if method != "parameters"
        ]
        while True:
            self.dice.shuffle(known)
            yield from known

    def chance(self, one_in: float) -> bool:
        return self.dice.random() * one_in < 1

    # -- values --------------------------------------------------------------------------------------

    def value(self, schema: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
        """A value of a schema, now and then a wrong one."""
        while "$ref" in schema or "allOf" in schema:
            reference = schema.get("$ref") or schema["allOf"][0].get("$ref")
            if reference is None:
                schema = schema["allOf"][0]
                continue
            schema = self.schemas[reference.rpartition("/")[2]]
            if reference.endswith("Quantity"):
                return self.dice.choice(QUANTITIES)
        if depth and self.chance(60):
            return self.dice.choice(JUNK)
        if "enum" in schema:
            return self.dice.choice(schema["enum"])
        if name in NAMED and schema.get("type") != "object":
            return self.dice.choice(NAMED[name])
        if "properties" in schema:
            return self.fields(schema, depth)
        return self.plain(schema, name, depth)

    def fields(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """An object: what is required, and of the rest the less the deeper it is."""
        needed = schema.get("required", ())
        kinds = schema.get("x-kubernetes-group-version-kind")
        made = {
            key: self.value(each, key, depth + 1)
            for key, each in schema["properties"].items()
            if (key in needed and depth < 16) or self.chance(1.3 if depth < 2 else depth)
        }
        if kinds and not self.chance(40):
            one = self.dice.choice(kinds)
            made["apiVersion"] = "/".join(filter(None, (one["group"], one["version"])))
            made["kind"] = one["kind"]
        return made

    def plain(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        """A value that is no object with fields."""
        dice, kind, shape = self.dice, schema.get("type"), schema.get("format", "")
        if kind == "array":
            return [self.value(schema["items"], name, depth + 1) for _ in range(dice.choice((0, 1, 1, 2)))]
        if kind == "object":
            each = schema.get("additionalProperties")
            keys = dice.sample(("a", "app", "cpu", "memory", "a.b/c", "storage"), dice.choice((0, 1, 2)))
            return {key: self.value(each, "", depth + 1) if isinstance(each, dict) else "a" for key in keys}
        if kind in ("integer", "number"):
            return dice.choice((0, 1, 1, 2, 5, 80, 600, -1, 2**31))
        if kind == "boolean":
            return self.chance(2)
        if kind == "string":
            return dice.choice(WORDS.get(shape, WORDS["string"]))
        return dice.choice(WORDS["int-or-string"] + JUNK)

    # -- requests ------------------------------------------------------------------------------------

    def body(self, path: str, method: str, operation: Mapping[str, Any]) -> Any:
        """What is sent: a value of the schema, or what is stored with a few changes."""
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return self.dice.choice(JUNK) if self.chance(5) else {}
        stored = self.read(path) if method in ("put", "patch") else None
        if method == "post" and path in EXAMPLES:
            stored = named(EXAMPLES[path], self.dice.choice(("a", "b", "c")))
        if isinstance(stored, dict) and not self.chance(3):
            grown: Any = stored
            for _ in range(self.dice.choice((0, 1, 1, 2))):
                place = self.dice.choice([(), *places(grown)]) if isinstance(grown, dict | list) else ()
                grown = replaced(grown, place, self.dice.choice([*JUNK, ...]) if place else self.dice.choice(JUNK))
            if isinstance(grown, dict) and isinstance(grown.get("metadata"), dict) and self.chance(2):
                grown["metadata"].pop("managedFields", None)
            return grown
        if method == "patch":
            answer = next((each for code, each in operation["responses"].items() if code == "200"), {})
            content = answer.get("content", content)
        made = self.value(next(iter(content.values()))["schema"])
        if isinstance(made, dict) and isinstance(made.get("metadata", {}), dict) and not self.chance(20):
            made["metadata"] = {**made.get("metadata", {}), "name": self.dice.choice(("a", "b", "c"))}
            made["metadata"].pop("namespace", None)
        return made

    def patch(self, document: Any) -> Any:
        """A JSON patch that makes some of a document."""
        steps = list(places(document)) or [("spec",)]
        return [
            {
                "op": self.dice.choice(("add", "replace", "remove", "test", "move", "copy", "x")),
                "path": "/" + "/".join(map(str, self.dice.choice(steps))),
                "from": "/" + "/".join(map(str, self.dice.choice(steps))),
                "value": self.dice.choice(JUNK),
            }
            for _ in range(self.dice.choice((1, 2)))
        ]

    def names(self, path: str) -> list[str]:
        """Names that `{name}` of a path may stand for."""
        found = self.read(path.partition("/{name}")[0]).get("items") or []
        return [each["metadata"]["name"] for each in found if each["metadata"].get("name")] or ["a"]

    def request(
        self, path: str, method: str, operation: Mapping[str, Any], parameters: list[Mapping[str, Any]]
    ) -> Request:
        """A request of an operation."""
        dice = self.dice
        path = path.replace("{namespace}", "nope" if self.chance(20) else "default").replace("{path}", "x")
        if "{name}" in path:
            path = path.replace("{name}", "nope" if self.chance(20) else dice.choice(self.names(path)))
        query = {}
        for each in parameters:
            if each["in"] == "query" and self.chance(6):
                query[each["name"]] = dice.choice(ASKED.get(each["name"], ["true", "1", "a", "", "-1"]))
        media, data = JSON, b""
        if method in ("put", "post", "patch", "delete"):
            sent = self.body(path, method, operation)
            media = dice.choice((JSON, JSON, JSON, YAML))
            if method == "patch":
                media = dice.choice((MERGE, STRATEGIC, JSON_PATCH, APPLY))
                query.setdefault("fieldManager", "fuzz")
                sent = self.patch(sent) if media == JSON_PATCH else sent
            data = orjson.dumps(sent)
            if self.chance(40):
                media, data = dice.choice((("text/plain", data), (JSON, data[:-1]), (MERGE, data), (JSON, b"")))
        headers = {"host": "h", "content-type": media, "accept": dice.choice(ACCEPTS)}
        return Request(method.upper(), path, query, headers, data, user=ADMIN)

    def send(self, request: Request) -> Response:
        """Send a request and hold the answer against what every answer keeps to."""
        cluster = self.cluster
        before = cluster.revision
        response = cluster.server.handle(request)
        if response.stream is not None:
            response.stream.close()
        self.codes[response.code] += 1
        told = (
            (response.object or {}).get("message"),
            request.method,
            request.path,
            request.query,
            request.headers,
            request.body,
        )
        assert not cluster.server.panics, told
        assert response.code < 500 or documented(request, response), told
        partly = request.method == "DELETE" and response.code == 403  # a collection is removed up to the refusal
        assert response.code < 400 or cluster.revision == before or partly, told
        return response


@pytest.fixture
def cluster() -> Cluster:
    return new_cluster()


def test_every_group_is_called(cluster: Cluster) -> None:
    documents = Caller(cluster, "api/v1", 0).read("/openapi/v3")["paths"]
    assert sorted(documents) == sorted(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_no_operation_of_the_documents_breaks_the_server(cluster: Cluster, group: str) -> None:
    caller = Caller(cluster, group, 0)
    for _, operation in zip(range(REQUESTS), caller.operations(), strict=False):
        caller.send(caller.request(*operation))


# -- what such requests have found ---------------------------------------------------------------------


def test_an_answer_that_cannot_be_given_is_refused_before_the_write(cluster: Cluster) -> None:
    before, target = cluster.revision, "/apis/fuzz.example.com/v1/namespaces/default/things/a"
    assert ask(cluster, "DELETE", target, accept=PROTOBUF).code == 406
    assert cluster.revision == before


def test_events_are_applied_in_the_version_of_their_group(cluster: Cluster) -> None:
    event = named(EXAMPLES["/apis/events.k8s.io/v1/namespaces/default/events"], "applied")
    body = {"apiVersion": "events.k8s.io/v1", "kind": "Event", **event, "note": "n"}
    target = "/apis/events.k8s.io/v1/namespaces/default/events/applied"
    assert ask(cluster, "PATCH", f"{target}?fieldManager=me", body, APPLY).code == 201
    assert cluster.client.get("events", "applied", "default")["message"] == "n"


@pytest.mark.parametrize("options", [{"dryRun": ["b"]}, {"preconditions": {"uid": "other"}}])
def test_an_eviction_with_wrong_options_leaves_no_mark(cluster: Cluster, options: dict[str, Any]) -> None:
    before, body = cluster.revision, {"metadata": {"name": "a"}, "deleteOptions": options}
    body |= {"apiVersion": "policy/v1", "kind": "Eviction"}
    assert ask(cluster, "POST", "/api/v1/namespaces/default/pods/a/eviction", body).code in (409, 422)
    assert cluster.revision == before


@pytest.mark.parametrize("version", ["x", "1"])
def test_a_review_may_carry_any_resource_version(cluster: Cluster, version: str) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "t"}}
    reviewed = {**body, "metadata": {"resourceVersion": version}}
    assert ask(cluster, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", reviewed).code == 201


def test_schemas_inside_items_are_read_like_those_around_them(cluster: Cluster) -> None:
    broken = {"type": "array", "items": {"type": "object", "properties": []}}
    version = {**DEFINITION["spec"]["versions"][0], "schema": {"openAPIV3Schema": broken}}
    body = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **DEFINITION}
    body["spec"] = {**DEFINITION["spec"], "versions": [version]}
    answer = ask(cluster, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
    why = "json: cannot unmarshal array into Go struct field JSONSchemaProps.properties of type "
    assert (answer.code, answer.message.partition("as a CustomResourceDefinition: ")[2]) == (
        400,
        f"{why}map[string]v1.JSONSchemaProps",
    )


def test_a_definition_may_have_versions_without_names_and_conditions_without_types(cluster: Cluster) -> None:
    target = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.fuzz.example.com"
    nameless = {"spec": {"versions": [{"served": True, "storage": True}]}}
    assert ask(cluster, "PATCH", target, nameless, MERGE).code == 422
    assert ask(cluster, "PATCH", f"{target}/status", {"status": {"conditions": [{"status": "x"}]}}, MERGE).code < 500
    assert cluster.server.panics == []


def test_without_its_rights_the_scheduler_goes_on(cluster: Cluster) -> None:
    assert ask(cluster, "DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles").code == 200
    spec = {"nodeSelector": {"no": "node"}, "containers": [{"name": "c", "image": "nginx"}]}
    cluster.client.create("pods", {"metadata": {"name": "waits"}, "spec": spec}, "default")
    cluster.settle()
    assert cluster.client.get("pods", "waits", "default")["status"]["phase"] == "Pending"
