"""A kubelet may do what the pods on its node need, and no more."""

from __future__ import annotations

import pytest

from k8snb.typing import Object
from k8snb.wire import User

from .world import World

NODE = User("system:node:node-1", ("system:nodes", "system:authenticated"))


def pod(name: str, node: str, **spec: object) -> Object:
    containers = [{"name": "c", "image": "nginx"}]
    meta = {"name": name, "namespace": "default"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"nodeName": node, "containers": containers, **spec},
    }


def world() -> World:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}}
    nodes = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}} for name in ("node-1", "node-2")]
    volumes = [{"name": "v", "secret": {"secretName": "mine"}}]
    environment = [{"name": "c", "image": "nginx", "envFrom": [{"configMapRef": {"name": "settings"}}]}]
    other = [{"name": "v", "secret": {"secretName": "theirs"}}]
    return World(
        account,
        *nodes,
        pod("a", "node-1", volumes=volumes, containers=environment),
        pod("b", "node-2", volumes=other),
    )


@pytest.mark.parametrize(
    ("verb", "resource", "name", "allowed"),
    [
        ("get", "secrets", "mine", True),
        ("get", "secrets", "theirs", False),
        ("list", "secrets", "", False),
        ("create", "secrets", "", False),
        ("get", "configmaps", "settings", True),
        ("get", "configmaps", "kube-root-ca.crt", True),
        ("get", "configmaps", "other", False),
        ("get", "pods", "a", True),
        ("get", "pods", "b", False),
        ("list", "pods", "", False),
        ("create", "serviceaccounts/token", "default", True),
        ("create", "serviceaccounts/token", "other", False),
        ("get", "services", "x", True),
        ("delete", "services", "x", False),
    ],
)
def test_it_reads_what_its_pods_use(verb: str, resource: str, name: str, allowed: bool) -> None:
    assert world().may(NODE, verb, resource, "default", name) is allowed


def test_what_pods_need_follows_them() -> None:
    here = world()
    before = here.may(NODE, "get", "secrets", "default", "mine")
    here.admin.delete("pods", "a", "default", grace=0)
    here.add(pod("c", "node-1", imagePullSecrets=[{"name": "registry"}]))
    after = [here.may(NODE, "get", "secrets", "default", name) for name in ("mine", "registry")]
    assert (before, after) == (True, [False, True])


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/api/v1/nodes/node-2", "node 'node-1' cannot read 'node-2', only its own Node object"),
        ("GET", "/api/v1/nodes", "node 'node-1' cannot read all nodes, only its own Node object"),
        ("GET", "/api/v1/pods", "can only list/watch pods with spec.nodeName field selector"),
        (
            "GET",
            "/apis/coordination.k8s.io/v1/namespaces/default/leases/x",
            'in the "kube-node-lease" system namespace',
        ),
        (
            "GET",
            "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-2",
            "can only access node lease with the same name as the requesting node",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/default/pods/b",
            'node "node-1" can only delete pods with spec.nodeName set to itself',
        ),
    ],
)
def test_it_is_told_why_it_may_not(method: str, path: str, told: str) -> None:
    assert told in world().message(method, path, None, NODE)


def test_it_lists_the_pods_bound_to_it() -> None:
    answer = world().send("GET", "/api/v1/pods?fieldSelector=spec.nodeName=node-1", None, NODE)
    assert answer.object is not None
    assert [found["metadata"]["name"] for found in answer.object["items"]] == ["a"]


def test_it_writes_its_own_node_and_pods_only() -> None:
    here = world()
    patch = {"content_type": "application/merge-patch+json"}
    label = {"metadata": {"labels": {"node-restriction.kubernetes.io/x": "y"}}}
    told = [
        here.message("PATCH", "/api/v1/nodes/node-2", {"spec": {"unschedulable": True}}, NODE, **patch),
        here.message("PATCH", "/api/v1/nodes/node-2/status", {"status": {}}, NODE, **patch),
        here.message("PATCH", "/api/v1/namespaces/default/pods/b/status", {"status": {}}, NODE, **patch),
        here.message("PATCH", "/api/v1/nodes/node-1", label, NODE, **patch),
        here.message("PATCH", "/api/v1/nodes/node-1", {"metadata": {"labels": {"a": "b"}}}, NODE, **patch),
    ]
    assert told == [
        'nodes "node-2" is forbidden: node "node-1" is not allowed to modify node "node-2"',
        'nodes "node-2" is forbidden: node "node-1" is not allowed to modify node "node-2"',
        'pods "b" is forbidden: node "node-1" can only update pod status for pods with spec.nodeName set to itself',
        'nodes "node-1" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/x',
        "",
    ]
