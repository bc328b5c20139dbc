"""No request, however strange, breaks the server; what it refuses has changed nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb import Cluster
from k8snb.wire import Request, Response
from tests.edge.asking import APPLY, JSON, JSON_PATCH, MERGE, PROTOBUF, STRATEGIC, YAML

TEMPLATE = {
    "metadata": {"labels": {"app": "a"}, "annotations": {"b": "c"}},
    "spec": {
        "initContainers": [{"name": "i", "image": "busybox", "command": ["true"], "restartPolicy": "Always"}],
        "containers": [
            {
                "name": "c",
                "image": "nginx:1.27",
                "ports": [{"containerPort": 80, "name": "http", "protocol": "TCP"}],
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "1"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5},
                "lifecycle": {"preStop": {"exec": {"command": ["sleep", "1"]}}},
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                "securityContext": {"runAsUser": 1},
            }
        ],
        "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}, {"name": "w", "configMap": {"name": "x"}}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
                }
            }
        },
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ],
        "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
    },
}
OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "o", "uid": "u", "controller": True}
SELECTOR = {"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "app", "operator": "Exists"}]}
ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}}
VALID: dict[str, Any] = {
    "/api/v1/namespaces": {"metadata": {"generateName": "n-"}, "spec": {"finalizers": ["kubernetes"]}},
    "/api/v1/nodes": {
        "metadata": {"generateName": "n-"},
        "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}], "podCIDRs": ["10.0.0.0/24"]},
    },
    "/api/v1/persistentvolumes": {
        "metadata": {"generateName": "n-"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}},
    },
    "/api/v1/namespaces/default/configmaps": {"data": {"a": "b"}, "binaryData": {"c": "AAAA"}, "immutable": False},
    "/api/v1/namespaces/default/secrets": {"type": "Opaque", "data": {"a": "AAAA"}, "stringData": {"b": "c"}},
    "/api/v1/namespaces/default/pods": TEMPLATE,
    "/api/v1/namespaces/default/podtemplates": {"template": TEMPLATE},
    "/api/v1/namespaces/default/services": {
        "spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80, "targetPort": "http"}]}
    },
    "/api/v1/namespaces/default/endpoints": {
        "subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80, "name": "x"}]}]
    },
    "/api/v1/namespaces/default/persistentvolumeclaims": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    "/api/v1/namespaces/default/resourcequotas": {"spec": {"hard": {"pods": "10", "requests.cpu": "1"}}},
    "/api/v1/namespaces/default/limitranges": {
        "spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}, "max": {"cpu": "2"}}]}
    },
    "/api/v1/namespaces/default/serviceaccounts": {"automountServiceAccountToken": True},
    "/api/v1/namespaces/default/events": {
        "involvedObject": {"kind": "Pod", "name": "a", "namespace": "default"},
        "reason": "R",
        "type": "Normal",
        "lastTimestamp": "2026-01-01T00:00:00Z",
    },
    "/api/v1/namespaces/default/replicationcontrollers": {
        "spec": {"replicas": 1, "selector": {"app": "a"}, "template": TEMPLATE}
    },
    "/apis/apps/v1/namespaces/default/deployments": {
        "spec": {"replicas": 1, "selector": SELECTOR, "template": TEMPLATE, "strategy": ROLLING}
    },
    "/apis/apps/v1/namespaces/default/replicasets": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "/apis/apps/v1/namespaces/default/daemonsets": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "/apis/apps/v1/namespaces/default/statefulsets": {
        "spec": {"selector": SELECTOR, "template": TEMPLATE, "serviceName": "s", "volumeClaimTemplates": []}
    },
    "/apis/coordination.k8s.io/v1/namespaces/default/leases": {
        "spec": {"holderIdentity": "h", "leaseDurationSeconds": 5, "renewTime": "2026-01-01T00:00:00.000000Z"}
    },
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices": {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
        "ports": [{"port": 80, "name": ""}],
    },
    "/apis/events.k8s.io/v1/namespaces/default/events": {
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "a/b",
        "reportingInstance": "c",
        "action": "d",
        "reason": "R",
        "type": "Normal",
        "regarding": {"kind": "Pod", "namespace": "default"},
    },
    "/apis/scheduling.k8s.io/v1/priorityclasses": {"metadata": {"generateName": "p-"}, "value": 5},
}

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["", "x" * 300, "-1", "1Ki", "99999999999Ei", "0.0.0.0/0", "::1", "%", "150%", "A/B/C", "$(A)"]),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just({"": None}),
    st.just([{}]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a value."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from places(each, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a value with something else at a place; `...` removes what is there."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    kept = {k: each for k, each in pairs if new is not ... or rest or k != key}
    changed = {k: replaced(each, rest, new) if k == key else each for k, each in kept.items()}
    return changed if isinstance(value, dict) else list(changed.values())


@st.composite
def manifests(draw: st.DrawFn) -> tuple[str, Any]:
    """A collection's path and an object that would fit in it but for one to three places."""
    path = draw(st.sampled_from(sorted(VALID)))
    manifest = {**VALID[path], "metadata": {"generateName": "f-", **VALID[path].get("metadata", {})}}
    if draw(st.booleans()):
        manifest["metadata"] = {**manifest["metadata"], "ownerReferences": [OWNER], "finalizers": ["a/b"]}
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([(), *sorted(places(manifest), key=repr)]))
        manifest = replaced(manifest, place, draw(st.one_of(JUNK, st.just(...)) if place else JUNK))
    return path, manifest


WORDS = st.sampled_from(
    ["api", "apis", "v1", "apps", "namespaces", "default", "nope", "pods", "nodes", "node-1", "deployments", "status",
     "scale", "log", "exec", "binding", "eviction", "finalize", "attach", "proxy", "..", "%00", "%2f", "watch",
     "events", "bindings", "openapi", "v3", "healthz", "version", "ephemeralcontainers", "resize", "token"]
)  # fmt: skip
PATHS = st.one_of(
    st.lists(st.one_of(WORDS, st.text(max_size=4)), max_size=8).map(lambda parts: "/" + "/".join(parts)),
    st.builds(
        lambda path, tail: "/".join([path, *tail]),
        st.sampled_from(sorted(VALID)),
        st.lists(st.one_of(WORDS, st.just("present")), max_size=3),
    ),
)
VALUES = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["true", "false", "0", "1", "-1", "99999999999999999999", "All", "Exact", "NotOlderThan", "Strict",
                     "a=b", "a in (b", "metadata.name=x", "metadata.name!=x,metadata.namespace=y", "Foreground",
                     "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhL2IifQ", "2026-01-01T00:00:00Z", "\0"]),
)  # fmt: skip
QUERIES = st.dictionaries(
    st.sampled_from(
        ["limit", "continue", "resourceVersion", "resourceVersionMatch", "labelSelector", "fieldSelector", "watch",
         "timeoutSeconds", "allowWatchBookmarks", "sendInitialEvents", "dryRun", "fieldManager", "fieldValidation",
         "force", "gracePeriodSeconds", "propagationPolicy", "orphanDependents", "container", "command", "tailLines",
         "sinceTime", "sinceSeconds", "limitBytes", "follow", "previous", "timestamps", "includeObject", "pretty", "x"]
    ),
    VALUES,
    max_size=4,
)  # fmt: skip
METHODS = st.sampled_from(["GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "X"])
MEDIA = st.sampled_from([JSON, YAML, PROTOBUF, MERGE, STRATEGIC, JSON_PATCH, APPLY, "", "text/plain", ";;"])
ACCEPTS = st.sampled_from(
    [JSON, YAML, "*/*", "", PROTOBUF, "application/json;as=Table;v=v1;g=meta.k8s.io,application/json", ",;=",
     "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "application/json;q=0"]
)  # fmt: skip
TREES = st.recursive(
    JUNK, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
BODIES = st.one_of(
    st.binary(max_size=64),
    st.binary(max_size=32).map(lambda tail: b"k8s\x00" + tail),
    st.text(max_size=64).map(lambda text: text.encode("utf-8", "surrogatepass")),
    TREES.map(lambda tree: dumped(tree)),
)


def dumped(value: Any) -> bytes:
    """JSON, also of numbers that are too large for it."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS) if fits(value) else str(value).encode()


def fits(value: Any) -> bool:
    """Whether orjson can write it."""
    if isinstance(value, dict):
        return all(fits(each) for each in [*value, *value.values()])
    if isinstance(value, list):
        return all(map(fits, value))
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return not isinstance(value, int) or abs(value) < 2**63


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    """A cluster that all examples share."""
    cluster = Cluster(nodes=1, seed=1)
    cluster.client.create("configmaps", {"metadata": {"name": "present"}, "data": {"a": "b"}}, "default")
    cluster.client.create("pods", {**TEMPLATE, "metadata": {"name": "present"}}, "default")
    deployment = VALID["/apis/apps/v1/namespaces/default/deployments"]
    cluster.client.create("deployments", {**deployment, "metadata": {"name": "present"}}, "default")
    return cluster


def send(cluster: Cluster, request: Request) -> Response:
    """Send a request; whatever the answer is, it is one, and a refusal leaves the store as it was."""
    before = cluster.revision
    response = cluster.server.handle(request)
    assert cluster.server.panics == []
    if response.stream is not None:
        response.stream.close()
    if response.code >= 400:
        assert cluster.revision == before
        if response.object is not None:
            status = response.object
            assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", response.code)
            assert status["message"]
    return response


@given(manifests(), st.sampled_from(["Strict", "Warn", "Ignore"]))
def test_no_manifest_breaks_the_server(cluster: Cluster, made: tuple[str, Any], mode: str) -> None:
    path, manifest = made
    query = {"fieldValidation": mode, "dryRun": "All"}
    headers = {"host": "h", "content-type": JSON, "accept": JSON}
    response = send(cluster, Request("POST", path, query, headers, dumped(manifest)))
    assert response.code in (201, 400, 403, 404, 409, 422)


@given(st.data(), st.sampled_from(["pods", "deployments", "configmaps"]), st.sampled_from(["", "/status", "/scale"]))
def test_no_update_breaks_the_server(cluster: Cluster, data: st.DataObject, plural: str, part: str) -> None:
    manifest = orjson.loads(dumped(cluster.client.get(plural, "present", "default")))
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(sorted(places(manifest), key=repr) or [()]))
        manifest = replaced(manifest, place, data.draw(st.one_of(JUNK, st.just(...)) if place else JUNK))
    root = "/apis/apps/v1" if plural == "deployments" else "/api/v1"
    headers = {"host": "h", "content-type": JSON, "accept": JSON}
    target = f"{root}/namespaces/default/{plural}/present{part}"
    send(cluster, Request("PUT", target, {"dryRun": "All"}, headers, dumped(manifest)))


@given(METHODS, PATHS, QUERIES, MEDIA, ACCEPTS, BODIES)
def test_no_request_breaks_the_server(
    cluster: Cluster, method: str, path: str, query: dict[str, str], media: str, accept: str, body: bytes
) -> None:
    headers = {"host": "h", "content-type": media, "accept": accept}
    send(cluster, Request(method, path, {"dryRun": "All", **query}, headers, body))


PATCHED = st.sampled_from(["pods", "deployments", "configmaps"])
PATCHES = st.sampled_from([MERGE, STRATEGIC, JSON_PATCH, APPLY])


@given(PATCHED, PATCHES, TREES)
def test_no_patch_breaks_the_server(cluster: Cluster, plural: str, media: str, tree: Any) -> None:
    root = "/apis/apps/v1" if plural == "deployments" else "/api/v1"
    headers = {"host": "h", "content-type": media, "accept": JSON}
    for document in (tree, {"spec": tree, "metadata": tree}, [{"op": "replace", "path": "/spec", "value": tree}]):
        query = {"dryRun": "All", "fieldManager": "fuzz"}
        send(cluster, Request("PATCH", f"{root}/namespaces/default/{plural}/present", query, headers, dumped(document)))
