"""Whatever a client sends in place of a good object, it gets a proper answer, and a refusal changes nothing."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from k8snb.apiserver.bootstrap import bootstrap_objects
from k8snb.apiserver.server import APIServer
from k8snb.client.client import Client
from k8snb.clock import VirtualClock
from k8snb.machinery.names import Lottery
from k8snb.store.mvcc import Store
from k8snb.trace import Trace
from k8snb.wire import Request, Response, User

ADMIN = User("admin", ("system:masters",))
WRITES = 60
JUNK: list[Any] = [
    *(None, "", 0, -1, 1, 70000, 2**31, 1.5, True, False, [], {}, [None], [""], [{}], {"a": None}, {"": ""}),
    *("x", "None", "10.96.0.9", "::1", "a/b", "-1", "1e3", "A" * 300, "é", "10.0.0.0/8", ["a", "a"]),
]
POD = {"kind": "Pod", "namespace": "default", "name": "web", "uid": "u", "apiVersion": "v1", "resourceVersion": "7"}
TERM = {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
MICRO = "2026-01-01T00:00:00.000000Z"

GOOD: dict[str, dict[str, Any]] = {
    "services": {
        "spec": {
            "type": "LoadBalancer",
            "selector": {"a": "b"},
            "clusterIP": "10.96.0.44",
            "clusterIPs": ["10.96.0.44"],
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "PreferDualStack",
            "externalIPs": ["192.0.2.1"],
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}},
            "loadBalancerSourceRanges": ["10.0.0.0/8"],
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 30444,
            "ports": [{"name": "a", "port": 80, "nodePort": 30445}, {"name": "b", "port": 80, "protocol": "UDP"}],
        }
    },
    "configmaps": {"data": {"a": "b"}, "binaryData": {"c": "dg=="}, "immutable": False},
    "secrets": {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "e30="}},
    "serviceaccounts": {"secrets": [{"name": "a", "uid": "b"}], "imagePullSecrets": [{"name": "q"}]},
    "namespaces": {"spec": {"finalizers": ["a.b/c"]}},
    "nodes": {
        "spec": {"podCIDRs": ["10.0.0.0/24"], "taints": [{"key": "a", "effect": "NoSchedule", "value": "v"}]},
        "status": {"capacity": {"cpu": "1"}, "addresses": [{"type": "InternalIP", "address": "1.2.3.4"}]},
    },
    "persistentvolumes": {
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "csi": {"driver": "a.b", "volumeHandle": "x"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [TERM]}},
        }
    },
    "persistentvolumeclaims": {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "selector": {"matchLabels": {"a": "b"}, **TERM},
            "dataSource": {"kind": "PersistentVolumeClaim", "name": "o"},
        }
    },
    "limitranges": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1"}}]}},
    "resourcequotas": {"spec": {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}},
    "endpoints": {"subsets": [{"addresses": [{"ip": "1.2.3.4", "nodeName": "n"}], "ports": [{"port": 80}]}]},
    "events": {"involvedObject": POD, "reason": "r", "message": "m", "source": {"component": "c"}, "count": 1},
    "events.events.k8s.io": {
        "regarding": POD,
        "reason": "r",
        "note": "m",
        "action": "a",
        "type": "Normal",
        "eventTime": MICRO,
        "reportingController": "a.b/c",
        "reportingInstance": "i",
        "series": {"count": 2, "lastObservedTime": MICRO},
    },
    "endpointslices.discovery.k8s.io": {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["1.2.3.4"], "hints": {"forZones": [{"name": "a"}]}, "nodeName": "n"}],
        "ports": [{"name": "a", "port": 1}],
    },
    "leases.coordination.k8s.io": {"spec": {"holderIdentity": "a", "leaseDurationSeconds": 4, "renewTime": MICRO}},
    "priorityclasses.scheduling.k8s.io": {"value": 4, "globalDefault": True, "preemptionPolicy": "Never"},
}


class Target:
    """A server with what every cluster has, and a kind of object to send to it."""

    def __init__(self, word: str) -> None:
        clock = VirtualClock()
        self.store = Store(clock)
        self.server = APIServer(self.store, clock, Lottery(1), Trace(clock.now, lambda: self.store.revision))
        client = Client(self.server, self.server.scheme, ADMIN)
        for resource, obj in bootstrap_objects():
            client.create(resource, obj)
        found = self.server.scheme.find(word)
        assert found is not None
        namespace = "default" if found.namespaced else ""
        self.path = found.path(namespace)
        identity = {"apiVersion": found.api_version, "kind": found.kind, "metadata": {"name": "x"}}
        self.good: dict[str, Any] = {**identity, **GOOD[word]}

    def send(self, method: str, obj: Any) -> Response:
        path = self.path if method == "POST" else f"{self.path}/x"
        patch = method == "PATCH"
        headers = {"content-type": "application/merge-patch+json" if patch else "application/json"}
        return self.server.handle(Request(method, path, {}, headers, json.dumps(obj).encode(), user=ADMIN))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def mutated(good: Any, lots: random.Random) -> Any:
    """The object with one of its fields gone, or something else in its place."""
    bad = copy.deepcopy(good)
    *way, last = lots.choice(list(places(bad)))
    target = bad
    for key in way:
        target = target[key]
    if lots.random() < 0.25:
        del target[last]
    else:
        target[last] = copy.deepcopy(lots.choice(JUNK))
    return bad


@pytest.mark.parametrize("word", GOOD)
def test_a_bad_object_is_refused_properly_and_leaves_no_trace(word: str) -> None:
    target, lots = Target(word), random.Random(word)
    assert target.send("POST", target.good).code == 201
    for _ in range(WRITES):
        before = target.store.revision
        method = lots.choice(["POST", "PUT", "PATCH"])
        response = target.send(method, mutated(target.good, lots))
        assert target.server.panics == []
        if response.code >= 300:
            assert response.object is not None
            assert (response.object["kind"], response.object["code"]) == ("Status", response.code)
            assert target.store.revision == before
            assert response.code in (400, 403, 404, 409, 422, 500)
