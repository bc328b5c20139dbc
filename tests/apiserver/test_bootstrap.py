"""A new cluster has the objects that every cluster has, and they pass the rules for all objects."""

from __future__ import annotations

from k8snb.apiserver.bootstrap import bootstrap_objects
from k8snb.apiserver.server import APIServer
from k8snb.client.client import Client
from k8snb.clock import VirtualClock
from k8snb.machinery.names import Lottery
from k8snb.store.mvcc import Store
from k8snb.trace import Trace
from k8snb.wire import User


def fresh() -> Client:
    clock = VirtualClock()
    store = Store(clock)
    server = APIServer(store, clock, Lottery(1), Trace(clock.now, lambda: store.revision))
    return Client(server, server.scheme, User("admin", ("system:masters",)))


def test_the_first_objects_can_be_created_in_the_order_they_come() -> None:
    client = fresh()
    for resource, obj in bootstrap_objects("192.0.2.1", 6443):
        client.create(resource, obj)
    names = [found["metadata"]["name"] for found in client.list("namespaces")]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
    classes = {found["metadata"]["name"]: found["value"] for found in client.list("priorityclasses")}
    assert classes == {"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}
    service = client.get("services", "kubernetes", "default")
    assert (service["spec"]["clusterIP"], service["spec"]["ports"][0]["targetPort"]) == ("10.96.0.1", 6443)
    (slice,) = client.list("endpointslices", "default")
    assert slice["endpoints"][0]["addresses"] == ["192.0.2.1"]
